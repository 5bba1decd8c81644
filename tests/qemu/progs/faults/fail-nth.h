/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of fail-nth share. */
#ifndef KHO_TEST_FAIL_NTH_H
#define KHO_TEST_FAIL_NTH_H

#include "ioctl.h"

struct test_case {
	const char *name;
	void (*prepare)(void);
	int (*run)(void);
	/* Is all as it should be, whether @run failed or not? */
	bool (*look)(void);
	/* Clean up after success, and after failure. */
	void (*undo)(void);
	void (*drop)(void);
	/* How many failures there have to be at least. */
	int least;
};

/* fail-nth.c */
void nothing(void);
bool nothing_to_see(void);
void run_cases(const struct test_case *c, size_t nr);

/* fail-objects.c */
int do_fork(void);
void make_content(void);
void run_object_cases(void);

/* fail-pages.c */
void choose_pages(void);
void run_page_cases(void);
void find_arrived(void);
void run_arrived_cases(void);

#endif /* KHO_TEST_FAIL_NTH_H */

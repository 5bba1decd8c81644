/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the agent share. */
#ifndef KHO_TEST_AGENT_H
#define KHO_TEST_AGENT_H

#include <stdbool.h>

#include "guest.h"

#define WORDS		(PAGE / 8)

struct place {
	__u64 pfn;
	__u64 *page;
};

/* agent.c */
__u64 number(const char *s);
__u64 word_of(__u64 seed, __u64 pfn, unsigned int i);
void fill_page(__u64 *page, __u64 seed, __u64 pfn);
int by_pfn(const void *a, const void *b);
int open_pages(int kho, __u64 pfn, __u32 order);
int open_object(int kho, const char *name, __u64 *bytes);

/* agent-status.c: a command */
int cmd_status(char **argv);

/* agent-mainline.c: a command */
int cmd_kho_test(char **argv);

/* agent-where.c: a command */
int cmd_where(char **argv);

/* agent-apart.c: commands */
int cmd_apart(char **argv);
int cmd_check_apart(char **argv);
int cmd_handoff(char **argv);

/* agent-scratch.c: commands */
int cmd_scratch(char **argv);
int cmd_image(char **argv);
int cmd_load_by_file(char **argv);
int cmd_contend(char **argv);
int cmd_wall(char **argv);

#endif /* KHO_TEST_AGENT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the program guard share.
 */
#ifndef KHO_TEST_GUARD_H
#define KHO_TEST_GUARD_H

#include <sys/types.h>

#define DEVICE_GROUP	2000
#define DIR		"/run/guard"

/* Becomes a user whom the device's group lets in, and opens the device. */
void become_user(uid_t real, uid_t effective);
void write_text(const char *path, const char *text);

/* guard-view.c */
void test_races(void);
void test_seals(void);
void test_readers(void);

/* guard-limits.c */
void test_namespaces(void);
void test_cgroup(void);

#endif /* KHO_TEST_GUARD_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that test /dev/kho share.  They speak TAP.
 */
#ifndef KHO_TEST_IOCTL_H
#define KHO_TEST_IOCTL_H

#include <stdbool.h>

#include "guest.h"

#define POOL_PAGES	4096

extern int kho;
extern int tests, failures;
/* Pages to preserve. */
extern char *pool;
extern __u64 pool_pfn[POOL_PAGES];
/* Two neighbours of the pool, the first with an even page number. */
extern __u64 pair_pfn;

/* One line of TAP; returns @good. */
ATTRIBUTE(format(printf, 2, 3))
bool result(bool good, const char *format, ...);
/* It has to have been a success. */
bool done(int err, const char *what);
/* As done(), for what is no test of its own. */
void need(int err, const char *what);
const char *name_of(int err);

/* 0 or an errno, as all that follow. */
int call(unsigned long cmd, void *arg);
int add_page(__u64 pfn, __u32 order);
int del_page(__u64 pfn, __u32 order);
int create(const char *name, __u64 bytes, int *fd);
int remove_object(const char *name);

/* Is as much preserved as before? */
bool unchanged(const struct kho_query *before, const char *what);
/* The command has to fail with @want, and change nothing. */
void refused(int want, unsigned long cmd, void *arg, const char *what);

void make_pool(void);

/* ioctl-cases.c */
void test_pages(void);
void test_batches(void);
void test_names(void);
void test_objects(void);
void test_lists(void);

/* ioctl-envelopes.c */
void test_envelopes(void);

#endif /* KHO_TEST_IOCTL_H */

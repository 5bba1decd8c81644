/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs that test /dev/kho share.  They speak TAP.
 */
#ifndef KHO_TEST_IOCTL_H
#define KHO_TEST_IOCTL_H

#include <stdbool.h>
#include <sys/types.h>

#include "guest.h"

#define POOL_PAGES	4096
#define HUGE_SIZE	(2UL << 20)

extern int kho;
extern int tests, failures;
/* Pages to preserve. */
extern char *pool;
extern __u64 pool_pfn[POOL_PAGES];
/* The first of two adjacent pages of the pool; an even page number. */
extern __u64 pair_pfn;

/* One line of TAP; returns @good. */
ATTRIBUTE(format(printf, 2, 3))
bool result(bool good, const char *format, ...);
/* Tests that @err is 0. */
bool done(int err, const char *what);
/* For steps that are no tests of their own: dies if @err is not 0. */
void need(int err, const char *what);
const char *name_of(int err);

/* These return 0 or an errno.  call() is on /dev/kho, call_on() on any file. */
int call(unsigned long cmd, void *arg);
int call_on(int fd, unsigned long cmd, void *arg);
int add_page(__u64 pfn, __u32 order);
int del_page(__u64 pfn, __u32 order);
int create(const char *name, __u64 bytes, int *fd);
int create_as(const char *name, __u64 bytes, __u32 flags, __u32 node, int *fd);
int open_object(const char *name, __u32 flags, int *fd);
int remove_object(const char *name);
int preserve(const char *name, const void *p, __u64 bytes, __u32 flags, int *fd);
int commit_object(int fd);
int seal_object(int fd, __u32 flags);
int resize_object(int fd, __u64 bytes);
int set_data(int fd, const void *data, __u32 bytes);
int set_owner(int fd, __u32 which, __u32 uid, __u32 gid, __u32 mode);
int verify(int fd, struct kho_obj_verify *verify);
void object_info(int fd, struct kho_obj_info *info);

/* Is as much preserved as before? */
bool unchanged(const struct kho_query *before, const char *what);
/* The command has to fail with @want, and change nothing. */
void refused(int want, unsigned long cmd, void *arg, const char *what);
void refused_on(int want, int fd, unsigned long cmd, void *arg,
		const char *what);
/* Tests that something else has failed with @want, and not with another @err. */
bool failed_with(int want, int err, const char *what);

void make_pool(void);

/*
 * Runs @run in a process of its own, and counts its results as ours.  If the process
 * does not come to its end, the result that fails is called @what.
 */
void in_child(const char *what, void (*run)(void *arg), void *arg);
/* Starts a process, which waits to be killed after @run; returns when @run has. */
pid_t start_child(void (*run)(void *arg), void *arg);
void kill_child(pid_t pid);

/* Anonymous memory, a file's, and a memfd; all of these die if they fail. */
char *map_anon(size_t bytes);
char *map_fd(int fd, size_t bytes, int prot, int flags);
int make_memfd(const char *name, size_t bytes);
/* A mapping at a multiple of @align, with nothing mapped right behind it. */
char *map_aligned(size_t bytes, size_t align, int fd, int prot, int flags);

/* Does the object begin with the same @bytes bytes as the memory at @p? */
bool object_is(int fd, const void *p, size_t bytes);
/* Are all bytes at @p zero? */
bool all_zero(const void *p, size_t bytes);
/* Does the kernel say that this page is poisoned? */
bool is_poisoned(__u64 pfn);
/* Poisons a page, as after a memory error that no process has come upon. */
void offline_page(__u64 pfn);
/* Can the byte at @p be read, or written?  If not, it has raised a signal. */
bool can_touch(volatile char *p, bool write);
/* The field @key of /proc/self/smaps for the mapping at @p, in KiB. */
long smaps_of(const void *p, const char *key);
/* The line of /proc/self/maps of the mapping at @p. */
void maps_of(const void *p, char *line, size_t size);
/* Are there transparent huge pages?  With PREEMPT_RT there are none. */
bool has_thp(void);
/* @n huge pages: transparent ones, present and whole; hugetlb's, not yet present. */
char *map_thp(size_t n);
char *map_hugetlb(size_t n);
/* Pages that are pinned in the whole system; 0 for users, who can't tell. */
long pinned(void);
/* Are @want pages pinned, at most 10 s from now?  Some are given up in the background. */
bool pins_are(long want);
/* Fills memory with one word in each 64 bytes, which depends on @seed and its place. */
void fill(char *p, size_t bytes, unsigned int seed);

/* ioctl-cases.c */
void test_pages(void);
void test_batches(void);
void test_undoing(void);
void test_names(void);
void test_objects(void);
void test_lists(void);

/* ioctl-envelopes.c */
void test_envelopes(void);

/* Does the kernel have to have what some tests need, and not each kernel has? */
extern bool full;
/* Has it failed because the kernel lacks a system call, which it may? */
bool need_not_be(int err);

/* ioctl-objects.c */
void test_creating(void);
void test_resizing(void);
void test_sealing(void);
void test_data(void);
void test_committing(void);
void test_verifying(void);

/* ioctl-using.c */
void test_using(void);

/* ioctl-many.c */
void test_many(void);
void test_giving_back(void);

/* ioctl-memory.c */
/* Preserving @bytes at @p has to fail with @want, and to tell @why and the address @bad. */
void bad_preserve(int want, __u32 why, const void *p, __u64 bytes,
		  const void *bad, const char *what);
/* Preserving them has to succeed; @writable is where they can be written, or NULL. */
void good_preserve(const char *p, char *writable, __u64 bytes, const char *what);
void test_ranges(void);
void test_kinds(void);
void test_huge(void);

/* ioctl-pinned.c */
void test_afterwards(void);
void test_twice(void);
void test_no_room(void);
void test_killing(void);

/* ioctl-access.c */
void test_access(void);

#endif /* KHO_TEST_IOCTL_H */

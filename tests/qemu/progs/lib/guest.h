/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the guest's test programs share.
 */
#ifndef KHO_TEST_GUEST_H
#define KHO_TEST_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kho.h>

#define PAGE		4096ULL
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ATTRIBUTE(...)	__attribute__((__VA_ARGS__))

static inline __u64 ptr64(const void *p)
{
	return (uintptr_t)p;
}

ATTRIBUTE(noreturn, format(printf, 1, 2))
static inline void die(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static inline int open_kho(void)
{
	int fd = open("/dev/kho", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("/dev/kho: %s", strerror(errno));
	return fd;
}

static inline void get_query(int kho, struct kho_query *q)
{
	memset(q, 0, sizeof(*q));
	q->size = sizeof(*q);
	if (ioctl(kho, KHO_QUERY, q))
		die("KHO_QUERY: %s", strerror(errno));
}

/* @n 64-bit words of a /proc file that has one per page. */
static inline void proc_words(const char *path, __u64 index, __u64 *word,
			      size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, word, n * 8, index * 8) != (ssize_t)(n * 8))
		die("%s: can't read %zu entries at %#llx", path, n, index);
	close(fd);
}

static inline __u64 proc_word(const char *path, __u64 index)
{
	__u64 word;

	proc_words(path, index, &word, 1);
	return word;
}

/*
 * Page numbers of the @n pages from @p on, which all have to be present.  A page that is
 * just being moved, as those in scratch are, looks as if it were not.
 */
static inline void pfns_of(const void *p, __u64 *pfn, size_t n)
{
	unsigned int tries = 0;
	size_t i;

	proc_words("/proc/self/pagemap", (uintptr_t)p / PAGE, pfn, n);
	for (i = 0; i < n; i++) {
		while (!(pfn[i] >> 63) && tries++ < 200) {
			usleep(10000);
			pfn[i] = proc_word("/proc/self/pagemap", (uintptr_t)p / PAGE + i);
		}
		if (!(pfn[i] >> 63))
			die("page %zu from %p on is not there", i, p);
		pfn[i] &= (1ULL << 55) - 1;
		if (!pfn[i])
			die("page numbers are hidden");
	}
}

static inline __u64 pfn_of(const void *p)
{
	__u64 pfn;

	pfns_of(p, &pfn, 1);
	return pfn;
}

/* @n pages that are present and locked. */
static inline void *locked_pages(size_t n)
{
	char *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (p == MAP_FAILED)
		die("mmap of %zu pages: %s", n, strerror(errno));
	/* Fails in a kernel without huge pages, where it is not needed. */
	madvise(p, n * PAGE, MADV_NOHUGEPAGE);
	if (mlock(p, n * PAGE))
		die("mlock of %zu pages: %s", n, strerror(errno));
	for (i = 0; i < n; i++)
		p[i * PAGE] = 1;
	return p;
}

#endif /* KHO_TEST_GUEST_H */

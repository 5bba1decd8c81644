// SPDX-License-Identifier: GPL-2.0
/*
 * Times preserving memory by its address, and only pinning it, in turns.  Prints
 * lines "ours|base NANOSECONDS PAGES".
 */
#include <time.h>

#include <libkho.h>

#include "bench.h"
#include "kmod/pin.h"

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void *memory(const char *kind, size_t bytes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *p;

	if (!strcmp(kind, "2m"))
		flags |= MAP_HUGETLB;
	else if (strcmp(kind, "4k"))
		die("%s is neither 4k nor 2m", kind);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		die("mmap of %zu bytes: %s", bytes, strerror(errno));
	if (!(flags & MAP_HUGETLB))
		madvise(p, bytes, MADV_NOHUGEPAGE);
	memset(p, 1, bytes);
	return p;
}

/* Waits for the end of deferred free, which would disturb the next measurement. */
static void wait_until_free(int kho)
{
	struct kho_query q;

	do {
		if (kho_query(kho, &q))
			die("kho_query: %s", strerror(errno));
		usleep(1000);
	} while (q.freeing_done < q.freeing_pages);
}

/* bench pin 4k|2m BYTES ROUNDS */
int bench_pin(char **argv)
{
	size_t bytes = strtoull(argv[1], NULL, 0), page;
	unsigned int rounds = argv[2] ? atoi(argv[2]) : 0, i;
	int dev, kho = kho_open(NULL);
	void *p;

	page = strcmp(argv[0], "2m") ? PAGE : PAGE * 512;
	if (kho < 0 || !rounds || !bytes || bytes % page)
		die("bench pin: wrong arguments, or no /dev/kho");
	dev = open("/dev/kho_bench_pin", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("/dev/kho_bench_pin: %s", strerror(errno));
	p = memory(argv[0], bytes);

	for (i = 0; i <= rounds; i++) {
		struct bench_pin base = { .addr = ptr64(p), .bytes = bytes };
		struct kho_refusal why;
		__u64 begin, ns;
		int obj;

		if (ioctl(dev, BENCH_PIN, &base))
			die("BENCH_PIN: %s", strerror(errno));
		begin = now_ns();
		obj = kho_object_preserve(kho, "bench", p, bytes, 0, &why);
		ns = now_ns() - begin;
		if (obj < 0)
			die("kho_object_preserve: %s, %s", strerror(errno),
			    kho_why_text(why.why));
		close(obj);
		if (kho_object_remove(kho, "bench"))
			die("kho_object_remove: %s", strerror(errno));
		wait_until_free(kho);
		/* The first round only warms up. */
		if (i)
			printf("base %llu %zu\nours %llu %zu\n", base.ns,
			       bytes / page, ns, bytes / page);
	}
	return 0;
}

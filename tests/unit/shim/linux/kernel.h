/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <stdio.h>
#include <stdlib.h>

#include <linux/types.h>

#ifdef SHIM_THREADS
/* Sometimes lets other threads run, between a read and the write that follows from it. */
void threads_yield(void);
#else
#define threads_yield()		((void)0)
#endif

#define WRITE_ONCE(x, val) do {						\
	__typeof__(x) write_val = (val);				\
									\
	threads_yield();						\
	__atomic_store_n(&(x), write_val, __ATOMIC_RELAXED);		\
} while (0)
/* The kernel orders dependent accesses; C has nothing weaker than acquire for that. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
/* Whoever reads this value also sees all earlier writes. */
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

/* Whoever reads a value that was written like that sees all writes before it. */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
/* ThreadSanitizer knows no fences. */
#define smp_mb() do {							\
	static int mb_word;						\
									\
	__atomic_fetch_add(&mb_word, 1, __ATOMIC_SEQ_CST);		\
} while (0)

#define container_of(ptr, type, member)	\
	((type *)((char *)(ptr) - offsetof(type, member)))

#define min_t(type, a, b) ({						\
	type min_a = (a), min_b = (b);					\
									\
	min_a < min_b ? min_a : min_b; })

/* Like the kernel's, this one refuses operands of different types. */
#define min(a, b) ({							\
	__typeof__(a) min_a = (a);					\
	__typeof__(b) min_b = (b);					\
									\
	(void)(&min_a == &min_b);					\
	min_a < min_b ? min_a : min_b; })

#define WARN_ON_ONCE(cond) ({						\
	bool warn_cond = (cond);					\
									\
	if (warn_cond) {						\
		printf("# WARN_ON_ONCE(%s)\n", #cond);			\
		fflush(stdout);						\
		abort();						\
	}								\
	warn_cond; })

#ifndef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#endif

#define noinline		__attribute__((noinline))

#define likely(cond)		__builtin_expect(!!(cond), 1)
#define unlikely(cond)		__builtin_expect(!!(cond), 0)

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define might_sleep()		((void)0)

#endif

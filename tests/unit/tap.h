/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Test Anything Protocol, for a test that is a single program.
 *
 * A program that ends in any other way than through tap_done() fails: there is
 * no plan then, and the exit status is not 0.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned int tap_nr, tap_bad;
static int tap_ended;

static inline void tap_at_exit(void)
{
	if (!tap_ended) {
		fflush(stdout);
		fprintf(stderr, "# the test ended early\n");
		_exit(99);
	}
}

static inline void tap_start(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	atexit(tap_at_exit);
}

__attribute__((format(printf, 4, 5)))
static inline int tap_result(int good, const char *file, int line,
			     const char *fmt, ...)
{
	va_list ap;

	printf("%sok %u - ", good ? "" : "not ", ++tap_nr);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!good) {
		tap_bad++;
		printf("# failed at %s:%d\n", file, line);
	}
	return good;
}

static inline int tap_done(void)
{
	printf("1..%u\n", tap_nr);
	tap_ended = 1;
	return tap_bad || !tap_nr;
}

#define ok(good, ...) \
	tap_result(!!(good), __FILE__, __LINE__, __VA_ARGS__)

/* @got and @want are compared as u64 and shown in hex if they differ. */
#define is(got, want, ...) do {						\
	unsigned long long is_got = (unsigned long long)(got);		\
	unsigned long long is_want = (unsigned long long)(want);	\
									\
	if (!ok(is_got == is_want, __VA_ARGS__))			\
		printf("#  got 0x%llx\n# want 0x%llx\n", is_got,	\
		       is_want);					\
} while (0)

/* Compares two strings, either of which may be NULL. */
#define is_str(got, want, ...) do {					\
	const char *is_got = (got), *is_want = (want);			\
									\
	if (!ok(is_got && is_want ? !strcmp(is_got, is_want) :		\
		is_got == is_want, __VA_ARGS__))			\
		printf("#  got %s\n# want %s\n",			\
		       is_got ? is_got : "NULL",			\
		       is_want ? is_want : "NULL");			\
} while (0)

/*
 * For checks that are too many to print a line each: prints nothing while @cond
 * is true, and aborts when it is not.
 */
#define must(cond, ...) do {						\
	if (!(cond)) {							\
		printf("# failed at %s:%d: %s\n# ", __FILE__, __LINE__,	\
		       #cond);						\
		printf(__VA_ARGS__);					\
		putchar('\n');						\
		fflush(stdout);						\
		abort();						\
	}								\
} while (0)

#endif /* TAP_H */

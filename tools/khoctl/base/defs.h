/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all parts of khoctl use.
 */
#ifndef KHOCTL_DEFS_H
#define KHOCTL_DEFS_H

/* Exit status of khoctl and return value of each command */
enum {
	DONE = 0,
	FAILED = 1,
	USAGE = 2,
	UNSAFE = 3,		/* status, check: a jump now would lose something */
	REFUSED = 4,		/* status, check: what was sent to this kernel was refused */
};

#define MIB		(1ULL << 20)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ATTRIBUTE(...)	__attribute__((__VA_ARGS__))
#define PRINTF(f, a)	ATTRIBUTE(__format__(__printf__, f, a))

#endif /* KHOCTL_DEFS_H */

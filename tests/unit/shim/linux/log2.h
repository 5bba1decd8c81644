/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LOG2_H
#define SHIM_LINUX_LOG2_H

static inline int ilog2(unsigned long n)
{
	int log = -1;

	if (!n)
		__builtin_trap();	/* undefined in the kernel */
	for (; n; n >>= 1)
		log++;
	return log;
}

#endif

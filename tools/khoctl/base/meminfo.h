/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much memory this system has now, from /proc.
 */
#ifndef KHOCTL_MEMINFO_H
#define KHOCTL_MEMINFO_H

#include <linux/types.h>

/*
 * Bytes of memory that programs could still get, and those of free swap.  Return: 0 or a
 * negative errno
 */
int memory_available(__u64 *available, __u64 *swap);
/* Bytes that the host has taken from this virtual machine by a balloon, or 0 */
__u64 memory_ballooned(void);

#endif /* KHOCTL_MEMINFO_H */

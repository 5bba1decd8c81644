/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scratch: where the next kernel is loaded, and boots.
 */
#ifndef KHOCTL_SCRATCH_H
#define KHOCTL_SCRATCH_H

#include <linux/kho.h>

/*
 * Has scratch found if there is none (@bytes 0), or so much.  @held: NULL, or set to
 * how much of it this kernel does not use.  Return: 0 with *@q read anew, or -errno
 */
int scratch_take(int dev, struct kho_query *q, __u64 bytes, __u64 *held);

#endif /* KHOCTL_SCRATCH_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scratch, the memory that the next kernel is loaded into and boots in.
 */
#ifndef KHOCTL_SCRATCH_H
#define KHOCTL_SCRATCH_H

#include <linux/kho.h>

/*
 * Has the module allocate scratch if there is none, or more if there is less than @bytes.
 * If @bytes is 0, any size is enough, and the usual one is wanted.  @held: set, unless
 * NULL, to how much of it this kernel does not use.  Queries the device again into @q.
 * Return: 0 or a negative errno
 */
int scratch_take(int dev, struct kho_query *q, __u64 bytes, __u64 *held);
/* What to do if scratch has less than @need bytes; the caller frees it. */
char *scratch_fix(const struct kho_query *q, __u64 need);

#endif /* KHOCTL_SCRATCH_H */

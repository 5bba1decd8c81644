/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module is told, and tells, of the next kernel that is loaded.
 */
#ifndef KHOCTL_LOADED_H
#define KHOCTL_LOADED_H

#include <stdbool.h>

#include <linux/kho.h>

/*
 * A kernel is about to be loaded, was loaded, or is no more (KHO_IMAGE_*); @limit:
 * its memory ends there, or 0.  Return: 0 or a negative errno
 */
int image_tell(int dev, __u32 state, __u64 limit);
/* None is loaded: nothing depends any more on what it knew of the memory. */
void image_forget(void);
/* Is a kernel @loaded, and has memory been added or taken away since? */
bool image_is_stale(const struct kho_query *q, int loaded);

#endif /* KHOCTL_LOADED_H */

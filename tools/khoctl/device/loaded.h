/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Telling the module about the loaded kernel.
 */
#ifndef KHOCTL_LOADED_H
#define KHOCTL_LOADED_H

#include <stdbool.h>

#include <linux/kho.h>

/*
 * Tells the module that a kernel is about to be loaded, is loaded, or was unloaded
 * (@state: KHO_IMAGE_*).  @limit: where its memory ends, or 0; @by_file: kexec_file_load()
 * is about to load it, called by this process or a child.  Return: 0 or a negative
 * errno
 */
int image_tell(int dev, __u32 state, __u64 limit, bool by_file);
/* Tells the module that no kernel is loaded, and removes the record of what was. */
void image_forget(void);
/* True if a kernel is @loaded and memory was added or removed since then */
bool image_is_stale(const struct kho_query *q, int loaded);

#endif /* KHOCTL_LOADED_H */

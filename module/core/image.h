/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel that is loaded, as far as the module knows of it.
 */
#ifndef KHO_CORE_IMAGE_H
#define KHO_CORE_IMAGE_H

#include <linux/types.h>

int kho_image_set(u32 state, u64 limit, bool file);
bool kho_image_seen(unsigned int renewals);
void kho_image_gone(void);

#endif /* KHO_CORE_IMAGE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What RAM the machine has.
 */
#ifndef KHO_IOMEM_H
#define KHO_IOMEM_H

#include <linux/types.h>

/* Called for each range of a walk; a result other than 0 ends the walk. */
typedef int (*kho_range_fn_t)(u64 addr, u64 bytes, void *data);

u64 kho_end_of_memory(void);
u64 kho_ram_pages(u64 addr, u64 bytes);
int kho_walk_ram(u64 addr, u64 bytes, kho_range_fn_t fn, void *data);

#endif /* KHO_IOMEM_H */

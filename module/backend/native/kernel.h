/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel KHO, as far as modules can use it.
 *
 * Only kernel.c includes the kernel's headers for it, as these share names with ours.
 */
#ifndef KHO_NATIVE_KERNEL_H
#define KHO_NATIVE_KERNEL_H

#include <linux/types.h>

bool kho_native_enabled(void);
bool kho_native_booted(void);
unsigned int kho_native_abi(void);
void kho_native_find_scratch(void);
bool kho_native_in_scratch(u64 pfn, u64 nr_pages);
u64 kho_native_next_scratch(u64 pfn);
bool kho_native_knows_scratch(void);
bool kho_native_keeps(u64 pfn, unsigned int order);
int kho_native_preserve(u64 pfn, u64 nr_pages);
void kho_native_unpreserve(u64 pfn, u64 nr_pages);
int kho_native_restore(u64 pfn, u64 nr_pages);
int kho_native_add_subtree(const char *name, void *data, size_t size);
void kho_native_remove_subtree(void *data);
int kho_native_retrieve(const char *name, u64 *addr, u64 *size);

#endif /* KHO_NATIVE_KERNEL_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel that has KHO of its own: there the module preserves and restores by
 * the kernel's functions, and the tree in the module only tells what is whose.
 *
 * native.c alone includes the kernel's headers about it: they and ours have
 * names in common.
 */
#ifndef KHO_NATIVE_H
#define KHO_NATIVE_H

#include <linux/kconfig.h>
#include <linux/types.h>

static inline bool kho_native(void)
{
	return IS_ENABLED(CONFIG_KEXEC_HANDOVER);
}

#ifdef CONFIG_KEXEC_HANDOVER

bool kho_native_enabled(void);
bool kho_native_booted(void);
unsigned int kho_native_abi(void);
int kho_native_init(void);
bool kho_native_in_scratch(u64 pfn, u64 nr_pages);
bool kho_native_knows_scratch(void);
bool kho_native_waits(u64 pfn, unsigned int order);
int kho_native_preserve(u64 pfn, u64 nr_pages);
void kho_native_unpreserve(u64 pfn, u64 nr_pages);
int kho_native_restore(u64 pfn, u64 nr_pages);
int kho_native_add_subtree(const char *name, void *blob, size_t size);
void kho_native_remove_subtree(void *blob);
int kho_native_retrieve(const char *name, u64 *addr, u64 *size);

#else

static inline bool kho_native_enabled(void) { return false; }
static inline bool kho_native_booted(void) { return false; }
static inline unsigned int kho_native_abi(void) { return 0; }
static inline int kho_native_init(void) { return 0; }
static inline bool kho_native_in_scratch(u64 pfn, u64 nr_pages) { return false; }
static inline bool kho_native_knows_scratch(void) { return true; }
static inline bool kho_native_waits(u64 pfn, unsigned int order) { return false; }
static inline int kho_native_preserve(u64 pfn, u64 nr_pages) { return 0; }
static inline void kho_native_unpreserve(u64 pfn, u64 nr_pages) { }
static inline int kho_native_restore(u64 pfn, u64 nr_pages) { return 0; }
static inline int kho_native_add_subtree(const char *name, void *blob, size_t size)
{
	return 0;
}

static inline void kho_native_remove_subtree(void *blob) { }
static inline int kho_native_retrieve(const char *name, u64 *addr, u64 *size)
{
	return 0;
}

#endif

#endif /* KHO_NATIVE_H */

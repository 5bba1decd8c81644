/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the stub is built for.  No other file of the
 * stub tests what kernel it is in.  Vendors take changes back to older kernels, so
 * this tests for the thing itself where the compiler can see it.
 */
#ifndef KHO_COMPAT_H
#define KHO_COMPAT_H

#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/page-isolation.h>
#include <linux/version.h>
#ifdef CONFIG_ARCH_HAS_CC_PLATFORM
#include <linux/cc_platform.h>
#else
#include <linux/mem_encrypt.h>
#endif

/*
 * memblock_free() took a physical address before 3ecc68349bba "memblock: rename
 * memblock_free to memblock_phys_free" and 4421cca0a3e4 "memblock: use memblock_free
 * for freeing virtual pointers", both of 5.16.
 */
static inline void __init kho_memblock_free(u64 phys, u64 size)
{
	typedef int (by_address)(phys_addr_t base, phys_addr_t size);

	memblock_free(__builtin_choose_expr(__same_type(memblock_free, by_address),
					    phys, __va(phys)), size);
}

/*
 * 46b49b12f3fc "arch/cc: Introduce a function to check for confidential computing
 * features", 5.16 and some stable kernels.
 */
#ifdef CONFIG_ARCH_HAS_CC_PLATFORM
#define kho_memory_encrypted()	cc_platform_has(CC_ATTR_MEM_ENCRYPT)
#elif LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define kho_memory_encrypted()	mem_encrypt_active()
#else
#define kho_memory_encrypted()	false
#endif

/* Makes a pageblock movable that has no free page. */
static inline void kho_set_movable(struct page *first)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	init_pageblock_migratetype(first, MIGRATE_MOVABLE, false);
#else
	set_pageblock_migratetype(first, MIGRATE_MOVABLE);
#endif
}

#endif /* KHO_COMPAT_H */

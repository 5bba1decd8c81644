/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that are charged to a memory cgroup, and what their struct page says of it.
 */
#ifndef KHO_COMPAT_CHARGE_H
#define KHO_COMPAT_CHARGE_H

#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/version.h>

/*
 * 18b2db3b0385 ("mm: Convert page kmemcg type to a page memcg flag", 5.11): before that,
 * such a page is marked in the field that counts its mappings, so no process can map it.
 * What processes map is charged to nobody there.
 */
#ifdef PG_kmemcg
#define KHO_CHARGES_MAPPED	0
#define KHO_GFP_MAPPED		GFP_KERNEL
#else
#define KHO_CHARGES_MAPPED	1
#define KHO_GFP_MAPPED		GFP_KERNEL_ACCOUNT
#endif

/* bcfe06bf2622 ("mm: memcontrol: Use helpers to read page's memcg data", 5.11) renamed it. */
#ifdef PG_kmemcg
#define kho_memcg_data		mem_cgroup
#else
#define kho_memcg_data		memcg_data
#endif

/*
 * b4e0b68fbd9d ("mm: memcontrol: use obj_cgroup APIs to charge kmem pages", 5.13): kernel
 * memory is charged to an obj_cgroup.  Before that, pages are given back one by one.
 */
#ifdef CONFIG_MEMCG
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 13, 0)
static inline bool kho_charged_as_kernel(struct page *page) { return false; }
static inline void kho_put_objcg(unsigned long memcg_data) { }
#else
static inline bool kho_charged_as_kernel(struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
	return PageMemcgKmem(page);
#else
	return folio_memcg_kmem(page_folio(page));
#endif
}

static inline void kho_put_objcg(unsigned long memcg_data)
{
	obj_cgroup_put((struct obj_cgroup *)(memcg_data & ~(unsigned long)MEMCG_DATA_KMEM));
}
#endif
#endif

#endif /* KHO_COMPAT_CHARGE_H */

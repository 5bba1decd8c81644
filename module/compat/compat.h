/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that checks the kernel version.  The rest is written for the
 * newest kernel; this file makes older ones look like it.  Each entry names the
 * upstream commit that made the difference, and tests for the feature itself
 * wherever the preprocessor can see it.
 */
#ifndef KHO_COMPAT_H
#define KHO_COMPAT_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/version.h>

#include <uapi/linux/kexec.h>

/* include/kho/abi.h needs to know what the kernel defines of setup_data nodes. */
#ifdef CONFIG_X86
#include <asm/bootparam.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "kho needs Linux 6.1 or later"
#endif

/*
 * 5e0a760b4441 ("mm, treewide: rename MAX_ORDER to MAX_PAGE_ORDER", 6.8) after
 * 23baf831a32c ("mm, treewide: redefine MAX_ORDER sanely", 6.4), which made
 * the bound inclusive: 6.4 to 6.7 have the old name with the new meaning, and
 * only the version tells them apart from earlier kernels.
 */
#ifndef MAX_PAGE_ORDER
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER (MAX_ORDER - 1)
#else
#define MAX_PAGE_ORDER MAX_ORDER
#endif
#endif

/*
 * d1554fb63020 ("mm/page_isolation: remove migratetype parameter from more
 * functions", 6.17): alloc_contig_range() takes flags instead of a migratetype.
 * Both are integers, so the compiler does not warn: MIGRATE_MOVABLE would now
 * mean ACR_FLAGS_CMA.
 */
#ifndef ACR_FLAGS_NONE
#define ACR_FLAGS_NONE MIGRATE_MOVABLE
#endif

/*
 * bc292ab00f6c ("mm: introduce vma->vm_flags wrapper functions", 6.3) made
 * vm_flags a read-only member.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_set(vma, flags) ((vma)->vm_flags |= (flags))
#endif

/*
 * 4c630f307455 ("mm/gup: remove vmas parameter from pin_user_pages()", 6.5).
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define kho_pin_user_pages(start, nr_pages, gup_flags, pages) \
	pin_user_pages(start, nr_pages, gup_flags, pages, NULL)
#else
#define kho_pin_user_pages pin_user_pages
#endif

/*
 * 8be7258aad44 ("mseal: add mseal syscall", 6.10): mappings whose protection
 * can no longer be changed, on 64-bit only.
 */
#ifdef VM_SEALED
#define KHO_VM_SEALED VM_SEALED
#else
#define KHO_VM_SEALED 0
#endif

/*
 * 3c8e44c9b369 ("mm: mark special bits for huge pfn mappings when inject", 6.12)
 * and related commits: page faults ask any driver for PUD-sized entries, and
 * get_user_pages_fast() knows that these are not backed by pages.  Before that,
 * only DAX is asked, and a fast pin would take references without noticing that
 * these are PFN mappings.
 */
#ifdef CONFIG_ARCH_SUPPORTS_PUD_PFNMAP
#define KHO_HAVE_PUD_PFNMAP 1
/*
 * 21aa65bf82a7 ("mm: remove callers of pfn_t functionality", 6.17): page frame
 * numbers are plain integers.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#include <linux/pfn_t.h>
#define kho_insert_pfn_pmd(vmf, pfn, write) \
	vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write)
#define kho_insert_pfn_pud(vmf, pfn, write) \
	vmf_insert_pfn_pud(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write)
#else
#define kho_insert_pfn_pmd vmf_insert_pfn_pmd
#define kho_insert_pfn_pud vmf_insert_pfn_pud
#endif
#else
#define KHO_HAVE_PUD_PFNMAP 0
#endif

/*
 * 05c5323b2a34 ("mm: track mapcount of large folios in single value", 6.10): before
 * that, the mapcount of a large folio was the sum over all its pages, and the function
 * that computes it was not exported.  Until cb67f4282bf9 ("mm,thp,rmap: simplify
 * compound page mapcount handling", 6.2) each page of a file folio also counted the
 * mappings of the folio as a whole.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
static inline int kho_folio_mapcount(struct folio *folio)
{
	long i, nr_pages = folio_nr_pages(folio);
	int whole, sum;

	if (nr_pages == 1)
		return atomic_read(&folio->_mapcount) + 1;
	whole = folio_entire_mapcount(folio);
	sum = whole;
	for (i = 0; i < nr_pages; i++)
		sum += atomic_read(&folio_page(folio, i)->_mapcount) + 1;
	if (LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0) && !folio_test_anon(folio))
		sum -= whole * nr_pages;
	return sum;
}
#else
#define kho_folio_mapcount folio_mapcount
#endif

/*
 * 07d24902977e ("kexec: enable CMA based contiguous allocation", 6.17): kexec_file_load()
 * takes memory wherever CMA has some, unless it is told not to.
 */
#ifdef KEXEC_FILE_NO_CMA
#define kho_kexec_no_cma(image) ((image)->no_cma = 1)
#else
#define kho_kexec_no_cma(image) ((void)(image))
#endif

#endif /* KHO_COMPAT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings: their flags, page faults, and huge entries.
 */
#ifndef KHO_COMPAT_MAP_H
#define KHO_COMPAT_MAP_H

#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/version.h>

/*
 * bc292ab00f6c ("mm: introduce vma->vm_flags wrapper functions", 6.3) made
 * vm_flags a read-only member.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_set(vma, flags) ((vma)->vm_flags |= (flags))
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

/* ce6d42f2e4a2 ("mm: add vma_lookup(), update find_vma_intersection() comments", 5.14). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 14, 0)
static inline struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && addr >= vma->vm_start ? vma : NULL;
}
#endif

/*
 * f46f2adecdcc ("mm: check against orig_pte for finish_fault()", 5.19): a fault knows the
 * entry that it is for, which may be a marker.  Before that there are no markers.
 */
static inline bool kho_fault_on_marker(const struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 19, 0)
	return false;
#else
	return vmf->flags & FAULT_FLAG_ORIG_PTE_VALID && !pte_none(vmf->orig_pte);
#endif
}

/*
 * eac96c3efdb5 ("mm: filemap: check if THP has hwpoisoned subpage for PMD page fault",
 * 5.15): the kernel maps a large folio singly if it is marked.  Before that it does so
 * only where there is a page table already: make one.  Nobody maps this folio by a PMD
 * meanwhile, as it is locked.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 15, 0)
static inline int kho_leave_pte(pte_t *pte, unsigned long addr, void *data)
{
	return 0;
}

static inline int kho_make_page_table(struct vm_fault *vmf)
{
	if (!pmd_none(READ_ONCE(*vmf->pmd)))
		return 0;
	return apply_to_page_range(vmf->vma->vm_mm, vmf->address & PAGE_MASK, PAGE_SIZE,
				   kho_leave_pte, NULL);
}
#else
#define kho_make_page_table(vmf)	0
#endif

/*
 * 1854bc6e2420 ("mm/readahead: Align file mappings for non-DAX", 5.18): the address is
 * such that PMDs can map the file.  Before that only files on DAX devices get one.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
static inline unsigned long kho_unmapped_area(struct file *file, unsigned long addr,
					      unsigned long len, unsigned long pgoff,
					      unsigned long flags)
{
	unsigned long ret, offset = pgoff << PAGE_SHIFT;

	if (addr || flags & MAP_FIXED || len < PMD_SIZE || len > TASK_SIZE - PMD_SIZE)
		goto plain;
	ret = current->mm->get_unmapped_area(file, 0, len + PMD_SIZE, pgoff, flags);
	if (!IS_ERR_VALUE(ret))
		return ret + ((offset - ret) & (PMD_SIZE - 1));
plain:
	return current->mm->get_unmapped_area(file, addr, len, pgoff, flags);
}
#else
#define kho_unmapped_area	thp_get_unmapped_area
#endif

#endif /* KHO_COMPAT_MAP_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping preserved memory.
 *
 * What is mapped are ordinary pages with references of their own, and folios of
 * the PMD's size by PMDs: direct I/O, io_uring, vhost and KVM work on them.  Two
 * kinds of mapping are of page numbers instead, and get_user_pages() refuses
 * these.  One is of pages that a process has pinned for us, which are mapped
 * and counted elsewhere already.  The other has entries of the PUD's size, which
 * is asked for by KHO_OPEN_LARGEST: no kernel maps a page of 1 GiB that it has
 * not made itself in another way.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "core/core.h"
#include "mapping.h"
#include "memory.h"
#include "mm/poison.h"

/* Base pages that are mapped by one fault, as those of tmpfs are. */
#define FAULT_AROUND		16UL

/*
 * The page with number @index with a reference for the caller, or NULL, and how
 * often pages were cut off before.
 */
static struct page *get_page_at(struct kho_mem *mem, u64 index, u64 *cuts)
{
	struct page *page = NULL;

	down_read(&mem->lock);
	*cuts = mem->cuts;
	if (index < mem->nr_pages) {
		page = kho_mem_page(mem, index);
		get_page(page);
	}
	up_read(&mem->lock);
	return page;
}

/*
 * Maps base pages from @addr on up to @end, as far as there are any, nothing is
 * mapped there, and none is poisoned.
 */
static int insert_pages(struct vm_area_struct *vma, unsigned long addr,
			unsigned long end)
{
	u64 index = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
	struct kho_mem *mem = vma->vm_file->private_data;
	unsigned long nr = 0, left;
	struct page *pages[FAULT_AROUND];
	int ret = -EFAULT;

	/* The entries have to be there before the pages can be cut off. */
	down_read(&mem->lock);
	for (; addr + (nr << PAGE_SHIFT) < end && index + nr < mem->nr_pages; nr++) {
		pages[nr] = kho_mem_page(mem, index + nr);
		if (kho_page_poisoned(pages[nr]))
			break;
	}
	left = nr;
	if (nr) {
		kho_inject("fault-looked");
		ret = vm_insert_pages(vma, addr, pages, &left);
	}
	up_read(&mem->lock);
	/* One that is taken may be so by a mark: what that means the kernel knows. */
	return left < nr ? 0 : ret;
}

/*
 * Maps the page of a fault and those around it, as a page cache would: most
 * memory is read in order.  False if that one is mapped in another way: where there
 * are huge pages, or a mark.  Who is to get a copy has them mapped for reading, and
 * makes it by another fault.
 */
static bool map_around(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = vmf->address & PAGE_MASK;
	unsigned long start = ALIGN_DOWN(addr, FAULT_AROUND << PAGE_SHIFT);
	unsigned long end = start + (FAULT_AROUND << PAGE_SHIFT);

	if (!(vma->vm_flags & VM_MIXEDMAP))
		return false;
	start = max(start, vma->vm_start);
	end = min(end, vma->vm_end);
	if (insert_pages(vma, addr, end))
		return false;
	if (start < addr)
		insert_pages(vma, start, addr);
	return true;
}

/*
 * The kernel maps a folio by a PMD, unless it is told that a page of it is poisoned:
 * memory_failure() says that of some folios only.  And since 6.18 it maps all base
 * pages of a folio at once, poisoned or not, unless the folio ends behind the file.
 */
static void map_singly(struct folio *folio)
{
	folio_set_has_hwpoisoned(folio);
	folio->index = ULONG_MAX - folio_nr_pages(folio);
}

/* Returns a page that nobody else has, for the kernel to make a private copy of. */
static vm_fault_t give_copy(struct vm_fault *vmf, struct page *page)
{
	struct page *copy = alloc_page(GFP_HIGHUSER);
	unsigned long left;
	void *to, *from;

	if (!copy)
		return VM_FAULT_OOM;
	to = kmap_local_page(copy);
	from = kmap_local_page(page);
	left = copy_mc_to_kernel(to, from, PAGE_SIZE);
	kunmap_local(from);
	kunmap_local(to);
	if (left) {
		/* Nobody else says so: the machine check has been taken for ours. */
		memory_failure_queue(page_to_pfn(page), 0);
		put_page(copy);
		return VM_FAULT_HWPOISON;
	}
	lock_page(copy);
	vmf->page = copy;
	return VM_FAULT_LOCKED;
}

/*
 * The page is returned locked, and is so until it is mapped.  See kho_mem_unmap():
 * who cuts it off later waits for that, and unmaps it again; who has cut it off by
 * the time that the lock is had is seen here.
 *
 * The kernel looks once more whether the page is poisoned, and if it has become so
 * since we looked, unmaps it by its mapping, which there is none of (since upstream
 * commit e53ac7374e64).  It does not if it is told that all has been done to make a
 * copy, which else is of no meaning unless it wants one; and for that it gets a page
 * which is mapped nowhere.
 */
static vm_fault_t mem_fault(struct vm_fault *vmf)
{
	struct kho_mem *mem = vmf->vma->vm_file->private_data;
	struct folio *folio;
	struct page *page;
	vm_fault_t ret;
	u64 cuts;

	if (map_around(vmf))
		return VM_FAULT_NOPAGE;
	page = get_page_at(mem, vmf->pgoff, &cuts);
	if (!page)
		return VM_FAULT_SIGBUS;
	kho_inject("fault");
	lock_page(page);
	/* Without mem->lock, so that who has that may wait for us. */
	if (READ_ONCE(mem->cuts) != cuts) {
		/* The program tries again, and so do we. */
		ret = VM_FAULT_NOPAGE;
		goto out;
	}
	/* Whoever notes that it is poisoned locks it once after that. */
	if (kho_page_poisoned(page)) {
		kho_poison_saw(page);
		ret = VM_FAULT_HWPOISON;
		goto out;
	}
	kho_inject("fault-looked");
	folio = page_folio(page);
	if (vmf->flags & FAULT_FLAG_WRITE && !(vmf->vma->vm_flags & VM_SHARED)) {
		ret = give_copy(vmf, page);
		goto out;
	}
	if (folio_test_large(folio) && kho_folio_poisoned(folio))
		map_singly(folio);
	vmf->page = page;
	return VM_FAULT_LOCKED | VM_FAULT_DONE_COW;

out:
	unlock_page(page);
	put_page(page);
	return ret;
}

static const struct vm_operations_struct mem_vm_ops = {
	.fault = mem_fault,
};

static vm_fault_t pfnmap_fault(struct vm_fault *vmf)
{
	struct kho_mem *mem = vmf->vma->vm_file->private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;
	struct page *page;

	/* Where there is a mark no number is put, and there would be no end to it. */
	if (vmf->flags & FAULT_FLAG_ORIG_PTE_VALID && !pte_none(vmf->orig_pte))
		return ret;
	/* The entry has to be there before the pages can be cut off. */
	down_read(&mem->lock);
	if (vmf->pgoff >= mem->nr_pages)
		goto out;
	page = kho_mem_page(mem, vmf->pgoff);
	if (kho_page_poisoned(page)) {
		kho_poison_saw(page);
		ret = VM_FAULT_HWPOISON;
		goto out;
	}
	ret = vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK,
			     page_to_pfn(page));
out:
	up_read(&mem->lock);
	return ret;
}

#if KHO_HAVE_PUD_PFNMAP
static vm_fault_t pfnmap_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	unsigned long addr = vmf->address & ~((PAGE_SIZE << order) - 1);
	u64 mask = (1ULL << order) - 1, nr_pages = 1ULL << order;
	struct vm_area_struct *vma = vmf->vma;
	struct kho_mem *mem = vma->vm_file->private_data;
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	vm_fault_t ret = VM_FAULT_FALLBACK;
	u64 index, pfn;

	if (addr < vma->vm_start || addr + (PAGE_SIZE << order) > vma->vm_end)
		return ret;
	index = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);

	down_read(&mem->lock);
	if (index >= mem->nr_pages || mem->nr_pages - index < nr_pages)
		goto out;
	pfn = page_to_pfn(kho_mem_page(mem, index));
	if (pfn & mask || page_to_pfn(kho_mem_page(mem, index + mask)) != pfn + mask)
		goto out;
	/* Of pieces that only lie side by side, what is between may not. */
	if (kho_mem_order(mem, index) < order)
		goto out;
	if (kho_range_poisoned(pfn, nr_pages))
		goto out;
	if (order == KHO_PUD_ORDER)
		ret = kho_insert_pfn_pud(vmf, pfn, write);
	else if (order == KHO_PMD_ORDER)
		ret = kho_insert_pfn_pmd(vmf, pfn, write);
out:
	up_read(&mem->lock);
	return ret;
}
#endif

static const struct vm_operations_struct pfnmap_vm_ops = {
	.fault = pfnmap_fault,
#if KHO_HAVE_PUD_PFNMAP
	.huge_fault = pfnmap_huge_fault,
#endif
};

static int check_mmap(const struct kho_mem *mem, struct vm_area_struct *vma)
{
	u64 nr_pages = READ_ONCE(mem->nr_pages);

	if (vma->vm_pgoff > nr_pages ||
	    vma_pages(vma) > nr_pages - vma->vm_pgoff)
		return kho_refuse(-EINVAL, "mmap of %lu pages at page %lu: there are %llu",
				  vma_pages(vma), vma->vm_pgoff, nr_pages);
	return 0;
}

/**
 * kho_mem_mmap() - map pages of a file
 * @file: the file
 * @vma: where to
 *
 * Context: may sleep; mmap_lock held for writing.
 * Return: 0 or -EINVAL.
 */
int kho_mem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kho_mem *mem = file->private_data;
	int ret = check_mmap(mem, vma);

	if (ret)
		return ret;
	/*
	 * vm_insert_pages() wants it.  Huge pages must not be mapped there: the
	 * kernel would take those for page numbers when it unmaps them.
	 */
	if (!mem->huge)
		vm_flags_set(vma, VM_MIXEDMAP);
	vma->vm_ops = &mem_vm_ops;
	return 0;
}

/**
 * kho_pfnmap_mmap() - map a file by page numbers, with the largest entries there can be
 * @file: the file
 * @vma: where to
 *
 * Context: may sleep; mmap_lock held for writing.
 * Return: 0 or -EINVAL.
 */
int kho_pfnmap_mmap(struct file *file, struct vm_area_struct *vma)
{
	int ret = check_mmap(file->private_data, vma);

	if (ret)
		return ret;
	if (!(vma->vm_flags & VM_MAYSHARE))
		return kho_refuse(-EINVAL, "mmap: MAP_PRIVATE is not for KHO_OPEN_LARGEST, nor for memory of a process");
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &pfnmap_vm_ops;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping preserved memory.
 *
 * Ordinary pages are mapped with references of their own, and folios of the PMD's size
 * by PMDs: direct I/O, io_uring, vhost and KVM work on them.  Two kinds of mapping are
 * of page numbers instead, which get_user_pages() refuses.  One is of pages of a
 * process that we have pinned, which are mapped and counted elsewhere already.  The
 * other has entries of the PUD's size, as requested by KHO_OPEN_LARGEST: the kernel can
 * map a page of 1 GiB that it has not made itself in no other way.
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

/* Base pages that are mapped by one fault, as tmpfs does. */
#define FAULT_AROUND		16UL

/*
 * Gets the page with index @index and a reference to it, or NULL.  *@cuts is set to how
 * often pages had been cut off by then.
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
 * Maps base pages from @addr on.  Stops at @end, at the end of the memory, at an entry
 * that is in use, or at a poisoned page.
 */
static int insert_pages(struct vm_area_struct *vma, unsigned long addr,
			unsigned long end)
{
	u64 index = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
	struct kho_mem *mem = vma->vm_file->private_data;
	unsigned long nr = 0, left;
	struct page *pages[FAULT_AROUND];
	int ret = -EFAULT;

	/* Pages must not be cut off before they are mapped. */
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
	/* An entry in use may be a marker, which the kernel knows how to handle. */
	return left < nr ? 0 : ret;
}

/*
 * Maps the page of a fault and those around it, as a page cache would: most memory is
 * read in order.  False if the page has to be mapped in another way, because of huge
 * pages or a marker.  For a private copy the pages are mapped for reading, and another
 * fault makes the copy.
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
 * The kernel maps a folio by a PMD unless it is marked as having a poisoned page, which
 * memory_failure() does for some folios only.  And since 6.18 it maps all base pages of
 * a folio at once, poisoned or not, unless the folio ends beyond the file.
 */
static void map_singly(struct folio *folio)
{
	folio_set_has_hwpoisoned(folio);
	folio->index = ULONG_MAX - folio_nr_pages(folio);
}

/* Returns a page of its own, from which the kernel makes the private copy. */
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
		/*
		 * The machine check counts as handled by us: nobody else reports it.  A
		 * kernel that handles none need not have that function.
		 */
		if (IS_ENABLED(CONFIG_MEMORY_FAILURE))
			memory_failure_queue(page_to_pfn(page), 0);
		put_page(copy);
		return VM_FAULT_HWPOISON;
	}
	lock_page(copy);
	vmf->page = copy;
	return VM_FAULT_LOCKED;
}

/*
 * The page is returned locked, and stays so until it is mapped.  Whoever cuts it off
 * later waits for that and unmaps it again.  If it was cut off before the lock was
 * taken, that is noticed here.  See kho_mem_unmap().
 *
 * The kernel checks once more whether the page is poisoned.  If it has become so since
 * our check, the kernel unmaps it through page->mapping, which our pages do not have
 * (since upstream commit e53ac7374e64).  It does not if VM_FAULT_DONE_COW says that the
 * copy is complete.  That flag has no other effect unless the kernel wants a copy, and
 * for a copy it gets a page that is mapped nowhere.
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
	/* Without mem->lock, whose holder may be waiting for this page's lock. */
	if (READ_ONCE(mem->cuts) != cuts) {
		/* The program faults again, and then we look again. */
		ret = VM_FAULT_NOPAGE;
		goto out;
	}
	/* Whoever notes a page as poisoned locks it once after that. */
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
	if (folio_test_large(folio) && kho_folio_poisoned(folio)) {
		map_singly(folio);
		if (kho_make_page_table(vmf)) {
			ret = VM_FAULT_OOM;
			goto out;
		}
	}
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

	/* No number can be put where a marker is: the fault would repeat forever. */
	if (kho_fault_on_marker(vmf))
		return ret;
	/* The page must not be cut off before it is mapped. */
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
	/* Between the ends of smaller, separate pieces there may be other pages. */
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
		return kho_refuse(-EINVAL, "mmap of %lu pages at page %lu: the file has %llu",
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
	 * vm_insert_pages() needs it.  Huge pages must not be mapped there: the kernel
	 * would take them for page numbers when it unmaps them.
	 */
	if (!mem->huge)
		vm_flags_set(vma, VM_MIXEDMAP);
	vma->vm_ops = &mem_vm_ops;
	return 0;
}

/**
 * kho_pfnmap_mmap() - map a file by page numbers, with the largest entries possible
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
		return kho_refuse(-EINVAL, "mmap: MAP_PRIVATE is possible neither with KHO_OPEN_LARGEST nor for memory of a process");
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &pfnmap_vm_ops;
	return 0;
}

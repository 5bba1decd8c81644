// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files on preserved memory: read, write, and mmap without a copy.
 *
 * The pages behind a file don't change while it is open, so nothing here takes
 * a lock.  What is mapped are ordinary pages with references of their own:
 * direct I/O and the like work on them.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "internal.h"

#define FIRST_ROOM	8

/**
 * kho_mem_grow() - let the last extent have the pages that follow it
 * @mem: of what
 * @pfn: number of the first page
 * @nr_pages: how many; they are all of one node
 *
 * Only before the extents are marked: an extent is marked as one range.  No
 * extent crosses a node, as mainline's blocks don't.
 *
 * Return: true if they do follow it.
 */
bool kho_mem_grow(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages)
{
	struct kho_extent *last;

	if (!mem->nr_extents)
		return false;
	last = &mem->extent[mem->nr_extents - 1];
	if (last->pfn + last->nr_pages != pfn ||
	    page_to_nid(pfn_to_page(last->pfn)) !=
	    page_to_nid(pfn_to_page(pfn)))
		return false;
	last->nr_pages += nr_pages;
	mem->nr_pages += nr_pages;
	return true;
}

/**
 * kho_mem_add() - append pages as an extent
 * @mem: to what
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kho_mem_add(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages)
{
	struct kho_extent *last;

	if (mem->nr_extents == mem->room) {
		u64 room = mem->room ? 2 * mem->room : FIRST_ROOM;
		struct kho_extent *extent;

		extent = kvmalloc_array(room, sizeof(*extent), GFP_KERNEL);
		if (!extent)
			return -ENOMEM;
		if (mem->nr_extents)
			memcpy(extent, mem->extent,
			       mem->nr_extents * sizeof(*extent));
		kvfree(mem->extent);
		mem->extent = extent;
		mem->room = room;
	}

	last = &mem->extent[mem->nr_extents++];
	last->index = mem->nr_pages;
	last->pfn = pfn;
	last->nr_pages = nr_pages;
	mem->nr_pages += nr_pages;
	return 0;
}

/**
 * kho_mem_put_pages() - give up all pages and forget them
 * @mem: of what
 *
 * Context: may sleep.
 */
void kho_mem_put_pages(struct kho_mem *mem)
{
	u64 i;

	for (i = 0; i < mem->nr_extents; i++)
		kho_put_pages(mem->extent[i].pfn, mem->extent[i].nr_pages);
	kvfree(mem->extent);
	mem->extent = NULL;
	mem->nr_extents = 0;
	mem->nr_pages = 0;
	mem->room = 0;
}

/* The page with number @index of all that @mem has, which is one of them. */
static struct page *mem_page(const struct kho_mem *mem, u64 index)
{
	u64 low = 0, high = mem->nr_extents - 1;
	const struct kho_extent *extent;

	while (low < high) {
		u64 middle = low + (high - low + 1) / 2;

		if (mem->extent[middle].index <= index)
			low = middle;
		else
			high = middle - 1;
	}
	extent = &mem->extent[low];
	return pfn_to_page(extent->pfn + (index - extent->index));
}

static ssize_t mem_copy(struct kiocb *iocb, struct iov_iter *iter, bool write)
{
	struct kho_mem *mem = iocb->ki_filp->private_data;
	ssize_t done = 0;

	while (iov_iter_count(iter) && iocb->ki_pos < mem->size) {
		struct page *page = mem_page(mem, iocb->ki_pos >> PAGE_SHIFT);
		size_t offset = offset_in_page(iocb->ki_pos);
		size_t want = min_t(u64, PAGE_SIZE - offset,
				    mem->size - iocb->ki_pos);
		size_t got;

		want = min(want, iov_iter_count(iter));
		if (write)
			got = copy_page_from_iter(page, offset, want, iter);
		else
			got = copy_page_to_iter(page, offset, want, iter);
		iocb->ki_pos += got;
		done += got;
		if (got < want)
			return done ?: -EFAULT;
		if (fatal_signal_pending(current))
			return done ?: -EINTR;
		cond_resched();
	}
	if (write && iov_iter_count(iter) && !done)
		return -ENOSPC;
	return done;
}

static ssize_t mem_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return mem_copy(iocb, to, false);
}

static ssize_t mem_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return mem_copy(iocb, from, true);
}

static loff_t mem_llseek(struct file *file, loff_t offset, int whence)
{
	struct kho_mem *mem = file->private_data;

	return fixed_size_llseek(file, offset, whence, mem->size);
}

static vm_fault_t mem_fault(struct vm_fault *vmf)
{
	struct kho_mem *mem = vmf->vma->vm_file->private_data;

	if (vmf->pgoff >= mem->nr_pages)
		return VM_FAULT_SIGBUS;
	vmf->page = mem_page(mem, vmf->pgoff);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct mem_vm_ops = {
	.fault = mem_fault,
};

static int mem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kho_mem *mem = file->private_data;

	if (vma->vm_pgoff > mem->nr_pages ||
	    vma_pages(vma) > mem->nr_pages - vma->vm_pgoff)
		return kho_refuse(-EINVAL, "mmap of %lu pages at page %lu: there are %llu",
				  vma_pages(vma), vma->vm_pgoff, mem->nr_pages);
	vma->vm_ops = &mem_vm_ops;
	return 0;
}

static int mem_release(struct inode *inode, struct file *file)
{
	struct kho_mem *mem = file->private_data;

	mem->release(mem);
	return 0;
}

static const struct file_operations mem_fops = {
	.owner = THIS_MODULE,
	.llseek = mem_llseek,
	.read_iter = mem_read_iter,
	.write_iter = mem_write_iter,
	.mmap = mem_mmap,
	.release = mem_release,
};

/**
 * kho_mem_file() - a file that shows memory
 * @name: for /proc/PID/fd
 * @mem: what to show; its release() is called when the file is gone
 *
 * Context: may sleep.
 * Return: the file or an error pointer, and then release() is not called.
 */
struct file *kho_mem_file(const char *name, struct kho_mem *mem)
{
	struct file *file = anon_inode_getfile(name, &mem_fops, mem, O_RDWR);

	if (!IS_ERR(file))
		file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return file;
}

static void page_mem_release(struct kho_mem *mem)
{
	kho_mem_put_pages(mem);
	kfree(mem);
}

/**
 * kho_page_file() - make a file of pages that arrived
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * The file has references of its own: it outlives KHO_PAGE_DEL.
 *
 * Context: may sleep; kho.lock held, so that the pages stay.
 * Return: the file, or an error pointer.
 */
struct file *kho_page_file(unsigned long pfn, unsigned int order)
{
	unsigned long i, nr_pages = 1UL << order;
	struct kho_mem *mem;
	struct file *file;
	int ret;

	lockdep_assert_held(&kho.lock);

	mem = kzalloc(sizeof(*mem), GFP_KERNEL);
	if (!mem)
		return ERR_PTR(-ENOMEM);
	mem->release = page_mem_release;
	mem->size = (u64)nr_pages << PAGE_SHIFT;
	ret = kho_mem_add(mem, pfn, nr_pages);
	if (ret)
		goto err_free_mem;
	for (i = 0; i < nr_pages; i++)
		get_page(pfn_to_page(pfn + i));

	file = kho_mem_file("[kho-page]", mem);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_put_pages;
	}
	return file;

err_put_pages:
	kho_mem_put_pages(mem);
err_free_mem:
	kfree(mem);
	return ERR_PTR(ret);
}

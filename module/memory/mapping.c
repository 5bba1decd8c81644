// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files on preserved memory: read, write, and mmap without a copy.
 *
 * What is mapped are ordinary pages with references of their own, and folios of
 * the PMD's size by PMDs: direct I/O, io_uring, vhost and KVM work on them.  Two
 * kinds of mapping are of page numbers instead, and get_user_pages() refuses
 * these.  One is of pages that a process has pinned for us, which are mapped
 * and counted elsewhere already.  The other has entries of the PUD's size, which
 * is asked for by KHO_OPEN_LARGEST: no kernel maps a page of 1 GiB that it has
 * not made itself in another way.
 *
 * All files of one memory share an inode, as long as there are any: its size is
 * what fstat() says, and its mapping is how pages that are cut off are unmapped.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "base/inject.h"
#include "internal.h"

/* Base pages that are mapped by one fault, as those of tmpfs are. */
#define AROUND		16UL

static struct vfsmount *mount;
static int mount_users;

static int init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, KHO_FS_MAGIC) ? 0 : -ENOMEM;
}

/* Mounted while there are files, so that it keeps the module just as long. */
static struct file_system_type memory_fs = {
	.name = "kho",
	.owner = THIS_MODULE,
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

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
 * Copies a piece of the page that @pos is in, as far as the user's memory is there.
 * Returns 1, 0 if that is behind the end, -EIO if it must not be read.
 *
 * The page can't be cut off meanwhile, and there is no reference to it that
 * whoever seals the object would find.
 */
static int copy_piece(struct kho_mem *mem, loff_t pos, struct iov_iter *iter,
		      bool write, size_t *want, size_t *got)
{
	size_t offset = offset_in_page(pos);
	struct page *page;
	u64 size;

	down_read(&mem->lock);
	size = READ_ONCE(mem->size);
	if (pos >= size || pos >> PAGE_SHIFT >= mem->nr_pages) {
		up_read(&mem->lock);
		return 0;
	}
	page = kho_mem_page(mem, pos >> PAGE_SHIFT);
	if (kho_page_poisoned(page)) {
		kho_poison_saw(page);
		up_read(&mem->lock);
		return -EIO;
	}
	*want = min_t(u64, PAGE_SIZE - offset, size - pos);
	*want = min(*want, iov_iter_count(iter));
	/* A fault on a mapping of the object takes the same lock. */
	pagefault_disable();
	if (write)
		*got = copy_page_from_iter(page, offset, *want, iter);
	else
		*got = copy_page_to_iter(page, offset, *want, iter);
	pagefault_enable();
	up_read(&mem->lock);
	return 1;
}

/* Has some of the user's memory there; false if not even its first byte can be. */
static bool fault_in(struct iov_iter *iter, bool write)
{
	size_t nr = min_t(size_t, iov_iter_count(iter), AROUND << PAGE_SHIFT);

	if (write)
		return fault_in_iov_iter_readable(iter, nr) < nr;
	return fault_in_iov_iter_writeable(iter, nr) < nr;
}

static ssize_t mem_copy(struct kiocb *iocb, struct iov_iter *iter, bool write)
{
	struct kho_mem *mem = iocb->ki_filp->private_data;
	size_t want, got;
	ssize_t done = 0;
	int ret;

	while (iov_iter_count(iter)) {
		ret = copy_piece(mem, iocb->ki_pos, iter, write, &want, &got);
		if (ret < 0)
			return done ?: ret;
		if (!ret)
			break;
		iocb->ki_pos += got;
		done += got;
		if (fatal_signal_pending(current))
			return done ?: -EINTR;
		if (got < want && !fault_in(iter, write))
			return done ?: -EFAULT;
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
	struct kho_mem *mem = iocb->ki_filp->private_data;
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t ret = 0;

	/* Nobody seals or resizes it meanwhile. */
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	if (mem->ops->may_write)
		ret = mem->ops->may_write(mem);
	if (!ret)
		ret = mem_copy(iocb, from, true);
	inode_unlock(inode);
	return ret;
}

static loff_t mem_llseek(struct file *file, loff_t offset, int whence)
{
	struct kho_mem *mem = file->private_data;

	return fixed_size_llseek(file, offset, whence, READ_ONCE(mem->size));
}

static long mem_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kho_mem *mem = file->private_data;

	if (!mem->ops->ioctl)
		return -ENOTTY;
	return mem->ops->ioctl(file, mem, cmd, (void __user *)arg);
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
	struct page *pages[AROUND];
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
	unsigned long start = ALIGN_DOWN(addr, AROUND << PAGE_SHIFT);
	unsigned long end = start + (AROUND << PAGE_SHIFT);

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

static vm_fault_t numbers_fault(struct vm_fault *vmf)
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
static vm_fault_t numbers_huge_fault(struct vm_fault *vmf, unsigned int order)
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

static const struct vm_operations_struct numbers_vm_ops = {
	.fault = numbers_fault,
#if KHO_HAVE_PUD_PFNMAP
	.huge_fault = numbers_huge_fault,
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

static int mem_mmap(struct file *file, struct vm_area_struct *vma)
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

static int numbers_mmap(struct file *file, struct vm_area_struct *vma)
{
	int ret = check_mmap(file->private_data, vma);

	if (ret)
		return ret;
	if (!(vma->vm_flags & VM_MAYSHARE))
		return kho_refuse(-EINVAL, "mmap: MAP_PRIVATE is not for KHO_OPEN_LARGEST, nor for memory of a process");
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &numbers_vm_ops;
	return 0;
}

static void drop_inode(struct kho_mem *mem)
{
	list_del(&mem->open);
	iput(mem->inode);
	mem->inode = NULL;
	simple_release_fs(&mount, &mount_users);
}

static int mem_release(struct inode *inode, struct file *file)
{
	struct kho_mem *mem = file->private_data;

	mem->ops->release(mem);
	return 0;
}

/**
 * kho_memfile_keep() - keep what files need, so that each need not make it anew
 * @keep: from now on; false: no more
 *
 * Context: may sleep; kho.lock held.
 */
void kho_memfile_keep(bool keep)
{
	static bool kept;

	lockdep_assert_held(&kho.lock);

	/* If it can't be had now, each file tries again. */
	if (keep && !kept) {
		kept = !simple_pin_fs(&memory_fs, &mount, &mount_users);
	} else if (!keep && kept) {
		simple_release_fs(&mount, &mount_users);
		kept = false;
	}
}

#define MEM_FOPS(_mmap) {				\
	.owner = THIS_MODULE,				\
	.llseek = mem_llseek,				\
	.read_iter = mem_read_iter,			\
	.write_iter = mem_write_iter,			\
	.mmap = (_mmap),				\
	.get_unmapped_area = thp_get_unmapped_area,	\
	.unlocked_ioctl = mem_ioctl,			\
	.compat_ioctl = compat_ptr_ioctl,		\
	.release = mem_release,				\
}

static const struct file_operations mem_fops = MEM_FOPS(mem_mmap);
static const struct file_operations numbers_fops = MEM_FOPS(numbers_mmap);

static int make_inode(struct kho_mem *mem)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&memory_fs, &mount, &mount_users);
	if (ret)
		return ret;
	inode = alloc_anon_inode(mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&mount, &mount_users);
		return PTR_ERR(inode);
	}
	i_size_write(inode, mem->size);
	mem->inode = inode;
	list_add(&mem->open, &kho.open_mems);
	return 0;
}

/**
 * kho_mem_file() - a file that shows memory
 * @name: for /proc/PID/fd and maps
 * @mem: what to show; its release() is called when the file is gone
 * @flags: O_RDONLY or O_RDWR
 * @largest: map with entries of the PUD's size where the kernel can
 *
 * Context: may sleep; kho.lock held.  Whoever calls this counts the files, and
 * calls kho_mem_no_file() once there is none any more.
 * Return: the file or an error pointer, and then release() is not called.
 */
struct file *kho_mem_file(const char *name, struct kho_mem *mem,
			  unsigned int flags, bool largest)
{
	const struct file_operations *fops = &mem_fops;
	bool first = !mem->inode;
	struct file *file;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (mem->pinned || (largest && KHO_HAVE_PUD_PFNMAP))
		fops = &numbers_fops;
	if (first) {
		ret = make_inode(mem);
		if (ret)
			return ERR_PTR(ret);
	}
	/* Closing the file gives both back. */
	__module_get(THIS_MODULE);
	ihold(mem->inode);
	file = alloc_file_pseudo(mem->inode, mount, name, flags | O_LARGEFILE,
				 fops);
	if (IS_ERR(file)) {
		iput(mem->inode);
		module_put(THIS_MODULE);
		if (first)
			drop_inode(mem);
		return file;
	}
	file->private_data = mem;
	/* Where it is read from; whether it may be written is FMODE_WRITE's. */
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return file;
}

/**
 * kho_mem_no_file() - the last file is closed
 * @mem: of what
 *
 * Context: may sleep; kho.lock held.
 */
void kho_mem_no_file(struct kho_mem *mem)
{
	lockdep_assert_held(&kho.lock);

	if (mem->inode)
		drop_inode(mem);
}

/**
 * kho_mem_set_inode() - say by fstat() whose it is
 * @mem: of what; there are files
 * @uid: owner
 * @gid: its group
 * @mode: read and write bits
 *
 * Context: kho.lock held.
 */
void kho_mem_set_inode(struct kho_mem *mem, kuid_t uid, kgid_t gid, umode_t mode)
{
	lockdep_assert_held(&kho.lock);

	if (!mem->inode)
		return;
	mem->inode->i_uid = uid;
	mem->inode->i_gid = gid;
	mem->inode->i_mode = (mem->inode->i_mode & ~0777) | mode;
}

/**
 * kho_mem_unmap() - unmap what was cut off, everywhere
 * @mem: of what; its size and pages are those that are left already
 * @pages: what was cut off, which still has its references
 *
 * Private copies of what was cut off go too, as those of a tmpfs file do.
 *
 * A page fault may have found a page before it was cut off, and map it only
 * now.  It has the page locked while it does: after each page was locked once,
 * there are no such faults any more.  One that gets the lock only after that
 * finds mem->cuts changed.  What is mapped with mem->lock held, base pages of a
 * mapping without huge pages and page numbers, is mapped before the first look or
 * not at all.  A private copy may come later, of a huge page's or where two make one:
 * it is its owner's, and nothing that is written to it is lost.
 *
 * Context: may sleep; there is a file; mem->lock not held.
 */
void kho_mem_unmap(struct kho_mem *mem, const struct kho_mem *pages)
{
	loff_t from = (loff_t)mem->nr_pages << PAGE_SHIFT;
	u64 i;

	if (!mem->inode)
		return;
	i_size_write(mem->inode, mem->size);
	unmap_mapping_range(mem->inode->i_mapping, from, 0, 1);
	for (i = 0; i < pages->nr_pages; ) {
		struct folio *folio = page_folio(kho_mem_page(pages, i));

		folio_lock(folio);
		folio_unlock(folio);
		i += folio_nr_pages(folio);
		cond_resched();
	}
	unmap_mapping_range(mem->inode->i_mapping, from, 0, 1);
}

/**
 * kho_mem_deny_writers() - let nobody map it for writing any more
 * @mem: of what
 *
 * Context: there is a file, and its inode's lock is held.
 * Return: 0, or -EBUSY if somebody has mapped it for writing.
 */
int kho_mem_deny_writers(struct kho_mem *mem)
{
	lockdep_assert_held(&mem->inode->i_rwsem);

	return mapping_deny_writable(mem->inode->i_mapping);
}

/**
 * kho_mem_allow_writers() - the opposite of kho_mem_deny_writers()
 * @mem: of what
 *
 * Context: as for that one.
 */
void kho_mem_allow_writers(struct kho_mem *mem)
{
	lockdep_assert_held(&mem->inode->i_rwsem);

	mapping_allow_writable(mem->inode->i_mapping);
}

static void page_mem_release(struct kho_mem *mem)
{
	mutex_lock(&kho.lock);
	kho_mem_no_file(mem);
	mutex_unlock(&kho.lock);
	kho_mem_put_pages(mem);
	kfree(mem);
}

static const struct kho_mem_ops page_mem_ops = {
	.release = page_mem_release,
};

/* One reference more to each page that is still there. */
static int get_arrived(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages)
{
	unsigned long i;
	int ret;

	for (i = 0; i < nr_pages; i++) {
		if (!folio_try_get(page_folio(pfn_to_page(pfn + i))))
			break;
		cond_resched();
	}
	ret = i < nr_pages ? -ENOENT : kho_mem_add(mem, pfn, nr_pages, 0);
	if (ret)
		kho_put_pages(pfn, i);
	return ret;
}

/**
 * kho_page_file() - make a file of pages that arrived
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * The file has references of its own: it outlives KHO_PAGE_DEL.  They are taken
 * without a lock, and are good if the pages are listed before and after that: what
 * was taken off kho.arrived is never listed there again.
 *
 * Context: may sleep; takes kho.lock; the pages were listed in kho.arrived when it
 * was free last.
 * Return: the file, or an error pointer; -ENOENT if they were given up meanwhile.
 */
struct file *kho_page_file(unsigned long pfn, unsigned int order)
{
	unsigned long nr_pages = 1UL << order;
	struct file *file = ERR_PTR(-ENOENT);
	struct kho_mem *mem;
	int ret;

	lockdep_assert_not_held(&kho.lock);

	mem = kzalloc(sizeof(*mem), GFP_KERNEL);
	if (!mem)
		return ERR_PTR(-ENOMEM);
	kho_mem_init(mem, &page_mem_ops);
	mem->size = (u64)nr_pages << PAGE_SHIFT;
	ret = get_arrived(mem, pfn, nr_pages);
	if (ret) {
		kfree(mem);
		return ERR_PTR(ret);
	}

	mutex_lock(&kho.lock);
	if (kho_radix_has_page(&kho.arrived, pfn, order))
		file = kho_mem_file("kho-page", mem, O_RDWR, false);
	mutex_unlock(&kho.lock);
	if (IS_ERR(file)) {
		kho_mem_put_pages(mem);
		kfree(mem);
	}
	return file;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files on preserved memory: reading and writing.  mapping.c maps it without a copy.
 *
 * All files of one memory share an inode, as long as there are any.  Its size is what
 * fstat() reports, and through its mapping pages that are cut off are unmapped.
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

#include "compat/compat.h"
#include "core/core.h"
#include "mapping.h"
#include "memory.h"
#include "mm/poison.h"

/* Pages of user memory that are faulted in at a time. */
#define PREFAULT_PAGES	16UL

static struct vfsmount *mount;
static int mount_users;

static int init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, KHO_FS_MAGIC) ? 0 : -ENOMEM;
}

/* Mounted while there are files; each holds the module just as long. */
static struct file_system_type memory_fs = {
	.name = "kho",
	.owner = THIS_MODULE,
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

/*
 * Copies a part of the page at @pos, as far as the user's memory is present.  Returns
 * 1, 0 if @pos is beyond the end, or -EIO if the page must not be read.
 *
 * mem->lock keeps the page from being cut off.  Without a reference to it, nobody who
 * seals the object finds it in use.
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
		/* A fault on a mapping of the object would take the same lock. */
	pagefault_disable();
	if (write)
		*got = copy_page_from_iter(page, offset, *want, iter);
	else
		*got = copy_page_to_iter(page, offset, *want, iter);
	pagefault_enable();
	up_read(&mem->lock);
	return 1;
}

/* Faults in some of the user's memory; false if not even its first byte can be. */
static bool fault_in(struct iov_iter *iter, bool write)
{
	size_t nr = min_t(size_t, iov_iter_count(iter), PREFAULT_PAGES << PAGE_SHIFT);

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

	/* Excludes sealing and resizing. */
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
 * kho_mem_files_keep() - keep what files share, so that each need not set it up
 * @keep: true from now on; false: no longer
 *
 * Context: may sleep; kho.lock held.
 */
void kho_mem_files_keep(bool keep)
{
	static bool kept;

	lockdep_assert_held(&kho.lock);

	/* If this fails, each file tries again. */
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
	.get_unmapped_area = kho_unmapped_area,	\
	.unlocked_ioctl = mem_ioctl,			\
	.compat_ioctl = compat_ptr_ioctl,		\
	.release = mem_release,				\
}

static const struct file_operations mem_fops = MEM_FOPS(kho_mem_mmap);
static const struct file_operations pfnmap_fops = MEM_FOPS(kho_pfnmap_mmap);

/* Memory that has files; protected by kho.lock. */
static LIST_HEAD(open_mems);

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
	list_add(&mem->open, &open_mems);
	return 0;
}

/**
 * kho_mem_file() - make a file that shows memory
 * @name: for /proc/PID/fd and maps
 * @mem: the memory; its release() is called when the file is gone
 * @flags: O_RDONLY or O_RDWR
 * @largest: map with entries of the PUD's size where the kernel can
 *
 * Context: may sleep; kho.lock held.  The caller counts the files, and calls
 * kho_mem_no_file() after the last one.
 * Return: the file, or an error pointer, and then release() is not called.
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
		fops = &pfnmap_fops;
	if (first) {
		ret = make_inode(mem);
		if (ret)
			return ERR_PTR(ret);
	}
	/* Closing the file drops both. */
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
	/* It can be read at any position; FMODE_WRITE decides about writing. */
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return file;
}

/**
 * kho_mem_no_file() - the last file was closed
 * @mem: the memory
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
 * kho_mem_set_inode() - set the owner and mode that fstat() reports
 * @mem: the memory; without files this does nothing
 * @uid: owner
 * @gid: group
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
 * @mem: the memory; it has its new size and pages already
 * @pages: what was cut off, with its references
 *
 * Private copies of what was cut off go too, as for a tmpfs file.
 *
 * A page fault may have found a page before it was cut off, and map it only now.  It
 * holds the page's lock while it does, so once each page was locked, there are no such
 * faults any more.  A fault that gets the lock only after that finds mem->cuts changed.
 * What is mapped with mem->lock held (base pages of a mapping without huge pages, and
 * page numbers) is mapped before the first unmapping or not at all.  A private copy may
 * still appear later, of a huge page or if two threads fault at once: it belongs to its
 * process, and nothing that is written to it is lost.
 *
 * Context: may sleep; mem->lock not held.
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
 * kho_mem_deny_writers() - allow no more mappings for writing
 * @mem: the memory
 *
 * Context: there is a file, and its inode's lock is held.
 * Return: 0, or -EBUSY if it is mapped for writing.
 */
int kho_mem_deny_writers(struct kho_mem *mem)
{
	lockdep_assert_held(&mem->inode->i_rwsem);

	return mapping_deny_writable(mem->inode->i_mapping);
}

/**
 * kho_mem_allow_writers() - the opposite of kho_mem_deny_writers()
 * @mem: the memory
 *
 * Context: as for that one.
 */
void kho_mem_allow_writers(struct kho_mem *mem)
{
	lockdep_assert_held(&mem->inode->i_rwsem);

	mapping_allow_writable(mem->inode->i_mapping);
}

/*
 * Unmaps a page.  Page faults that found it sound have mapped it once both locks were
 * taken: they check and map it under mem->lock, or under the page's own lock.
 *
 * Before 2e148f1e3d9a ("mm: change zap_details.zap_mapping into even_cows", 5.18), what
 * spares private copies spares all pages that are not in this file's page cache, and so
 * ours: there a page that is mapped singly stays mapped, and reading it is left to the
 * hardware's machine check.
 */
static void unmap_from(struct kho_mem *mem, u64 index, unsigned long pfn)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));

	folio_lock(folio);
	folio_unlock(folio);
	down_write(&mem->lock);
	up_write(&mem->lock);
	/* Private copies are other pages, and stay. */
	unmap_mapping_range(mem->inode->i_mapping, (loff_t)index << PAGE_SHIFT,
			    PAGE_SIZE, 0);
}

/**
 * kho_mem_unmap_page() - unmap a poisoned page everywhere
 * @pfn: its number
 *
 * This includes files of pages that are no longer preserved.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_mem_unmap_page(unsigned long pfn)
{
	struct kho_mem *mem;
	u64 i;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry(mem, &open_mems, open) {
		for (i = 0; i < mem->nr_extents; i++) {
			const struct kho_extent *extent = kho_extent_at(mem, i);

			if (pfn >= extent->pfn &&
			    pfn - extent->pfn < extent->nr_pages)
				unmap_from(mem, extent->index + pfn - extent->pfn,
					   pfn);
			cond_resched();
		}
	}
}

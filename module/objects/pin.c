// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preserving memory that a process has already.
 *
 * The pages are pinned for good, which moves them out of places where nothing may stay
 * (FOLL_LONGTERM), and become an object as they are.  Mappings are checked before their
 * pages are pinned, so that an error can name what is wrong with them.  The pages are
 * checked after that, since mappings may change meanwhile.
 *
 * An object is writable, so nobody may make one of pages that they may only read.  No
 * earlier check of a mapping covers the pages that are there later, so this is decided
 * together with the pin.  Writable mappings are pinned for writing, which the kernel
 * grants only for pages that may be written.  Where a mapping could be made writable but
 * is not, mapping and pages are checked and pinned under one mmap_lock.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/dax.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/text.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/deferred.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "core/ram.h"
#include "memory/memory.h"
#include "object.h"

#include <linux/kho.h>

/* Pages that are pinned at once. */
#define PIN_PIECE	4096UL

/* How often pages are moved out of scratch before they are refused. */
#define MOVE_TRIES	8

/*
 * Pages that have to be available.  Pinning allocates what is not present yet, and
 * running out would invoke the OOM killer.
 */
#define KEEP_FREE	4096UL

/* How often pages of a read-only mapping may vanish before they are pinned. */
#define VIEW_TRIES	16

/* guest_memfd, 6.8 on; not in linux/magic.h of older kernels. */
#ifndef GUEST_MEMFD_MAGIC
#define GUEST_MEMFD_MAGIC 0x474d454d
#endif

static const struct {
	int err;
	const char *text;
} why_not[] = {
	[KHO_WHY_UNMAPPED] = { -EFAULT, "nothing is mapped there" },
	[KHO_WHY_PROTECTED] = { -EACCES, "the mapping has no access, or none to write" },
	[KHO_WHY_DEVICE] = { -ENODEV, "it is device memory" },
	[KHO_WHY_FILE] = { -EMEDIUMTYPE, "it is a file system's page cache" },
	[KHO_WHY_DAX] = { -EXDEV, "it is a file on a DAX device" },
	[KHO_WHY_SECRET] = { -EKEYREJECTED, "it is secret memory" },
	[KHO_WHY_TAKEN] = { -EEXIST, "it is preserved already" },
	[KHO_WHY_PLACE] = { -EADDRNOTAVAIL, "nothing can be preserved where it lies" },
	[KHO_WHY_DRIVER] = { -EREMOTE, "a driver added it: the next kernel has none there" },
	[KHO_WHY_CHANGED] = { -ESTALE, "it changed meanwhile" },
};

/* Memory that is being pinned. */
struct pinning {
	struct kho_obj_preserve *args;
	struct kho_mem *mem;
	/* Adjacent pages that are pinned, but not in mem yet: */
	unsigned long pfn;
	unsigned long nr_pages;
	/* of this folio, or of any that are smaller than huge pages (NULL), */
	struct folio *folio;
	/* and of this node. */
	int nid;
	/* The last large folio, and how many of its pages are not pinned. */
	struct folio *large;
	unsigned long large_rest;
	/* Pages that stay although they are not pinned, as their folios do. */
	u64 rest;
};

static int refuse(struct kho_obj_preserve *args, u32 why, unsigned long addr)
{
	args->why = why;
	args->bad_addr = addr;
	return kho_refuse(why_not[why].err, "object '%s': memory at 0x%lx of process %d: %s",
			  kho_shown(args->name), addr, task_tgid_nr(current),
			  why_not[why].text);
}

/* Is it of tmpfs?  Device nodes in /dev are too, but what they map is not. */
static bool is_tmpfs(const struct vm_area_struct *vma)
{
	struct inode *inode = vma->vm_file ? file_inode(vma->vm_file) : NULL;

	return inode && S_ISREG(inode->i_mode) &&
	       inode->i_sb->s_magic == TMPFS_MAGIC;
}

/* Is @addr of a mapping beyond the end of its file? */
static bool behind_end(struct vm_area_struct *vma, unsigned long addr)
{
	loff_t offset = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) +
			(addr - vma->vm_start);

	/* A private mapping of /dev/zero has a file, but is anonymous. */
	return vma->vm_file && !vma_is_anonymous(vma) &&
	       offset >= i_size_read(file_inode(vma->vm_file));
}

/*
 * Is it a shared mapping that mprotect() could make writable?  The kernel does not allow
 * that if the file was opened for reading or is sealed, and mseal() protects a mapping
 * from any change.
 */
static bool may_become_writable(const struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_READ && vma->vm_flags & VM_MAYSHARE &&
	       vma->vm_flags & VM_MAYWRITE && !(vma->vm_flags & KHO_VM_SEALED);
}

/* Why what @vma maps at @addr can't be preserved, or KHO_WHY_NONE. */
static u32 refuse_for(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long magic = 0;

	if (vma->vm_file)
		magic = file_inode(vma->vm_file)->i_sb->s_magic;
	if (magic == SECRETMEM_MAGIC || magic == GUEST_MEMFD_MAGIC)
		return KHO_WHY_SECRET;
	if (magic == KHO_FS_MAGIC)
		return KHO_WHY_TAKEN;
	if (vma_is_dax(vma))
		return KHO_WHY_DAX;
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
		return KHO_WHY_DEVICE;
	if (!is_vm_hugetlb_page(vma) && !vma_is_anonymous(vma) && !is_tmpfs(vma))
		return vma->vm_file ? KHO_WHY_FILE : KHO_WHY_DEVICE;
	if (behind_end(vma, addr))
		return KHO_WHY_UNMAPPED;
	/*
	 * Pages of a private mapping are its own only once they are written to; those of
	 * a shared one are the same for everybody.  The object will be writable, so the
	 * mapping has to be, or the caller has to be able to make it so.
	 */
	if (!(vma->vm_flags & VM_WRITE) && !may_become_writable(vma))
		return KHO_WHY_PROTECTED;
	return KHO_WHY_NONE;
}

/**
 * kho_pin_may() - could the memory that is mapped at an address be preserved?
 * @vma: the mapping
 * @addr: the address, within it
 *
 * Context: mmap_lock held.
 */
bool kho_pin_may(struct vm_area_struct *vma, unsigned long addr)
{
	return !refuse_for(vma, addr);
}

/* Checks the mapping at @addr; tells where it ends and how to pin it. */
static u32 check_at(unsigned long addr, unsigned long *end, bool *write,
		    bool *hugetlb)
{
	struct vm_area_struct *vma;
	u32 why = KHO_WHY_UNMAPPED;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma) {
		why = refuse_for(vma, addr);
		*end = vma->vm_end;
		*write = vma->vm_flags & VM_WRITE;
		*hugetlb = is_vm_hugetlb_page(vma);
	}
	mmap_read_unlock(current->mm);
	return why;
}

/* Checks all mappings, so that errors are found before anything is pinned. */
static int check_all(struct kho_obj_preserve *args)
{
	unsigned long addr = args->addr, end = args->addr + args->bytes;
	bool write, hugetlb;
	u32 why;

	while (addr < end) {
		unsigned long at = addr;

		why = check_at(at, &addr, &write, &hugetlb);
		if (why)
			return refuse(args, why, at);
	}
	return 0;
}

/* A huge page that is pinned as a whole is one in the next kernel, too. */
static unsigned int order_of(const struct pinning *p)
{
	if (!p->folio || p->nr_pages != folio_nr_pages(p->folio))
		return 0;
	return folio_order(p->folio) >= KHO_PUD_ORDER ? KHO_PUD_ORDER :
							KHO_PMD_ORDER;
}

static int flush(struct pinning *p)
{
	int ret;

	if (!p->nr_pages)
		return 0;
	/* Base pages that follow the last ones have been merged already. */
	if (!p->folio)
		ret = kho_mem_add(p->mem, p->pfn, p->nr_pages, 0);
	else
		ret = kho_mem_append(p->mem, p->pfn, p->nr_pages, order_of(p));
	if (!ret)
		p->nr_pages = 0;
	return ret;
}

/* Can a mapping that was checked have this page, and is it sound? */
static u32 check_folio(struct folio *folio, struct page *page)
{
	if (!folio_test_swapbacked(folio) && !folio_test_anon(folio) &&
	    !folio_test_hugetlb(folio))
		return KHO_WHY_CHANGED;
	/* hugetlb marks only the head as poisoned. */
	if (PageHWPoison(page) || folio_test_hwpoison(folio) ||
	    (folio_test_large(folio) && folio_test_has_hwpoisoned(folio)))
		return KHO_WHY_PLACE;
	return KHO_WHY_NONE;
}

/* Can anything be preserved where these pages are? */
static u32 check_place(unsigned long pfn, unsigned long nr)
{
	int ret = kho_ram_check(pfn, nr);

	if (ret == -EREMOTE)
		return KHO_WHY_DRIVER;
	return ret || kho_backend_in_scratch(pfn, nr) ? KHO_WHY_PLACE : KHO_WHY_NONE;
}

/* Is it a folio of one page, of this node, with nothing wrong about it? */
static bool is_base(struct page *page, int nid)
{
	struct folio *folio = (struct folio *)page;

	return !PageCompound(page) && page_to_nid(page) == nid &&
	       (folio_test_swapbacked(folio) || folio_test_anon(folio)) &&
	       !PageHWPoison(page);
}

/* All pages of a large folio stay as long as one of them does. */
static void count_rest(struct pinning *p, struct folio *folio, unsigned long nr)
{
	if (p->large != folio) {
		p->rest += p->large_rest;
		p->large = folio;
		p->large_rest = folio_nr_pages(folio);
	}
	p->large_rest -= min(p->large_rest, nr);
}

/*
 * Adds the first of @pages and what follows it, in its folio or as adjacent base pages.
 * Returns how many.
 */
static long add_run(struct pinning *p, struct page **pages, long nr,
		    unsigned long addr)
{
	struct page *page = pages[0];
	struct folio *folio = page_folio(page), *huge = NULL;
	unsigned long pfn = page_to_pfn(page);
	int ret, nid = folio_nid(folio);
	long n = 1;
	u32 why;

	why = check_folio(folio, page);
	if (folio_test_large(folio)) {
		nr = min_t(long, nr,
			   folio_nr_pages(folio) - folio_page_idx(folio, page));
		/* Except for hugetlb, they may be mapped in another order. */
		if (folio_test_hugetlb(folio))
			n = nr;
		while (n < nr && pages[n] == pfn_to_page(pfn + n))
			n++;
		if (folio_order(folio) >= KHO_PMD_ORDER)
			huge = folio;
	} else {
		while (n < nr && pages[n] == pfn_to_page(pfn + n) &&
		       is_base(pages[n], nid))
			n++;
	}
	why = why ?: check_place(pfn, n);
	if (why)
		return refuse(p->args, why, addr);
	if (folio_test_large(folio))
		count_rest(p, folio, n);
	if (p->nr_pages && p->folio == huge && p->nid == nid &&
	    p->pfn + p->nr_pages == pfn) {
		p->nr_pages += n;
		return n;
	}
	ret = flush(p);
	if (ret)
		return ret;
	p->folio = huge;
	p->nid = nid;
	p->pfn = pfn;
	p->nr_pages = n;
	return n;
}

/*
 * Pins pages of a read-only mapping.  Only the flags of the mapping say that its pages
 * may be written.  So these have to be the flags of the very mapping that the pages are
 * found in: both are checked under one mmap_lock.  Nothing waits for a page under it,
 * neither for a disk nor for a handler of userfaultfd, which may need the lock: missing
 * pages are faulted in beforehand.  Returns -EFAULT if the first page is gone again.
 */
static long pin_view(unsigned long addr, unsigned long nr, struct page **pages)
{
	unsigned int gup = FOLL_LONGTERM;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	long ret = -EFAULT;

	/* If this fails, so does the pin. */
	fault_in_readable((const char __user *)addr, nr << PAGE_SHIFT);
	kho_inject("pin-view");
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, addr);
	if (vma && !refuse_for(vma, addr)) {
		nr = min(nr, (vma->vm_end - addr) >> PAGE_SHIFT);
		/* The mapping, or one that follows it, may have been replaced by now. */
		if (vma->vm_flags & VM_WRITE)
			gup |= FOLL_WRITE;
		ret = kho_pin_present(addr, nr, gup, pages);
	}
	mmap_read_unlock(mm);
	return ret;
}

static long pin_once(unsigned long addr, unsigned long nr, bool write,
		     struct page **pages)
{
	kho_inject("pin");
	/* Only pages that the caller may write to are pinned. */
	if (write)
		return pin_user_pages_fast(addr, nr, FOLL_LONGTERM | FOLL_WRITE,
					   pages);
	return pin_view(addr, nr, pages);
}

/* The same, but moves pages out of scratch if that is possible. */
static long pin_pages(unsigned long addr, unsigned long nr, bool write,
		      struct page **pages)
{
	unsigned int tries = MOVE_TRIES;
	long pinned;

	do {
		pinned = pin_once(addr, nr, write, pages);
	} while (pinned > 0 && tries-- && !fatal_signal_pending(current) &&
		 kho_pin_move(addr, pages, pinned));
	return pinned;
}

static int await_memory(const struct pinning *p, unsigned long addr)
{
	while (kho_pages_available() < min(KEEP_FREE, totalram_pages() / 64)) {
		if (kho_deferred_wait())
			continue;
		return kho_refuse(-ENOMEM, "object '%s': memory at 0x%lx: too little memory is left to fault all of it in",
				  kho_shown(p->args->name), addr);
	}
	return 0;
}

/* Pins pages of one mapping, PIN_PIECE at most; returns how many. */
static long pin_piece(struct pinning *p, unsigned long addr, unsigned long end,
		      struct page **pages)
{
	unsigned int tries = 0;
	bool write, hugetlb;
	unsigned long stop;
	long i, n, nr;
	u32 why;

again:
	why = check_at(addr, &stop, &write, &hugetlb);
	if (why)
		return refuse(p->args, why, addr);
	nr = await_memory(p, addr);
	if (nr)
		return nr;
	nr = min((min(stop, end) - addr) >> PAGE_SHIFT, PIN_PIECE);
	nr = pin_pages(addr, nr, write, pages);
	if (nr <= 0) {
		if (fatal_signal_pending(current))
			return -EINTR;
		/* The page is gone again, or the mapping was replaced: try again. */
		if (!write && nr == -EFAULT && ++tries < VIEW_TRIES)
			goto again;
		why = check_at(addr, &stop, &write, &hugetlb);
		if (why)
			return refuse(p->args, why, addr);
		p->args->bad_addr = addr;
		/* If hugetlb's pool is empty, that looks as if there were no page. */
		if (nr == -ENOMEM || hugetlb)
			return -ENOMEM;
		return refuse(p->args, KHO_WHY_CHANGED, addr);
	}
	for (i = 0; i < nr; i += n) {
		n = add_run(p, pages + i, nr - i, addr + (i << PAGE_SHIFT));
		if (n < 0) {
			unpin_user_pages(pages + i, nr - i);
			return n;
		}
	}
	return nr;
}

static int pin_all(struct kho_object *object, struct kho_obj_preserve *args)
{
	unsigned long addr = args->addr, end = args->addr + args->bytes;
	struct pinning p = { .args = args, .mem = &object->mem };
	struct page **pages;
	u64 charged;
	long nr = 0;
	int ret = 0;

	pages = kvmalloc_array(PIN_PIECE, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	while (addr < end && !ret) {
		kho_inject("pin-piece");
		nr = pin_piece(&p, addr, end, pages);
		if (nr < 0)
			ret = nr;
		else
			addr += nr << PAGE_SHIFT;
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	if (!ret)
		ret = flush(&p);
	p.rest += p.large_rest;
	if (!ret && p.rest)
		ret = kho_charge(object, p.rest, &charged);
	if (ret == -EDQUOT)
		args->why = KHO_WHY_LIMIT;
	if (p.nr_pages)
		unpin_user_page_range_dirty_lock(pfn_to_page(p.pfn), p.nr_pages,
						 false);
	kvfree(pages);
	return ret;
}

/* Names the page that is preserved already; none if it is twice in the range itself. */
static int refuse_taken(struct kho_obj_preserve *args, const struct kho_mem *mem)
{
	u64 i;

	/* The tree is read without a lock, so nobody waits for this. */
	lockdep_assert_not_held(&kho.lock);
	kho_inject("taken");
	for (i = 0; i < mem->nr_pages; i++) {
		unsigned long pfn = page_to_pfn(kho_mem_page(mem, i));

		if (kho_preserved_has(pfn, 1))
			break;
		cond_resched();
	}
	return refuse(args, KHO_WHY_TAKEN,
		      i < mem->nr_pages ? args->addr + (i << PAGE_SHIFT) : 0);
}

static int check_args(const struct kho_obj_preserve *args)
{
	if (!args->bytes || args->bytes & ~PAGE_MASK)
		return kho_refuse(-EINVAL, "kho_obj_preserve.bytes is %llu, must be a multiple of %lu",
				  args->bytes, PAGE_SIZE);
	if (args->addr & ~PAGE_MASK)
		return kho_refuse(-EINVAL, "kho_obj_preserve.addr is 0x%llx, must be a multiple of %lu",
				  args->addr, PAGE_SIZE);
	/* Nothing is mapped beyond the address space of a process. */
	if (args->addr + args->bytes < args->addr ||
	    !access_ok(u64_to_user_ptr(args->addr), args->bytes))
		return -EFAULT;
	if (args->bytes >> PAGE_SHIFT > totalram_pages())
		return kho_refuse(-ENOMEM, "object '%s': %llu bytes are more than the machine has",
				  kho_shown(args->name), args->bytes);
	return 0;
}

/**
 * kho_pin_preserve() - make an object of the caller's memory
 * @params: its name, size and flags; the name has been checked
 * @args: which memory; set to what was wrong with it
 * @file: set to a file of the object
 *
 * Context: may sleep; takes mmap_lock, then kho.lock, not both.
 * Return: 0 or the errno of KHO_OBJ_PRESERVE; nothing is left after an error.
 */
int kho_pin_preserve(const struct kho_object_params *params, struct kho_obj_preserve *args,
		     struct file **file)
{
	struct kho_object *object;
	int ret;

	args->why = KHO_WHY_NONE;
	args->bad_addr = 0;
	ret = check_args(args);
	if (ret == -EFAULT)
		return refuse(args, KHO_WHY_UNMAPPED, args->addr);
	ret = ret ?: kho_object_may_name(params->name) ?: check_all(args);
	if (ret)
		return ret;

	object = kho_object_new(params);
	if (IS_ERR(object)) {
		if (PTR_ERR(object) == -EDQUOT)
			args->why = KHO_WHY_LIMIT;
		return PTR_ERR(object);
	}
	object->mem.pinned = true;
	ret = pin_all(object, args);
	if (ret)
		goto err_free;
	ret = kho_object_insert(object, file);
	/* -EEXIST is about a page, unless the name has been taken meanwhile. */
	if ((ret == -EEXIST && !kho_object_may_name(params->name)) || ret == -EBUSY)
		ret = refuse_taken(args, &object->mem);
	/* The memory is going offline just now. */
	if (ret == -EADDRNOTAVAIL)
		args->why = KHO_WHY_PLACE;
	if (ret)
		goto err_free;
	return 0;

err_free:
	kho_object_free(object);
	return ret;
}

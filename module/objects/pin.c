// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preserving memory that a process has already.
 *
 * The pages are pinned for good, which moves them out of where nothing may stay
 * (FOLL_LONGTERM), and are made an object as they are.  What a mapping is of is
 * looked at before its pages are pinned, so that the answer tells what is wrong
 * with it, and the pages are looked at after that, since mappings may change
 * meanwhile.
 *
 * An object can be written, so nobody may get one of pages that he may only read.
 * No look from before says that of the pages that are there later.  So it is
 * decided with the pin: it is one for writing, which the kernel grants for a page
 * that may be written and for no other; or, where the mapping could be made
 * writable but is not, mapping and pages are looked at and pinned under one
 * mmap_lock.
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

/* Pages that are pinned in one go. */
#define PIN_PIECE	4096UL

/* How often pages are moved out of scratch before they are refused. */
#define MOVE_TRIES	8

/*
 * Least memory that has to be available, in pages: to pin what is not there yet
 * allocates it, and for want of more the OOM killer would come.
 */
#define KEEP_FREE	4096UL

/* How often pages of a mapping that is only read may go before they are pinned. */
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
	[KHO_WHY_DRIVER] = { -EREMOTE, "a driver has brought it, the next kernel has none there" },
	[KHO_WHY_CHANGED] = { -ESTALE, "it changed meanwhile" },
};

/* What is being pinned. */
struct pinning {
	struct kho_obj_preserve *ask;
	struct kho_mem *mem;
	/* Pages side by side that are pinned, but not in mem yet: */
	unsigned long pfn;
	unsigned long nr_pages;
	/* of this folio, or of any that are smaller than huge pages (NULL), */
	struct folio *folio;
	/* and of this node. */
	int nid;
	/* The large folio that was met last, and how much of it is not pinned. */
	struct folio *large;
	unsigned long large_rest;
	/* Pages that stay with those of the object, as they are of the same folios. */
	u64 rest;
};

static int refuse(struct kho_obj_preserve *ask, u32 why, unsigned long addr)
{
	ask->why = why;
	ask->bad_addr = addr;
	return kho_refuse(why_not[why].err, "object '%s': memory at 0x%lx of process %d: %s",
			  kho_shown(ask->name), addr, task_tgid_nr(current),
			  why_not[why].text);
}

/* Is it of tmpfs?  A device node in /dev is too, but what it maps is not. */
static bool is_tmpfs(const struct vm_area_struct *vma)
{
	struct inode *inode = vma->vm_file ? file_inode(vma->vm_file) : NULL;

	return inode && S_ISREG(inode->i_mode) &&
	       inode->i_sb->s_magic == TMPFS_MAGIC;
}

/* Is @addr of a mapping behind the end of its file? */
static bool behind_end(struct vm_area_struct *vma, unsigned long addr)
{
	loff_t offset = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) +
			(addr - vma->vm_start);

	/* That of a private mapping of /dev/zero is no file. */
	return vma->vm_file && !vma_is_anonymous(vma) &&
	       offset >= i_size_read(file_inode(vma->vm_file));
}

/*
 * Is it a shared mapping that mprotect() would let the caller write to?  Of a file
 * that was opened to be read, or that is sealed, the kernel makes none, and what
 * mseal() was called for stays as it is.
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
	 * Pages of a private mapping are its own only once they are written to;
	 * those of a shared one are the same whoever looks.  What the caller may
	 * not make writable it may not have an object of, which is writable.
	 */
	if (!(vma->vm_flags & VM_WRITE) && !may_become_writable(vma))
		return KHO_WHY_PROTECTED;
	return KHO_WHY_NONE;
}

/**
 * kho_pin_may() - could what a mapping has at an address be preserved?
 * @vma: the mapping
 * @addr: the address, within it
 *
 * Context: mmap_lock held.
 */
bool kho_pin_may(struct vm_area_struct *vma, unsigned long addr)
{
	return !refuse_for(vma, addr);
}

/* Looks at the mapping of @addr; says where it ends and how it is pinned. */
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

/* So that what is wrong at the end is known before anything is pinned. */
static int check_all(struct kho_obj_preserve *ask)
{
	unsigned long addr = ask->addr, end = ask->addr + ask->bytes;
	bool write, hugetlb;
	u32 why;

	while (addr < end) {
		unsigned long at = addr;

		why = check_at(at, &addr, &write, &hugetlb);
		if (why)
			return refuse(ask, why, at);
	}
	return 0;
}

/* Pages of a process that stay whole are whole again in the next kernel. */
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
	/* Base pages would be here already if they followed the last ones. */
	if (!p->folio)
		ret = kho_mem_add(p->mem, p->pfn, p->nr_pages, 0);
	else
		ret = kho_mem_append(p->mem, p->pfn, p->nr_pages, order_of(p));
	if (!ret)
		p->nr_pages = 0;
	return ret;
}

/* Are the folio's pages as those of such mappings are? */
static u32 check_folio(struct folio *folio, struct page *page)
{
	if (!folio_test_swapbacked(folio) && !folio_test_anon(folio) &&
	    !folio_test_hugetlb(folio))
		return KHO_WHY_CHANGED;
	/* hugetlb says so at the head. */
	if (PageHWPoison(page) || folio_test_hwpoison(folio) ||
	    (folio_test_large(folio) && folio_test_has_hwpoisoned(folio)))
		return KHO_WHY_PLACE;
	return KHO_WHY_NONE;
}

/* Can anything stay where these pages are? */
static u32 check_place(unsigned long pfn, unsigned long nr)
{
	int ret = kho_ram_check(pfn, nr);

	if (ret == -EREMOTE)
		return KHO_WHY_DRIVER;
	return ret || kho_backend_in_scratch(pfn, nr) ? KHO_WHY_PLACE : KHO_WHY_NONE;
}

/* A page that is a folio of its own, and nothing about it is wrong? */
static bool is_base(struct page *page, int nid)
{
	struct folio *folio = (struct folio *)page;

	return !PageCompound(page) && page_to_nid(page) == nid &&
	       (folio_test_swapbacked(folio) || folio_test_anon(folio)) &&
	       !PageHWPoison(page);
}

/* Of a large folio all pages stay as long as one of them does. */
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
 * Takes the first of @pages, and what follows it in its folio or in base pages
 * side by side; says how many.
 */
static long take(struct pinning *p, struct page **pages, long nr,
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
		/* What is not of a pool may be mapped in another order. */
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
		return refuse(p->ask, why, addr);
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
 * Pins pages of a mapping that is only read.  That its pages may be written is
 * no more than what its flags say, so these have to be those of the very mapping
 * that the pages are found in: both are looked at under one mmap_lock.  There
 * nobody waits for a page, neither for the disk nor for whoever handles page
 * faults by userfaultfd, who may need that lock: what is not there is had before.
 * -EFAULT if the first page is not there any more.
 */
static long pin_view(unsigned long addr, unsigned long nr, struct page **pages)
{
	unsigned int gup = FOLL_LONGTERM | FOLL_NOFAULT;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	long ret = -EFAULT;

	/* If it fails, so does what follows. */
	fault_in_readable((const char __user *)addr, nr << PAGE_SHIFT);
	kho_inject("pin-view");
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, addr);
	if (vma && !refuse_for(vma, addr)) {
		nr = min(nr, (vma->vm_end - addr) >> PAGE_SHIFT);
		/* It may be another mapping by now, or another one's neighbour. */
		if (vma->vm_flags & VM_WRITE)
			gup |= FOLL_WRITE;
		ret = kho_pin_user_pages(addr, nr, gup, pages);
	}
	mmap_read_unlock(mm);
	return ret;
}

static long pin_once(unsigned long addr, unsigned long nr, bool write,
		     struct page **pages)
{
	kho_inject("pin");
	/* Each page is one that the caller may write to, or it is not pinned. */
	if (write)
		return pin_user_pages_fast(addr, nr, FOLL_LONGTERM | FOLL_WRITE,
					   pages);
	return pin_view(addr, nr, pages);
}

/* The same, and has them leave scratch if they lie there and can be moved. */
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
		return kho_refuse(-ENOMEM, "object '%s': memory at 0x%lx: too little is left to make all of it there",
				  kho_shown(p->ask->name), addr);
	}
	return 0;
}

/* Pages of one mapping, as many as are pinned in one go; says how many. */
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
		return refuse(p->ask, why, addr);
	nr = await_memory(p, addr);
	if (nr)
		return nr;
	nr = min((min(stop, end) - addr) >> PAGE_SHIFT, PIN_PIECE);
	nr = pin_pages(addr, nr, write, pages);
	if (nr <= 0) {
		if (fatal_signal_pending(current))
			return -EINTR;
		/* It was there a moment ago, or the mapping was another one. */
		if (!write && nr == -EFAULT && ++tries < VIEW_TRIES)
			goto again;
		why = check_at(addr, &stop, &write, &hugetlb);
		if (why)
			return refuse(p->ask, why, addr);
		p->ask->bad_addr = addr;
		/* No free page in the pool looks like no page at all. */
		if (nr == -ENOMEM || hugetlb)
			return -ENOMEM;
		return refuse(p->ask, KHO_WHY_CHANGED, addr);
	}
	for (i = 0; i < nr; i += n) {
		n = take(p, pages + i, nr - i, addr + (i << PAGE_SHIFT));
		if (n < 0) {
			unpin_user_pages(pages + i, nr - i);
			return n;
		}
	}
	return nr;
}

static int pin_all(struct kho_object *object, struct kho_obj_preserve *ask)
{
	unsigned long addr = ask->addr, end = ask->addr + ask->bytes;
	struct pinning p = { .ask = ask, .mem = &object->mem };
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
		ask->why = KHO_WHY_LIMIT;
	if (p.nr_pages)
		unpin_user_page_range_dirty_lock(pfn_to_page(p.pfn), p.nr_pages,
						 false);
	kvfree(pages);
	return ret;
}

/* Which page is somebody's already; none if it is twice in the range itself. */
static int refuse_taken(struct kho_obj_preserve *ask, const struct kho_mem *mem)
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
	return refuse(ask, KHO_WHY_TAKEN,
		      i < mem->nr_pages ? ask->addr + (i << PAGE_SHIFT) : 0);
}

static int check_ask(const struct kho_obj_preserve *ask)
{
	if (!ask->bytes || ask->bytes & ~PAGE_MASK)
		return kho_refuse(-EINVAL, "kho_obj_preserve.bytes is %llu, must be a multiple of %lu",
				  ask->bytes, PAGE_SIZE);
	if (ask->addr & ~PAGE_MASK)
		return kho_refuse(-EINVAL, "kho_obj_preserve.addr is 0x%llx, must be a multiple of %lu",
				  ask->addr, PAGE_SIZE);
	/* Beyond what a process can have at all, nothing is mapped. */
	if (ask->addr + ask->bytes < ask->addr ||
	    !access_ok(u64_to_user_ptr(ask->addr), ask->bytes))
		return -EFAULT;
	if (ask->bytes >> PAGE_SHIFT > totalram_pages())
		return kho_refuse(-ENOMEM, "object '%s': %llu bytes are more than there is memory",
				  kho_shown(ask->name), ask->bytes);
	return 0;
}

/**
 * kho_pin_preserve() - make an object of memory of the caller
 * @params: its name, size and flags; the name has been checked
 * @ask: which memory; told what was wrong with it
 * @file: set to a file of the object
 *
 * Context: may sleep; takes mmap_lock, then kho.lock, not both.
 * Return: 0 or the errno of KHO_OBJ_PRESERVE; nothing stays after an error.
 */
int kho_pin_preserve(const struct kho_object_params *params, struct kho_obj_preserve *ask,
		     struct file **file)
{
	struct kho_object *object;
	int ret;

	ask->why = KHO_WHY_NONE;
	ask->bad_addr = 0;
	ret = check_ask(ask);
	if (ret == -EFAULT)
		return refuse(ask, KHO_WHY_UNMAPPED, ask->addr);
	ret = ret ?: kho_object_may_name(params->name) ?: check_all(ask);
	if (ret)
		return ret;

	object = kho_object_new(params);
	if (IS_ERR(object)) {
		if (PTR_ERR(object) == -EDQUOT)
			ask->why = KHO_WHY_LIMIT;
		return PTR_ERR(object);
	}
	object->mem.pinned = true;
	ret = pin_all(object, ask);
	if (ret)
		goto err_free;
	ret = kho_object_insert(object, file);
	/* The name was free a moment ago, and may not be now. */
	if ((ret == -EEXIST && !kho_object_may_name(params->name)) || ret == -EBUSY)
		ret = refuse_taken(ask, &object->mem);
	/* Memory that is going offline just now. */
	if (ret == -EADDRNOTAVAIL)
		ask->why = KHO_WHY_PLACE;
	if (ret)
		goto err_free;
	return 0;

err_free:
	kho_object_free(object);
	return ret;
}

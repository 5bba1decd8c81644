// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of an object: how its extents are allocated, marked, cut and given back.
 *
 * Memory of order 0 is made of base pages, each with its own reference.  Memory of the
 * PMD's order or above is made of folios of the PMD's size in this kernel, as soon as
 * somebody wants to map it (kho_mem_make_folios()): get_user_pages() works on what a
 * PMD maps only if it is such a folio.  Pinned pages of a process stay what they are.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "core/core.h"
#include "core/deferred.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "memory.h"
#include "mm/folio.h"
#include "mm/poison.h"
#include "tree/tree.h"

#include <kho/objects.h>

/* Blocks that are marked at once. */
#define MARK_BATCH	64

/* Pages that are given back at once, 32 MiB: a multiple of the PMD's size. */
#define PUT_PIECE	8192ULL

/**
 * kho_mem_init() - prepare memory without pages
 * @mem: the memory
 * @ops: callbacks of its owner
 */
void kho_mem_init(struct kho_mem *mem, const struct kho_mem_ops *ops)
{
	init_rwsem(&mem->lock);
	mem->ops = ops;
}

/* Counts huge pages. */
static void count_huge(struct kho_mem *mem, unsigned int order, s64 nr_pages)
{
	if (order >= KHO_PUD_ORDER)
		mem->pud_pages += nr_pages >> KHO_PUD_ORDER;
	else if (order >= KHO_PMD_ORDER)
		mem->pmd_pages += nr_pages >> KHO_PMD_ORDER;
}

/*
 * Adds pages to the last extent, if they follow it.  Only before extents are marked: an
 * extent of order 0 is marked as one range.  No extent crosses a NUMA node, as
 * mainline's blocks don't.
 */
static bool grow_last(struct kho_mem *mem, unsigned long pfn,
		      unsigned long nr_pages, unsigned int order)
{
	struct kho_extent *last;

	if (!mem->nr_extents)
		return false;
	last = kho_extent_at(mem, mem->nr_extents - 1);
	if (last->order != order || last->pfn + last->nr_pages != pfn ||
	    page_to_nid(pfn_to_page(last->pfn)) !=
	    page_to_nid(pfn_to_page(pfn)))
		return false;
	last->nr_pages += nr_pages;
	mem->nr_pages += nr_pages;
	count_huge(mem, order, nr_pages);
	return true;
}

/**
 * kho_mem_add() - append pages as an extent
 * @mem: the memory
 * @pfn: number of the first page
 * @nr_pages: number of pages
 * @order: order of these pages
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kho_mem_add(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages,
		unsigned int order)
{
	struct kho_extent *last;
	int ret = kho_extents_add_room(mem);

	if (ret)
		return ret;
	last = kho_extent_at(mem, mem->nr_extents++);
	last->index = mem->nr_pages;
	last->pfn = pfn;
	last->nr_pages = nr_pages;
	last->order = order;
	mem->huge |= order >= KHO_PMD_ORDER;
	mem->nr_pages += nr_pages;
	count_huge(mem, order, nr_pages);
	return 0;
}

/**
 * kho_mem_append() - append pages, to the last extent if they follow it
 * @mem: the memory
 * @pfn: number of the first page
 * @nr_pages: number of pages
 * @order: order of these pages
 *
 * Context: may sleep; @mem is not marked yet.
 * Return: 0 or -ENOMEM.
 */
int kho_mem_append(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages,
		   unsigned int order)
{
	if (grow_last(mem, pfn, nr_pages, order))
		return 0;
	return kho_mem_add(mem, pfn, nr_pages, order);
}

/**
 * kho_extent_each() - call a function for each range that an extent is marked as
 * @extent: the extent
 * @fn: the function
 *
 * Return: 0, or the first result of @fn that is not 0.
 */
int kho_extent_each(const struct kho_extent *extent,
		    int (*fn)(u64 pfn, u64 nr_pages))
{
	u64 done, step = extent->nr_pages;
	int ret;

	if (extent->order)
		step = 1ULL << KHO_OBJS_KEY_ORDER(extent->order);
	for (done = 0; done < extent->nr_pages; done += step) {
		ret = fn(extent->pfn + done, step);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * kho_extent_cut() - find the mark that is cut when an extent is made shorter
 * @extent: the extent
 * @nr_pages: how many of its pages stay, fewer than it has
 * @order: set to the order of the block that is cut, if one is
 * @end: set to the number of pages whose marks are kept or changed, those of that block
 * included; what follows them is marked separately
 *
 * Return: index of the block's first page within the extent; @nr_pages if no block is
 * cut.
 */
u64 kho_extent_cut(const struct kho_extent *extent, u64 nr_pages,
		   unsigned int *order, u64 *end)
{
	u64 at = 0;

	*end = nr_pages;
	/* Larger pages are never cut: see kho_mem_splits(). */
	if (extent->order)
		return nr_pages;
	while (at < nr_pages) {
		*order = kho_radix_range_order(extent->pfn + at,
					       extent->nr_pages - at);
		if (at + (1ULL << *order) > nr_pages) {
			*end = at + (1ULL << *order);
			break;
		}
		at += 1ULL << *order;
	}
	return at;
}

/**
 * struct marks - progress of marking, or the opposite
 */
struct marks {
	/** @mem: the memory. */
	const struct kho_mem *mem;
	/** @extent: number of the next extent. */
	u64 extent;
	/** @at: the next page in it. */
	u64 at;
	/** @range: length of one range to be marked; 0: @nr blocks are marked. */
	u64 range;
	/** @order: order of the blocks. */
	unsigned int order;
	/** @nr: number of blocks; 1 for a range. */
	unsigned long nr;
	/** @pfn: numbers of their first pages. */
	unsigned long pfn[MARK_BATCH];
};

/*
 * Finds what is marked next: an extent of order 0 as one range, or blocks of one order.
 * Blocks are consecutive extents of a single page, or the pages of extents of a larger
 * order.
 */
static bool next_marks(struct marks *m)
{
	m->range = 0;
	m->nr = 0;
	for (; m->extent < m->mem->nr_extents; m->extent++, m->at = 0) {
		const struct kho_extent *extent = kho_extent_at(m->mem, m->extent);
		unsigned int order = KHO_OBJS_KEY_ORDER(extent->order);

		if (m->nr && order != m->order)
			return true;
		if (!extent->order && extent->nr_pages > 1) {
			if (m->nr)
				return true;
			m->pfn[m->nr++] = extent->pfn;
			m->range = extent->nr_pages;
			m->extent++;
			return true;
		}
		m->order = order;
		for (; m->at < extent->nr_pages; m->at += 1ULL << order) {
			if (m->nr == MARK_BATCH)
				return true;
			m->pfn[m->nr++] = extent->pfn + m->at;
		}
	}
	return m->nr;
}

static int mark(const struct marks *m, unsigned long *done)
{
	int ret;

	if (!m->range)
		return kho_mark_batch(m->pfn, m->nr, m->order, done);
	ret = kho_mark_range(m->pfn[0], m->range);
	*done = !ret;
	return ret;
}

/* Unmarks the first @nr ranges and blocks. */
static void unmark(const struct kho_mem *mem, u64 nr)
{
	struct marks m = { .mem = mem };

	while (nr && next_marks(&m)) {
		unsigned long n = min_t(u64, nr, m.nr);

		if (m.range)
			WARN_ON_ONCE(kho_unmark_range(m.pfn[0], m.range));
		else
			kho_unmark_batch(m.pfn, n, m.order);
		nr -= n;
		cond_resched();
	}
}

/**
 * kho_mem_mark() - preserve all pages
 * @mem: the memory
 *
 * Context: may sleep; kho.gate or kho.lock held.
 * Return: 0, or as kho_mark_range(), and then nothing is marked.
 */
int kho_mem_mark(const struct kho_mem *mem)
{
	struct marks m = { .mem = mem };
	unsigned long done;
	u64 marked = 0;
	int ret;

	while (next_marks(&m)) {
		ret = mark(&m, &done);
		marked += done;
		if (ret) {
			unmark(mem, marked);
			return ret;
		}
		cond_resched();
	}
	return 0;
}

/**
 * kho_mem_unmark() - the opposite of kho_mem_mark()
 * @mem: the memory
 *
 * Context: may sleep; kho.gate or kho.lock held.
 */
void kho_mem_unmark(const struct kho_mem *mem)
{
	unmark(mem, U64_MAX);
}

/* Of our own pages: each folio has one reference, and so has each base page. */
static void put_extent(const struct kho_extent *extent)
{
	u64 done;

	if (extent->order < KHO_PMD_ORDER) {
		kho_put_pages(extent->pfn, extent->nr_pages);
		return;
	}
	for (done = 0; done < extent->nr_pages; done += 1ULL << KHO_PMD_ORDER) {
		u64 pfn = extent->pfn + done;
		bool whole = kho_folio_is_whole(pfn, KHO_PMD_ORDER);

		/* A poisoned page is freed singly, or the allocator would reuse it. */
		if (whole && kho_range_poisoned(pfn, 1ULL << KHO_PMD_ORDER)) {
			if (!kho_folio_break(pfn, KHO_PMD_ORDER))
				continue;
			whole = false;
		}
		if (whole)
			put_page(pfn_to_page(pfn));
		else
			kho_put_pages(pfn, 1ULL << KHO_PMD_ORDER);
		cond_resched();
	}
}

/**
 * kho_mem_put_piece() - give up some pages
 * @mem: the memory; the last of its pages go
 *
 * Context: may sleep.
 * Return: number of pages given up; 0 if there were none.
 */
u64 kho_mem_put_piece(struct kho_mem *mem)
{
	u64 done = 0;

	while (done < PUT_PIECE && mem->nr_extents) {
		struct kho_extent *last = kho_extent_at(mem, mem->nr_extents - 1);
		struct kho_extent piece = *last;

		piece.nr_pages = min_t(u64, last->nr_pages, PUT_PIECE);
		last->nr_pages -= piece.nr_pages;
		piece.pfn += last->nr_pages;
		if (mem->pinned)
			/* Users of the object may have written to them. */
			unpin_user_page_range_dirty_lock(pfn_to_page(piece.pfn),
							 piece.nr_pages, true);
		else
			put_extent(&piece);
		if (!last->nr_pages)
			mem->nr_extents--;
		mem->nr_pages -= piece.nr_pages;
		done += piece.nr_pages;
		cond_resched();
	}
	return done;
}

/**
 * kho_mem_put_pages() - give up all pages
 * @mem: the memory
 *
 * Context: may sleep.
 */
void kho_mem_put_pages(struct kho_mem *mem)
{
	while (kho_mem_put_piece(mem))
		;
	kho_extents_free(mem);
}

/**
 * kho_mem_folios_made() - is there nothing left for kho_mem_make_folios() to do?
 * @mem: the memory
 *
 * Context: any.
 */
bool kho_mem_folios_made(const struct kho_mem *mem)
{
	/* Pairs with smp_store_release() in kho_mem_make_folios(). */
	return !mem->huge || mem->pinned || smp_load_acquire(&mem->folios_made);
}

static int make_folios(const struct kho_extent *extent)
{
	u64 done, size = 1ULL << KHO_PMD_ORDER;

	if (extent->order < KHO_PMD_ORDER)
		return 0;
	for (done = 0; done < extent->nr_pages; done += size) {
		u64 index = extent->index + done, pfn = extent->pfn + done;

		/* A PMD can map it only if its index is aligned, too. */
		if (index & (size - 1))
			break;
		if (!kho_folio_is_whole(pfn, KHO_PMD_ORDER))
			kho_folio_make(pfn, KHO_PMD_ORDER, index);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * kho_mem_make_folios() - make folios of huge pages, so that PMDs can map them
 * @mem: the memory
 *
 * A folio that can't be made, for lack of memory or because somebody is looking at one
 * of its pages, stays base pages: slower, but with the same content.
 *
 * Context: may sleep; the inode's lock held, kho.lock not.  Files are handed out
 * only after this has finished.
 * Return: 0, or -EINTR after a fatal signal: the next caller continues.
 */
int kho_mem_make_folios(struct kho_mem *mem)
{
	int ret = 0;
	u64 i;

	lockdep_assert_held(&mem->inode->i_rwsem);
	lockdep_assert_not_held(&kho.lock);

	if (kho_mem_folios_made(mem))
		return 0;
	for (i = 0; i < mem->nr_extents && !ret; i++) {
		ret = make_folios(kho_extent_at(mem, i));
		cond_resched();
	}
	/* Pairs with smp_load_acquire() in kho_mem_folios_made(). */
	smp_store_release(&mem->folios_made, !ret);
	return ret;
}

/* Finds the extent with page @index, which has to exist. */
static const struct kho_extent *find_extent(const struct kho_mem *mem, u64 index)
{
	u64 low = 0, high = mem->nr_extents - 1;

	while (low < high) {
		u64 middle = low + (high - low + 1) / 2;

		if (kho_extent_at(mem, middle)->index <= index)
			low = middle;
		else
			high = middle - 1;
	}
	return kho_extent_at(mem, low);
}

/**
 * kho_mem_page() - find a page
 * @mem: the memory
 * @index: index of the page, which has to exist
 *
 * Context: mem->lock held, or kho.lock.
 */
struct page *kho_mem_page(const struct kho_mem *mem, u64 index)
{
	const struct kho_extent *extent = find_extent(mem, index);

	return pfn_to_page(extent->pfn + (index - extent->index));
}

/**
 * kho_mem_order() - get the order of the extent that a page is in
 * @mem: the memory
 * @index: index of the page, which has to exist
 *
 * Context: mem->lock held, or kho.lock.
 */
unsigned int kho_mem_order(const struct kho_mem *mem, u64 index)
{
	return find_extent(mem, index)->order;
}

/**
 * kho_mem_splits() - would a shorter memory cut a page that is marked as a whole?
 * @mem: the memory
 * @nr_pages: how many pages would be left, fewer than there are
 *
 * Context: mem->lock held, or kho.lock.
 */
bool kho_mem_splits(const struct kho_mem *mem, u64 nr_pages)
{
	const struct kho_extent *extent = find_extent(mem, nr_pages);
	u64 mask = (1ULL << KHO_OBJS_KEY_ORDER(extent->order)) - 1;

	return (nr_pages - extent->index) & mask;
}

/*
 * The OOM killer is never invoked: an agent that asks for too much gets -ENOMEM.  The
 * same holds if its memory cgroup, which is charged, is at its limit.
 */
static gfp_t gfp_for(bool smaller_will_do, int nid)
{
	return KHO_GFP_MAPPED | __GFP_ZERO | __GFP_NOWARN |
	       (smaller_will_do ? __GFP_NORETRY : __GFP_RETRY_MAYFAIL) |
	       (nid == NUMA_NO_NODE ? 0 : __GFP_THISNODE);
}

static int alloc_huge(struct kho_mem *mem, u64 index, u64 nr_pages, int nid)
{
	gfp_t gfp = gfp_for(false, nid);
	struct folio *folio;
	int ret;

	while (mem->nr_pages < nr_pages) {
		folio = kho_folio_alloc(nid, gfp, KHO_PMD_ORDER);
		if (!folio && kho_deferred_wait())
			continue;
		if (!folio)
			return -ENOMEM;
		folio->index = index + mem->nr_pages;
		ret = kho_mem_append(mem, folio_pfn(folio), folio_nr_pages(folio),
				     KHO_PMD_ORDER);
		if (ret) {
			folio_put(folio);
			return ret;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	mem->folios_made = true;
	return 0;
}

/* Allocates the largest blocks that there are, as base pages. */
static int alloc_base(struct kho_mem *mem, u64 nr_pages, int nid)
{
	unsigned int order = MAX_PAGE_ORDER;
	struct page *page;
	int ret;

	while (mem->nr_pages < nr_pages) {
		order = min_t(unsigned int, order,
			      ilog2(nr_pages - mem->nr_pages));
		page = kho_pages_alloc(nid, gfp_for(order, nid), order);
		if (!page) {
			/* Memory that is being freed may be enough. */
			if (!kho_deferred_wait() && !order--)
				return -ENOMEM;
			continue;
		}
		ret = kho_mem_append(mem, page_to_pfn(page), 1UL << order, 0);
		if (ret) {
			kho_put_pages(page_to_pfn(page), 1UL << order);
			return ret;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * kho_mem_alloc() - allocate zeroed pages
 * @mem: the memory, which has no pages yet
 * @index: index of the first of them within the object
 * @nr_pages: number of base pages
 * @huge: as folios of the PMD's size; @nr_pages is a multiple of that
 * @nid: from this node and no other, or NUMA_NO_NODE
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM or -EINTR; the caller puts what @mem has after an error.
 */
int kho_mem_alloc(struct kho_mem *mem, u64 index, u64 nr_pages, bool huge,
		  int nid)
{
	return huge ? alloc_huge(mem, index, nr_pages, nid) :
		      alloc_base(mem, nr_pages, nid);
}

/**
 * kho_mem_poisoned() - count the poisoned pages
 * @mem: the memory
 *
 * Context: kho.lock held, or mem->lock.
 */
u64 kho_mem_poisoned(const struct kho_mem *mem)
{
	u64 i, nr = 0;

	if (xa_empty(&kho_poisoned))
		return 0;
	for (i = 0; i < mem->nr_extents; i++) {
		const struct kho_extent *extent = kho_extent_at(mem, i);
		unsigned long index;
		void *entry;

		xa_for_each_range(&kho_poisoned, index, entry, extent->pfn,
				  extent->pfn + extent->nr_pages - 1)
			nr++;
		if (!(i % 1024))
			cond_resched();
	}
	return nr;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of an object: extents of pages, and how they are had, marked, cut
 * and given back.
 *
 * What is of order 0 is made of base pages, each with a reference of its own.
 * What is of the PMD's order or above are folios of the PMD's size in this
 * kernel, as soon as somebody wants to map them (kho_mem_make_whole()): only such
 * a folio is mapped by a PMD so that get_user_pages() works on it.  A page that
 * a process has pinned for us is neither: it stays what it is.
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

/* Blocks that are marked in one go. */
#define MARK_BATCH	64

/* Pages that are given back in one go, 32 MiB: a multiple of huge pages. */
#define PUT_PIECE	8192ULL

/**
 * kho_mem_init() - prepare memory of no pages
 * @mem: what
 * @ops: of its owner
 */
void kho_mem_init(struct kho_mem *mem, const struct kho_mem_ops *ops)
{
	init_rwsem(&mem->lock);
	mem->ops = ops;
}

/* Keeps count of pages that are none of the base size. */
static void count_huge(struct kho_mem *mem, unsigned int order, s64 nr_pages)
{
	if (order >= KHO_PUD_ORDER)
		mem->pud_pages += nr_pages >> KHO_PUD_ORDER;
	else if (order >= KHO_PMD_ORDER)
		mem->pmd_pages += nr_pages >> KHO_PMD_ORDER;
}

/*
 * Lets the last extent have the pages that follow it, if they do.  Only before
 * the extents are marked: an extent of order 0 is marked as one range.  No
 * extent crosses a node, as mainline's blocks don't.
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
 * @mem: to what
 * @pfn: number of the first page
 * @nr_pages: how many
 * @order: of the pages they are made of
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
 * @mem: to what
 * @pfn: number of the first page
 * @nr_pages: how many
 * @order: of the pages they are made of
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
 * kho_extent_each() - take an extent apart as it is marked
 * @extent: the extent
 * @fn: called for each range that is marked on its own
 *
 * Return: 0, or what @fn returned if that is not 0.
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
 * kho_extent_cut() - which of its marks are cut when an extent is made shorter?
 * @extent: the extent
 * @nr_pages: how many of its pages stay, fewer than it has
 * @order: set to the order of the block that is cut, if one is
 * @end: set to how many pages from the first on, with that block, have their
 * marks changed or kept: what follows is marked apart
 *
 * Return: number of the block's first page within the extent; @nr_pages if none is
 * cut.
 */
u64 kho_extent_cut(const struct kho_extent *extent, u64 nr_pages,
		   unsigned int *order, u64 *end)
{
	u64 at = 0;

	*end = nr_pages;
	/* Of larger pages none is cut: see kho_mem_splits(). */
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
 * struct marks - how far marking, or the opposite, has come
 */
struct marks {
	/** @mem: of what memory. */
	const struct kho_mem *mem;
	/** @extent: number of the extent that comes next. */
	u64 extent;
	/** @at: the page in it that does. */
	u64 at;
	/** @range: pages that are marked as one range, or 0: @nr blocks are. */
	u64 range;
	/** @order: of the blocks. */
	unsigned int order;
	/** @nr: how many, 1 for a range. */
	unsigned long nr;
	/** @pfn: numbers of their first pages. */
	unsigned long pfn[MARK_BATCH];
};

/*
 * Finds what is marked next.  An extent of order 0 is marked as one range; those
 * of one page each, as far as they follow each other, and the pages of larger
 * orders are so many blocks of one order.
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

/* The first @nr ranges and blocks. */
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
 * kho_mem_mark() - have all pages preserved
 * @mem: of what
 *
 * Context: may sleep; kho.gate or kho.lock held.
 * Return: 0 or as kho_mark_range(), and then nothing is marked.
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
 * @mem: of what
 *
 * Context: may sleep; kho.gate or kho.lock held.
 */
void kho_mem_unmark(const struct kho_mem *mem)
{
	unmark(mem, U64_MAX);
}

/* Of our own: each folio has one reference, and so has each base page. */
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

		/* A poisoned page goes singly, or the allocator has it again. */
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
 * kho_mem_put_piece() - give up some pages, and forget them
 * @mem: of what; the last of its pages go
 *
 * Context: may sleep.
 * Return: how many, 0 if there were none.
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
			/* Nobody else knows whether we have written to them. */
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
 * kho_mem_put_pages() - give up all pages and forget them
 * @mem: of what
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
 * kho_mem_is_whole() - are there no huge pages that could yet be made folios?
 * @mem: of what
 *
 * Context: any.
 */
bool kho_mem_is_whole(const struct kho_mem *mem)
{
	/* Pairs with smp_store_release() in kho_mem_make_whole(). */
	return !mem->huge || mem->pinned || smp_load_acquire(&mem->whole);
}

/* The folios of one extent. */
static int make_folios(const struct kho_extent *extent)
{
	u64 done, size = 1ULL << KHO_PMD_ORDER;

	if (extent->order < KHO_PMD_ORDER)
		return 0;
	for (done = 0; done < extent->nr_pages; done += size) {
		u64 index = extent->index + done, pfn = extent->pfn + done;

		/* A PMD maps it only where its number is aligned too. */
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
 * kho_mem_make_whole() - let huge pages be folios, so that PMDs can map them
 * @mem: of what
 *
 * A folio that can't be made, for a lack of memory or because somebody looks at
 * one of its pages just now, stays base pages: slower, but the same content.
 *
 * Context: may sleep; the inode's lock held, kho.lock not.  Nobody has a file yet
 * for which this has not come to its end.
 * Return: 0, or -EINTR after a fatal signal: the next one goes on.
 */
int kho_mem_make_whole(struct kho_mem *mem)
{
	int ret = 0;
	u64 i;

	lockdep_assert_held(&mem->inode->i_rwsem);
	lockdep_assert_not_held(&kho.lock);

	if (kho_mem_is_whole(mem))
		return 0;
	for (i = 0; i < mem->nr_extents && !ret; i++) {
		ret = make_folios(kho_extent_at(mem, i));
		cond_resched();
	}
	/* Pairs with smp_load_acquire() in kho_mem_is_whole(). */
	smp_store_release(&mem->whole, !ret);
	return ret;
}

/* The extent with the page with number @index, of those that @mem has. */
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
 * @mem: of what
 * @index: its number, of those that @mem has
 *
 * Context: mem->lock held, or kho.lock.
 */
struct page *kho_mem_page(const struct kho_mem *mem, u64 index)
{
	const struct kho_extent *extent = find_extent(mem, index);

	return pfn_to_page(extent->pfn + (index - extent->index));
}

/**
 * kho_mem_order() - of what pages is the memory made there?
 * @mem: which memory
 * @index: number of a page, of those that @mem has
 *
 * Context: mem->lock held, or kho.lock.
 */
unsigned int kho_mem_order(const struct kho_mem *mem, u64 index)
{
	return find_extent(mem, index)->order;
}

/**
 * kho_mem_splits() - would a page that is marked as a whole be cut?
 * @mem: of what memory
 * @nr_pages: how many would be left, fewer than there are
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
 * Nothing is had by pushing others out: an agent that asks for too much gets
 * -ENOMEM, not the OOM killer's help.  Nor does that come if it is too much for the
 * agent's memory cgroup, which is charged.
 */
static gfp_t gfp_for(bool smaller_will_do, int nid)
{
	return GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
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
	mem->whole = true;
	return 0;
}

/* The largest blocks that can be had, as base pages. */
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
			/* What was given up may be what is missing. */
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
 * kho_mem_alloc() - have zeroed pages
 * @mem: what is to have them, and has none yet
 * @index: number of the first of them within the object
 * @nr_pages: base pages
 * @huge: whole folios of the PMD's size; @nr_pages is a multiple of that
 * @nid: from this node and no other, or NUMA_NO_NODE
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM or -EINTR; what @mem has then is the caller's to put.
 */
int kho_mem_alloc(struct kho_mem *mem, u64 index, u64 nr_pages, bool huge,
		  int nid)
{
	return huge ? alloc_huge(mem, index, nr_pages, nid) :
		      alloc_base(mem, nr_pages, nid);
}

/**
 * kho_mem_poisoned() - how many pages of it are poisoned?
 * @mem: of what
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets pages of scratch aside.
 *
 * Scratch is memory in which nothing is preserved.  It need not be free: kexec copies
 * the next kernel there only when this one has ended.  Pages that are set aside are not
 * allocated to anybody.  Others may be in use, so whoever preserves a page has to check
 * that it does not lie in scratch: see kho_backend_in_scratch().
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/ram.h"
#include "mm/folio.h"
#include "mm/iomem.h"
#include "own.h"

/* Pieces of up to this many pages are not divided further: not worth the time. */
#define LEAST_PIECE	8UL

/* drain() gives up after so many free pages outside of scratch: 32 MiB. */
#define MOST_ELSEWHERE	8192UL

/* drain() checks after so many allocations whether scratch still has free pages. */
#define SCAN_EVERY	512

/* any_free() reschedules after so many pages. */
#define SCAN_PIECE	4096

/*
 * When to look for pages that have become free, in ms after the previous time: when the
 * module has been loaded, which takes memory itself, and when the system has started.
 * The same after somebody was allocated a page of scratch, which they are about to free.
 */
static const unsigned int sweep_after[] = { 100, 1000, 10000, 60000 };
static unsigned int sweeps;
static void sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(sweep_work, sweep);

/*
 * Where scratch is: the first block of KHO_SCRATCH_ALIGN pages in the upper half, and how
 * many there are in the lower one; 0 if there is no scratch.  It is one word, as callers
 * without a lock must not see half of a change.
 */
static u64 place;
#define PLACE_SHIFT	32

/* A bit for each page of scratch, set if we hold it; NULL if we hold all. */
static unsigned long *held;
/* Protects @held, its bits, and changes of @place. */
static DEFINE_SPINLOCK(held_lock);

/* Pages from @pfn up to @end */
struct span {
	unsigned long pfn;
	unsigned long end;
};

static struct span scratch(void)
{
	/* What was stored before is of no interest to callers without a lock. */
	u64 word = READ_ONCE(place);
	struct span span;

	span.pfn = (word >> PLACE_SHIFT) * KHO_SCRATCH_ALIGN;
	span.end = span.pfn + (u32)word * KHO_SCRATCH_ALIGN;
	return span;
}

static void set_place(unsigned long pfn, unsigned long nr_pages)
{
	lockdep_assert_held(&held_lock);

	WRITE_ONCE(place, (u64)(pfn / KHO_SCRATCH_ALIGN) << PLACE_SHIFT |
		   nr_pages / KHO_SCRATCH_ALIGN);
}

/**
 * kho_scratch_pfn() - get the start of scratch
 *
 * Context: kho.lock or kho.gate held.
 * Return: number of the first page, or 0.
 */
unsigned long kho_scratch_pfn(void)
{
	return scratch().pfn;
}

/**
 * kho_scratch_pages() - get the number of pages in scratch
 *
 * Context: any; the number is stable only with kho.lock held.
 * Return: the number, or 0 if there is no scratch.
 */
unsigned long kho_scratch_pages(void)
{
	struct span span = scratch();

	return span.end - span.pfn;
}

/**
 * kho_backend_in_scratch() - does any of these pages lie in scratch?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: any.  Callers without a lock ask about pages that are in use.  Scratch that is
 * found, or grows, meanwhile is made of free pages, so it contains none of these.
 */
bool kho_backend_in_scratch(u64 pfn, u64 nr_pages)
{
	struct span span = scratch();

	return pfn < span.end && pfn + nr_pages > span.pfn;
}

/**
 * kho_backend_next_scratch() - the first page from a page on that lies in scratch
 * @pfn: number of the page
 *
 * Context: kho.gate or kho.lock held.
 * Return: its number, or U64_MAX.
 */
u64 kho_backend_next_scratch(u64 pfn)
{
	struct span span = scratch();

	return pfn >= span.end ? U64_MAX : max_t(u64, pfn, span.pfn);
}

/**
 * kho_backend_scratch_known() - is it known where scratch is?
 */
bool kho_backend_scratch_known(void)
{
	return true;
}

/**
 * kho_scratch_set() - make a range scratch
 * @pfn: number of the first page
 * @nr_pages: how many
 * @whole: true if all of it is set aside already, false if none is
 *
 * Context: may sleep; kho.lock held; there is no scratch yet.
 * Return: 0 or -ENOMEM.
 */
int kho_scratch_set(unsigned long pfn, unsigned long nr_pages, bool whole)
{
	unsigned long *bits = NULL;

	lockdep_assert_held(&kho.lock);

	if (!whole) {
		bits = kvcalloc(BITS_TO_LONGS(nr_pages), sizeof(long), GFP_KERNEL);
		if (!bits)
			return -ENOMEM;
	}
	spin_lock(&held_lock);
	held = bits;
	set_place(pfn, nr_pages);
	spin_unlock(&held_lock);
	return 0;
}

/**
 * kho_scratch_move() - make another range scratch
 * @pfn: number of the first page
 * @nr_pages: how many; all are set aside already
 * @old: set to what was scratch until now, for kho_scratch_free()
 *
 * Context: kho.gate held for writing, and kho.lock.
 */
void kho_scratch_move(unsigned long pfn, unsigned long nr_pages,
		      struct kho_scratch_old *old)
{
	lockdep_assert_held(&kho.lock);

	old->pfn = kho_scratch_pfn();
	old->nr_pages = kho_scratch_pages();
	spin_lock(&held_lock);
	old->held = held;
	held = NULL;
	set_place(pfn, nr_pages);
	spin_unlock(&held_lock);
}

/**
 * kho_scratch_widen() - add the pages beside scratch to it
 * @below: how many pages to add below it; all are set aside already
 * @above: how many above it; likewise
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 * Return: 0, or -ENOMEM, and nothing has changed.
 */
int kho_scratch_widen(unsigned long below, unsigned long above)
{
	unsigned long pfn = kho_scratch_pfn(), pages = kho_scratch_pages();
	unsigned long all = below + pages + above, *bits = NULL, *old;

	lockdep_assert_held(&kho.lock);

	/* Only who has kho.lock replaces the bits.  Others may set some. */
	if (held) {
		bits = kvcalloc(BITS_TO_LONGS(all), sizeof(long), GFP_KERNEL);
		if (!bits)
			return -ENOMEM;
		bitmap_set(bits, 0, below);
		bitmap_set(bits, below + pages, above);
	}
	spin_lock(&held_lock);
	/* These numbers are multiples of KHO_SCRATCH_ALIGN, and so of a long's bits. */
	if (bits)
		bitmap_copy(bits + BIT_WORD(below), held, pages);
	old = held;
	held = bits;
	set_place(pfn - below, all);
	spin_unlock(&held_lock);
	kvfree(old);
	return 0;
}

/**
 * kho_scratch_free() - free pages that were set aside for scratch
 * @old: what was scratch, and is no longer
 *
 * Somebody may have preserved any of them by number meanwhile: then that one stays
 * allocated.
 *
 * Context: may sleep.
 */
void kho_scratch_free(struct kho_scratch_old *old)
{
	unsigned long at, end = 0;

	if (!old->held) {
		kho_put_pages(old->pfn, old->nr_pages);
		return;
	}
	for (;;) {
		at = find_next_bit(old->held, old->nr_pages, end);
		if (at >= old->nr_pages)
			break;
		end = find_next_zero_bit(old->held, old->nr_pages, at);
		kho_put_pages(old->pfn + at, end - at);
	}
	kvfree(old->held);
	old->held = NULL;
}

/**
 * kho_scratch_quiet() - end background work
 *
 * Context: may sleep for long, until a sweep has ended; none of our locks held;
 * no more sweeps are requested.
 */
void kho_scratch_quiet(void)
{
	cancel_delayed_work_sync(&sweep_work);
}

/**
 * kho_scratch_clear() - free what was set aside; there is no scratch any more
 *
 * Context: may sleep for long, until a sweep has ended; kho.lock held; nobody
 * allocates what may be preserved.
 */
void kho_scratch_clear(void)
{
	struct kho_scratch_old old;

	lockdep_assert_held(&kho.lock);

	cancel_delayed_work_sync(&sweep_work);
	if (!kho_scratch_pages())
		return;
	kho_scratch_move(0, 0, &old);
	kho_scratch_free(&old);
}

static size_t held_bytes(unsigned long nr_pages)
{
	return BITS_TO_LONGS(nr_pages) * sizeof(long);
}

/**
 * kho_scratch_forget() - there is no scratch any more, but its pages stay set aside
 *
 * Context: may sleep for long, until a sweep has ended; kho.lock held.
 */
void kho_scratch_forget(void)
{
	struct kho_scratch_old old;

	lockdep_assert_held(&kho.lock);

	cancel_delayed_work_sync(&sweep_work);
	kho_scratch_move(0, 0, &old);
	kvfree(old.held);
}

/**
 * kho_scratch_leave() - leave scratch to the next module
 * @left: the record
 *
 * Context: may sleep for long, until a sweep has ended; kho.gate held for writing, and
 * kho.lock.
 */
void kho_scratch_leave(struct kho_left *left)
{
	cancel_delayed_work_sync(&sweep_work);
	left->scratch_pfn = kho_scratch_pfn();
	left->scratch_pages = kho_scratch_pages();
	if (held && left->scratch_pages)
		left->scratch_held = kho_left_write(held, held_bytes(left->scratch_pages));
	kho_scratch_forget();
}

/* Is each page that is said to be set aside a page that only we can have? */
static bool all_held(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++) {
		if (held && !test_bit(i, held))
			continue;
		if (!kho_left_page(pfn + i) || page_count(pfn_to_page(pfn + i)) != 1)
			return false;
		if (!(i % SCAN_PIECE))
			cond_resched();
	}
	return true;
}

/**
 * kho_scratch_left() - take scratch over from the previous module
 *
 * Context: may sleep; kho.lock held; there is no scratch yet.
 * Return: 0; -EINVAL, which is logged; -ENOMEM.
 */
int kho_scratch_left(void)
{
	const struct kho_left *left = kho_left();
	u64 end = PHYS_PFN(kho_end_of_memory());
	unsigned long first, piece_end;
	int ret;

	if (!left->scratch_pages)
		return 0;
	if (left->scratch_pages > end || left->scratch_pfn > end - left->scratch_pages ||
	    (left->scratch_pfn | left->scratch_pages) % KHO_SCRATCH_ALIGN) {
		kho_left_refuse("its scratch can't be where it is said to be",
				PFN_PHYS(left->scratch_pfn));
		return -EINVAL;
	}
	/* What is not set aside of it could be taken offline while there was no module. */
	first = left->scratch_pfn;
	if (!kho_ram_piece(&first, &piece_end) || first != left->scratch_pfn ||
	    piece_end - first < left->scratch_pages) {
		kho_left_refuse("memory of its scratch is offline", PFN_PHYS(left->scratch_pfn));
		return -EINVAL;
	}
	ret = kho_scratch_set(left->scratch_pfn, left->scratch_pages, !left->scratch_held);
	if (!ret && left->scratch_held)
		ret = kho_left_read(left->scratch_held, held, held_bytes(left->scratch_pages));
	if (!ret && !all_held(left->scratch_pfn, left->scratch_pages)) {
		kho_left_refuse("a page of scratch is in use", PFN_PHYS(left->scratch_pfn));
		ret = -EINVAL;
	}
	if (ret)
		kho_scratch_forget();
	return ret;
}

/**
 * kho_backend_may_keep() - should a newly allocated page be set aside?
 * @pfn: its number
 *
 * Context: any.
 * Return: true if it lies in scratch.
 */
bool kho_backend_may_keep(u64 pfn)
{
	return kho_backend_in_scratch(pfn, 1);
}

/**
 * kho_backend_keep() - set allocated pages of scratch aside
 * @pfn: number of the first page
 * @nr_pages: how many; each has one reference, which is ours
 *
 * If scratch lies elsewhere by now, they are freed.
 *
 * Context: process.
 */
void kho_backend_keep(u64 pfn, u64 nr_pages)
{
	unsigned long first, end, all_end = pfn + nr_pages;
	struct span span;

	spin_lock(&held_lock);
	span = scratch();
	first = clamp(span.pfn, (unsigned long)pfn, all_end);
	end = clamp(span.end, first, all_end);
	if (first < end && !WARN_ON_ONCE(!held))
		bitmap_set(held, first - span.pfn, end - first);
	spin_unlock(&held_lock);
	if (pfn < first)
		kho_put_pages(pfn, first - pfn);
	if (end < all_end)
		kho_put_pages(end, all_end - end);
}

/**
 * kho_scratch_held() - get how much of scratch is set aside
 *
 * Context: kho.lock held.
 * Return: base pages.
 */
u64 kho_scratch_held(void)
{
	unsigned long pages = kho_scratch_pages();

	lockdep_assert_held(&kho.lock);

	return held ? bitmap_weight(held, pages) : pages;
}

/* Is it a page of scratch that is not set aside? */
static bool is_missing(unsigned long pfn)
{
	struct span span;
	bool ret;

	spin_lock(&held_lock);
	/* Scratch may have grown or moved since the caller looked. */
	span = scratch();
	ret = held && pfn >= span.pfn && pfn < span.end && !test_bit(pfn - span.pfn, held);
	spin_unlock(&held_lock);
	return ret;
}

/*
 * Can this page probably be taken?  It is a guess, to save the time of trying, unless the
 * page is @known to be free or movable.  Such a page need not be on an LRU list yet.
 */
static bool worth_trying(unsigned long pfn, bool known)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || PageReserved(page) || PageHWPoison(page) || !is_missing(pfn))
		return false;
	/* Free or movable; a huge page is moved as a whole. */
	return known || !page_count(page) || PageLRU(page) || PageHuge(page);
}

/* Takes as many of these pages as possible, in the largest possible pieces. */
static void hold_pieces(unsigned long pfn, unsigned long end)
{
	unsigned long nr = end - pfn, middle;

	if (!alloc_contig_range(pfn, end, ACR_FLAGS_NONE,
				GFP_KERNEL | __GFP_NOWARN)) {
		kho_backend_keep(pfn, nr);
		return;
	}
	cond_resched();
	if (nr <= LEAST_PIECE || fatal_signal_pending(current))
		return;
	/* Divide at a boundary of the allocator's blocks, if there is one in between. */
	middle = ALIGN_DOWN(pfn + nr / 2, 1UL << ilog2(nr / 2));
	hold_pieces(pfn, middle);
	hold_pieces(middle, end);
}

/*
 * Sets the pages of scratch between these aside, as far as they can be had.  @known says
 * that each is free or can be moved, so that there is no need to guess.
 */
static void hold_between(unsigned long pfn, unsigned long end, bool known)
{
	struct span span = scratch();
	unsigned long first;

	if (!READ_ONCE(held))
		return;
	pfn = max(pfn, span.pfn);
	end = min(end, span.end);
	while (pfn < end) {
		struct zone *zone;

		if (!worth_trying(pfn, known)) {
			pfn++;
			continue;
		}
		first = pfn;
		zone = page_zone(pfn_to_page(pfn));
		while (pfn < end && worth_trying(pfn, known) &&
		       page_zone(pfn_to_page(pfn)) == zone)
			pfn++;
		hold_pieces(first, pfn);
		cond_resched();
	}
}

/* Does the page allocator have any pages of scratch? */
static bool any_free(void)
{
	struct span span = scratch();
	unsigned long pfn;

	for (pfn = span.pfn; pfn < span.end; pfn++) {
		if (PageBuddy(pfn_to_page(pfn)) && is_missing(pfn))
			return true;
		if (!(pfn % SCAN_PIECE))
			cond_resched();
	}
	return false;
}

/*
 * Takes free pages of scratch that alloc_contig_range() can't get, as something nearby
 * can't be moved.  It allocates pages as usual, and frees those that lie elsewhere.
 */
static void drain(gfp_t kind)
{
	struct page *page = pfn_to_page(scratch().pfn), *next;
	gfp_t gfp = kind | __GFP_THISNODE | __GFP_NOWARN | __GFP_NORETRY |
		    __GFP_NOMEMALLOC;
	struct zone *zone = page_zone(page);
	unsigned long elsewhere = 0, asked = 0;
	LIST_HEAD(others);

	if (zone_idx(zone) < ZONE_NORMAL)
		gfp |= GFP_DMA32;
	while (elsewhere < MOST_ELSEWHERE) {
		if (!(asked++ % SCAN_EVERY) && !any_free())
			break;
		page = alloc_pages_node(zone_to_nid(zone), gfp, 0);
		if (!page)
			break;
		if (page_zone(page) == zone &&
		    kho_backend_in_scratch(page_to_pfn(page), 1)) {
			kho_backend_keep(page_to_pfn(page), 1);
		} else {
			list_add(&page->lru, &others);
			elsewhere++;
		}
		cond_resched();
	}
	list_for_each_entry_safe(page, next, &others, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

static void sweep(struct work_struct *work)
{
	unsigned int next = READ_ONCE(sweeps) + 1;

	/* Scratch that was allocated as a whole may have replaced what had to be swept. */
	if (!READ_ONCE(held))
		return;
	hold_between(0, ULONG_MAX, false);
	/* As modules take memory, and as processes do. */
	drain(0);
	drain(__GFP_MOVABLE);
	if (next >= ARRAY_SIZE(sweep_after))
		return;
	WRITE_ONCE(sweeps, next);
	/* If a sweep was requested meanwhile, it is due earlier, and stays queued. */
	queue_delayed_work(system_unbound_wq, &sweep_work,
			   msecs_to_jiffies(sweep_after[next]));
}

/**
 * kho_backend_set_aside() - set aside pages that were just freed, or can be moved
 * @pfn: number of the first page
 * @end: number of the page after the last one
 *
 * Pages outside of scratch are left alone.
 *
 * Context: may sleep for long: pages are moved out of the way.
 */
void kho_backend_set_aside(unsigned long pfn, unsigned long end)
{
	hold_between(pfn, end, true);
}

/**
 * kho_backend_set_aside_later() - set aside pages of scratch that are freed soon
 *
 * A work item does this several times in about the next minute.  Otherwise somebody
 * could get such a page who wants it preserved, which would be refused.
 *
 * Context: any; there is scratch.
 */
void kho_backend_set_aside_later(void)
{
	if (!READ_ONCE(held))
		return;
	WRITE_ONCE(sweeps, 0);
	mod_delayed_work(system_unbound_wq, &sweep_work,
			 msecs_to_jiffies(sweep_after[0]));
}

/**
 * kho_scratch_hold_all() - set aside as much of scratch as possible
 *
 * What is freed there soon is set aside in the background.
 *
 * Context: may sleep for long: pages are moved out of the way; kho.lock held; while
 * the module loads.
 */
void kho_scratch_hold_all(void)
{
	lockdep_assert_held(&kho.lock);

	hold_between(0, ULONG_MAX, false);
	kho_backend_set_aside_later();
}

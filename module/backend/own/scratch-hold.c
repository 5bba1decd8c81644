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

/* Number of the first page, and how many there are; 0 if there is no scratch. */
static unsigned long scratch_pfn;
static unsigned long scratch_pages;

/* A bit for each page of scratch, set if we hold it; NULL if we hold all. */
static unsigned long *held;
static DEFINE_SPINLOCK(held_lock);

/**
 * kho_scratch_pfn() - get the start of scratch
 *
 * Context: kho.lock held, or there is scratch.
 * Return: number of the first page, or 0.
 */
unsigned long kho_scratch_pfn(void)
{
	return scratch_pfn;
}

/**
 * kho_scratch_pages() - get the number of pages in scratch
 *
 * Context: any; the number is stable only with kho.lock held.
 * Return: the number, or 0 if there is no scratch.
 */
unsigned long kho_scratch_pages(void)
{
	return READ_ONCE(scratch_pages);
}

/**
 * kho_backend_in_scratch() - does any of these pages lie in scratch?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: any.
 */
bool kho_backend_in_scratch(u64 pfn, u64 nr_pages)
{
	/* Scratch found late contains none of these pages: see kho_scratch_set(). */
	unsigned long pages = smp_load_acquire(&scratch_pages);

	return pfn < scratch_pfn + pages && pfn + nr_pages > scratch_pfn;
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
	if (pfn >= scratch_pfn + scratch_pages)
		return U64_MAX;
	return max_t(u64, pfn, scratch_pfn);
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
	lockdep_assert_held(&kho.lock);

	held = NULL;
	if (!whole) {
		held = kvcalloc(BITS_TO_LONGS(nr_pages), sizeof(long),
				GFP_KERNEL);
		if (!held)
			return -ENOMEM;
	}
	scratch_pfn = pfn;
	/* Callers without a lock ask about pages of their own, which lie elsewhere. */
	smp_store_release(&scratch_pages, nr_pages);
	return 0;
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
	unsigned long pfn = scratch_pfn, nr = scratch_pages;
	unsigned long at, end = 0;

	lockdep_assert_held(&kho.lock);

	cancel_delayed_work_sync(&sweep_work);
	scratch_pages = 0;
	scratch_pfn = 0;
	if (!nr)
		return;
	if (!held) {
		free_contig_range(pfn, nr);
		return;
	}
	for (;;) {
		at = find_next_bit(held, nr, end);
		if (at >= nr)
			break;
		end = find_next_zero_bit(held, nr, at);
		free_contig_range(pfn + at, end - at);
		cond_resched();
	}
	kvfree(held);
	held = NULL;
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
 * Context: any that may take a spinlock.
 */
void kho_backend_keep(u64 pfn, u64 nr_pages)
{
	if (WARN_ON_ONCE(!held))
		return;
	spin_lock(&held_lock);
	bitmap_set(held, pfn - scratch_pfn, nr_pages);
	spin_unlock(&held_lock);
}

/**
 * kho_scratch_held() - get how much of scratch is set aside
 *
 * Context: kho.lock held.
 * Return: base pages.
 */
u64 kho_scratch_held(void)
{
	return held ? bitmap_weight(held, scratch_pages) : scratch_pages;
}

static bool is_held(unsigned long pfn)
{
	return test_bit(pfn - scratch_pfn, held);
}

/*
 * Can this page probably be taken?  It is a guess, to save the time of trying, unless the
 * page is @known to be free or movable.  Such a page need not be on an LRU list yet.
 */
static bool worth_trying(unsigned long pfn, bool known)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || PageReserved(page) || PageHWPoison(page) || is_held(pfn))
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
	unsigned long first;

	if (!held)
		return;
	pfn = max(pfn, scratch_pfn);
	end = min(end, scratch_pfn + scratch_pages);
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
	unsigned long pfn, end = scratch_pfn + scratch_pages;

	for (pfn = scratch_pfn; pfn < end; pfn++) {
		if (!is_held(pfn) && PageBuddy(pfn_to_page(pfn)))
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
	struct page *page = pfn_to_page(scratch_pfn), *next;
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

	hold_between(scratch_pfn, scratch_pfn + scratch_pages, false);
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
	if (!held)
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

	hold_between(scratch_pfn, scratch_pfn + scratch_pages, false);
	kho_backend_set_aside_later();
}

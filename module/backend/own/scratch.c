// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scratch: the one place where the next kernel may lie before it knows what is
 * preserved.  See docs/design.md for who puts what there.
 *
 * The first kernel of a chain takes it from what it has free.  Any later one has
 * been put into the scratch of the one before, where nothing is preserved; that
 * stays scratch, for ever, although the kernel itself lies in it.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/ram.h"
#include "incoming/incoming.h"
#include "mm/iomem.h"
#include "own.h"

#define TRIES		3
#define BETWEEN_TRIES	100		/* ms */

/* A kernel and its initrd, if they are small, have to fit. */
#define LEAST_PAGES	(SZ_64M >> PAGE_SHIFT)
#define MOST_PAGES	(SZ_256M >> PAGE_SHIFT)
#define MIB_OF(nr_pages)	((nr_pages) >> (20 - PAGE_SHIFT))

/*
 * The buddy allocator looks at the neighbours of a block up to its largest
 * order; where those are preserved, mainline has no struct pages for them yet
 * (797fe91e50d6).  Whole blocks of that order have no such neighbours.
 */
#define SCRATCH_ALIGN	BIT(MAX_PAGE_ORDER)

/*
 * Of the pages from @pfn on, the first that can't be in one piece with it.  What is for
 * movable pages only is no good place if there is another one: whoever has set that
 * aside may want to take it away.
 */
static unsigned long first_obstacle(unsigned long pfn, unsigned long end, bool movable)
{
	unsigned long first = pfn, piece_end;
	struct zone *zone = NULL;

	/* The next kernel has to have RAM there. */
	if (!kho_ram_piece(&first, &piece_end) || first != pfn)
		return pfn;
	end = min(end, piece_end);
	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || PageReserved(page) || PageHWPoison(page))
			break;
		if (!zone)
			zone = page_zone(page);
		if (page_zone(page) != zone ||
		    (zone_idx(zone) == ZONE_MOVABLE && !movable))
			break;
	}
	return pfn;
}

/* A range of pages of the same zone that is all ours; says where it is. */
static int take_between(unsigned long low, unsigned long high, bool movable,
			unsigned long nr_pages, unsigned long *where)
{
	unsigned long step = max(SCRATCH_ALIGN,
				 ALIGN_DOWN(nr_pages / 2, SCRATCH_ALIGN));
	unsigned long pfn = ALIGN(low, SCRATCH_ALIGN);

	while (pfn + nr_pages <= high) {
		unsigned long end = first_obstacle(pfn, pfn + nr_pages, movable);

		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		if (end < pfn + nr_pages) {
			pfn = ALIGN(end + 1, SCRATCH_ALIGN);
			continue;
		}
		if (!alloc_contig_range(pfn, pfn + nr_pages, ACR_FLAGS_NONE,
					GFP_KERNEL | __GFP_NOWARN)) {
			*where = pfn;
			return 0;
		}
		pfn += step;
	}
	return -ENOMEM;
}

/*
 * Below 4 GiB first: a loader may want part of what it places there, and
 * mainline has its first area there for that reason.
 */
static int take(unsigned long nr_pages, unsigned long *where)
{
	unsigned long low_end = SZ_4G >> PAGE_SHIFT;
	int nid, pass, ret;

	for (pass = 0; pass < 4; pass++) {
		for_each_online_node(nid) {
			unsigned long start = NODE_DATA(nid)->node_start_pfn;
			unsigned long end = pgdat_end_pfn(NODE_DATA(nid));

			if (pass % 2)
				start = max(start, low_end);
			else
				end = min(end, low_end);
			ret = take_between(start, end, pass >= 2, nr_pages, where);
			if (ret != -ENOMEM)
				return ret;
		}
	}
	return -ENOMEM;
}

/**
 * kho_scratch_take() - take pages that lie side by side out of the running system
 * @nr_pages: how many, a multiple of what scratch is made of
 * @where: set to the number of the first
 *
 * A page that can't be moved may only be so for a moment, so it tries again.
 *
 * Context: may sleep for long: pages are moved out of the way.
 * Return: 0, -ENOMEM or -EINTR.
 */
int kho_scratch_take(unsigned long nr_pages, unsigned long *where)
{
	int try, ret = take(nr_pages, where);

	for (try = 1; ret == -ENOMEM && try < TRIES; try++) {
		/* Who has just freed it waits for RCU, or somebody looks at it. */
		synchronize_rcu();
		if (msleep_interruptible(BETWEEN_TRIES))
			return -EINTR;
		ret = take(nr_pages, where);
	}
	return ret;
}

/**
 * kho_scratch_take_largest() - the same, or less if that can't be had
 * @nr_pages: how many; set to how many there are, as many as a kernel needs
 * @where: set to the number of the first
 *
 * Context: as for kho_scratch_take().
 * Return: the same.
 */
int kho_scratch_take_largest(unsigned long *nr_pages, unsigned long *where)
{
	int ret = kho_scratch_take(*nr_pages, where);

	while (ret == -ENOMEM && *nr_pages / 2 >= LEAST_PAGES) {
		*nr_pages = ALIGN(*nr_pages / 2, SCRATCH_ALIGN);
		ret = take(*nr_pages, where);
	}
	return ret;
}

/**
 * kho_scratch_wanted() - how many pages scratch should have
 * @mib: as somebody wants it, or 0
 *
 * By default an eighth of RAM, from 64 to 256 MiB: a Debian kernel wants about
 * 64 MiB to unpack itself, its initrd about as much, and both have to fit.
 *
 * Return: a multiple of what scratch is made of.
 */
unsigned long kho_scratch_wanted(unsigned long mib)
{
	unsigned long nr_pages = clamp(totalram_pages() / 8, LEAST_PAGES,
				       MOST_PAGES);

	if (mib)
		nr_pages = mib << (20 - PAGE_SHIFT);
	return ALIGN(nr_pages, SCRATCH_ALIGN);
}

/**
 * kho_scratch_find() - make scratch of the kernel before ours, if it may be
 *
 * Only says where it is: nothing of it is set aside yet.  If less is asked for, it
 * is the beginning of that.
 *
 * Context: may sleep; kho.lock held; what arrived, if anything, is listed as preserved,
 * and nothing has been allocated yet that is to be preserved.
 */
void kho_scratch_find(void)
{
	unsigned long pfn, nr_pages;

	lockdep_assert_held(&kho.lock);

	if (kho_scratch_pages() ||
	    !kho_scratch_before(SCRATCH_ALIGN, LEAST_PAGES, &pfn, &nr_pages))
		return;
	if (kho_scratch_mib && kho_scratch_mib < MIB_OF(nr_pages))
		nr_pages = kho_scratch_wanted(kho_scratch_mib);
	if (kho_scratch_set(pfn, nr_pages, false))
		pr_warn("no memory to make scratch what it was before\n");
}

/* The old place, unless there is a better one: one of our own, and larger. */
static int keep_or_replace(unsigned long nr_pages)
{
	unsigned long where, had = kho_scratch_pages();
	bool too_small = kho_scratch_mib ? nr_pages > had : nr_pages / 2 > had;

	if (too_small && !take(nr_pages, &where)) {
		kho_scratch_clear();
		return kho_scratch_set(where, nr_pages, true);
	}
	kho_scratch_hold_all();
	if (kho_scratch_mib && too_small)
		pr_warn("scratch_mib=%lu: there is no such piece of memory; scratch is where it was, %lu MiB\n",
			kho_scratch_mib, MIB_OF(had));
	pr_info("scratch is that of the kernel before; this one uses %llu MiB of it\n",
		(u64)MIB_OF(had - kho_scratch_held()));
	return 0;
}

/**
 * kho_backend_scratch_init() - have scratch, as many MiB as the parameter says
 *
 * Whoever asked for a size gets that or nothing, unless something has arrived: then
 * less is better than nothing.
 *
 * Context: may sleep for long: pages are moved out of the way; kho.lock held.
 * Return: 0, -ENOMEM, -EINVAL for a size that can't be, or -EINTR.
 */
int kho_backend_scratch_init(void)
{
	unsigned long where, nr_pages = kho_scratch_wanted(kho_scratch_mib);
	int ret;

	lockdep_assert_held(&kho.lock);

	/* What envelopes hold now may be the only piece that is large enough. */
	kho_trim_on_done(kho_scratch_later);

	/* What arrived in envelopes is RAM too, and given back only later. */
	if (kho_scratch_mib > MIB_OF(kho_ram_pages(0, kho_end_of_memory()))) {
		pr_err("scratch_mib=%lu is more than the machine has\n",
		       kho_scratch_mib);
		return -EINVAL;
	}
	if (kho_scratch_pages())
		return keep_or_replace(nr_pages);
	if (kho_scratch_mib && kho_incoming()->outcome == KHO_ARRIVAL_NONE)
		ret = kho_scratch_take(nr_pages, &where);
	else
		ret = kho_scratch_take_largest(&nr_pages, &where);
	if (!ret)
		return kho_scratch_set(where, nr_pages, true);
	if (ret == -ENOMEM)
		pr_err("no %lu MiB of contiguous memory for scratch: load the module earlier, or with a smaller scratch_mib\n",
		       MIB_OF(nr_pages));
	return ret;
}

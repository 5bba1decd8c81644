// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scratch: the only place where the next kernel may lie before it knows what is
 * preserved.  See docs/design.md for what is placed there, and by whom.
 *
 * The first kernel of a chain allocates it.  Any later kernel was loaded into the
 * previous kernel's scratch, where nothing is preserved.  That range stays scratch, even
 * though the kernel itself lies in it.
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

/* A small kernel and its initrd have to fit. */
#define LEAST_PAGES	(SZ_64M >> PAGE_SHIFT)
#define MOST_PAGES	(SZ_256M >> PAGE_SHIFT)
#define MIB_OF(nr_pages)	((nr_pages) >> (20 - PAGE_SHIFT))

/*
 * Finds the first page from @pfn on that can't be in one piece with it.  ZONE_MOVABLE is
 * only used if @movable: its memory may be meant to be removed.
 */
static unsigned long first_obstacle(unsigned long pfn, unsigned long end, bool movable)
{
	unsigned long first = pfn, piece_end;
	struct zone *zone = NULL;

	/* The next kernel must have RAM there. */
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

/* Allocates a range of pages within one zone, and sets @where to the first. */
static int alloc_between(unsigned long low, unsigned long high, bool movable,
			 unsigned long nr_pages, unsigned long *where)
{
	unsigned long step = max(KHO_SCRATCH_ALIGN,
				 ALIGN_DOWN(nr_pages / 2, KHO_SCRATCH_ALIGN));
	unsigned long pfn = ALIGN(low, KHO_SCRATCH_ALIGN);

	while (pfn + nr_pages <= high) {
		unsigned long end = first_obstacle(pfn, pfn + nr_pages, movable);

		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		if (end < pfn + nr_pages) {
			pfn = ALIGN(end + 1, KHO_SCRATCH_ALIGN);
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

/**
 * kho_scratch_alloc_beside() - allocate a block of pages beside scratch
 * @pfn: number of its first page
 * @neighbour: number of the page of scratch that it lies beside
 *
 * Context: may sleep for long: pages are moved out of the way.
 * Return: true if these KHO_SCRATCH_ALIGN pages are RAM of the same zone and were
 * allocated.
 */
bool kho_scratch_alloc_beside(unsigned long pfn, unsigned long neighbour)
{
	unsigned long end = pfn + KHO_SCRATCH_ALIGN;

	return first_obstacle(pfn, end, true) == end &&
	       page_zone(pfn_to_page(pfn)) == page_zone(pfn_to_page(neighbour)) &&
	       !alloc_contig_range(pfn, end, ACR_FLAGS_NONE, GFP_KERNEL | __GFP_NOWARN);
}

/*
 * Tries memory below 4 GiB first: a loader may have to place some of its parts there.
 * Mainline has its first area there for the same reason.
 */
static int alloc_once(unsigned long nr_pages, unsigned long *where)
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
			ret = alloc_between(start, end, pass >= 2, nr_pages, where);
			if (ret != -ENOMEM)
				return ret;
		}
	}
	return -ENOMEM;
}

/**
 * kho_scratch_alloc() - allocate contiguous pages for scratch
 * @nr_pages: how many, a multiple of KHO_SCRATCH_ALIGN
 * @where: set to the number of the first
 *
 * A page may be unmovable for a moment only, so it tries several times.
 *
 * Context: may sleep for long: pages are moved out of the way.
 * Return: 0, -ENOMEM or -EINTR.
 */
int kho_scratch_alloc(unsigned long nr_pages, unsigned long *where)
{
	int try, ret = alloc_once(nr_pages, where);

	for (try = 1; ret == -ENOMEM && try < TRIES; try++) {
		/* Pages may be waiting for RCU, or for a short-lived reference to go. */
		synchronize_rcu();
		if (msleep_interruptible(BETWEEN_TRIES))
			return -EINTR;
		ret = alloc_once(nr_pages, where);
	}
	return ret;
}

/**
 * kho_scratch_alloc_largest() - kho_scratch_alloc(), with fewer pages if necessary
 * @nr_pages: how many; set to how many were allocated, at least LEAST_PAGES
 * @where: set to the number of the first
 *
 * Context: as for kho_scratch_alloc().
 * Return: the same.
 */
int kho_scratch_alloc_largest(unsigned long *nr_pages, unsigned long *where)
{
	int ret = kho_scratch_alloc(*nr_pages, where);

	while (ret == -ENOMEM && *nr_pages / 2 >= LEAST_PAGES) {
		*nr_pages = ALIGN(*nr_pages / 2, KHO_SCRATCH_ALIGN);
		ret = alloc_once(*nr_pages, where);
	}
	return ret;
}

/**
 * kho_scratch_wanted() - get how many pages scratch should have
 * @mib: the size that was asked for in MiB, or 0 for the default
 *
 * The default is an eighth of RAM, from 64 to 256 MiB: a Debian kernel needs about
 * 64 MiB to unpack itself, its initrd about as much, and both have to fit.
 *
 * Return: a multiple of KHO_SCRATCH_ALIGN.
 */
unsigned long kho_scratch_wanted(unsigned long mib)
{
	unsigned long nr_pages = clamp(totalram_pages() / 8, LEAST_PAGES,
				       MOST_PAGES);

	if (mib)
		nr_pages = mib << (20 - PAGE_SHIFT);
	return ALIGN(nr_pages, KHO_SCRATCH_ALIGN);
}

/**
 * kho_scratch_find() - reuse the previous kernel's scratch, if possible
 *
 * This only sets its place: none of it is set aside yet.  If the parameter asks for less,
 * only the beginning is used.
 *
 * Context: may sleep; kho.lock held; what arrived, if anything, is listed as preserved,
 * and nothing that is to be preserved has been allocated yet.
 */
void kho_scratch_find(void)
{
	unsigned long pfn, nr_pages;

	lockdep_assert_held(&kho.lock);

	if (kho_scratch_pages() ||
	    !kho_scratch_previous(KHO_SCRATCH_ALIGN, LEAST_PAGES, &pfn, &nr_pages))
		return;
	if (kho_scratch_mib && kho_scratch_mib < MIB_OF(nr_pages))
		nr_pages = kho_scratch_wanted(kho_scratch_mib);
	if (kho_scratch_set(pfn, nr_pages, false))
		pr_warn("not enough memory to reuse the previous kernel's scratch\n");
}

/* Keeps the previous kernel's scratch, unless it is too small and can be replaced. */
static int keep_or_replace(unsigned long nr_pages)
{
	unsigned long where, old_pages = kho_scratch_pages();
	bool too_small = kho_scratch_mib ? nr_pages > old_pages : nr_pages / 2 > old_pages;

	if (too_small && !alloc_once(nr_pages, &where)) {
		kho_scratch_clear();
		return kho_scratch_set(where, nr_pages, true);
	}
	kho_scratch_hold_all();
	if (kho_scratch_mib && too_small)
		pr_warn("scratch_mib=%lu: no contiguous memory of that size; scratch stays as it is, %lu MiB\n",
			kho_scratch_mib, MIB_OF(old_pages));
	pr_info("scratch is that of the previous kernel; this one uses %llu MiB of it\n",
		(u64)MIB_OF(old_pages - kho_scratch_held()));
	return 0;
}

/**
 * kho_backend_scratch_init() - set up scratch, of the size that the parameter says
 *
 * If the parameter is set, it is that size or none, unless a handover was sent: then less
 * is better than none.
 *
 * Context: may sleep for long: pages are moved out of the way; kho.lock held.
 * Return: 0, -ENOMEM, -EINVAL for an impossible size, or -EINTR.
 */
int kho_backend_scratch_init(void)
{
	unsigned long where, nr_pages = kho_scratch_wanted(kho_scratch_mib);
	int ret;

	lockdep_assert_held(&kho.lock);

	/* Another module's scratch stays; a jump must not wait for long. */
	if (kho_left()) {
		kho_scratch_later();
		return 0;
	}

	/* The only piece that is large enough may still be in incoming envelopes. */
	kho_trim_on_done(kho_scratch_later);

	/* Not totalram_pages(): RAM in incoming envelopes is freed only later. */
	if (kho_scratch_mib > MIB_OF(kho_ram_pages(0, kho_end_of_memory()))) {
		pr_err("scratch_mib=%lu is more than the machine has\n",
		       kho_scratch_mib);
		return -EINVAL;
	}
	if (kho_scratch_pages())
		return keep_or_replace(nr_pages);
	if (kho_scratch_mib && kho_incoming()->outcome == KHO_ARRIVAL_NONE)
		ret = kho_scratch_alloc(nr_pages, &where);
	else
		ret = kho_scratch_alloc_largest(&nr_pages, &where);
	if (!ret)
		return kho_scratch_set(where, nr_pages, true);
	if (ret == -ENOMEM)
		pr_err("no %lu MiB of contiguous memory for scratch: load the module earlier, or with a smaller scratch_mib\n",
		       MIB_OF(nr_pages));
	return ret;
}

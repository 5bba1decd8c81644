// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scratch: the one place where the next kernel may lie before it knows what is
 * preserved.  Taken from a running kernel, so there is no telling beforehand
 * where; see docs/design.md for who puts what there.
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

#include "internal.h"

#define TRIES		3
#define BETWEEN_TRIES	100		/* ms */

/*
 * The buddy allocator looks at the neighbours of a block up to its largest
 * order; where those are preserved, mainline has no struct pages for them yet
 * (797fe91e50d6).  Whole blocks of that order have no such neighbours.
 */
#define SCRATCH_ALIGN	BIT(MAX_PAGE_ORDER)

/* Of the pages from @pfn on, the first that can't be in one piece with it. */
static unsigned long first_obstacle(unsigned long pfn, unsigned long end)
{
	struct zone *zone = NULL;

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || PageReserved(page) || PageHWPoison(page))
			break;
		if (!zone)
			zone = page_zone(page);
		if (page_zone(page) != zone)
			break;
	}
	return pfn;
}

static int take_between(unsigned long low, unsigned long high,
			unsigned long nr_pages)
{
	unsigned long step = max(SCRATCH_ALIGN,
				 ALIGN_DOWN(nr_pages / 2, SCRATCH_ALIGN));
	unsigned long pfn = ALIGN(low, SCRATCH_ALIGN);

	while (pfn + nr_pages <= high) {
		unsigned long end = first_obstacle(pfn, pfn + nr_pages);

		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		if (end < pfn + nr_pages) {
			pfn = ALIGN(end + 1, SCRATCH_ALIGN);
			continue;
		}
		if (!alloc_contig_range(pfn, pfn + nr_pages, ACR_FLAGS_NONE,
					GFP_KERNEL | __GFP_NOWARN)) {
			kho.scratch_pfn = pfn;
			kho.scratch_pages = nr_pages;
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
static int take(unsigned long nr_pages)
{
	unsigned long low_end = SZ_4G >> PAGE_SHIFT;
	int nid, pass, ret;

	for (pass = 0; pass < 2; pass++) {
		for_each_online_node(nid) {
			unsigned long start = NODE_DATA(nid)->node_start_pfn;
			unsigned long end = pgdat_end_pfn(NODE_DATA(nid));

			if (pass)
				start = max(start, low_end);
			else
				end = min(end, low_end);
			ret = take_between(start, end, nr_pages);
			if (ret != -ENOMEM)
				return ret;
		}
	}
	return -ENOMEM;
}

/**
 * kho_scratch_alloc() - take a scratch area out of the running system
 *
 * As many MiB as the parameter says.  By default an eighth of RAM, from 64 to
 * 256 MiB: a Debian kernel wants about 64 MiB to unpack itself, its initrd
 * about as much, and both have to fit.
 *
 * A kernel with KHO of its own has scratch, set aside at boot.
 *
 * Context: may sleep for long: pages are moved out of the way.
 * Return: 0, -ENOMEM, -EINVAL for a size that can't be, or -EINTR.
 */
int kho_scratch_alloc(void)
{
	unsigned long nr_pages, ram = totalram_pages();
	int ret, try;

	if (kho_native())
		return 0;
	if (kho_scratch_mib)
		nr_pages = kho_scratch_mib << (20 - PAGE_SHIFT);
	else
		nr_pages = clamp(ram / 8, SZ_64M >> PAGE_SHIFT,
				 SZ_256M >> PAGE_SHIFT);
	if (kho_scratch_mib > ram >> (20 - PAGE_SHIFT)) {
		pr_err("scratch_mib=%lu is more than the machine has\n",
		       kho_scratch_mib);
		return -EINVAL;
	}
	nr_pages = ALIGN(nr_pages, SCRATCH_ALIGN);

	/*
	 * A page that can't be moved may only be so for a moment: who has just
	 * freed it waits for RCU, or somebody is looking at it.
	 */
	ret = take(nr_pages);
	for (try = 1; ret == -ENOMEM && try < TRIES; try++) {
		synchronize_rcu();
		if (msleep_interruptible(BETWEEN_TRIES))
			return -EINTR;
		ret = take(nr_pages);
	}
	if (ret == -ENOMEM)
		pr_err("no %lu MiB of contiguous memory for scratch: load the module earlier, or with a smaller scratch_mib\n",
		       nr_pages >> (20 - PAGE_SHIFT));
	return ret;
}

/**
 * kho_scratch_free() - give scratch back
 */
void kho_scratch_free(void)
{
	if (kho.scratch_pages)
		free_contig_range(kho.scratch_pfn, kho.scratch_pages);
	kho.scratch_pages = 0;
}

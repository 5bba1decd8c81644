// SPDX-License-Identifier: GPL-2.0
/*
 * Frees the pages that were reserved only because they lie between preserved pages.
 *
 * The stub reserves few and large ranges in memblock: with a range for each
 * preserved page, every memblock operation during boot would be slow.  Once all
 * struct pages are initialised, the other pages of these ranges go to the page
 * allocator.  Only the early boot has to do without them.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <kho/kho_boot.h>
#include "compat.h"

static struct {
	unsigned long *stays;	/* a bit for each page of RAM, set if it stays */
	unsigned long nr;
	u64 size;		/* of the bitmap in bytes */
	u64 pages;		/* whose bit was clear at first */
	u64 freed;
	struct zone *zone;	/* zone of the last block; its counter lags */
	u64 zone_freed;
} kho_late __initdata;

/**
 * kho_release_later() - schedule the pages whose bit is clear for freeing
 * @stays: a bit for each page, in page-aligned memory that is freed as well
 * @nr: number of bits
 * @size: size of @stays in bytes, a multiple of the page size
 *
 * The pages count as RAM from now on, because many tables are sized by the amount
 * of RAM before the pages can be freed.
 */
void __init kho_release_later(unsigned long *stays, unsigned long nr, u64 size)
{
	kho_late.stays = stays;
	kho_late.nr = nr;
	kho_late.size = size;
	kho_late.pages = nr - bitmap_weight(stays, nr);
	totalram_pages_add(kho_late.pages);
}

/**
 * kho_release_not() - exclude memory that was reserved since
 * @addr: physical address of the first byte
 * @size: size in bytes
 *
 * memblock cannot tell: reserving a range that is already reserved leaves no trace.
 */
void __init kho_release_not(u64 addr, u64 size)
{
	u64 pfn = PHYS_PFN(addr), end;

	if (!size || addr + size < addr || pfn >= kho_late.nr)
		return;
	end = min_t(u64, PFN_UP(addr + size), kho_late.nr);
	bitmap_set(kho_late.stays, pfn, end - pfn);
}

/* Is the page still in the state in which the boot left it? */
static bool __init kho_page_waits(struct page *page)
{
	return page && PageReserved(page) && page_count(page) == 1;
}

static void __init kho_tell_zone(struct zone *zone)
{
	if (zone == kho_late.zone)
		return;
	if (kho_late.zone)
		atomic_long_add(kho_late.zone_freed, &kho_late.zone->managed_pages);
	kho_late.zone = zone;
	kho_late.zone_freed = 0;
}

/* Frees a block, or returns false and leaves it untouched. */
static bool __init kho_give_back(unsigned long pfn, unsigned int order)
{
	struct page *first = pfn_to_online_page(pfn);
	unsigned long i, nr = 1UL << order;

	if (!kho_page_waits(first))
		return false;
	for (i = 1; i < nr; i++) {
		struct page *page = pfn_to_online_page(pfn + i);

		if (!kho_page_waits(page) || page_zone(page) != page_zone(first))
			return false;
	}
	/* Make it look newly allocated, without __GFP_COMP. */
	for (i = 0; i < nr; i++) {
		ClearPageReserved(first + i);
		set_page_count(first + i, !i);
	}
	kho_tell_zone(page_zone(first));
	kho_late.zone_freed += nr;
	kho_late.freed += nr;
	__free_pages(first, order);
	return true;
}

static void __init kho_give_back_run(unsigned long pfn, unsigned long end)
{
	while (pfn < end) {
		unsigned int order = min_t(unsigned int, pageblock_order,
					   ilog2(end - pfn));

		if (pfn)
			order = min_t(unsigned int, order, __ffs(pfn));
		while (!kho_give_back(pfn, order) && order)
			order--;
		pfn += 1UL << order;
	}
}

/*
 * Deferred initialisation leaves a pageblock without free pages as
 * MIGRATE_UNMOVABLE.  The pages freed here would then attract unmovable
 * allocations, and part of RAM would stay fragmented for good.
 */
static void __init kho_make_movable(unsigned long pfn)
{
	struct page *first = pfn_to_online_page(pfn);
	unsigned long i;

	for (i = 0; i < pageblock_nr_pages; i++) {
		struct page *page = pfn_to_online_page(pfn + i);

		if (!page || !PageReserved(page) ||
		    page_zone(page) != page_zone(first))
			return;
	}
	kho_set_movable(first);
}

/* Only System RAM: firmware and others may have claimed part of it meanwhile. */
static int __init kho_release_ram(struct resource *res, void *arg)
{
	unsigned long pfn = PFN_UP(res->start);
	unsigned long end = min_t(u64, PHYS_PFN(res->end + 1), kho_late.nr);
	unsigned long block = ULONG_MAX;

	while (pfn < end) {
		unsigned long at = find_next_zero_bit(kho_late.stays, end, pfn);
		unsigned long first;

		if (at >= end)
			break;
		pfn = find_next_bit(kho_late.stays, end, at);
		/* Set the migratetype before any page of the block is free. */
		for (first = round_down(at, pageblock_nr_pages); first < pfn;
		     first += pageblock_nr_pages) {
			if (first == block)
				continue;
			block = first;
			kho_make_movable(first);
		}
		kho_give_back_run(at, pfn);
		cond_resched();
	}
	return 0;
}

/*
 * This runs before all other initcalls, because they allocate memory, some of them
 * from zones whose pages may all be reserved here.
 */
static int __init kho_release(void)
{
	ktime_t start = ktime_get();

	if (!kho_late.stays)
		return 0;
	kho_arch_reserved();
	walk_system_ram_res(0, PFN_PHYS((u64)kho_late.nr) - 1, NULL,
			    kho_release_ram);
	kho_tell_zone(NULL);
	totalram_pages_add((long)(kho_late.freed - kho_late.pages));
	free_reserved_area(kho_late.stays, (void *)kho_late.stays + kho_late.size,
			   -1, NULL);
	pr_info("gave back %llu pages (%llu MiB) in between, %lld us\n",
		kho_late.freed, kho_late.freed >> (20 - PAGE_SHIFT),
		ktime_us_delta(ktime_get(), start));
	return 0;
}
pure_initcall(kho_release);

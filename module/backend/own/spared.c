// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that no envelope may contain: the last page of RAM, and the first 2 MiB.  Free
 * and movable ones are set aside, so that nobody gets a page that is then refused.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/ram.h"
#include "own.h"

#include <kho/abi.h>

/*
 * Nothing below this page is preserved.  With some versions of the module the first
 * envelope would begin at 0, and the next kernel would lack the page below 1 MiB in which
 * it starts its CPUs.
 */
#define LOWEST_PFN	BIT(KHO_ENVELOPE_SHIFT - PAGE_SHIFT)

/* An envelope below that would cover all memory in which an x86 CPU can start. */
const u64 kho_backend_lowest_pfn = LOWEST_PFN;
/* An envelope can't have the last page in it: see spare_last_page(). */
const bool kho_backend_spares_last = true;

/* Number of the last page of RAM if we hold it, or 0. */
static unsigned long held_pfn;

/*
 * Takes the page, unless it is reserved or in use.  This is done only while the module
 * loads: memory that is added later must stay removable.
 */
static void hold_last_page(void)
{
	unsigned long pfn = kho_ram_last();
	struct page *page = pfn_to_online_page(pfn);

	if (!page || PageReserved(page))
		return;
	if (!alloc_contig_range(pfn, pfn + 1, ACR_FLAGS_NONE,
				GFP_KERNEL | __GFP_NOWARN))
		held_pfn = pfn;
}

/* Pages below LOWEST_PFN that we hold. */
static DECLARE_BITMAP(held_low, LOWEST_PFN);

static void hold_low(unsigned long pfn, unsigned long end)
{
	unsigned long middle = pfn + (end - pfn) / 2;

	if (!alloc_contig_range(pfn, end, ACR_FLAGS_NONE, GFP_KERNEL | __GFP_NOWARN)) {
		for (; pfn < end; pfn++)
			set_bit(pfn, held_low);
	} else if (end - pfn > 8) {
		hold_low(pfn, middle);
		hold_low(middle, end);
	}
}

static void hold_lowest(void)
{
	unsigned long pfn = PHYS_PFN(SZ_1M), end;

	/* Pieces without holes.  The kernel itself keeps the first MiB. */
	for (; pfn < LOWEST_PFN; pfn = max(end, pfn + 1)) {
		for (end = pfn; end < LOWEST_PFN; end++) {
			struct page *page = pfn_to_online_page(end);

			if (!page || PageReserved(page))
				break;
		}
		if (end > pfn)
			hold_low(pfn, end);
	}
}

/*
 * Takes out of use what the allocator has below LOWEST_PFN.  A page can't be had by its
 * number if one beside it is in use for good.  So pages are allocated in the usual way,
 * for as long as the allocator gives such pages.
 */
static void hold_lowest_given(void)
{
	gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN | __GFP_NORETRY |
		    __GFP_NOMEMALLOC;
	struct page *page = pfn_to_online_page(LOWEST_PFN - 1);
	unsigned int i;
	int nid;

	if (!page)
		return;
	nid = page_to_nid(page);
	for (i = 0; i < LOWEST_PFN; i++) {
		page = alloc_pages_node(nid, gfp, 0);
		if (!page)
			return;
		if (page_to_pfn(page) >= LOWEST_PFN) {
			__free_page(page);
			return;
		}
		set_bit(page_to_pfn(page), held_low);
	}
}

/**
 * kho_spared_hold() - set aside those of these pages that are free
 *
 * Context: may sleep; kho.lock held.
 */
void kho_spared_hold(void)
{
	hold_last_page();
	hold_lowest();
}

/**
 * kho_spared_drop() - free what kho_spared_hold() has set aside
 *
 * Context: may sleep; kho.lock held.
 */
void kho_spared_drop(void)
{
	unsigned long pfn;

	if (held_pfn)
		free_contig_range(held_pfn, 1);
	held_pfn = 0;
	for_each_set_bit(pfn, held_low, LOWEST_PFN)
		free_contig_range(pfn, 1);
	bitmap_zero(held_low, LOWEST_PFN);
}

/**
 * kho_backend_unfit() - are newly allocated pages where they can't be preserved?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: may sleep.
 */
bool kho_backend_unfit(u64 pfn, u64 nr_pages)
{
	if (pfn < LOWEST_PFN) {
		/* There are few of them: take them all. */
		hold_lowest_given();
		return true;
	}
	return kho_backend_in_scratch(pfn, nr_pages);
}

/**
 * kho_backend_has_to_move() - must one of a process's pages be moved to be preserved?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: any.
 */
bool kho_backend_has_to_move(u64 pfn, u64 nr_pages)
{
	return kho_backend_in_scratch(pfn, nr_pages) || pfn < LOWEST_PFN;
}

/**
 * kho_backend_let_go() - free the last page of RAM if it is held and is to go offline
 * @pfn: number of the first page that is to go offline
 * @nr_pages: how many
 *
 * Context: kho.gate held for writing, and kho.lock.
 */
void kho_backend_let_go(unsigned long pfn, unsigned long nr_pages)
{
	if (!held_pfn || held_pfn - pfn >= nr_pages)
		return;
	free_contig_range(held_pfn, 1);
	held_pfn = 0;
}

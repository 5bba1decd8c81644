// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that boot left reserved, and freeing them to the page allocator.
 */
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "reserved.h"

/**
 * kho_page_reserved() - is this page still as boot left it?
 * @page: the page, or NULL
 *
 * Return: true if it is reserved and has one reference.
 */
bool kho_page_reserved(struct page *page)
{
	return page && PageReserved(page) && page_count(page) == 1;
}

/**
 * kho_unreserve() - turn reserved pages into ordinary pages with one reference
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * The caller owns the reference.  The pages are no longer PG_reserved, and count as
 * managed pages of their zone.
 *
 * Context: may sleep.
 */
void kho_unreserve(u64 pfn, u64 nr_pages)
{
	while (nr_pages) {
		struct page *first = pfn_to_page(pfn);
		struct zone *zone = page_zone(first);
		long n = 0;

		while (nr_pages && page_zone(pfn_to_page(pfn)) == zone) {
			ClearPageReserved(pfn_to_page(pfn));
			pfn++;
			n++;
			nr_pages--;
		}
		adjust_managed_page_count(first, n);
		cond_resched();
	}
}

/**
 * kho_reserve() - undo kho_unreserve()
 * @pfn: number of the first page
 * @nr_pages: number of pages; each has one reference
 *
 * Context: may sleep.
 */
void kho_reserve(u64 pfn, u64 nr_pages)
{
	while (nr_pages--) {
		SetPageReserved(pfn_to_page(pfn));
		adjust_managed_page_count(pfn_to_page(pfn), -1);
		pfn++;
		cond_resched();
	}
}

/**
 * kho_free_reserved() - free a block of reserved pages to the page allocator
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: log2 of the number of pages, at most MAX_PAGE_ORDER
 *
 * Return: true; false, with nothing changed, if a page is no longer as boot left it, or
 * if the pages are in different zones.
 */
bool kho_free_reserved(unsigned long pfn, unsigned int order)
{
	struct page *first = pfn_to_online_page(pfn);
	unsigned long i, nr_pages = 1UL << order;

	if (!kho_page_reserved(first))
		return false;
	for (i = 1; i < nr_pages; i++) {
		struct page *page = pfn_to_online_page(pfn + i);

		if (!kho_page_reserved(page) || page_zone(page) != page_zone(first))
			return false;
	}
	/* Make it look as if it had just been allocated without __GFP_COMP. */
	for (i = 0; i < nr_pages; i++) {
		ClearPageReserved(first + i);
		set_page_count(first + i, !i);
	}
	adjust_managed_page_count(first, nr_pages);
	__free_pages(first, order);
	return true;
}

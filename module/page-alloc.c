// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that may be preserved.
 *
 * The allocator gives what it has, and that may lie in scratch: this kernel may lie
 * there itself, so not all of it could be set aside.  Such a page is set aside now,
 * and another one is asked for.  That comes to an end as scratch does.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>

#include "internal.h"
#include "page-alloc.h"

/* Each time less of scratch is left that somebody could be given. */
#define AGAIN	8

/* Pages of scratch that are to be set aside once a better one was found. */
static void set_aside(struct list_head *unfit, unsigned int order)
{
	struct page *page, *next;

	/* What can't be had now may be later. */
	if (!list_empty(unfit))
		kho_scratch_sweep();
	list_for_each_entry_safe(page, next, unfit, lru) {
		unsigned long pfn = page_to_pfn(page);

		list_del(&page->lru);
		/* It is a folio, or on somebody's account, until it is freed. */
		if (PageCompound(page))
			put_page(page);
		else
			__free_pages(page, order);
		kho_scratch_hold(pfn, pfn + (1UL << order), true);
	}
}

/*
 * What was unfit counts for who asks until it is given back: there may be nothing for
 * that reason alone.
 */
static bool may_ask_again(const void *had, struct list_head *unfit, unsigned int order,
			  unsigned int *again)
{
	if (had || list_empty(unfit) || (*again)++ == AGAIN)
		return false;
	set_aside(unfit, order);
	return true;
}

/**
 * kho_pages_alloc() - as alloc_pages_node(), but never in scratch
 * @nid: node, or NUMA_NO_NODE
 * @gfp: as there; sleeping has to be allowed
 * @order: log2 of how many
 *
 * Context: may sleep.
 * Return: the first page, or NULL.
 */
struct page *kho_pages_alloc(int nid, gfp_t gfp, unsigned int order)
{
	bool plain = !(gfp & (__GFP_COMP | __GFP_ACCOUNT));
	unsigned int again = 0;
	LIST_HEAD(unfit);
	struct page *page;

	for (;;) {
		page = alloc_pages_node(nid, gfp, order);
		if (may_ask_again(page, &unfit, order, &again))
			continue;
		if (!page || kho_native() ||
		    !kho_in_scratch(page_to_pfn(page), 1UL << order))
			break;
		if (plain) {
			if (order)
				split_page(page, order);
			kho_scratch_note(page_to_pfn(page), 1UL << order);
		} else {
			list_add(&page->lru, &unfit);
		}
	}
	set_aside(&unfit, order);
	return page;
}

/**
 * kho_folio_alloc() - as folio_alloc(), but never in scratch
 * @nid: node, or NUMA_NO_NODE
 * @gfp: as there; sleeping has to be allowed
 * @order: log2 of how many pages
 *
 * Context: may sleep.
 * Return: the folio, or NULL.
 */
struct folio *kho_folio_alloc(int nid, gfp_t gfp, unsigned int order)
{
	int node = nid == NUMA_NO_NODE ? numa_mem_id() : nid;
	unsigned int again = 0;
	struct folio *folio;
	LIST_HEAD(unfit);

	for (;;) {
		folio = __folio_alloc(gfp, order, node, NULL);
		if (may_ask_again(folio, &unfit, order, &again))
			continue;
		if (!folio || kho_native() ||
		    !kho_in_scratch(folio_pfn(folio), 1UL << order))
			break;
		list_add(&folio->lru, &unfit);
	}
	set_aside(&unfit, order);
	return folio;
}

/**
 * kho_zeroed_page() - as get_zeroed_page(), but never in scratch
 * @gfp: as there; sleeping has to be allowed
 *
 * Context: may sleep.
 * Return: its address, or 0.
 */
unsigned long kho_zeroed_page(gfp_t gfp)
{
	struct page *page = kho_pages_alloc(NUMA_NO_NODE,
					    gfp | __GFP_ZERO, 0);

	return page ? (unsigned long)page_address(page) : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that may be preserved.
 *
 * The allocator gives what it has, and that may lie in scratch: this kernel may lie
 * there itself, so not all of it could be set aside.  Such a page is set aside now,
 * and another one is asked for.  That comes to an end as scratch does.
 *
 * Or it is memory that the next kernel does not have, as a driver has brought it.  Of
 * that there may be any amount, and the allocator knows no difference; so after a few
 * tries pages are taken out of what is RAM by their numbers, as scratch is.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/vmstat.h>
#include <asm/dma.h>

#include "compat/compat.h"
#include "backend.h"
#include "mm/folio.h"
#include "mm/poison.h"
#include "page-alloc.h"
#include "ram.h"
#include "tree/tree.h"

/* Each time less of scratch is left that somebody could be given. */
#define AGAIN	8

/* How many pages outside of RAM are enough to see that there are more of them. */
#define MOST_OUTSIDE	4

/* How many blocks are tried that have somebody's memory in them. */
#define MOST_MOVES	64

/* Pages of scratch that are to be set aside once a better one was found. */
static void set_aside(struct list_head *unfit, unsigned int order)
{
	struct page *page, *next;

	/* What can't be had now may be later. */
	if (!list_empty(unfit))
		kho_backend_set_aside_later();
	list_for_each_entry_safe(page, next, unfit, lru) {
		unsigned long pfn = page_to_pfn(page);

		list_del(&page->lru);
		/* It is a folio, or on somebody's account, until it is freed. */
		if (PageCompound(page))
			put_page(page);
		else
			__free_pages(page, order);
		kho_backend_set_aside(pfn, pfn + (1UL << order));
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

/* Where the last ones were found: the next are near. */
static unsigned long found_at = ULONG_MAX;

/* What is looked for. */
struct wanted {
	unsigned int order;
	int nid;
	/* What is in use may be moved away, which may take as long as its owner likes. */
	bool move;
	/* How often that may be tried. */
	unsigned int tries;
};

/*
 * Could these be taken from others?  Not of the little that devices need, nor of what
 * may be taken away as a whole, nor what the kernel keeps for its own needs: this goes
 * past all that the allocator looks at.
 */
static bool may_take(struct page *page, unsigned long pfn, const struct wanted *wanted)
{
	unsigned long nr_pages = 1UL << wanted->order;
	struct zone *zone = page_zone(page);

	if (PageReserved(page) || PageHWPoison(page) ||
	    (wanted->nid != NUMA_NO_NODE && page_to_nid(page) != wanted->nid))
		return false;
	if (zone_idx(zone) == ZONE_MOVABLE || pfn < PHYS_PFN(MAX_DMA_ADDRESS - PAGE_OFFSET) ||
	    kho_backend_in_scratch(pfn, nr_pages) || kho_ram_check(pfn, nr_pages))
		return false;
	/* A guess, as nobody is kept from taking it. */
	if (!wanted->move && (!PageBuddy(page) || page_private(page) < wanted->order))
		return false;
	return zone_page_state(zone, NR_FREE_PAGES) >
	       high_wmark_pages(zone) + zone_managed_pages(zone) / 64 + nr_pages;
}

/* Of one piece of RAM, from its end on: each has a reference then. */
static unsigned long take_of_piece(unsigned long first, unsigned long end,
				   struct wanted *wanted)
{
	unsigned long nr_pages = 1UL << wanted->order, step = nr_pages, pfn;

	/* What can't be moved is likely to be all over the block. */
	if (wanted->move)
		step = max(step, pageblock_nr_pages);
	for (pfn = ALIGN_DOWN(end, step); pfn >= first + step; ) {
		struct page *page;

		pfn -= step;
		if (!(pfn % PAGES_PER_SECTION))
			cond_resched();
		page = pfn_to_online_page(pfn);
		if (!page || !may_take(page, pfn, wanted))
			continue;
		if (!alloc_contig_range(pfn, pfn + nr_pages, ACR_FLAGS_NONE,
					GFP_KERNEL | __GFP_NOWARN))
			return pfn;
		if ((wanted->move && !--wanted->tries) || fatal_signal_pending(current))
			break;
	}
	return 0;
}

/* Of all pieces between these, the highest first. */
static unsigned long take_between(unsigned long first, unsigned long end,
				  struct wanted *wanted)
{
	unsigned long pfn, found = 0;

	while (!found && wanted->tries && kho_ram_piece_below(&pfn, &end)) {
		if (end <= first)
			break;
		found = take_of_piece(max(first, pfn), end, wanted);
		end = pfn;
	}
	return found;
}

/*
 * Pages of RAM, wherever they are; each has a reference.  0: there are none.  With one
 * of our locks held nothing is moved: whoever it belongs to may not let go of it.
 */
static unsigned long take_ram(unsigned int order, int nid, bool may_move)
{
	struct wanted wanted = { .order = order, .nid = nid, .tries = MOST_MOVES };
	unsigned long start = READ_ONCE(found_at), pfn;

	pfn = take_between(0, start, &wanted) ?: take_between(start, ULONG_MAX, &wanted);
	if (!pfn && may_move) {
		wanted.move = true;
		pfn = take_between(0, ULONG_MAX, &wanted);
	}
	if (pfn)
		WRITE_ONCE(found_at, pfn + (1UL << order));
	return pfn;
}

static void zero_pages(unsigned long pfn, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i++) {
		clear_highpage(pfn_to_page(pfn + i));
		cond_resched();
	}
}

/* Pages that each have a reference, and are charged to nobody. */
static struct page *pages_of_ram(int nid, gfp_t gfp, unsigned int order, bool may_move)
{
	unsigned long pfn = take_ram(order, gfp & __GFP_THISNODE ? nid : NUMA_NO_NODE,
				     may_move);

	if (!pfn)
		return NULL;
	if (gfp & __GFP_ZERO)
		zero_pages(pfn, order);
	return pfn_to_page(pfn);
}

/* As folio_alloc() would. */
static struct folio *folio_of_ram(int nid, gfp_t gfp, unsigned int order)
{
	unsigned long pfn = take_ram(order, gfp & __GFP_THISNODE ? nid : NUMA_NO_NODE,
				     true);

	if (!pfn)
		return NULL;
	if (gfp & __GFP_ZERO)
		zero_pages(pfn, order);
	if (order && !kho_folio_make(pfn, order, 0)) {
		kho_put_pages(pfn, 1UL << order);
		return NULL;
	}
	return page_folio(pfn_to_page(pfn));
}

/* May it be preserved where it is? */
static bool is_fit(unsigned long pfn, unsigned int order, unsigned int *outside)
{
	if (kho_backend_unfit(pfn, 1UL << order))
		return false;
	if (kho_ram_check(pfn, 1UL << order)) {
		(*outside)++;
		return false;
	}
	return true;
}

/* Is it the backend's from now on?  It has a reference to each page then. */
static bool keep_unfit(struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page);

	if (!kho_backend_may_keep(pfn))
		return false;
	if (order)
		split_page(page, order);
	kho_backend_keep(pfn, 1UL << order);
	return true;
}

static struct page *pages_alloc(int nid, gfp_t gfp, unsigned int order, bool may_move)
{
	bool plain = !(gfp & __GFP_ACCOUNT);
	unsigned int again = 0, outside = 0;
	LIST_HEAD(unfit);
	struct page *page;

	for (;;) {
		page = alloc_pages_node(nid, gfp, order);
		if (may_ask_again(page, &unfit, order, &again))
			continue;
		if (!page)
			break;
		if (is_fit(page_to_pfn(page), order, &outside)) {
			if (order)
				split_page(page, order);
			break;
		}
		if (!plain || !keep_unfit(page, order))
			list_add(&page->lru, &unfit);
		if (outside >= MOST_OUTSIDE) {
			page = pages_of_ram(nid, gfp, order, may_move);
			break;
		}
	}
	set_aside(&unfit, order);
	return page;
}

/**
 * kho_pages_alloc() - have pages side by side, where they may be preserved
 * @nid: node, or NUMA_NO_NODE
 * @gfp: as for alloc_pages_node(); sleeping has to be allowed, and they are no folio
 * @order: log2 of how many
 *
 * Where the allocator has nothing but memory that a driver has brought, pages are
 * had that are charged to no memory cgroup.
 *
 * Context: may sleep, for long: pages are moved out of the way; none of our locks held.
 * Return: the first page, or NULL.  Each of them has a reference.
 */
struct page *kho_pages_alloc(int nid, gfp_t gfp, unsigned int order)
{
	return pages_alloc(nid, gfp, order, true);
}

/**
 * kho_folio_alloc() - as folio_alloc(), but where it may be preserved
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
	unsigned int again = 0, outside = 0;
	struct folio *folio;
	LIST_HEAD(unfit);

	for (;;) {
		folio = __folio_alloc(gfp, order, node, NULL);
		if (may_ask_again(folio, &unfit, order, &again))
			continue;
		if (!folio || is_fit(folio_pfn(folio), order, &outside))
			break;
		list_add(&folio->lru, &unfit);
		if (outside >= MOST_OUTSIDE) {
			folio = folio_of_ram(nid, gfp, order);
			break;
		}
	}
	set_aside(&unfit, order);
	return folio;
}

/**
 * kho_zeroed_page() - as get_zeroed_page(), but where it may be preserved
 * @gfp: as there; sleeping has to be allowed
 *
 * Context: may sleep.
 * Return: its address, or 0.
 */
unsigned long kho_zeroed_page(gfp_t gfp)
{
	struct page *page = pages_alloc(NUMA_NO_NODE, gfp | __GFP_ZERO, 0, false);

	return page ? (unsigned long)page_address(page) : 0;
}

/**
 * kho_pages_available() - how many pages can be had before somebody is killed for it
 *
 * What si_mem_available() says includes what a zone keeps for a while after its memory
 * was fragmented (watermark_boost_factor), which nobody but the kernel gets.
 *
 * Context: any.
 * Return: about how many pages.
 */
unsigned long kho_pages_available(void)
{
	long pages = si_mem_available();
	int nid, i;

	for_each_online_node(nid)
		for (i = 0; i < MAX_NR_ZONES; i++)
			pages -= READ_ONCE(NODE_DATA(nid)->node_zones[i].watermark_boost);
	return max(pages, 0L);
}

/**
 * kho_get_page() - get a reference to a page that somebody uses
 * @pfn: its number
 *
 * Return: 0; -ENXIO if there is no such RAM, -EADDRNOTAVAIL if nobody uses the
 * page, or if it is reserved or poisoned; or as kho_ram_check().
 */
int kho_get_page(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	int ret;

	if (!page)
		return -ENXIO;
	if (PageReserved(page) || PageHWPoison(page))
		return -EADDRNOTAVAIL;
	ret = kho_ram_check(pfn, 1);
	if (ret)
		return ret;

	folio = page_folio(page);
	if (!folio_try_get(folio))
		return -EADDRNOTAVAIL;
	/*
	 * It may have been freed and taken again, as part of another folio; and
	 * hugetlb says only there that it is poisoned.
	 */
	if (page_folio(page) != folio || kho_page_poisoned(page)) {
		folio_put(folio);
		return -EADDRNOTAVAIL;
	}
	return 0;
}

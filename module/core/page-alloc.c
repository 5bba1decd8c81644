// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocating pages that can be preserved.
 *
 * The page allocator may return a page in scratch, as not all of scratch could be set
 * aside: this kernel itself may lie there.  Such a page is set aside now, and another one
 * is allocated.  This ends when scratch is used up.
 *
 * The page allocator may also return memory that a driver added, and that the next kernel
 * does not have.  There may be any amount of that, and the allocator can't tell the
 * difference.  So after a few attempts, RAM is searched by page number, and pages are
 * allocated there, as for scratch.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/io.h>
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

/* Maximum number of retries; each one has set aside more of scratch. */
#define MAX_RETRIES	8

/* So many allocated blocks outside of RAM show that there are more of them. */
#define MAX_OUTSIDE	4

/* Maximum number of attempts to allocate a block by moving its pages away */
#define MAX_MOVES	64

/* Frees pages that can't be preserved, and sets aside those that are in scratch. */
static void set_aside(struct list_head *unfit, unsigned int order)
{
	struct page *page, *next;

	/* Pages that can't be set aside now may be free later. */
	if (!list_empty(unfit))
		kho_backend_set_aside_later();
	list_for_each_entry_safe(page, next, unfit, lru) {
		unsigned long pfn = page_to_pfn(page);

		list_del(&page->lru);
		/* A folio, or a charged page, must be freed before it can be set aside. */
		if (PageCompound(page))
			put_page(page);
		else
			__free_pages(page, order);
		kho_backend_set_aside(pfn, pfn + (1UL << order));
	}
}

/*
 * Unfit pages are charged to the caller until they are freed.  If an allocation failed,
 * that may be the only reason: free them and try again.
 */
static bool may_retry(const void *allocated, struct list_head *unfit, unsigned int order,
		      unsigned int *retries)
{
	if (allocated || list_empty(unfit) || (*retries)++ == MAX_RETRIES)
		return false;
	set_aside(unfit, order);
	return true;
}

/* The end of the pages found last: the next ones are likely to be near. */
static unsigned long found_at = ULONG_MAX;

/* Arguments of a search for pages */
struct wanted {
	unsigned int order;
	int nid;
	/* Move pages in use away, which may take as long as their users like. */
	bool move;
	/* How often to try that. */
	unsigned int tries;
};

/*
 * May these pages be allocated?  The search bypasses the checks of the page allocator, so
 * it must leave alone: the scarce memory that devices need (ZONE_DMA), memory that may be
 * removed (ZONE_MOVABLE), and memory that the kernel keeps for itself (watermarks).
 */
static bool may_alloc(struct page *page, unsigned long pfn, const struct wanted *wanted)
{
	unsigned long nr_pages = 1UL << wanted->order;
	struct zone *zone = page_zone(page);

	if (PageReserved(page) || PageHWPoison(page) ||
	    (wanted->nid != NUMA_NO_NODE && page_to_nid(page) != wanted->nid))
		return false;
	if (zone_idx(zone) == ZONE_MOVABLE || pfn < PHYS_PFN(MAX_DMA_ADDRESS - PAGE_OFFSET) ||
	    kho_backend_in_scratch(pfn, nr_pages) || kho_ram_check(pfn, nr_pages))
		return false;
	/* Only a guess, as the block may be allocated at any moment. */
	if (!wanted->move && (!PageBuddy(page) || page_private(page) < wanted->order))
		return false;
	return zone_page_state(zone, NR_FREE_PAGES) >
	       high_wmark_pages(zone) + zone_managed_pages(zone) / 64 + nr_pages;
}

/* Allocates from one piece of RAM, downwards; each page gets a reference. */
static unsigned long alloc_in_piece(unsigned long first, unsigned long end,
				    struct wanted *wanted)
{
	unsigned long nr_pages = 1UL << wanted->order, step = nr_pages, pfn;

	/* Unmovable pages are likely to be all over a pageblock. */
	if (wanted->move)
		step = max(step, pageblock_nr_pages);
	for (pfn = ALIGN_DOWN(end, step); pfn >= first + step; ) {
		struct page *page;

		pfn -= step;
		if (!(pfn % PAGES_PER_SECTION))
			cond_resched();
		page = pfn_to_online_page(pfn);
		if (!page || !may_alloc(page, pfn, wanted))
			continue;
		if (!alloc_contig_range(pfn, pfn + nr_pages, ACR_FLAGS_NONE,
					GFP_KERNEL | __GFP_NOWARN))
			return pfn;
		if ((wanted->move && !--wanted->tries) || fatal_signal_pending(current))
			break;
	}
	return 0;
}

/* Allocates from all pieces of RAM in a range, the highest first. */
static unsigned long alloc_between(unsigned long first, unsigned long end,
				   struct wanted *wanted)
{
	unsigned long pfn, found = 0;

	while (!found && wanted->tries && kho_ram_piece_below(&pfn, &end)) {
		if (end <= first)
			break;
		found = alloc_in_piece(max(first, pfn), end, wanted);
		end = pfn;
	}
	return found;
}

/*
 * Allocates pages anywhere in RAM, each with a reference; returns 0 if there are none.
 * @may_move must be false with one of our locks held: the user of a page that would be
 * moved may need that lock to release it.
 */
static unsigned long alloc_ram(unsigned int order, int nid, bool may_move)
{
	struct wanted wanted = { .order = order, .nid = nid, .tries = MAX_MOVES };
	unsigned long start = READ_ONCE(found_at), pfn;

	pfn = alloc_between(0, start, &wanted) ?: alloc_between(start, ULONG_MAX, &wanted);
	if (!pfn && may_move) {
		wanted.move = true;
		pfn = alloc_between(0, ULONG_MAX, &wanted);
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

/* Allocates pages that each have a reference, and are charged to nobody. */
static struct page *pages_of_ram(int nid, gfp_t gfp, unsigned int order, bool may_move)
{
	unsigned long pfn = alloc_ram(order, gfp & __GFP_THISNODE ? nid : NUMA_NO_NODE,
				     may_move);

	if (!pfn)
		return NULL;
	if (gfp & __GFP_ZERO)
		zero_pages(pfn, order);
	return pfn_to_page(pfn);
}

/* Allocates a folio, as folio_alloc() would. */
static struct folio *folio_of_ram(int nid, gfp_t gfp, unsigned int order)
{
	unsigned long pfn = alloc_ram(order, gfp & __GFP_THISNODE ? nid : NUMA_NO_NODE,
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

/* Can this block be preserved where it is? */
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

/* Gives an unfit block to the backend, if it wants it, with a reference to each page. */
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
	unsigned int retries = 0, outside = 0;
	LIST_HEAD(unfit);
	struct page *page;

	for (;;) {
		page = alloc_pages_node(nid, gfp, order);
		if (may_retry(page, &unfit, order, &retries))
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
		if (outside >= MAX_OUTSIDE) {
			page = pages_of_ram(nid, gfp, order, may_move);
			break;
		}
	}
	set_aside(&unfit, order);
	return page;
}

/**
 * kho_pages_alloc() - allocate adjacent pages that can be preserved
 * @nid: NUMA node, or NUMA_NO_NODE
 * @gfp: as for alloc_pages_node(); must allow sleeping, and must not ask for a folio
 * @order: log2 of the number of pages
 *
 * If the page allocator only has memory that a driver added, the pages come from a search
 * and are charged to no memory cgroup.
 *
 * Context: may sleep for long, as pages may be moved away; none of our locks held.
 * Return: the first page, or NULL.  Each page has a reference.
 */
struct page *kho_pages_alloc(int nid, gfp_t gfp, unsigned int order)
{
	return pages_alloc(nid, gfp, order, true);
}

/**
 * kho_folio_alloc() - allocate a folio that can be preserved
 * @nid: NUMA node, or NUMA_NO_NODE
 * @gfp: as for folio_alloc(); must allow sleeping
 * @order: log2 of the number of pages
 *
 * Context: may sleep for long, as pages may be moved away; none of our locks held.
 * Return: the folio, or NULL.
 */
struct folio *kho_folio_alloc(int nid, gfp_t gfp, unsigned int order)
{
	int node = nid == NUMA_NO_NODE ? numa_mem_id() : nid;
	unsigned int retries = 0, outside = 0;
	struct folio *folio;
	LIST_HEAD(unfit);

	for (;;) {
		folio = __folio_alloc(gfp, order, node, NULL);
		if (may_retry(folio, &unfit, order, &retries))
			continue;
		if (!folio || is_fit(folio_pfn(folio), order, &outside))
			break;
		list_add(&folio->lru, &unfit);
		if (outside >= MAX_OUTSIDE) {
			folio = folio_of_ram(nid, gfp, order);
			break;
		}
	}
	set_aside(&unfit, order);
	return folio;
}

/**
 * kho_zeroed_page() - allocate a zeroed page that can be preserved
 * @gfp: as for get_zeroed_page(); must allow sleeping
 *
 * Context: may sleep.
 * Return: its address, or 0.
 */
unsigned long kho_zeroed_page(gfp_t gfp)
{
	struct page *page = pages_alloc(NUMA_NO_NODE, gfp | __GFP_ZERO, 0, false);

	return page ? (unsigned long)page_address(page) : 0;
}

/*
 * In page->private of pages that lead to what is preserved and are not preserved as such.
 * Nobody else uses that of these pages, but the tree notes something in the lowest bits.
 */
#define OWN_PAGE	(0x6b686f6f776eUL << KHO_NODE_BITS)	/* "khoown" */

/**
 * kho_own_page() - let nobody preserve this page: it leads to what is preserved
 * @pfn: number of the page, which is allocated, or arrived as such
 *
 * Otherwise who takes the handover over finds it twice, and can't believe any of it.
 *
 * Context: any.
 */
void kho_own_page(unsigned long pfn)
{
	set_page_private(pfn_to_page(pfn), OWN_PAGE);
}

/**
 * kho_disown_page() - undo kho_own_page(), before the page is freed
 * @pfn: number of the page
 *
 * Context: any.
 */
void kho_disown_page(unsigned long pfn)
{
	set_page_private(pfn_to_page(pfn), 0);
}

/**
 * kho_node_page() - allocate a zeroed page for a node of a tree
 *
 * Context: may sleep.
 * Return: its address, or 0.
 */
unsigned long kho_node_page(void)
{
	unsigned long page = kho_zeroed_page(GFP_KERNEL);

	if (page)
		kho_own_page(PHYS_PFN(virt_to_phys((void *)page)));
	return page;
}

/**
 * kho_node_page_free() - free a page of a tree
 * @page: its address
 *
 * Context: any.
 */
void kho_node_page_free(unsigned long page)
{
	kho_disown_page(PHYS_PFN(virt_to_phys((void *)page)));
	free_page(page);
}

/**
 * kho_pages_available() - estimate how many pages can be allocated without OOM kills
 *
 * si_mem_available() includes memory that a zone keeps for the kernel for a while after
 * it was fragmented (watermark_boost_factor).
 *
 * Context: any.
 * Return: approximate number of pages.
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
 * kho_get_page() - get a reference to a page that is in use
 * @pfn: its number
 *
 * Return: 0; -ENXIO if there is no such page online; -EADDRNOTAVAIL if the page is not
 * in use, reserved or poisoned; -EBUSY if it leads to what is preserved; or as
 * kho_ram_check().
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
	 * The page may have been freed, and allocated as part of another folio.  hugetlb
	 * flags poisoned pages only at the head of a folio, so check that now.
	 */
	if (page_folio(page) != folio || kho_page_poisoned(page)) {
		folio_put(folio);
		return -EADDRNOTAVAIL;
	}
	if ((READ_ONCE(page->private) & ~KHO_NODE_MASK) == OWN_PAGE) {
		folio_put(folio);
		return -EBUSY;
	}
	return 0;
}

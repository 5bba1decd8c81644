// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages with memory errors (PageHWPoison): reading one causes a machine check.  This
 * file knows which pages are poisoned, and passes on reports of new ones.
 *
 * Code that reads, maps or frees pages asks kho_page_poisoned().  That looks at the
 * page flag itself, and does not depend on noted pages.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "poison.h"

DEFINE_XARRAY(kho_poisoned);

/* Maximum number of unhandled reports; if there are more, a search finds the pages. */
#define MAX_PENDING	64

static struct {
	/* Numbers of reported pages, or 0. */
	unsigned long pending[MAX_PENDING];
	/* Reports were lost: everything preserved has to be searched. */
	bool lost;
	/* Handles the reports. */
	struct work_struct *work;
	struct tracepoint *tracepoint;
} reports;

/* The set of noted pages that are preserved may have changed. */
static bool stale;

/**
 * kho_poison_known_in() - is any of these pages noted as poisoned?
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: any.
 */
bool kho_poison_known_in(u64 pfn, u64 nr_pages)
{
	unsigned long index = pfn;

	return xa_find(&kho_poisoned, &index, pfn + nr_pages - 1, XA_PRESENT);
}

/**
 * kho_page_poisoned() - is this page poisoned?
 * @page: the page, to which the caller has a reference
 *
 * hugetlb flags only the head of a folio.  If the head is flagged, and none of the pages
 * is noted, all of them count as poisoned.
 *
 * Context: any.
 */
bool kho_page_poisoned(struct page *page)
{
	struct folio *folio = page_folio(page);
	unsigned long pfn = page_to_pfn(page);

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE))
		return xa_load(&kho_poisoned, pfn);
	if (!folio_test_large(folio) || !folio_test_hugetlb(folio))
		return PageHWPoison(page);
	return folio_test_hwpoison(folio) &&
	       (xa_load(&kho_poisoned, pfn) ||
		!kho_poison_known_in(folio_pfn(folio), folio_nr_pages(folio)));
}

/**
 * kho_range_poisoned() - is any of these pages poisoned?
 * @pfn: number of the first page
 * @nr_pages: number of pages; the caller has references to them
 *
 * Context: may sleep.
 */
bool kho_range_poisoned(u64 pfn, u64 nr_pages)
{
	for (; nr_pages--; pfn++) {
		if (kho_page_poisoned(pfn_to_page(pfn)))
			return true;
		cond_resched();
	}
	return false;
}

/**
 * kho_folio_poisoned() - is any page of this folio poisoned?
 * @folio: the folio, to which the caller has a reference
 *
 * Relies on noted pages.  Looks at each page only if the kernel does not report new
 * poisoned pages.
 *
 * Context: may sleep.
 */
bool kho_folio_poisoned(struct folio *folio)
{
	unsigned long pfn = folio_pfn(folio), nr_pages = folio_nr_pages(folio);

	return kho_poison_known_in(pfn, nr_pages) ||
	       (IS_ENABLED(CONFIG_MEMORY_FAILURE) && !reports.tracepoint &&
		kho_range_poisoned(pfn, nr_pages));
}

/* memory_failure() calls this too, so it must not block. */
static void report(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < MAX_PENDING; i++)
		if (!cmpxchg(&reports.pending[i], 0, pfn))
			break;
	if (i == MAX_PENDING)
		WRITE_ONCE(reports.lost, true);
	queue_work(system_unbound_wq, reports.work);
}

/**
 * kho_poison_saw() - report a page that was found to be poisoned
 * @page: the page, to which the caller has a reference
 *
 * Context: any.
 */
void kho_poison_saw(struct page *page)
{
	if (!xa_load(&kho_poisoned, page_to_pfn(page)))
		report(page_to_pfn(page));
}

/**
 * kho_metapage_poisoned() - is this metapage poisoned?
 * @metapage: the metapage
 *
 * Context: any.
 */
bool kho_metapage_poisoned(const void *metapage)
{
	return kho_page_poisoned(virt_to_page(metapage));
}

/**
 * kho_poison_next_report() - fetch a report that nobody has handled yet
 * @pfn: set to the number of the page
 *
 * Context: any.
 * Return: false if there is none.
 */
bool kho_poison_next_report(unsigned long *pfn)
{
	unsigned int i;

	for (i = 0; i < MAX_PENDING; i++) {
		*pfn = xchg(&reports.pending[i], 0);
		if (*pfn)
			return true;
	}
	return false;
}

/**
 * kho_poison_lose() - a reported page could not be noted
 *
 * Context: any.
 */
void kho_poison_lose(void)
{
	WRITE_ONCE(reports.lost, true);
}

/**
 * kho_poison_lost() - must reported pages be searched for?
 *
 * Context: any.
 * Return: true if reports were lost since the last call, by kho_poison_lose() or for
 * lack of room.
 */
bool kho_poison_lost(void)
{
	return xchg(&reports.lost, false);
}

/**
 * kho_poison_reported() - is each newly poisoned page reported?
 *
 * Return: false if this kernel lacks the tracepoint for that.
 */
bool kho_poison_reported(void)
{
	return !IS_ENABLED(CONFIG_MEMORY_FAILURE) || reports.tracepoint;
}

/**
 * kho_poison_stale() - the list of noted pages for the next kernel is out of date
 *
 * Context: any; kho_changed() must follow.
 */
void kho_poison_stale(void)
{
	WRITE_ONCE(stale, true);
}

/**
 * kho_poison_touched() - these pages were preserved or unpreserved
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: any; kho_changed() must follow.
 */
void kho_poison_touched(u64 pfn, u64 nr_pages)
{
	if (!xa_empty(&kho_poisoned) && kho_poison_known_in(pfn, nr_pages))
		kho_poison_stale();
}

/**
 * kho_poison_is_stale() - is the list for the next kernel out of date?
 *
 * Context: any.
 */
bool kho_poison_is_stale(void)
{
	return READ_ONCE(stale);
}

/**
 * kho_poison_fresh() - the list for the next kernel is up to date
 *
 * Context: kho.lock held.
 */
void kho_poison_fresh(void)
{
	WRITE_ONCE(stale, false);
}

#ifdef CONFIG_TRACEPOINTS

/* The arguments are those of TRACE_EVENT(memory_failure_event) in kernels 5.10 to 7.3. */
static void probe(void *data, unsigned long pfn, int type, int result)
{
	report(pfn);
}

static void find(struct tracepoint *tracepoint, void *data)
{
	if (!strcmp(tracepoint->name, "memory_failure_event"))
		*(struct tracepoint **)data = tracepoint;
}

static void watch_tracepoint(void)
{
	struct tracepoint *found = NULL;

	for_each_kernel_tracepoint(find, &found);
	if (found && !tracepoint_probe_register(found, probe, NULL))
		reports.tracepoint = found;
}

static void unwatch_tracepoint(void)
{
	if (!reports.tracepoint)
		return;
	tracepoint_probe_unregister(reports.tracepoint, probe, NULL);
	tracepoint_synchronize_unregister();
	reports.tracepoint = NULL;
}

#else

static void watch_tracepoint(void) { }
static void unwatch_tracepoint(void) { }

#endif

/**
 * kho_poison_watch() - start collecting reports of poisoned pages
 * @work: queued for each report; the caller cancels it after kho_poison_unwatch()
 *
 * Context: may sleep.
 */
void kho_poison_watch(struct work_struct *work)
{
	reports.work = work;
	watch_tracepoint();
}

/**
 * kho_poison_unwatch() - stop collecting reports
 *
 * Context: may sleep; no locks held.
 */
void kho_poison_unwatch(void)
{
	unwatch_tracepoint();
}

/**
 * kho_poison_settle() - wait until all earlier reports have been handled
 *
 * Context: may sleep; neither kho.gate nor kho.lock held; after kho_poison_watch().
 */
void kho_poison_settle(void)
{
	flush_work(reports.work);
}

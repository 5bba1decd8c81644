// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the hardware can't be trusted with (PageHWPoison): who reads one gets a
 * machine check.  Which of them are known, and who is told of a new one.
 *
 * Whoever reads, maps or frees pages asks kho_page_poisoned(), which looks at the
 * flag itself: it does not depend on what has been noted.
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

/* Reports that nobody has looked at yet; more than that are found by a search. */
#define FRESH	64

static struct {
	/* Page numbers, or 0. */
	unsigned long fresh[FRESH];
	/* There were more: all that is preserved has to be looked at. */
	bool lost;
	/* Looks at them. */
	struct work_struct *work;
	struct tracepoint *tracepoint;
} reports;

/* It may have changed which noted pages are preserved. */
static bool stale;

/**
 * kho_poison_known_in() - has any of these pages been noted?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: any.
 */
bool kho_poison_known_in(u64 pfn, u64 nr_pages)
{
	unsigned long index = pfn;

	return xa_find(&kho_poisoned, &index, pfn + nr_pages - 1, XA_PRESENT);
}

/**
 * kho_page_poisoned() - must this page not be read?
 * @page: the page, to which the caller has a reference
 *
 * hugetlb says so at the head of a folio only.  Which page of it that is we have
 * been told of, or else none of them may be read.
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
 * kho_range_poisoned() - must any of these pages not be read?
 * @pfn: number of the first page
 * @nr_pages: how many; the caller has references to them
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
 * kho_folio_poisoned() - may a page of this folio not be read?
 * @folio: the folio, to which the caller has a reference
 *
 * As far as it has been noted, unless nobody tells us.
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

/* Called by memory_failure() as well, which may not be held up. */
static void report(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < FRESH; i++)
		if (!cmpxchg(&reports.fresh[i], 0, pfn))
			break;
	if (i == FRESH)
		WRITE_ONCE(reports.lost, true);
	queue_work(system_unbound_wq, reports.work);
}

/**
 * kho_poison_saw() - somebody has come upon a page that is poisoned
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
 * kho_metapage_poisoned() - must this page of metadata not be read?
 * @metapage: the page
 *
 * Context: any.
 */
bool kho_metapage_poisoned(const void *metapage)
{
	return kho_page_poisoned(virt_to_page(metapage));
}

/**
 * kho_poison_next_report() - a page that was reported and that nobody has looked at
 * @pfn: set to its number
 *
 * Context: any.
 * Return: false if there is none.
 */
bool kho_poison_next_report(unsigned long *pfn)
{
	unsigned int i;

	for (i = 0; i < FRESH; i++) {
		*pfn = xchg(&reports.fresh[i], 0);
		if (*pfn)
			return true;
	}
	return false;
}

/**
 * kho_poison_lose() - a page was reported and can't be noted
 *
 * Context: any.
 */
void kho_poison_lose(void)
{
	WRITE_ONCE(reports.lost, true);
}

/**
 * kho_poison_lost() - has to be searched for what was reported?
 *
 * Context: any.
 * Return: true once for any number of calls of kho_poison_lose(), or of reports that
 * there was no room for.
 */
bool kho_poison_lost(void)
{
	return xchg(&reports.lost, false);
}

/**
 * kho_poison_reported() - is each page reported as it is poisoned?
 *
 * Return: false if this kernel has no such tracepoint.
 */
bool kho_poison_reported(void)
{
	return !IS_ENABLED(CONFIG_MEMORY_FAILURE) || reports.tracepoint;
}

/**
 * kho_poison_stale() - what the next kernel is told of noted pages is not right any more
 *
 * Context: any; kho_changed() has to follow.
 */
void kho_poison_stale(void)
{
	WRITE_ONCE(stale, true);
}

/**
 * kho_poison_touched() - it has changed whether these pages are preserved
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: any; kho_changed() has to follow.
 */
void kho_poison_touched(u64 pfn, u64 nr_pages)
{
	if (!xa_empty(&kho_poisoned) && kho_poison_known_in(pfn, nr_pages))
		kho_poison_stale();
}

/**
 * kho_poison_is_stale() - has it?
 *
 * Context: any.
 */
bool kho_poison_is_stale(void)
{
	return READ_ONCE(stale);
}

/**
 * kho_poison_fresh() - from now on what the next kernel is told is right
 *
 * Context: kho.lock held.
 */
void kho_poison_fresh(void)
{
	WRITE_ONCE(stale, false);
}

#ifdef CONFIG_TRACEPOINTS

/* As TRACE_EVENT(memory_failure_event) has it in all kernels from 6.1 to 7.3. */
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
 * kho_poison_watch() - be told of pages that are poisoned
 * @work: queued when there is a report; the caller cancels it after kho_poison_unwatch()
 *
 * Context: may sleep.
 */
void kho_poison_watch(struct work_struct *work)
{
	reports.work = work;
	watch_tracepoint();
}

/**
 * kho_poison_unwatch() - be told no more
 *
 * Context: may sleep; no locks held.
 */
void kho_poison_unwatch(void)
{
	unwatch_tracepoint();
}

/**
 * kho_poison_settle() - have all looked at that was reported before
 *
 * Context: may sleep; neither kho.gate nor kho.lock held; after kho_poison_watch().
 */
void kho_poison_settle(void)
{
	flush_work(reports.work);
}

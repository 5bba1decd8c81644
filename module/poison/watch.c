// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the hardware can't be trusted with (PageHWPoison): who reads one
 * gets a machine check.
 *
 * memory_failure() sets the flag, and does no more about our pages: they are in
 * no page cache and have no reverse mapping, so what is mapped stays mapped.  The
 * rest is done here.  A tracepoint tells of each page as it is poisoned; it is
 * noted down, unmapped from the files that show it, and named to the next kernel
 * (poison-list.c).  Where a kernel has no such tracepoint, it is noted when
 * somebody comes upon it, and before a jump all struct pages are looked at.
 *
 * Whoever reads, maps or frees pages asks kho_page_poisoned(), which looks at the
 * flag itself: it does not depend on what has been noted.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>

#include "internal.h"

DEFINE_XARRAY(kho_poisoned);

/* Reports that nobody has looked at yet; more than that are found by a search. */
#define FRESH	64

static void take_reports(struct work_struct *work);

static struct {
	/* Page numbers, or 0. */
	unsigned long fresh[FRESH];
	/* There were more: all that is preserved has to be looked at. */
	bool lost;
	struct work_struct work;
	struct tracepoint *tracepoint;
} reports = {
	.work = __WORK_INITIALIZER(reports.work, take_reports),
};

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

/**
 * kho_blob_poisoned() - must this page of metadata not be read?
 * @blob: the page
 *
 * Context: any.
 */
bool kho_blob_poisoned(const void *blob)
{
	return kho_page_poisoned(virt_to_page(blob));
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
	queue_work(system_unbound_wq, &reports.work);
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

/*
 * Ends what is mapped of a page.  A page fault that has found it sound has it
 * mapped by then: it holds mem->lock for both, or the page's own lock.
 */
static void unmap_from(struct kho_mem *mem, u64 index, unsigned long pfn)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));

	folio_lock(folio);
	folio_unlock(folio);
	down_write(&mem->lock);
	up_write(&mem->lock);
	/* Private copies are other pages, and stay. */
	unmap_mapping_range(mem->inode->i_mapping, (loff_t)index << PAGE_SHIFT,
			    PAGE_SIZE, 0);
}

/* Also from files of pages that are preserved no more. */
static void unmap(unsigned long pfn)
{
	struct kho_mem *mem;
	u64 i;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry(mem, &kho.open_mems, open) {
		for (i = 0; i < mem->nr_extents; i++) {
			const struct kho_extent *extent = kho_extent_at(mem, i);

			if (pfn >= extent->pfn &&
			    pfn - extent->pfn < extent->nr_pages)
				unmap_from(mem, extent->index + pfn - extent->pfn,
					   pfn);
			cond_resched();
		}
	}
}

static int any_key(phys_addr_t phys, unsigned int order, void *data)
{
	return 1;
}

static bool is_metadata(struct page *page)
{
	struct page *blob;
	bool found = false;

	mutex_lock(&kho.blobs_lock);
	list_for_each_entry(blob, &kho.blobs, lru)
		found |= blob == page;
	mutex_unlock(&kho.blobs_lock);
	return found;
}

static void note_page(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || xa_load(&kho_poisoned, pfn) ||
	    !(PageHWPoison(page) || folio_test_hwpoison(page_folio(page))))
		return;
	if (xa_err(xa_store(&kho_poisoned, pfn, xa_mk_value(1), GFP_KERNEL))) {
		pr_err("no memory to note that page 0x%lx is poisoned\n", pfn);
		/* With the next report, or before the jump. */
		WRITE_ONCE(reports.lost, true);
		unmap(pfn);
		return;
	}
	unmap(pfn);
	/* Others are the kernel's business, until somebody preserves them. */
	if (kho_radix_walk_range(&kho.tree, pfn, 1, any_key, NULL) != 1)
		return;
	kho_poison_stale();
	if (is_metadata(page))
		pr_err("page 0x%lx is poisoned, and has metadata: the next kernel may not be able to read it\n",
		       pfn);
	else
		pr_err("page 0x%lx is poisoned: what was preserved in it is lost\n",
		       pfn);
}

static int search_key(phys_addr_t phys, unsigned int order, void *data)
{
	unsigned long i, pfn = PHYS_PFN(phys);

	for (i = 0; i < 1UL << order; i++) {
		if (kho_page_poisoned(pfn_to_page(pfn + i)))
			note_page(pfn + i);
		if (i % 1024 == 0)
			cond_resched();
	}
	return 0;
}

static void note_all(void)
{
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	if (!kho.tree.root)
		return;
	for (i = 0; i < FRESH; i++) {
		unsigned long pfn = xchg(&reports.fresh[i], 0);

		if (pfn)
			note_page(pfn);
	}
	if (xchg(&reports.lost, false))
		kho_radix_walk_range(&kho.tree, 0, PHYS_PFN(kho_end_of_memory()),
				     search_key, NULL);
}

static void take_reports(struct work_struct *work)
{
	down_read(&kho.gate);
	mutex_lock(&kho.lock);
	if (kho.committed && !kho.frozen) {
		note_all();
		kho_poison_update();
		kho_envelopes_update();
	}
	mutex_unlock(&kho.lock);
	up_read(&kho.gate);
}

/**
 * kho_poison_settle() - have all looked at that was reported before
 *
 * Context: may sleep; neither kho.gate nor kho.lock held.
 */
void kho_poison_settle(void)
{
	flush_work(&reports.work);
}

/**
 * kho_poison_at_jump() - have the next kernel told of all that there is
 *
 * If each page is reported as it is poisoned, nothing is left to be searched for.
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_poison_at_jump(void)
{
	lockdep_assert_held(&kho.lock);

	if (IS_ENABLED(CONFIG_MEMORY_FAILURE) && !reports.tracepoint)
		WRITE_ONCE(reports.lost, true);
	note_all();
	kho_poison_update();
	kho_envelopes_update();
}

/**
 * kho_mem_poisoned() - how many pages of it are poisoned?
 * @mem: of what
 *
 * Context: kho.lock held, or mem->lock.
 */
u64 kho_mem_poisoned(const struct kho_mem *mem)
{
	u64 i, nr = 0;

	if (xa_empty(&kho_poisoned))
		return 0;
	for (i = 0; i < mem->nr_extents; i++) {
		const struct kho_extent *extent = kho_extent_at(mem, i);
		unsigned long index;
		void *entry;

		xa_for_each_range(&kho_poisoned, index, entry, extent->pfn,
				  extent->pfn + extent->nr_pages - 1)
			nr++;
		if (!(i % 1024))
			cond_resched();
	}
	return nr;
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

static void watch(void)
{
	struct tracepoint *found = NULL;

	for_each_kernel_tracepoint(find, &found);
	if (found && !tracepoint_probe_register(found, probe, NULL))
		reports.tracepoint = found;
}

static void unwatch(void)
{
	if (!reports.tracepoint)
		return;
	tracepoint_probe_unregister(reports.tracepoint, probe, NULL);
	tracepoint_synchronize_unregister();
	reports.tracepoint = NULL;
}

#else

static void watch(void) { }
static void unwatch(void) { }

#endif

/**
 * kho_poison_init() - be told of pages that are poisoned
 *
 * Context: may sleep.
 */
void kho_poison_init(void)
{
	watch();
}

/**
 * kho_poison_exit() - be told no more, and forget them
 *
 * Context: may sleep; neither kho.gate nor kho.lock held; nothing is preserved.
 */
void kho_poison_exit(void)
{
	unwatch();
	cancel_work_sync(&reports.work);
	xa_destroy(&kho_poisoned);
}

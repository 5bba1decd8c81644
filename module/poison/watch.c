// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that the hardware can't be trusted with (PageHWPoison): reading one causes a
 * machine check.
 *
 * memory_failure() sets the flag, and does no more about our pages: they are in no page
 * cache and have no reverse mapping, so what is mapped stays mapped.  The rest is done
 * here.  A tracepoint reports each page as it is poisoned; the page is noted, unmapped
 * from the files that show it, and listed for the next kernel (list.c).  Where a kernel
 * has no such tracepoint, a page is noted when somebody comes upon it, and before a jump
 * all preserved pages are checked.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/metapage.h"
#include "core/preserve.h"
#include "memory/memory.h"
#include "mm/iomem.h"
#include "mm/poison.h"
#include "poison.h"

static void note_page(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || xa_load(&kho_poisoned, pfn) ||
	    !(PageHWPoison(page) || folio_test_hwpoison(page_folio(page))))
		return;
	if (xa_err(xa_store(&kho_poisoned, pfn, xa_mk_value(1), GFP_KERNEL))) {
		pr_err("no memory to note page 0x%lx as poisoned\n", pfn);
		/* The next report, or the jump, searches for it again. */
		kho_poison_lose();
		kho_mem_unmap_page(pfn);
		return;
	}
	kho_mem_unmap_page(pfn);
	/* Other pages are the kernel's business, until somebody preserves them. */
	if (!kho_preserved_has(pfn, 1))
		return;
	kho_poison_stale();
	if (kho_metapages_have(page))
		pr_err("page 0x%lx is poisoned, and contains metadata: the next kernel may not be able to read it\n",
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
	unsigned long pfn;

	lockdep_assert_held(&kho.lock);

	if (!kho_preserved_exists())
		return;
	while (kho_poison_next_report(&pfn))
		note_page(pfn);
	if (kho_poison_lost())
		kho_preserved_each(0, PHYS_PFN(kho_end_of_memory()), search_key, NULL);
}

static void note_reports(struct work_struct *work)
{
	kho_change_begin();
	mutex_lock(&kho.lock);
	if (kho.committed && !kho.frozen) {
		note_all();
		kho_poison_update();
		kho_backend_changed();
	}
	mutex_unlock(&kho.lock);
	kho_change_end();
}

static DECLARE_WORK(report_work, note_reports);

/**
 * kho_poison_at_jump() - list all poisoned pages for the next kernel
 *
 * If each page is reported as it is poisoned, nothing has to be searched for.
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_poison_at_jump(void)
{
	lockdep_assert_held(&kho.lock);

	if (!kho_poison_reported())
		kho_poison_lose();
	note_all();
	kho_poison_update();
	kho_backend_changed();
}

/**
 * kho_poison_search() - look for poisoned pages that nobody has reported to this module
 *
 * Context: any; the module is loaded.
 */
void kho_poison_search(void)
{
	kho_poison_lose();
	queue_work(system_unbound_wq, &report_work);
}

/**
 * kho_poison_init() - start to watch for poisoned pages
 *
 * Context: may sleep.
 */
void kho_poison_init(void)
{
	kho_poison_watch(&report_work);
}

/**
 * kho_poison_exit() - stop watching, and forget poisoned pages
 *
 * Context: may sleep; neither kho.gate nor kho.lock held; nothing is preserved.
 */
void kho_poison_exit(void)
{
	kho_poison_unwatch();
	cancel_work_sync(&report_work);
	xa_destroy(&kho_poisoned);
}

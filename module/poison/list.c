// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of poisoned pages for the next kernel, and reading the one that the previous
 * kernel left.  The format is in include/kho/poison.h.
 *
 * It lists what is both preserved and poisoned.  If either may have changed, the list is
 * stale, and is rewritten before the change is complete: see kho_changed().
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/metapage.h"
#include "core/preserve.h"
#include "incoming/incoming.h"
#include "mm/iomem.h"
#include "mm/poison.h"
#include "poison.h"

#include <kho/fdt.h>
#include <kho/poison.h>
#include <linux/kho.h>

#define PER_PAGE	KHO_POISON_PER_PAGE(PAGE_SHIFT)

/* What the next kernel reads, or NULL; protected by kho.lock. */
static struct kho_poison *list;

/* Metapages of the previous kernel's list, to be freed; by page number. */
static DEFINE_XARRAY(old_pages);

/* Is this page to be listed?  It may no longer be preserved, or have been repaired. */
static bool to_be_listed(unsigned long pfn)
{
	return kho_preserved_has(pfn, 1) && kho_page_poisoned(pfn_to_page(pfn));
}

static void free_pages_from(u64 *link)
{
	u64 next = *link;

	*link = 0;
	while (next) {
		struct kho_poison_page *page = phys_to_virt(next);

		next = page->next;
		kho_metapage_free(page);
	}
}

static int begin_list(void)
{
	int ret;

	list = kho_metapage_alloc();
	if (!list)
		return -ENOMEM;
	strscpy((char *)list->compatible, KHO_POISON_COMPATIBLE,
		sizeof(list->compatible));
	list->page_shift = PAGE_SHIFT;
	ret = kho_backend_add_child(KHO_POISON_NODE, list, sizeof(*list),
				    KHO_SUBTREE_OWN);
	if (ret) {
		kho_metapage_free(list);
		list = NULL;
	}
	return ret;
}

/* A jump waits for kho.lock, so the list can be rewritten in place. */
static int fill_list(void)
{
	struct kho_poison_page *page = NULL;
	u64 nr = 0, *link = &list->first;
	unsigned long pfn;
	void *entry;

	xa_for_each(&kho_poisoned, pfn, entry) {
		if (!to_be_listed(pfn))
			continue;
		if (!page || page->nr == PER_PAGE) {
			if (!*link) {
				page = kho_metapage_alloc();
				if (!page)
					return -ENOMEM;
				*link = virt_to_phys(page);
			}
			page = phys_to_virt(*link);
			page->nr = 0;
			link = &page->next;
		}
		page->pfn[page->nr++] = pfn;
		list->nr = ++nr;
		cond_resched();
	}
	free_pages_from(link);
	return 0;
}

static bool any_to_be_listed(void)
{
	unsigned long pfn;
	void *entry;

	xa_for_each(&kho_poisoned, pfn, entry)
		if (to_be_listed(pfn))
			return true;
	return false;
}

/**
 * kho_poison_drop() - remove the list
 *
 * Context: may sleep; kho.lock held.
 */
void kho_poison_drop(void)
{
	lockdep_assert_held(&kho.lock);

	if (!list)
		return;
	kho_backend_drop_child(list);
	free_pages_from(&list->first);
	kho_metapage_free(list);
	list = NULL;
}

/**
 * kho_poison_update() - bring the list up to date, if it is stale
 *
 * Context: may sleep; kho.lock held.
 */
void kho_poison_update(void)
{
	int ret = 0;

	lockdep_assert_held(&kho.lock);

	if (!kho_poison_is_stale() || !kho.committed || kho.frozen)
		return;
	kho_poison_fresh();
	if (!any_to_be_listed()) {
		kho_poison_drop();
		return;
	}
	if (!list)
		ret = begin_list();
	if (!ret)
		ret = fill_list();
	if (ret) {
		kho_poison_stale();
		pr_err_ratelimited("not all poisoned pages can be listed for the next kernel: error %d\n",
				   ret);
	}
}

/* ---- What arrived ---- */

static bool is_unclaimed(u64 addr)
{
	u64 pfn = PHYS_PFN(addr);

	if (!addr || addr & ~PAGE_MASK || addr >= kho_end_of_memory())
		return false;
	return kho_unclaimed_has(pfn, 0) || kho_backend_unretrieved(pfn, 0);
}

/* As with the records of objects, a page can be claimed only once. */
static void *claim(u64 addr)
{
	u64 pfn = PHYS_PFN(addr);
	void *metapage = phys_to_virt(addr);

	if (!is_unclaimed(addr) || kho_backend_incoming_get(pfn, 1))
		return NULL;
	kho_metapage_adopt(metapage);
	/* If this fails, the page is never freed: nothing else can be done. */
	xa_store(&old_pages, pfn, xa_mk_value(1), GFP_KERNEL);
	return metapage;
}

/* Does in-kernel KHO still keep the page, in a block of any order? */
static bool kernel_has(u64 pfn)
{
	unsigned int order;

	for (order = 0; order <= MAX_PAGE_ORDER; order++)
		if (kho_backend_unretrieved(pfn & ~((1ULL << order) - 1), order))
			return true;
	return false;
}

/* Notes a page as poisoned; false if it was not preserved. */
static bool note_entry(u64 pfn)
{
	if (pfn >= PHYS_PFN(kho_end_of_memory()) || !pfn_to_online_page(pfn) ||
	    !(kho_preserved_has(pfn, 1) || kho_unclaimed_marks(pfn, 1) ||
	      kernel_has(pfn)))
		return false;
	xa_store(&kho_poisoned, pfn, xa_mk_value(1), GFP_KERNEL);
	return true;
}

static const char *read_list(u64 addr, u64 *not_preserved)
{
	const struct kho_poison *head = claim(addr);
	const struct kho_poison_page *page;
	u64 i, next, left;
	const char *why;

	if (!head)
		return "its head is used twice";
	why = kho_poison_check(head, PAGE_SHIFT);
	if (why)
		return why;
	left = head->nr;
	for (next = head->first; next; next = page->next) {
		page = claim(next);
		if (!page)
			return "a page of it is not preserved, or is used twice";
		why = kho_poison_check_page(page, PAGE_SHIFT, left);
		if (why)
			return why;
		for (i = 0; i < page->nr; i++)
			*not_preserved += !note_entry(page->pfn[i]);
		left -= page->nr;
		cond_resched();
	}
	return left ? "it has fewer entries than its head says" : NULL;
}

/**
 * kho_poison_arrived() - learn which of the pages that arrived are poisoned
 *
 * If the list is invalid, the entries before the error are believed: at worst, pages that
 * the previous kernel sent are lost.
 *
 * Context: may sleep; kho.lock held; the objects have been read.
 */
void kho_poison_arrived(void)
{
	const struct kho_fdt_child *child = kho_incoming_child(KHO_POISON_NODE);
	const char *why = NULL;
	u64 not_preserved = 0;

	lockdep_assert_held(&kho.lock);

	if (!child || kho_incoming_refused())
		return;
	kho_incoming_ours(KHO_POISON_NODE, true);
	if (!is_unclaimed(child->addr)) {
		why = "its head is not preserved";
	} else if (!kho_poison_known(phys_to_virt(child->addr))) {
		pr_warn("the list of poisoned pages at 0x%llx is not " KHO_POISON_COMPATIBLE ", and left alone\n",
			child->addr);
		kho_incoming_ours(KHO_POISON_NODE, false);
		return;
	} else if (child->size != sizeof(struct kho_poison)) {
		why = "its head has the wrong size";
	} else {
		why = read_list(child->addr, &not_preserved);
	}
	if (why)
		pr_err("the list of poisoned pages at 0x%llx is invalid: %s\n",
		       child->addr, why);
	if (not_preserved)
		pr_err("the list of poisoned pages at 0x%llx has %llu that were not preserved\n",
		       child->addr, not_preserved);
}

/**
 * kho_poison_forget() - forget what arrived, but leave it as it is
 *
 * Context: may sleep; kho.lock held.
 */
void kho_poison_forget(void)
{
	lockdep_assert_held(&kho.lock);

	xa_destroy(&old_pages);
	xa_destroy(&kho_poisoned);
}

/**
 * kho_poison_commit() - own what arrived for good, and flag what is poisoned
 *
 * Context: may sleep; kho.lock held; kho_changed() has to follow.
 */
void kho_poison_commit(void)
{
	unsigned long pfn, nr = 0;
	void *entry;

	lockdep_assert_held(&kho.lock);

	xa_for_each(&kho_poisoned, pfn, entry) {
		SetPageHWPoison(pfn_to_page(pfn));
		nr++;
		cond_resched();
	}
	xa_for_each(&old_pages, pfn, entry)
		kho_metapage_free(pfn_to_kaddr(pfn));
	xa_destroy(&old_pages);
	if (!nr)
		return;
	kho_poison_stale();
	pr_warn("%lu of the pages that arrived are poisoned\n", nr);
}

static struct kho_owner poison_owner = {
	.poison_changed = kho_poison_update,
};

/**
 * kho_poison_list_init() - keep the list up to date from now on
 *
 * Context: kho.lock held.
 */
void kho_poison_list_init(void)
{
	kho_owner_add(&poison_owner);
}

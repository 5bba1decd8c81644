// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list that names poisoned pages to the next kernel, and reading the one that
 * the kernel before left.  The format is in include/kho/poison.h.
 *
 * It names what is both preserved and poisoned.  If either may have changed, it is
 * stale, and written anew before whoever changed it is done: kho_changed().
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

/* What the next kernel reads, or NULL; kho.lock. */
static struct kho_poison *list;

/* What the kernel before has sent: to be freed.  By page number. */
static DEFINE_XARRAY(old_pages);

/* Is this to be told?  It may be preserved no more, or have been repaired. */
static bool is_told(unsigned long pfn)
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

/* A jump waits for kho.lock, so the list may be written where it is. */
static int fill_list(void)
{
	struct kho_poison_page *page = NULL;
	u64 nr = 0, *link = &list->first;
	unsigned long pfn;
	void *entry;

	xa_for_each(&kho_poisoned, pfn, entry) {
		if (!is_told(pfn))
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

static bool any_told(void)
{
	unsigned long pfn;
	void *entry;

	xa_for_each(&kho_poisoned, pfn, entry)
		if (is_told(pfn))
			return true;
	return false;
}

/**
 * kho_poison_drop() - tell the next kernel of none
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
	if (!any_told()) {
		kho_poison_drop();
		return;
	}
	if (!list)
		ret = begin_list();
	if (!ret)
		ret = fill_list();
	if (ret) {
		kho_poison_stale();
		pr_err_ratelimited("the next kernel can't be told of all poisoned pages: error %d\n",
				   ret);
	}
}

/* ---- What arrived ---- */

static bool waits(u64 addr)
{
	u64 pfn = PHYS_PFN(addr);

	if (!addr || addr & ~PAGE_MASK || addr >= kho_end_of_memory())
		return false;
	return kho_unclaimed_has(pfn, 0) || kho_backend_unretrieved(pfn, 0);
}

/* As with the records of objects, a page can be taken only once. */
static void *claim(u64 addr)
{
	u64 pfn = PHYS_PFN(addr);
	void *blob = phys_to_virt(addr);

	if (!waits(addr) || kho_backend_incoming_get(pfn, 1))
		return NULL;
	kho_metapage_adopt(blob);
	/* Failing that, it is never freed, which is all that can be done. */
	xa_store(&old_pages, pfn, xa_mk_value(1), GFP_KERNEL);
	return blob;
}

/* Whatever the order of the block that it is in. */
static bool kernel_has(u64 pfn)
{
	unsigned int order;

	for (order = 0; order <= MAX_PAGE_ORDER; order++)
		if (kho_backend_unretrieved(pfn & ~((1ULL << order) - 1), order))
			return true;
	return false;
}

/* False if that is no page that was preserved. */
static bool take_entry(u64 pfn)
{
	if (pfn >= PHYS_PFN(kho_end_of_memory()) || !pfn_to_online_page(pfn) ||
	    !(kho_preserved_has(pfn, 1) || kho_unclaimed_marks(pfn, 1) ||
	      kernel_has(pfn)))
		return false;
	xa_store(&kho_poisoned, pfn, xa_mk_value(1), GFP_KERNEL);
	return true;
}

static const char *read_list(u64 addr, u64 *strangers)
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
			*strangers += !take_entry(page->pfn[i]);
		left -= page->nr;
		cond_resched();
	}
	return left ? "it has fewer entries than its head says" : NULL;
}

/**
 * kho_poison_arrived() - learn which of the pages that arrived are poisoned
 *
 * Whatever is wrong with the list, what it has said up to there is believed:
 * nothing but pages that the kernel before has sent can be lost by that.
 *
 * Context: may sleep; kho.lock held; the objects have been read.
 */
void kho_poison_arrived(void)
{
	const struct kho_fdt_child *child = kho_incoming_child(KHO_POISON_NODE);
	const char *why = NULL;
	u64 strangers = 0;

	lockdep_assert_held(&kho.lock);

	if (!child || kho_incoming_refused())
		return;
	kho_incoming_ours(KHO_POISON_NODE, true);
	if (!waits(child->addr)) {
		why = "its head is not preserved";
	} else if (!kho_poison_known(phys_to_virt(child->addr))) {
		pr_warn("the list of poisoned pages at 0x%llx is not " KHO_POISON_COMPATIBLE ", and left alone\n",
			child->addr);
		kho_incoming_ours(KHO_POISON_NODE, false);
		return;
	} else if (child->size != sizeof(struct kho_poison)) {
		why = "its head has another size";
	} else {
		why = read_list(child->addr, &strangers);
	}
	if (why)
		pr_err("the list of poisoned pages at 0x%llx is no good: %s\n",
		       child->addr, why);
	if (strangers)
		pr_err("the list of poisoned pages at 0x%llx has %llu that were not preserved\n",
		       child->addr, strangers);
}

/**
 * kho_poison_forget() - forget what has arrived, and leave it as it is
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
 * kho_poison_commit() - what arrived is ours for good: mark what is poisoned
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
 * kho_poison_list_init() - have the list kept up to date from now on
 *
 * Context: kho.lock held.
 */
void kho_poison_list_init(void)
{
	kho_owner_add(&poison_owner);
}

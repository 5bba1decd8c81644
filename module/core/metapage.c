// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metapages: pages of metadata that the next kernel reads, apart from tree nodes.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "core.h"
#include "metapage.h"
#include "page-alloc.h"
#include "preserve.h"
#include "tree/tree.h"

/* Protects the following two; no other lock is taken inside it. */
static DEFINE_MUTEX(metapages_lock);
/* All metapages, linked by page->lru, the newest last. */
static LIST_HEAD(metapages);
static u64 nr_metapages;

static void *metapage_alloc(gfp_t gfp)
{
	void *metapage = (void *)kho_zeroed_page(gfp);

	if (!metapage)
		return NULL;
	if (kho_mark_page(PHYS_PFN(virt_to_phys(metapage)), 0)) {
		free_page((unsigned long)metapage);
		return NULL;
	}
	kho_metapage_adopt(metapage);
	return metapage;
}

/**
 * kho_metapage_alloc() - allocate a zeroed metapage, and mark it for the next kernel
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: the page, or NULL.
 */
void *kho_metapage_alloc(void)
{
	return metapage_alloc(GFP_KERNEL);
}

/**
 * kho_metapage_alloc_charged() - the same for a metapage that belongs to a single object
 *
 * The page is charged to the caller's memory cgroup.
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: the page, or NULL.
 */
void *kho_metapage_alloc_charged(void)
{
	return metapage_alloc(KHO_GFP_CHARGED);
}

/**
 * kho_metapage_adopt() - add a page that is already marked to the list of metapages
 * @metapage: the page
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_metapage_adopt(void *metapage)
{
	kho_assert_may_mark();

	mutex_lock(&metapages_lock);
	list_add_tail(&virt_to_page(metapage)->lru, &metapages);
	nr_metapages++;
	mutex_unlock(&metapages_lock);
}

/**
 * kho_metapage_free() - unmark and free a metapage
 * @metapage: the page, or NULL
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_metapage_free(void *metapage)
{
	if (!metapage)
		return;

	kho_unmark_page(PHYS_PFN(virt_to_phys(metapage)), 0);
	mutex_lock(&metapages_lock);
	list_del(&virt_to_page(metapage)->lru);
	nr_metapages--;
	mutex_unlock(&metapages_lock);
	free_page((unsigned long)metapage);
}

/**
 * kho_metapages_mark() - remember which metapage is the newest
 *
 * Context: kho.lock held.
 * Return: a position for kho_metapages_pop().
 */
const void *kho_metapages_mark(void)
{
	lockdep_assert_held(&kho.lock);

	return metapages.prev;
}

/**
 * kho_metapages_pop() - remove the newest metapage from the list, down to a position
 * @mark: the position, as returned by kho_metapages_mark()
 *
 * The page stays unchanged, and marked for the next kernel.
 *
 * Context: may sleep; kho.lock held.
 * Return: the page, or NULL if there is none beyond @mark.
 */
struct page *kho_metapages_pop(const void *mark)
{
	struct page *page;

	lockdep_assert_held(&kho.lock);

	if (metapages.prev == mark)
		return NULL;
	page = list_last_entry(&metapages, struct page, lru);
	mutex_lock(&metapages_lock);
	list_del_init(&page->lru);
	nr_metapages--;
	mutex_unlock(&metapages_lock);
	return page;
}

/**
 * kho_metapages_forget() - remove all metapages from the list
 *
 * For a takeover that is called off: the pages stay unchanged.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_metapages_forget(void)
{
	struct page *page, *next;

	lockdep_assert_held(&kho.lock);

	mutex_lock(&metapages_lock);
	list_for_each_entry_safe(page, next, &metapages, lru)
		list_del_init(&page->lru);
	nr_metapages = 0;
	mutex_unlock(&metapages_lock);
}

/**
 * kho_metapages_have() - is this page a metapage?
 * @page: the page
 *
 * Context: may sleep.
 */
bool kho_metapages_have(const struct page *page)
{
	const struct page *metapage;
	bool found = false;

	mutex_lock(&metapages_lock);
	list_for_each_entry(metapage, &metapages, lru)
		found |= metapage == page;
	mutex_unlock(&metapages_lock);
	return found;
}

/**
 * kho_metapages_each() - call a function for each metapage, the oldest first
 * @fn: the function; it must not allocate or free metapages
 * @data: for @fn
 *
 * Context: may sleep.
 * Return: number of metapages.
 */
u64 kho_metapages_each(void (*fn)(struct page *page, void *data), void *data)
{
	struct page *page;
	u64 nr;

	mutex_lock(&metapages_lock);
	list_for_each_entry(page, &metapages, lru)
		fn(page, data);
	nr = nr_metapages;
	mutex_unlock(&metapages_lock);
	return nr;
}

/**
 * kho_metapages_nr() - number of metapages
 */
u64 kho_metapages_nr(void)
{
	return READ_ONCE(nr_metapages);
}

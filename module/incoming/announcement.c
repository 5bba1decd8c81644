// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages that lead to a handover: those of the setup_data list and of the scratch
 * array.
 *
 * sysfs shows the list, and the module reads it again whenever it is loaded.  So these
 * pages stay as boot left them: reserved, and nobody can claim them.  A handover may
 * have marked them nevertheless, which mainline accepts.  A block that contains such a
 * page stays marked, but can't be retrieved.  A mark of such a page alone is removed
 * after the takeover.
 *
 * sysfs also shows foreign data in that list, which may have any size.  None of it can be
 * preserved: a handover that marks any of it is refused.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "core/core.h"
#include "core/preserve.h"
#include "internal.h"
#include "mm/iomem.h"

#include <linux/kho.h>

/* More places than any real list has */
#define PLACES_MAX	32

struct places {
	struct {
		u64 pfn;
		u64 end;
	} at[PLACES_MAX];
	unsigned int nr;
};

/* Pages that lead to a handover, and foreign data in the list; protected by kho.lock. */
static struct places ours, theirs;

static int note(struct places *places, u64 addr, u64 bytes)
{
	u64 memory = kho_end_of_memory(), pfn, end;
	unsigned int i;

	/* The length may be anything; ignore what lies beyond the end of memory. */
	if (!bytes || addr >= memory)
		return 0;
	pfn = PHYS_PFN(addr);
	end = PHYS_PFN(addr + min(bytes, memory - addr) - 1) + 1;
	for (i = 0; i < places->nr; i++) {
		if (pfn > places->at[i].end || places->at[i].pfn > end)
			continue;
		places->at[i].pfn = min(places->at[i].pfn, pfn);
		places->at[i].end = max(places->at[i].end, end);
		return 0;
	}
	if (places->nr == PLACES_MAX)
		return -E2BIG;
	places->at[places->nr].pfn = pfn;
	places->at[places->nr].end = end;
	places->nr++;
	return 0;
}

static bool has(const struct places *places, u64 pfn, u64 nr_pages)
{
	unsigned int i;

	for (i = 0; i < places->nr; i++)
		if (pfn < places->at[i].end && places->at[i].pfn < pfn + nr_pages)
			return true;
	return false;
}

static int note_ours(u64 addr, u64 bytes, void *data)
{
	return note(&ours, addr, bytes);
}

static int note_theirs(u64 addr, u64 bytes, void *data)
{
	return note(&theirs, addr, bytes);
}

/**
 * kho_announcement_read() - find the pages that lead to the handover
 *
 * Refuses the handover if they can't be found.
 *
 * Context: may sleep; kho.lock held; incoming.boot has been set.
 * Return: 0 or -ENOMEM.
 */
int kho_announcement_read(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ours.nr = 0;
	theirs.nr = 0;
	ret = note_ours(incoming.boot.scratch_addr,
			clamp_t(u64, incoming.boot.scratch_size, 1, PAGE_SIZE), NULL) ?:
	      kho_arch_each_setup(note_ours, note_theirs, NULL);
	if (!ret || ret == -ENOMEM)
		return ret;
	kho_incoming_refuse(ret == -E2BIG ? "setup_data lies in too many places" :
					   "where setup_data lies can't be read",
			   incoming.boot.fdt_addr, 0);
	return 0;
}

/**
 * kho_announcement_has() - does any of these pages lead to the handover?
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: kho.lock held; kho_announcement_read() was called.
 * Return: true if so.
 */
bool kho_announcement_has(u64 pfn, u64 nr_pages)
{
	return has(&ours, pfn, nr_pages);
}

/**
 * kho_announcement_has_others() - does any of these pages have foreign data of setup_data?
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Pages that lead to the handover do not count, even if they also have foreign data.
 *
 * Context: kho.lock held; kho_announcement_read() was called.
 * Return: true if so.
 */
bool kho_announcement_has_others(u64 pfn, u64 nr_pages)
{
	return has(&theirs, pfn, nr_pages) && !has(&ours, pfn, nr_pages);
}

/**
 * kho_announcement_allows_node() - may this page be a node of the incoming tree?
 * @pfn: its number
 *
 * Context: kho.lock held; kho_announcement_read() was called.
 */
bool kho_announcement_allows_node(u64 pfn)
{
	return kho_incoming_page_waits(pfn) && !kho_announcement_has(pfn, 1) &&
	       !kho_announcement_has_others(pfn, 1);
}

/**
 * kho_announcement_allows_mark() - may this page be marked in the incoming tree?
 * @pfn: its number
 *
 * Context: kho.lock held; kho_announcement_read() was called.
 */
bool kho_announcement_allows_mark(u64 pfn)
{
	return (kho_incoming_page_waits(pfn) || kho_announcement_has(pfn, 1)) &&
	       !kho_announcement_has_others(pfn, 1);
}

static int first_key(phys_addr_t phys, unsigned int order, void *data)
{
	struct kho_page_entry *entry = data;

	entry->pfn = PHYS_PFN(phys);
	entry->order = order;
	return 1;
}

/**
 * kho_announcement_unlist() - remove blocks with such pages from the unclaimed ones
 *
 * Context: may sleep; kho.lock held; kho_unclaimed_add() has listed all marks.
 * Return: 0 or -EINVAL, which can't happen.
 */
int kho_announcement_unlist(void)
{
	struct kho_page_entry key;
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	for (i = 0; i < ours.nr; i++)
		while (kho_unclaimed_each(ours.at[i].pfn,
					  ours.at[i].end - ours.at[i].pfn,
					  first_key, &key) == 1)
			if (kho_unclaimed_del(key.pfn, 1ULL << key.order))
				return -EINVAL;
	return 0;
}

/**
 * kho_announcement_forget() - remove marks that are of such a page alone
 *
 * Context: may sleep; kho.lock held; the takeover has been committed.
 */
void kho_announcement_forget(void)
{
	u64 pfn, end = PHYS_PFN(kho_end_of_memory());
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	for (i = 0; i < ours.nr; i++) {
		for (pfn = ours.at[i].pfn; pfn < min(ours.at[i].end, end); pfn++) {
			if (kho_preserved_has_page(pfn, 0))
				kho_unmark_page(pfn, 0);
			cond_resched();
		}
	}
}

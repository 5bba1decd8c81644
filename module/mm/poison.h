/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages with memory errors.
 */
#ifndef KHO_MM_POISON_H
#define KHO_MM_POISON_H

#include <linux/kconfig.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct work_struct;

/* Numbers of pages that were reported, or arrived, as poisoned; only grows. */
extern struct xarray kho_poisoned;

bool kho_poison_known_in(u64 pfn, u64 nr_pages);
bool kho_page_poisoned(struct page *page);
bool kho_range_poisoned(u64 pfn, u64 nr_pages);
bool kho_folio_poisoned(struct folio *folio);
bool kho_metapage_poisoned(const void *metapage);
void kho_poison_saw(struct page *page);

void kho_poison_watch(struct work_struct *work);
void kho_poison_unwatch(void);
void kho_poison_settle(void);
bool kho_poison_next_report(unsigned long *pfn);
void kho_poison_lose(void);
bool kho_poison_lost(void);
bool kho_poison_reported(void);

void kho_poison_stale(void);
void kho_poison_touched(u64 pfn, u64 nr_pages);
bool kho_poison_is_stale(void);
void kho_poison_fresh(void);

/**
 * kho_poison_unflagged() - is this page poisoned without having a flag for that?
 * @page: the page, to which the caller has a reference
 *
 * A kernel without CONFIG_MEMORY_FAILURE has no such flag.
 */
static inline bool kho_poison_unflagged(struct page *page)
{
	return !IS_ENABLED(CONFIG_MEMORY_FAILURE) && kho_page_poisoned(page);
}

#endif /* KHO_MM_POISON_H */

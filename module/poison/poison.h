/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that the hardware can't be trusted with.
 */
#ifndef KHO_POISON_MODULE_H
#define KHO_POISON_MODULE_H

#include <linux/kconfig.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct kho_mem;

/* Numbers of pages that were reported or arrived as such; grows only. */
extern struct xarray kho_poisoned;

/* poison.c */
void kho_poison_init(void);
void kho_poison_exit(void);
bool kho_page_poisoned(struct page *page);
bool kho_range_poisoned(u64 pfn, u64 nr_pages);
bool kho_folio_poisoned(struct folio *folio);
bool kho_blob_poisoned(const void *blob);
void kho_poison_saw(struct page *page);
void kho_poison_settle(void);
void kho_poison_at_jump(void);
u64 kho_mem_poisoned(const struct kho_mem *mem);
bool kho_poison_known_in(u64 pfn, u64 nr_pages);

/* poison-list.c */
void kho_poison_stale(void);
void kho_poison_touched(u64 pfn, u64 nr_pages);
void kho_poison_update(void);
void kho_poison_drop(void);
void kho_poison_arrived(void);
bool kho_poison_lists(u64 addr);
bool kho_poison_took(const char *name);
void kho_poison_forget(void);
void kho_poison_commit(void);

/**
 * kho_poison_unflagged() - is this page poisoned, and its flags don't say so?
 * @page: the page, to which the caller has a reference
 *
 * In a kernel that knows nothing of such pages there is no flag for it.
 */
static inline bool kho_poison_unflagged(struct page *page)
{
	return !IS_ENABLED(CONFIG_MEMORY_FAILURE) && kho_page_poisoned(page);
}

#endif /* KHO_POISON_MODULE_H */

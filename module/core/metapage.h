/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metapages: pages of metadata that the next kernel reads, apart from tree nodes.
 */
#ifndef KHO_METAPAGE_H
#define KHO_METAPAGE_H

#include <linux/types.h>

struct page;

void *kho_metapage_alloc(void);
void *kho_metapage_alloc_charged(void);
void kho_metapage_free(void *metapage);
void kho_metapage_adopt(void *metapage);
const void *kho_metapages_mark(void);
struct page *kho_metapages_pop(const void *mark);
void kho_metapages_forget(void);
bool kho_metapages_have(const struct page *page);
u64 kho_metapages_each(void (*fn)(struct page *page, void *data), void *data);
u64 kho_metapages_nr(void);

#endif /* KHO_METAPAGE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocating pages that can be preserved: in RAM that the next kernel has, and outside of
 * scratch.
 */
#ifndef KHO_PAGE_ALLOC_H
#define KHO_PAGE_ALLOC_H

#include <linux/gfp.h>

struct folio;
struct page;

struct page *kho_pages_alloc(int nid, gfp_t gfp, unsigned int order);
struct folio *kho_folio_alloc(int nid, gfp_t gfp, unsigned int order);

unsigned long kho_zeroed_page(gfp_t gfp);

void kho_own_page(unsigned long pfn);
void kho_disown_page(unsigned long pfn);

unsigned long kho_pages_available(void);
int kho_get_page(unsigned long pfn);

#endif /* KHO_PAGE_ALLOC_H */

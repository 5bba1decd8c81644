/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that may be preserved: none of them lies in scratch.
 */
#ifndef KHO_PAGE_ALLOC_H
#define KHO_PAGE_ALLOC_H

#include <linux/gfp.h>

struct folio;
struct page;

struct page *kho_pages_alloc(int nid, gfp_t gfp, unsigned int order);
struct folio *kho_folio_alloc(int nid, gfp_t gfp, unsigned int order);

#endif /* KHO_PAGE_ALLOC_H */

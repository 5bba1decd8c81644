/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making folios of base pages.
 */
#ifndef KHO_FOLIO_H
#define KHO_FOLIO_H

#include <linux/types.h>

int kho_folio_init(void);
void kho_folio_exit(void);
bool kho_folio_make(unsigned long pfn, unsigned int order, pgoff_t index);
bool kho_folio_break(unsigned long pfn, unsigned int order);
bool kho_folio_is_whole(unsigned long pfn, unsigned int order);
void kho_put_pages(unsigned long pfn, unsigned long nr_pages);

#endif /* KHO_FOLIO_H */

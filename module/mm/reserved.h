/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that boot left reserved, and freeing them to the page allocator.
 */
#ifndef KHO_RESERVED_H
#define KHO_RESERVED_H

#include <linux/types.h>

struct page;

bool kho_page_reserved(struct page *page);
void kho_unreserve(u64 pfn, u64 nr_pages);
void kho_reserve(u64 pfn, u64 nr_pages);
bool kho_free_reserved(unsigned long pfn, unsigned int order);

#endif /* KHO_RESERVED_H */

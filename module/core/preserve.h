/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree of all preserved pages: the next kernel keeps the pages marked in it.
 */
#ifndef KHO_PRESERVE_H
#define KHO_PRESERVE_H

#include "tree/tree.h"

/* Marking: kho.lock or kho.gate held, and kho_changed() follows */
int kho_mark_page(unsigned long pfn, unsigned int order);
void kho_unmark_page(unsigned long pfn, unsigned int order);
int kho_mark_batch(const unsigned long *pfn, unsigned long nr,
		   unsigned int order, unsigned long *done);
void kho_unmark_batch(const unsigned long *pfn, unsigned long nr,
		      unsigned int order);
int kho_mark_range(unsigned long pfn, unsigned long nr_pages);
int kho_unmark_range(unsigned long pfn, unsigned long nr_pages);
int kho_mark_cut(unsigned long pfn, unsigned int order, unsigned long nr_pages);

/* The tree as a whole */
int kho_preserved_init(void);
int kho_preserved_adopt(struct kho_radix_adopt *adopt, u64 root);
void kho_preserved_forget(void);
void kho_preserved_destroy(void);
void kho_preserved_watch(kho_radix_watch_t watch);

/* Queries */
bool kho_preserved_exists(void);
bool kho_preserved_has(unsigned long pfn, unsigned long nr_pages);
bool kho_preserved_has_page(unsigned long pfn, unsigned int order);
bool kho_preserved_lies_in(unsigned long pfn, unsigned long nr_pages);
u64 kho_preserved_root(void);
u64 kho_preserved_pages(void);
u64 kho_preserved_keys(void);
u64 kho_preserved_nodes(void);
int kho_preserved_each(unsigned long pfn, unsigned long nr_pages,
		       kho_radix_range_callback_t cb, void *data);
int kho_preserved_walk(const struct kho_walk_ops *ops, void *ctx);
void kho_preserved_walk_nodes(const struct kho_walk_ops *ops, void *ctx);

#endif /* KHO_PRESERVE_H */

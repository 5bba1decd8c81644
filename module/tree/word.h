/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of leaves, and counting their keys; private to this folder. */
#ifndef KHO_RADIX_WORD_H
#define KHO_RADIX_WORD_H

#include <linux/mm.h>

#include "node.h"

/* Tells the owner of the tree about pages and nodes that are added or removed. */
static __always_inline void watch(struct kho_radix_tree *tree, unsigned long pfn,
				  unsigned long nr_pages, bool kept)
{
	if (tree->watch)
		tree->watch(tree, pfn, nr_pages, kept);
}

/* Others may be changing it: the result is certain only if nobody can add anything. */
static inline bool node_empty(const struct kho_radix_node *node)
{
	unsigned int i;

	for (i = 0; i < 1U << TABLE_BITS; i++)
		if (READ_ONCE(node->table[i]))
			return false;
	return true;
}

/*
 * How many words of a leaf of base pages are in use is noted with its page, plus 1: 0 means
 * that nobody has counted them yet.  Each of the following needs the lock of the region.
 */
static inline void words_note(struct kho_radix_node *leaf, unsigned long words)
{
	struct page *page = virt_to_page(leaf);

	WRITE_ONCE(page->private, (page->private & ~KHO_NODE_MASK) | (words + 1));
}

/* Is all of it empty? */
static inline bool words_empty(const struct kho_radix_node *leaf)
{
	unsigned long noted = virt_to_page(leaf)->private & KHO_NODE_MASK;

	return noted ? noted == 1 : node_empty(leaf);
}

/* So many words of the leaf are no longer empty. */
static __always_inline void words_filled(struct kho_radix_node *leaf, unsigned long words)
{
	struct page *page = virt_to_page(leaf);

	if (page->private & KHO_NODE_MASK)
		WRITE_ONCE(page->private, page->private + words);
}

/* So many words of the leaf have become empty.  Is all of it empty? */
static __always_inline bool words_emptied(struct kho_radix_node *leaf, unsigned long words)
{
	struct page *page = virt_to_page(leaf);
	unsigned int i;

	if (likely(page->private & KHO_NODE_MASK)) {
		WRITE_ONCE(page->private, page->private - words);
	} else {
		for (words = 0, i = 0; i < 1U << TABLE_BITS; i++)
			words += !!leaf->table[i];
		words_note(leaf, words);
	}
	return (page->private & KHO_NODE_MASK) == 1;
}

/* Returns the bits of @mask that can't be set, or cleared, as they already are. */
static __always_inline u64 refused(u64 bits, u64 mask, bool add)
{
	return (add ? bits : ~bits) & mask;
}

static __always_inline void change_bits(u64 *bits, u64 mask, bool add)
{
	WRITE_ONCE(*bits, add ? *bits | mask : *bits & ~mask);
}

/* Counts keys of orders that are not small; tree->lock held. */
static inline void count_large(struct kho_radix_tree *tree, unsigned int order, bool add)
{
	u64 *nr_keys = &tree->nr_keys[order];

	WRITE_ONCE(*nr_keys, add ? *nr_keys + 1 : *nr_keys - 1);
	if (add)
		WRITE_ONCE(tree->orders, tree->orders | 1ULL << order);
	else if (!*nr_keys)
		WRITE_ONCE(tree->orders, tree->orders & ~(1ULL << order));
}

static __always_inline void count_base(struct kho_radix_region *region,
				       unsigned long nr, bool add)
{
	u64 *nr_keys = &region->nr_keys[0];

	lockdep_assert_held(&region->lock);

	WRITE_ONCE(*nr_keys, add ? *nr_keys + nr : *nr_keys - nr);
}

/* Counts keys of a small order above 0. */
static __always_inline void count_small(struct kho_radix_region *region, unsigned int order,
					unsigned long nr, bool add)
{
	u64 *nr_keys = &region->nr_keys[order];

	WRITE_ONCE(*nr_keys, add ? *nr_keys + nr : *nr_keys - nr);
	if (add)
		WRITE_ONCE(region->orders, region->orders | BIT(order));
	else if (!*nr_keys)
		WRITE_ONCE(region->orders, region->orders & ~BIT(order));
}

#endif /* KHO_RADIX_WORD_H */

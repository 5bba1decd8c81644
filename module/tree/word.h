/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of leaves, and counting their keys; private to this folder. */
#ifndef KHO_RADIX_WORD_H
#define KHO_RADIX_WORD_H

#include <linux/string.h>

#include "node.h"

/* Tells the owner of the tree about pages and nodes that are added or removed. */
static __always_inline void watch(struct kho_radix_tree *tree, unsigned long pfn,
				  unsigned long nr_pages, bool kept)
{
	if (tree->watch)
		tree->watch(tree, pfn, nr_pages, kept);
}

static inline bool node_empty(const struct kho_radix_node *node)
{
	return !memchr_inv(node, 0, sizeof(*node));
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

/* Counts keys of orders above 0; tree->lock held. */
static inline void count_keys(struct kho_radix_tree *tree, unsigned int order, bool add)
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
	lockdep_assert_held(&region->lock);

	WRITE_ONCE(region->nr_keys, add ? region->nr_keys + nr :
					  region->nr_keys - nr);
}

#endif /* KHO_RADIX_WORD_H */

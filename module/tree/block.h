/* SPDX-License-Identifier: GPL-2.0-only */
/* Changing one block under the lock of its region; private to this folder, see mark.c. */
#ifndef KHO_RADIX_BLOCK_H
#define KHO_RADIX_BLOCK_H

#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>

#include "node.h"
#include "word.h"

/* A mark was removed, and its leaf has become empty. */
#define LEAF_EMPTY	1

struct kho_radix_node *kho_radix_search_leaf(const struct kho_radix_tree *tree,
					     struct kho_radix_slot *slot, u64 key, u64 number);
bool kho_radix_overlaps(const struct kho_radix_tree *tree, u64 orders, unsigned long pfn,
			u64 nr_pages);

/*
 * Returns the leaf of a base page, or NULL.  Usually it was found before; no leaf goes
 * away under the lock of its region.
 */
static __always_inline struct kho_radix_node *
base_leaf(const struct kho_radix_tree *tree, struct kho_radix_slot *slot, unsigned long pfn)
{
	if (likely(slot->number == pfn >> LEAF_BITS))
		return slot->leaf;
	return kho_radix_search_leaf(tree, slot, key_of(pfn, 0), pfn >> LEAF_BITS);
}

/* The same for a block of a small order above 0; NULL if the leaf may be going away. */
static __always_inline struct kho_radix_node *
block_leaf(const struct kho_radix_tree *tree, struct kho_radix_region *region, u64 key)
{
	lockdep_assert_held(&region->lock);

	if (likely(region->block.number == key >> LEAF_BITS))
		return region->block.leaf;
	/* Ask before the search: if a leaf was removed, the search must not find it. */
	if (smp_load_acquire(&tree->pruning))
		return NULL;
	return kho_radix_search_leaf(tree, &region->block, key, key >> LEAF_BITS);
}

/* Orders that pages of a region may be marked under; the region is locked. */
static __always_inline u64 orders_in(const struct kho_radix_tree *tree,
				     const struct kho_radix_region *region)
{
	return READ_ONCE(tree->orders) | region->orders | (region->nr_keys[0] ? 1 : 0);
}

/* Is any of these pages marked under one of @orders other than @order?  Usually not. */
static __always_inline bool overlaps(const struct kho_radix_tree *tree, u64 orders,
				     unsigned long pfn, u64 nr_pages, unsigned int order)
{
	orders &= ~(1ULL << order);
	return unlikely(orders) && kho_radix_overlaps(tree, orders, pfn, nr_pages);
}

/* Is any of these pages marked under an order other than 0? */
static __always_inline bool overlaps_base(const struct kho_radix_tree *tree,
					  const struct kho_radix_region *region,
					  unsigned long pfn, unsigned long nr_pages)
{
	return overlaps(tree, READ_ONCE(tree->orders) | region->orders, pfn, nr_pages, 0);
}

/* The word @bits is empty.  Usually a neighbour shows that the leaf is not. */
static __always_inline bool leaf_is_empty(const struct kho_radix_node *leaf, const u64 *bits)
{
	if (bits > leaf->table && READ_ONCE(bits[-1]))
		return false;
	if (bits < leaf->table + ARRAY_SIZE(leaf->table) - 1 && READ_ONCE(bits[1]))
		return false;
	return node_empty(leaf);
}

/*
 * Changes a base page whose leaf exists: the usual case.  Returns 0, LEAF_EMPTY, or
 * -EAGAIN if there is no leaf.
 */
static __always_inline int change_base(struct kho_radix_tree *tree, unsigned long pfn, bool add)
{
	unsigned int at = slot_of(pfn);
	struct kho_radix_region *region = region_at(tree, at);
	struct kho_radix_node *leaf;
	u64 mask, *bits, old;
	int ret = -EBUSY;

	spin_lock(&region->lock);
	/* All calls come first or last, so that few registers have to be saved. */
	if (add && overlaps_base(tree, region, pfn, 1))
		goto out;
	ret = -EAGAIN;
	leaf = base_leaf(tree, &region->base[at % NR_SLOTS], pfn);
	if (!leaf)
		goto out;
	bits = leaf_word(leaf, pfn);
	mask = 1ULL << (pfn % 64);
	old = *bits;
	if (refused(old, mask, add)) {
		ret = add ? -EEXIST : -ENOENT;
		goto out;
	}
	ret = 0;
	WRITE_ONCE(*bits, old ^ mask);
	count_base(region, 1, add);
	if (add && !old)
		words_filled(leaf, 1);
	else if (!add && old == mask && words_emptied(leaf, 1))
		ret = LEAF_EMPTY;
	watch(tree, pfn, 1, add);
out:
	spin_unlock(&region->lock);
	return ret;
}

/* The same for a block of a small order above 0; -EAGAIN also if the leaf may be going away. */
static __always_inline int change_small(struct kho_radix_tree *tree, unsigned long pfn,
					unsigned int order, bool add)
{
	struct kho_radix_region *region = region_of(tree, pfn);
	u64 key = key_of(pfn, order), mask, *bits, old;
	struct kho_radix_node *leaf;
	int ret = -EBUSY;

	spin_lock(&region->lock);
	if (add && overlaps(tree, orders_in(tree, region), pfn, 1ULL << order, order))
		goto out;
	ret = -EAGAIN;
	leaf = block_leaf(tree, region, key);
	if (!leaf)
		goto out;
	bits = leaf_word(leaf, key);
	mask = 1ULL << (key % 64);
	old = *bits;
	if (refused(old, mask, add)) {
		ret = add ? -EEXIST : -ENOENT;
		goto out;
	}
	ret = 0;
	WRITE_ONCE(*bits, old ^ mask);
	count_small(region, order, 1, add);
	if (!add && old == mask) {
		/* Of two who each empty a word, one has to see both of them empty. */
		smp_mb();
		if (leaf_is_empty(leaf, bits))
			ret = LEAF_EMPTY;
	}
	watch(tree, pfn, 1UL << order, add);
out:
	spin_unlock(&region->lock);
	return ret;
}

#endif /* KHO_RADIX_BLOCK_H */

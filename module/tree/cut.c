// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KHO radix tree: shrinking a marked block to its first pages.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "node.h"
#include "word.h"

/**
 * kho_radix_sync_regions() - wait until all callers see the mark of a large block
 * @tree: the tree
 *
 * A block larger than a region spans regions whose locks the caller does not
 * hold.  Others check tree->orders and the block's mark under these locks.  Once
 * each lock was taken and released, all others either see the mark or are done.
 *
 * Context: tree->lock held.
 */
void kho_radix_sync_regions(struct kho_radix_tree *tree)
{
	unsigned int i;

	for (i = 0; i < NR_LOCKS; i++) {
		spin_lock(&tree->region[i].lock);
		spin_unlock(&tree->region[i].lock);
	}
}

/* Marks a block whose leaf exists; does not check for other marks of its pages. */
static void mark_block(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	struct kho_radix_region *region = region_of(tree, pfn);
	u64 key = key_of(pfn, order);
	struct kho_radix_node *leaf = find_leaf(tree, key);

	lockdep_assert_held(&tree->lock);

	spin_lock(&region->lock);
	if (!order && !*leaf_word(leaf, key))
		words_filled(leaf, 1);
	change_bits(leaf_word(leaf, key), 1ULL << (key % 64), true);
	if (!order)
		count_base(region, 1, true);
	else if (is_small(order))
		count_small(region, order, 1, true);
	else
		count_large(tree, order, true);
	watch(tree, pfn, 1UL << order, true);
	spin_unlock(&region->lock);
}

/**
 * kho_radix_cut() - keep only the first pages of a block marked
 * @tree: the tree
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: the order that the block was marked under
 * @nr_pages: how many pages stay marked, in blocks as kho_radix_add_range() makes them
 *
 * All memory is allocated first.  The pages that stay are marked at all times, for
 * a moment under two orders: callers must make sure that nobody reads the tree then.
 *
 * Context: may sleep; takes tree->lock and the locks of regions.
 * Return: 0; -ENOENT if the block is not marked; -EINVAL if @nr_pages is 0 or not less
 * than the size of the block; or as kho_radix_add_page().  Nothing has changed after an
 * error.
 */
int kho_radix_cut(struct kho_radix_tree *tree, unsigned long pfn,
		  unsigned int order, unsigned long nr_pages)
{
	unsigned long done = 0;
	bool leaf_empty = false;
	unsigned int o;
	int ret;

	might_sleep();

	ret = check_page(tree, pfn, order);
	if (ret)
		return ret;
	if (!nr_pages || nr_pages >= 1UL << order)
		return -EINVAL;

	mutex_lock(&tree->lock);
	ret = kho_radix_has_run(tree, pfn, order, 1) ? 0 : -ENOENT;
	for (; !ret && done < nr_pages; done += 1UL << o) {
		o = kho_radix_range_order(pfn + done, nr_pages - done);
		ret = kho_radix_grow(tree, key_of(pfn + done, o));
	}
	if (ret)
		goto out;
	for (done = 0; done < nr_pages; done += 1UL << o) {
		o = kho_radix_range_order(pfn + done, nr_pages - done);
		mark_block(tree, pfn + done, o);
	}
	/* Callers that have not seen the new marks must still see the old one. */
	if (order > LEAF_BITS)
		kho_radix_sync_regions(tree);
	WARN_ON_ONCE(kho_radix_change_block(tree, pfn, order, false, &leaf_empty));
	if (leaf_empty)
		kho_radix_prune(tree, pfn, order);
out:
	/* After a failed allocation, some of the new leaves are empty. */
	for (done = 0; ret && done < nr_pages; done += 1UL << o) {
		o = kho_radix_range_order(pfn + done, nr_pages - done);
		kho_radix_prune(tree, pfn + done, o);
	}
	mutex_unlock(&tree->lock);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KHO radix tree: a block of which only the first pages stay marked.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "node.h"
#include "word.h"

/**
 * kho_radix_settle() - wait until everybody has seen the mark of a large block
 * @tree: the tree
 *
 * It has more pages than a region: those who mark pages of it look at
 * tree->orders and at its mark under a lock each that this one does not hold.
 * Once all of these were free, everybody has seen the mark, or was before it.
 *
 * Context: tree->lock held.
 */
void kho_radix_settle(struct kho_radix_tree *tree)
{
	unsigned int i;

	for (i = 0; i < NR_LOCKS; i++) {
		spin_lock(&tree->region[i].lock);
		spin_unlock(&tree->region[i].lock);
	}
}

/* Marks pages of which all but the mark is there, whatever else is marked. */
static void set_mark(struct kho_radix_tree *tree, unsigned long pfn,
		     unsigned int order)
{
	struct kho_radix_region *region = region_of(tree, pfn);
	u64 key = key_of(pfn, order);
	struct kho_radix_node *leaf = find_leaf(tree, key);

	lockdep_assert_held(&tree->lock);

	spin_lock(&region->lock);
	change_bits(leaf_word(leaf, key), 1ULL << (key % 64), true);
	if (order)
		count_keys(tree, order, true);
	else
		count_base(region, 1, true);
	watch(tree, pfn, 1UL << order, true);
	spin_unlock(&region->lock);
}

/**
 * kho_radix_cut() - have only the first pages of a block marked
 * @tree: the tree
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: the order that all of it was marked under
 * @nr_pages: how many of them stay marked, as a range would be
 *
 * All memory that it takes is had first.  At no moment is a page that stays not
 * marked; for a moment it is so under two orders, which callers have to keep
 * others from reading.
 *
 * Context: may sleep; takes tree->lock and the locks of regions.
 * Return: 0; -ENOENT if the block is not marked, -EINVAL if it has not more pages
 * than @nr_pages, or as kho_radix_add_page().  Nothing has changed after an error.
 */
int kho_radix_cut(struct kho_radix_tree *tree, unsigned long pfn,
		  unsigned int order, unsigned long nr_pages)
{
	unsigned long done = 0;
	bool thin = false;
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
		set_mark(tree, pfn + done, o);
	}
	/* Who saw no mark of the new ones sees that of the old one. */
	if (order > LEAF_BITS)
		kho_radix_settle(tree);
	WARN_ON_ONCE(kho_radix_change_block(tree, pfn, order, false, &thin));
	if (thin)
		kho_radix_prune(tree, key_of(pfn, order), pfn);
out:
	/* Leaves that are empty, as the next one could not be had. */
	for (done = 0; ret && done < nr_pages; done += 1UL << o) {
		o = kho_radix_range_order(pfn + done, nr_pages - done);
		kho_radix_prune(tree, key_of(pfn + done, o), pfn + done);
	}
	mutex_unlock(&tree->lock);
	return ret;
}

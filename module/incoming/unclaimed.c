// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree of unclaimed pages: pages that arrived, and that nobody has claimed yet.
 *
 * Pages are claimed by objects, as metapages, or by number.  Claiming a page removes it
 * from this tree, so it can be claimed only once.
 */
#include <linux/io.h>

#include "compat/compat.h"
#include "core/core.h"
#include "core/walk.h"
#include "incoming.h"
#include "tree/tree.h"

#include <kho/walk.h>

static struct kho_radix_tree unclaimed;

static bool holds(void)
{
	return kho_radix_nr_pages(&unclaimed);
}

static struct kho_owner unclaimed_owner = {
	.holds = holds,
};

/**
 * kho_unclaimed_init() - replace the tree by an empty one
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_unclaimed_init(void)
{
	lockdep_assert_held(&kho.lock);

	kho_owner_add(&unclaimed_owner);
	kho_radix_destroy_tree(&unclaimed);
	return kho_radix_init_tree(&unclaimed);
}

/**
 * kho_unclaimed_destroy() - free the tree, if there is one
 *
 * Context: may sleep; kho.lock held.
 */
void kho_unclaimed_destroy(void)
{
	kho_radix_destroy_tree(&unclaimed);
}

/**
 * kho_unclaimed_has() - is exactly this block unclaimed?
 * @pfn: number of the first page
 * @order: log2 of the number of pages, as they were preserved
 *
 * Context: any.
 */
bool kho_unclaimed_has(u64 pfn, unsigned int order)
{
	return kho_radix_has_page(&unclaimed, pfn, order);
}

/**
 * kho_unclaimed_marks() - is any of these pages unclaimed, in any block?
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: any.
 */
bool kho_unclaimed_marks(u64 pfn, u64 nr_pages)
{
	return kho_tree_marks(&unclaimed, pfn, nr_pages);
}

/**
 * kho_unclaimed_add() - add pages that arrived
 * @pfn: number of the first page
 * @nr_pages: number of pages, as they were preserved
 *
 * Context: may sleep; kho.lock held.
 * Return: as kho_radix_add_range().
 */
int kho_unclaimed_add(u64 pfn, u64 nr_pages)
{
	return kho_radix_add_range(&unclaimed, pfn, nr_pages);
}

/**
 * kho_unclaimed_add_run() - add adjacent blocks that arrived
 * @pfn: number of the first page
 * @order: log2 of the number of pages of a block
 * @nr: number of blocks
 *
 * Context: may sleep; kho.lock held.
 * Return: as kho_radix_add_run().
 */
int kho_unclaimed_add_run(u64 pfn, unsigned int order, u64 nr)
{
	return kho_radix_add_run(&unclaimed, pfn, order, nr);
}

/**
 * kho_unclaimed_del() - claim pages
 * @pfn: number of the first page
 * @nr_pages: number of pages, as they were preserved
 *
 * Context: may sleep; kho.lock held.
 * Return: 0; -ENOENT, with nothing changed, if they are not unclaimed.
 */
int kho_unclaimed_del(u64 pfn, u64 nr_pages)
{
	return kho_radix_del_range(&unclaimed, pfn, nr_pages);
}

/**
 * kho_unclaimed_pages() - number of unclaimed base pages
 */
u64 kho_unclaimed_pages(void)
{
	return kho_radix_nr_pages(&unclaimed);
}

/**
 * kho_unclaimed_keys() - number of unclaimed blocks
 */
u64 kho_unclaimed_keys(void)
{
	return kho_tree_keys(&unclaimed);
}

/**
 * kho_unclaimed_each() - call a function for each block that has a page in a range
 * @pfn: number of the first page
 * @nr_pages: number of pages
 * @cb: called for each block; a result other than 0 ends the walk
 * @data: for @cb
 *
 * Context: that of @cb.
 * Return: as kho_radix_walk_range().
 */
int kho_unclaimed_each(u64 pfn, u64 nr_pages, kho_radix_range_callback_t cb, void *data)
{
	return kho_radix_walk_range(&unclaimed, pfn, nr_pages, cb, data);
}

/**
 * kho_unclaimed_each_from() - call a function for each block except the first ones
 * @skip: number of blocks to skip; lowered by those that were skipped
 * @cb: called for each block; a result other than 0 ends the walk
 * @data: for @cb
 *
 * Context: that of @cb; takes no lock.
 */
void kho_unclaimed_each_from(u64 *skip, kho_radix_range_callback_t cb, void *data)
{
	kho_radix_walk_from(&unclaimed, skip, cb, data);
}

/**
 * kho_unclaimed_walk() - call a function for each run of blocks
 * @ops: called for runs
 * @ctx: passed to @ops
 *
 * Context: that of @ops; kho.lock held.
 * Return: 0, or the result that ended the walk.
 */
int kho_unclaimed_walk(const struct kho_walk_ops *ops, void *ctx)
{
	return kho_walk(virt_to_phys(unclaimed.root), ops, ctx, NULL);
}

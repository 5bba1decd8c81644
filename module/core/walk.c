// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a tree by physical addresses: an incoming one, or our own.
 */
#include <linux/io.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "mm/iomem.h"
#include "tree/tree.h"
#include "walk.h"

#include <kho/walk.h>

static const void *map_node(void *ctx, __u64 phys)
{
	return phys_to_virt(phys);
}

/**
 * kho_walk() - read a tree
 * @root: physical address of its root
 * @ops: called for nodes and runs; @ops->map is not used
 * @ctx: passed to @ops
 * @walk: filled in; after KHO_WALK_BAD it says what is wrong; may be NULL
 *
 * Context: that of @ops.
 * Return: as kho_walk_tree().
 */
int kho_walk(u64 root, const struct kho_walk_ops *ops, void *ctx, struct kho_walk *walk)
{
	struct kho_walk_ops mapped = {
		.map = map_node,
		.node = ops->node,
		.run = ops->run,
	};
	struct kho_walk own;
	int ret;

	if (!walk)
		walk = &own;
	memset(walk, 0, sizeof(*walk));
	walk->ops = &mapped;
	walk->ctx = ctx;
	walk->shift = PAGE_SHIFT;
	walk->end = kho_end_of_memory();
	ret = kho_walk_tree(walk, root);
	walk->ops = NULL;
	return ret;
}

/* A range of physical addresses in bytes */
struct span {
	u64 addr;
	u64 end;
};

static int node_overlaps(void *ctx, __u64 phys, unsigned int level)
{
	const struct span *span = ctx;

	cond_resched();
	return phys < span->end && span->addr < phys + PAGE_SIZE;
}

/**
 * kho_tree_lies_in() - is any of these pages marked in a tree, or one of its nodes?
 * @tree: the tree, which may have no root
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: may sleep; nobody changes the tree.
 */
bool kho_tree_lies_in(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned long nr_pages)
{
	static const struct kho_walk_ops ops = {
		.node = node_overlaps,
	};
	struct span span = {
		.addr = PFN_PHYS((u64)pfn),
		.end = PFN_PHYS((u64)pfn + nr_pages),
	};

	if (!tree->root)
		return false;
	return kho_walk(virt_to_phys(tree->root), &ops, &span, NULL) ||
	       kho_tree_marks(tree, pfn, nr_pages);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the tree's API that only this module uses. */
#ifndef KHO_RADIX_H
#define KHO_RADIX_H

/* By its path: a kernel with in-kernel KHO has another header of that name. */
#include "../../include/linux/kho_radix_tree.h"
#include <kho/walk.h>

/**
 * struct kho_radix_adopt - arguments of kho_radix_adopt_tree()
 */
struct kho_radix_adopt {
	/** @tree: the tree to fill in. */
	struct kho_radix_tree *tree;
	/** @walk: the caller sets its end; after KHO_WALK_BAD it has the reason. */
	struct kho_walk walk;
	/** @node: called for each node before it is read.  Optional. */
	int (*node)(void *data, u64 phys, unsigned int level);
	/** @run: called for each run of keys.  Optional. */
	int (*run)(void *data, u64 phys, unsigned int order, u64 nr);
	/** @data: for the callbacks. */
	void *data;
};

unsigned int kho_radix_range_order(unsigned long pfn, unsigned long nr_pages);
int kho_radix_cut(struct kho_radix_tree *tree, unsigned long pfn,
		  unsigned int order, unsigned long nr_pages);
int kho_radix_walk_from(struct kho_radix_tree *tree, u64 *skip,
			kho_radix_range_callback_t cb, void *data);
void kho_radix_forget_tree(struct kho_radix_tree *tree);
int kho_radix_adopt_tree(struct kho_radix_adopt *adopt, u64 root);

bool kho_tree_marks(struct kho_radix_tree *tree, unsigned long pfn,
		    unsigned long nr_pages);
u64 kho_tree_keys(const struct kho_radix_tree *tree);

/*
 * Allocate a zeroed page for a node, and free one.  The program that links the tree provides
 * these: nodes are preserved, and only the module knows where they may lie.
 */
unsigned long kho_node_page(void);
void kho_node_page_free(unsigned long page);

/*
 * The tree has these bits of a node's page->private for itself.  They are 0 when it gets the
 * page, and in nodes that it adopts.
 */
#define KHO_NODE_BITS	16
#define KHO_NODE_MASK	((1UL << KHO_NODE_BITS) - 1)

#endif /* KHO_RADIX_H */

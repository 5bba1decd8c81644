/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a tree by physical addresses: an incoming one, or our own.
 */
#ifndef KHO_CORE_WALK_H
#define KHO_CORE_WALK_H

#include <linux/types.h>

#include "tree/tree.h"

int kho_walk(u64 root, const struct kho_walk_ops *ops, void *ctx, struct kho_walk *walk);
bool kho_tree_lies_in(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned long nr_pages);

#endif /* KHO_CORE_WALK_H */

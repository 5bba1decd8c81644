// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own tree, by its exported functions, as tree-main.c calls it.
 */
#include <linux/errno.h>
#include <linux/kho_radix_tree.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <kho/abi.h>

#include "tree.h"

static unsigned long key_of(unsigned long pfn, unsigned int order)
{
	return kho_key_encode(PAGE_SHIFT, (u64)pfn << PAGE_SHIFT, order);
}

static void *mainline_create(void)
{
	struct kho_radix_tree *tree = kzalloc(sizeof(*tree), GFP_KERNEL);

	if (!tree)
		return NULL;
	if (kho_radix_init_tree(tree, NULL)) {
		kfree(tree);
		return NULL;
	}
	return tree;
}

static void mainline_destroy(void *tree)
{
	kho_radix_destroy_tree(tree);
	kfree(tree);
}

static int mainline_mark(void *tree, const unsigned long *pfn, unsigned long nr,
			 unsigned int order)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = kho_radix_add_key(tree, key_of(pfn[i], order));
	return ret;
}

static int mainline_unmark(void *tree, const unsigned long *pfn,
			   unsigned long nr, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		kho_radix_del_key(tree, key_of(pfn[i], order));
	return 0;
}

static int skip_key(unsigned long key, void *data)
{
	return 0;
}

static int count_node(phys_addr_t phys, void *data)
{
	u64 *nr = data;

	(*nr)++;
	return 0;
}

static u64 mainline_nodes(void *tree)
{
	static const struct kho_radix_walk_cb cb = {
		.leaf = skip_key,
		.node = count_node,
	};
	u64 nr = 0;

	return kho_radix_walk_tree(tree, &cb, &nr) ? 0 : nr;
}

const struct bench_tree bench_mainline = {
	.name = "mainline",
	.create = mainline_create,
	.destroy = mainline_destroy,
	.mark = mainline_mark,
	.unmark = mainline_unmark,
	.nodes = mainline_nodes,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The project's tree, module/tree/, as tree-main.c calls it.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/slab.h>

#include "module/tree/tree.h"
#include "tree.h"

/* Batches are passed in pieces of so many pages, as from userspace. */
#define PIECE	4096UL

/* There is no scratch here that a node must stay out of. */
unsigned long kho_node_page(void)
{
	return get_zeroed_page(GFP_KERNEL);
}

void kho_node_page_free(unsigned long page)
{
	free_page(page);
}

static void *ours_create(void)
{
	struct kho_radix_tree *tree = kzalloc(sizeof(*tree), GFP_KERNEL);

	if (!tree)
		return NULL;
	if (kho_radix_init_tree(tree)) {
		kfree(tree);
		return NULL;
	}
	return tree;
}

static void ours_destroy(void *tree)
{
	kho_radix_destroy_tree(tree);
	kfree(tree);
}

static int ours_mark(void *tree, const unsigned long *pfn, unsigned long nr,
		     unsigned int order)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = kho_radix_add_page(tree, pfn[i], order);
	return ret;
}

static int ours_unmark(void *tree, const unsigned long *pfn, unsigned long nr,
		       unsigned int order)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = kho_radix_del_page(tree, pfn[i], order);
	return ret;
}

static int ours_mark_batch(void *tree, const unsigned long *pfn,
			   unsigned long nr, unsigned int order)
{
	unsigned long at, done;
	int ret = 0;

	for (at = 0; at < nr && !ret; at += PIECE)
		ret = kho_radix_add_batch(tree, pfn + at, min(nr - at, PIECE),
					  order, &done);
	return ret;
}

static int ours_unmark_batch(void *tree, const unsigned long *pfn,
			     unsigned long nr, unsigned int order)
{
	unsigned long at, done;
	int ret = 0;

	for (at = 0; at < nr && !ret; at += PIECE)
		ret = kho_radix_del_batch(tree, pfn + at, min(nr - at, PIECE),
					  order, &done);
	return ret;
}

static int ours_mark_run(void *tree, const unsigned long *pfn,
			 unsigned long nr, unsigned int order)
{
	return kho_radix_add_run(tree, pfn[0], order, nr);
}

static int ours_unmark_run(void *tree, const unsigned long *pfn,
			   unsigned long nr, unsigned int order)
{
	return kho_radix_del_run(tree, pfn[0], order, nr);
}

static u64 ours_nodes(void *tree)
{
	return ((struct kho_radix_tree *)tree)->nr_nodes;
}

const struct bench_tree bench_ours = {
	.name = "ours",
	.create = ours_create,
	.destroy = ours_destroy,
	.mark = ours_mark,
	.unmark = ours_unmark,
	.mark_batch = ours_mark_batch,
	.unmark_batch = ours_unmark_batch,
	.mark_run = ours_mark_run,
	.unmark_run = ours_unmark_run,
	.nodes = ours_nodes,
};

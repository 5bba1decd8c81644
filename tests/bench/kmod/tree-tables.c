// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tree of tables per order, as tree-main.c calls it.
 */
#include <linux/slab.h>

#include "order-tables.h"
#include "tree.h"

static void *tables_create(void)
{
	struct order_tables *tables = kzalloc(sizeof(*tables), GFP_KERNEL);

	if (!tables)
		return NULL;
	if (order_tables_init(tables)) {
		kfree(tables);
		return NULL;
	}
	return tables;
}

static void tables_destroy(void *tree)
{
	order_tables_destroy(tree);
	kfree(tree);
}

static int tables_mark(void *tree, const unsigned long *pfn, unsigned long nr,
		       unsigned int order)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = order_tables_add(tree, pfn[i], order);
	return ret;
}

static int tables_unmark(void *tree, const unsigned long *pfn, unsigned long nr,
			 unsigned int order)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = order_tables_del(tree, pfn[i], order);
	return ret;
}

static u64 tables_nodes(void *tree)
{
	return ((struct order_tables *)tree)->nr_tables;
}

const struct bench_tree bench_tables = {
	.name = "tables",
	.create = tables_create,
	.destroy = tables_destroy,
	.mark = tables_mark,
	.unmark = tables_unmark,
	.nodes = tables_nodes,
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * One tree of tables per order.  A root table has the address of the top table
 * of each order; a table has 512 addresses of tables (with pages of 4 KiB), and
 * the lowest level is a page of bits, one for each block of that order.  How
 * many levels there are follows from how many bits of an address are left above
 * what a page of bits covers: six for order 0, fewer for large orders.
 *
 * The RFC does not mention tables that become empty, so they stay.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mutex.h>

#include "order-tables.h"

#define INDEX_BITS	(PAGE_SHIFT - 3)
#define BITMAP_BITS	(PAGE_SHIFT + 3)
#define PER_TABLE	(PAGE_SIZE / sizeof(u64))
#define PER_BITMAP	(PAGE_SIZE * 8)

/* log2 of the bytes that a page of bits covers */
static unsigned int bitmap_shift(unsigned int order)
{
	return PAGE_SHIFT + order + BITMAP_BITS;
}

/**
 * order_tables_levels() - how deep the tree of an order is
 * @order: the order
 *
 * Return: levels of tables, the pages of bits among them.
 */
unsigned int order_tables_levels(unsigned int order)
{
	unsigned int shift = bitmap_shift(order);

	return shift >= 64 ? 1 : (64 - shift + INDEX_BITS - 1) / INDEX_BITS + 1;
}

static unsigned int bit_of(u64 phys, unsigned int order)
{
	return phys >> (PAGE_SHIFT + order) & (PER_BITMAP - 1);
}

/* @level: 1 is the level right above the pages of bits */
static unsigned int index_of(u64 phys, unsigned int order, unsigned int level)
{
	return phys >> (bitmap_shift(order) + (level - 1) * INDEX_BITS) &
	       (PER_TABLE - 1);
}

static u64 *follow(struct order_tables *tables, u64 *entry, bool make)
{
	u64 *table;

	if (*entry)
		return phys_to_virt(*entry);
	if (!make)
		return NULL;
	table = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (!table)
		return NULL;
	*entry = virt_to_phys(table);
	tables->nr_tables++;
	return table;
}

/* The page of bits of a block, or NULL. */
static unsigned long *find_bits(struct order_tables *tables, u64 phys,
				unsigned int order, bool make)
{
	unsigned int level = order_tables_levels(order) - 1;
	u64 *table = follow(tables, &tables->root[order], make);

	for (; table && level; level--)
		table = follow(tables, &table[index_of(phys, order, level)],
			       make);
	return (unsigned long *)table;
}

static int check_block(unsigned long pfn, unsigned int order)
{
	if (order >= ORDER_TABLES_NR || pfn & ((1UL << order) - 1))
		return -EINVAL;
	if ((u64)pfn >> (64 - PAGE_SHIFT))
		return -ERANGE;
	return 0;
}

/**
 * order_tables_init() - make it empty
 * @tables: what is to be initialised
 *
 * Return: 0 or -ENOMEM.
 */
int order_tables_init(struct order_tables *tables)
{
	tables->root = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (!tables->root)
		return -ENOMEM;
	mutex_init(&tables->lock);
	tables->nr_tables = 1;
	return 0;
}

static void free_table(u64 phys, unsigned int level)
{
	u64 *table = phys_to_virt(phys);
	unsigned int i;

	for (i = 0; level && i < PER_TABLE; i++)
		if (table[i])
			free_table(table[i], level - 1);
	free_page((unsigned long)table);
}

/**
 * order_tables_destroy() - free it, with all that is marked
 * @tables: no longer used by anybody
 */
void order_tables_destroy(struct order_tables *tables)
{
	unsigned int order;

	for (order = 0; order < ORDER_TABLES_NR; order++)
		if (tables->root[order])
			free_table(tables->root[order],
				   order_tables_levels(order) - 1);
	free_page((unsigned long)tables->root);
	tables->root = NULL;
	tables->nr_tables = 0;
}

/**
 * order_tables_add() - mark 2^@order pages
 * @tables: where
 * @pfn: number of the first page
 * @order: the order
 *
 * Return: 0, -EINVAL, -ERANGE or -ENOMEM.  What is marked already is no error.
 */
int order_tables_add(struct order_tables *tables, unsigned long pfn,
		     unsigned int order)
{
	u64 phys = (u64)pfn << PAGE_SHIFT;
	unsigned long *bits;
	int ret;

	might_sleep();

	ret = check_block(pfn, order);
	if (ret)
		return ret;

	mutex_lock(&tables->lock);
	bits = find_bits(tables, phys, order, true);
	if (bits)
		__set_bit(bit_of(phys, order), bits);
	else
		ret = -ENOMEM;
	mutex_unlock(&tables->lock);
	return ret;
}

/**
 * order_tables_del() - take the mark off 2^@order pages
 * @tables: where
 * @pfn: number of the first page
 * @order: the order that they were marked under
 *
 * Return: 0, -ENOENT if they are not marked, -EINVAL or -ERANGE.
 */
int order_tables_del(struct order_tables *tables, unsigned long pfn,
		     unsigned int order)
{
	u64 phys = (u64)pfn << PAGE_SHIFT;
	unsigned long *bits;
	int ret;

	might_sleep();

	ret = check_block(pfn, order);
	if (ret)
		return ret;

	mutex_lock(&tables->lock);
	bits = find_bits(tables, phys, order, false);
	if (bits && test_bit(bit_of(phys, order), bits))
		__clear_bit(bit_of(phys, order), bits);
	else
		ret = -ENOENT;
	mutex_unlock(&tables->lock);
	return ret;
}

static int walk_table(u64 table_phys, u64 phys, unsigned int order,
		      unsigned int level, order_tables_cb_t cb, void *data)
{
	u64 *table = phys_to_virt(table_phys);
	unsigned long *bits = (unsigned long *)table;
	unsigned int i;
	int ret = 0;

	if (!level) {
		for (i = find_next_bit(bits, PER_BITMAP, 0);
		     i < PER_BITMAP && !ret;
		     i = find_next_bit(bits, PER_BITMAP, i + 1))
			ret = cb(phys + ((u64)i << (PAGE_SHIFT + order)), order,
				 data);
		return ret;
	}
	for (i = 0; i < PER_TABLE && !ret; i++)
		if (table[i])
			ret = walk_table(table[i], phys +
					 ((u64)i << (bitmap_shift(order) +
						     (level - 1) * INDEX_BITS)),
					 order, level - 1, cb, data);
	return ret;
}

/**
 * order_tables_walk() - call @cb for each block
 * @tables: where
 * @cb: called with the block's address and order
 * @data: for @cb
 *
 * Orders rise from one call to the next, addresses rise within an order.
 *
 * Return: 0, or the first result of @cb that was not 0.
 */
int order_tables_walk(struct order_tables *tables, order_tables_cb_t cb,
		      void *data)
{
	unsigned int order;
	int ret = 0;

	might_sleep();

	mutex_lock(&tables->lock);
	for (order = 0; order < ORDER_TABLES_NR && !ret; order++)
		if (tables->root[order])
			ret = walk_table(tables->root[order], 0, order,
					 order_tables_levels(order) - 1, cb,
					 data);
	mutex_unlock(&tables->lock);
	return ret;
}

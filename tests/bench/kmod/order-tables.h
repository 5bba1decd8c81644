/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preserved pages noted in a tree of tables for each order, as RFC v1 of
 * "Make KHO Stateless" described it before mainline chose a single tree.
 * Only the benchmark uses it, to compare the two.
 */
#ifndef KHO_BENCH_ORDER_TABLES_H
#define KHO_BENCH_ORDER_TABLES_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/types.h>

/* Orders 0 to that of a huge page, which on x86 is 2 MiB. */
#define ORDER_TABLES_NR		(PAGE_SHIFT - 3 + 1)

/**
 * struct order_tables - the root, and what is known of it
 */
struct order_tables {
	/** @root: a page of physical addresses, of the top table of each order. */
	u64 *root;
	/** @lock: protects all of it, as mainline's does its tree. */
	struct mutex lock;
	/** @nr_tables: pages of metadata, the root among them. */
	u64 nr_tables;
};

typedef int (*order_tables_cb_t)(u64 phys, unsigned int order, void *data);

int order_tables_init(struct order_tables *tables);
void order_tables_destroy(struct order_tables *tables);
int order_tables_add(struct order_tables *tables, unsigned long pfn,
		     unsigned int order);
int order_tables_del(struct order_tables *tables, unsigned long pfn,
		     unsigned int order);
int order_tables_walk(struct order_tables *tables, order_tables_cb_t cb,
		      void *data);
unsigned int order_tables_levels(unsigned int order);

#endif /* KHO_BENCH_ORDER_TABLES_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables per order, which the benchmark compares with.  They have to work, or the
 * comparison means nothing.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "order-tables.h"
#include "pages.h"
#include "tap.h"

#define BLOCKS_MAX	256

static struct order_tables tables;

struct block {
	u64 phys;
	unsigned int order;
};

static struct {
	struct block block[BLOCKS_MAX];
	unsigned int nr;
} seen;

static int see(u64 phys, unsigned int order, void *data)
{
	must(data == &seen, "the callback got something else than its data");
	must(seen.nr < BLOCKS_MAX, "too many blocks");
	seen.block[seen.nr++] = (struct block){ phys, order };
	return 0;
}

static int stop(u64 phys, unsigned int order, void *data)
{
	(void)phys;
	(void)order;
	(void)data;
	return 42;
}

/* A page of bits takes 15 bits of a page number, and each table above it nine. */
static void test_levels(void)
{
	is(order_tables_levels(0), 6, "order 0 has six levels");
	is(order_tables_levels(1), 5, "order 1 has five, as a bit less is left");
	is(order_tables_levels(9), 5, "and so has order 9");
	is(order_tables_levels(37), 1, "a single page of bits is enough in the end");
}

static void test_few(void)
{
	is(order_tables_init(&tables), 0, "it is made");
	is(tables.nr_tables, 1, "with one table");
	is(order_tables_add(&tables, 0x12345, 0), 0, "a page is marked");
	is(tables.nr_tables, 7, "by six more tables");
	is(order_tables_add(&tables, 0x12345, 0), 0, "once more is no error");
	is(order_tables_add(&tables, 0x12346, 0), 0, "and so is its neighbour");
	is(tables.nr_tables, 7, "in the same tables");
	is(order_tables_add(&tables, 0x200, 9), 0, "a huge page");
	is(tables.nr_tables, 12, "has five tables of its own");

	is(order_tables_add(&tables, 0x201, 9), -EINVAL, "not a misaligned one");
	is(order_tables_add(&tables, 0, ORDER_TABLES_NR), -EINVAL,
	   "nor one of an order that is not there");
	is(order_tables_add(&tables, 1UL << 52, 0), -ERANGE,
	   "nor one beyond all memory");

	seen.nr = 0;
	is(order_tables_walk(&tables, see, &seen), 0, "they are walked");
	ok(seen.nr == 3 && seen.block[0].phys == 0x12345000 &&
	   !seen.block[0].order && seen.block[1].phys == 0x12346000 &&
	   seen.block[2].phys == 0x200000 && seen.block[2].order == 9,
	   "as what they are");
	is(order_tables_walk(&tables, stop, NULL), 42, "a walk can be stopped");

	is(order_tables_del(&tables, 0x12345, 0), 0, "a mark is taken off");
	is(order_tables_del(&tables, 0x12345, 0), -ENOENT, "but not twice");
	is(order_tables_del(&tables, 0x400, 9), -ENOENT,
	   "nor where there was none");
	is(tables.nr_tables, 12, "no table is freed by it");
	order_tables_destroy(&tables);
	is(pages_live(), 0, "in the end all of them are");
}

/* Blocks of each order, all over the address space; a walk finds them in order. */
static void test_many(void)
{
	struct block want[BLOCKS_MAX];
	unsigned int order, i, nr = 0;

	must(!order_tables_init(&tables), "out of pages");
	for (order = 0; order < ORDER_TABLES_NR; order++)
		for (i = 0; i < 20; i++) {
			u64 phys = (i * 0x000b8f1a2c3d4000ULL) >>
				   (PAGE_SHIFT + order) << (PAGE_SHIFT + order);

			must(!order_tables_add(&tables, phys >> PAGE_SHIFT,
					       order), "order %u", order);
			want[nr++] = (struct block){ phys, order };
		}
	seen.nr = 0;
	must(!order_tables_walk(&tables, see, &seen), "a walk failed");
	must(seen.nr == nr, "%u blocks, not %u", seen.nr, nr);
	for (i = 0; i < nr; i++)
		must(seen.block[i].phys == want[i].phys &&
		     seen.block[i].order == want[i].order, "block %u", i);
	is(tables.nr_tables, pages_live(), "tables are counted");
	order_tables_destroy(&tables);
	is(pages_live(), 0, "blocks of all orders, and all is freed");
}

static void test_no_memory(void)
{
	unsigned int nth;

	must(!order_tables_init(&tables), "out of pages");
	for (nth = 1; nth <= 6; nth++) {
		pages_fail(nth);
		must(order_tables_add(&tables, 0x12345, 0) == -ENOMEM ||
		     tables.nr_tables == 7, "allocation %u", nth);
	}
	pages_fail(0);
	is(order_tables_add(&tables, 0x12345, 0), 0, "memory can run out");
	order_tables_destroy(&tables);
	is(pages_live(), 0, "and nothing is lost by it");
}

int main(void)
{
	tap_start();
	test_levels();
	test_few();
	test_many();
	test_no_memory();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of 4K pages that the fuzzer makes up.  A walk by include/kho/walk.h has
 * to end, to map only nodes that it has announced, and to report only runs that
 * are possible.
 *
 * Input: 8 bytes of header, then either the pages themselves, or records of six
 * bytes that put entries and bits into pages that are otherwise empty.
 */
#include <stdint.h>

#include <kho/walk.h>

#include "../unit/tap.h"

#define SHIFT		12
#define PAGE		4096U
#define POOL		16U
#define BASE		0x10000ULL

static uint64_t pool[POOL][PAGE / 8];

static struct {
	uint64_t end;
	unsigned int held, visits;
	/* The nodes from the root to the current one. */
	uint64_t path[KHO_TREE_DEPTH(SHIFT)];
	/* The order of the previous run, and the address after it. */
	unsigned int order;
	uint64_t after;
} c;

static const void *map(void *ctx, __u64 phys)
{
	(void)ctx;
	must(phys == c.path[c.held], "mapped what was not told");
	if (phys < BASE || phys >= BASE + POOL * PAGE)
		return NULL;
	c.held++;
	return pool[(phys - BASE) / PAGE];
}

static void unmap(void *ctx, const void *node)
{
	(void)ctx;
	(void)node;
	must(c.held--, "gave back what was not held");
}

static int told_node(void *ctx, __u64 phys, unsigned int level)
{
	unsigned int i;

	(void)ctx;
	must(phys < c.end && !(phys % PAGE), "node 0x%llx",
	     (unsigned long long)phys);
	must(c.held < KHO_TREE_DEPTH(SHIFT), "more views than levels");
	must(level == KHO_TREE_DEPTH(SHIFT) - 1 - c.held, "level %u", level);
	for (i = 0; i < c.held; i++)
		must(c.path[i] != phys, "a loop was followed");
	c.path[c.held] = phys;
	c.visits++;
	return 0;
}

static int told_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	(void)ctx;
	must(order <= 63 - SHIFT && nr, "order %u, nr %llu", order,
	     (unsigned long long)nr);
	must(!(phys % (1ULL << (SHIFT + order))), "misaligned run");
	must(phys < c.end && nr <= (c.end - phys) >> (SHIFT + order),
	     "run beyond the end");
	must(order <= c.order, "order %u after %u", order, c.order);
	if (order == c.order)
		must(phys >= c.after, "addresses fall");
	c.order = order;
	c.after = phys + (nr << (SHIFT + order));
	return 0;
}

/*
 * The most nodes that a valid tree can have for memory up to @end: in each level,
 * one for the high orders, which share the prefix 0, and for each other order as
 * many as its addresses need.
 */
static uint64_t most_visits(uint64_t end)
{
	static const unsigned int below[] = { 15, 24, 33, 42, 51 };
	uint64_t most = 1;
	unsigned int level, order;

	for (level = 0; level < 5; level++) {
		most++;
		for (order = 0; 52 - order >= below[level]; order++) {
			/* A node of this level stands for 2^bits bytes. */
			unsigned int bits = SHIFT + order + below[level];

			most += bits < 64 ? ((end - 1) >> bits) + 1 : 1;
		}
	}
	return most;
}

static void put_record(const uint8_t *r)
{
	uint64_t *page = pool[r[0] % POOL];
	unsigned int at = r[2] | r[3] << 8, value = r[4] | r[5] << 8, i;

	switch (r[1] % 9) {
	case 0:
	case 1:
	case 2:
	case 3:
		page[at % (PAGE / 8)] = BASE + value % POOL * PAGE;
		break;
	case 4:
		page[at % (PAGE / 8)] = BASE + value;
		break;
	case 5:
		page[at % (PAGE / 8)] |= 1ULL << value % 64;
		break;
	case 6:
		for (i = 0; i < value % (PAGE / 8); i++)
			page[(at + i) % (PAGE / 8)] = ~0ULL;
		break;
	case 7:
		for (i = 0; i < 1U << value / POOL % 16; i++)
			page[(at + i) % (PAGE / 8)] = BASE + value % POOL * PAGE;
		break;
	default:
		page[at % (PAGE / 8)] = (uint64_t)value << r[0] % 64;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kho_walk_ops ops = {
		.map = map, .unmap = unmap, .node = told_node, .run = told_run,
	};
	struct kho_walk w = { .ops = &ops, .shift = SHIFT };
	uint64_t root;
	int ret;

	if (size < 8)
		return 0;

	memset(pool, 0, sizeof(pool));
	memset(&c, 0, sizeof(c));
	/* 2 MiB to 16 GiB, less up to 1 MiB, which need not be whole pages. */
	c.end = 1ULL << (21 + data[1] % 14);
	c.end -= data[2] * (data[3] % 2 ? 1ULL : PAGE);
	root = BASE + data[4] % POOL * PAGE + (data[5] == 1);
	c.order = ~0U;
	if (data[0] % 2) {
		size_t n = size - 8;

		memcpy(pool, data + 8, n < sizeof(pool) ? n : sizeof(pool));
	} else {
		size_t at;

		for (at = 8; size - at >= 6; at += 6)
			put_record(data + at);
	}

	w.end = c.end;
	ret = kho_walk_tree(&w, root);
	must(!c.held, "a view was not given back");
	must(ret == (w.why ? KHO_WALK_BAD : 0), "result %d", ret);
	must(c.visits <= most_visits(c.end), "%u visits, at most %llu", c.visits,
	     (unsigned long long)most_visits(c.end));
	return 0;
}

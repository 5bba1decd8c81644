// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/kho/walk.h with valid trees, and with trees made to mislead it.
 */
#include <stdint.h>

#include <kho/walk.h>

#include "tap.h"

/* Nodes lie one after the other from here on; none is at 0. */
#define BASE		0x40000ULL
#define POOL		128U
#define END_1G		0x40000000ULL

static unsigned int shift, depth;	/* of the tests that run now */
static uint64_t *pool;
static unsigned int used;

static size_t page_size(void)
{
	return (size_t)1 << shift;
}

static uint64_t phys_of(unsigned int i)
{
	return BASE + ((uint64_t)i << shift);
}

static uint64_t *node(unsigned int i)
{
	return pool + i * (page_size() / 8);
}

static void clear(void)
{
	memset(pool, 0, POOL * page_size());
	used = 0;
}

static unsigned int new_node(void)
{
	must(used < POOL, "the pool is too small");
	return used++;
}

/* ---- The caller's side, which checks all that it may rely on ---- */

static struct {
	unsigned int visits, runs;
	/* Nodes that are mapped now. */
	const void *held[KHO_TREE_DEPTH_MAX];
	unsigned int nr_held;
	/* The visit or run at which to end the walk, and with what result. */
	unsigned int stop_visit, stop_run;
	int stop_ret;
	/* The node that can't be mapped. */
	uint64_t unreadable;
	/* The node that was announced last, and its level. */
	uint64_t next;
	unsigned int level;
	struct {
		uint64_t phys, nr;
		unsigned int order;
	} run[64];
	uint64_t end;
} c;

static const void *map(void *ctx, __u64 phys)
{
	must(ctx == &c, "not the caller's ctx");
	must(phys == c.next, "mapped what was not told");
	must(c.nr_held < depth, "more views than levels");
	must(phys >= BASE && !(phys & (page_size() - 1)) &&
	     phys < phys_of(POOL), "no node is there: 0x%llx",
	     (unsigned long long)phys);
	if (phys == c.unreadable)
		return NULL;
	c.held[c.nr_held] = node((phys - BASE) >> shift);
	return c.held[c.nr_held++];
}

static void unmap(void *ctx, const void *view)
{
	must(ctx == &c, "not the caller's ctx");
	must(c.nr_held && c.held[c.nr_held - 1] == view,
	     "not the last view that was taken");
	c.nr_held--;
}

static int told_node(void *ctx, __u64 phys, unsigned int level)
{
	must(ctx == &c, "not the caller's ctx");
	must(level == depth - 1 - c.nr_held, "level %u", level);
	must(phys < c.end && !(phys & (page_size() - 1)), "a bad node is told");
	c.next = phys;
	c.level = level;
	return ++c.visits == c.stop_visit ? c.stop_ret : 0;
}

static int told_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	unsigned int i = c.runs++;

	must(ctx == &c, "not the caller's ctx");
	must(!c.level, "a run outside a leaf");
	must(nr && order <= 63 - shift, "no run");
	must(!(phys & ((1ULL << (shift + order)) - 1)), "a misaligned run");
	must(phys < c.end && nr <= (c.end - phys) >> (shift + order),
	     "a run beyond the end");
	if (i < 64) {
		c.run[i].phys = phys;
		c.run[i].nr = nr;
		c.run[i].order = order;
	}
	return c.runs == c.stop_run ? c.stop_ret : 0;
}

static const struct kho_walk_ops ops = {
	.map = map, .unmap = unmap, .node = told_node, .run = told_run,
};

static struct kho_walk w;

static int walk(uint64_t root, uint64_t end)
{
	int ret;

	memset(&w, 0xff, sizeof(w));
	w.ops = &ops;
	w.ctx = &c;
	w.shift = shift;
	w.end = end;
	w.why = NULL;
	c.visits = 0;
	c.runs = 0;
	c.end = end;
	ret = kho_walk_tree(&w, root);
	must(!c.nr_held, "a view was not given back");
	must((ret == KHO_WALK_BAD) == !!w.why, "%d, but why is %s", ret,
	     w.why ? w.why : "NULL");
	return ret;
}

#define bad(root, end, reason, place, what_value, name) do {		\
	is(walk(root, end), (uint64_t)KHO_WALK_BAD, "%u: %s: refused",	\
	   shift, name);						\
	is_str(w.why, reason, "%u: %s: why", shift, name);		\
	is(w.where, place, "%u: %s: where", shift, name);		\
	is(w.value, what_value, "%u: %s: value", shift, name);		\
} while (0)

/* ---- Building ---- */

/* Works out slots otherwise than the code under test does. */
static unsigned int slot(uint64_t key, unsigned int level)
{
	static const unsigned int below[3][6] = {
		{ 0, 15, 24, 33, 42, 51 },
		{ 0, 17, 28, 39, 50 },
		{ 0, 19, 32, 45 },
	};
	const unsigned int *b = below[(shift - 12) / 2];
	unsigned int bits = level ? shift - 3 : shift + 3;

	return key >> b[level] & ((1U << bits) - 1);
}

static void set_bit(unsigned int leaf, unsigned int bit)
{
	node(leaf)[bit / 64] |= 1ULL << bit % 64;
}

/* Returns the node of @level on the way to @key; adds nodes that are missing. */
static unsigned int way_to(uint64_t key, unsigned int level)
{
	unsigned int at = 0, l;

	if (!used)
		new_node();
	for (l = depth - 1; l > level; l--) {
		uint64_t *entry = &node(at)[slot(key, l)];

		if (!*entry)
			*entry = phys_of(new_node());
		at = (*entry - BASE) >> shift;
	}
	return at;
}

static void add_key(uint64_t key)
{
	set_bit(way_to(key, 0), slot(key, 0));
}

static uint64_t marker(unsigned int order)
{
	return 1ULL << (64 - shift - order);
}

/* ---- Tests, each for all page sizes ---- */

static void test_good(void)
{
	clear();
	new_node();
	is(walk(BASE, END_1G), 0, "%u: empty: fine", shift);
	is(c.visits, 1, "%u: empty: one node", shift);
	is(c.runs, 0, "%u: empty: no run", shift);

	/* Page 3 and 5 to 7 of order 0; 2^20 bytes at 2^20. */
	clear();
	add_key(marker(0) | 3);
	add_key(marker(0) | 5);
	add_key(marker(0) | 6);
	add_key(marker(0) | 7);
	add_key(marker(20 - shift) | 1);
	is(walk(BASE, END_1G), 0, "%u: three runs: fine", shift);
	is(c.visits, 1 + 2 * (depth - 1), "%u: three runs: two branches", shift);
	is(c.runs, 3, "%u: three runs: told", shift);
	ok(c.run[0].phys == 0x100000 && c.run[0].nr == 1 &&
	   c.run[0].order == 20 - shift, "%u: the larger order first", shift);
	ok(c.run[1].phys == 3ULL << shift && c.run[1].nr == 1 &&
	   !c.run[1].order, "%u: then page 3", shift);
	ok(c.run[2].phys == 5ULL << shift && c.run[2].nr == 3 &&
	   !c.run[2].order, "%u: then pages 5 to 7", shift);
}

static void test_addresses(void)
{
	unsigned int level;
	uint64_t parent;

	clear();
	add_key(marker(0));
	bad(0, END_1G, "no root", 0, 0, "null root");
	is(c.visits, 0, "%u: null root: nothing is read", shift);
	bad(BASE + 8, END_1G, "a node address that is not page-aligned", 0,
	    BASE + 8, "misaligned root");
	bad(BASE + page_size() / 2, END_1G,
	    "a node address that is not page-aligned", 0,
	    BASE + page_size() / 2, "root in mid-page");
	bad(END_1G, END_1G, "a node beyond the end of memory", 0, END_1G,
	    "root at the end");
	bad(~0ULL << shift, END_1G, "a node beyond the end of memory", 0,
	    ~0ULL << shift, "root at the end of all addresses");
	bad(BASE, 0, "a node beyond the end of memory", 0, BASE, "no memory");
	is(c.visits, 0, "%u: bad root: nothing is read", shift);

	/* An entry at each level but the leaf, whose words are not addresses. */
	for (level = depth - 1; level; level--) {
		clear();
		add_key(marker(0));
		parent = phys_of(way_to(marker(0), level));
		node((parent - BASE) >> shift)[slot(marker(0), level)] = BASE + 1;
		bad(BASE, END_1G, "a node address that is not page-aligned",
		    parent, BASE + 1, "misaligned entry");
		is(c.visits, depth - level, "%u: it is not followed", shift);

		node((parent - BASE) >> shift)[slot(marker(0), level)] = END_1G;
		bad(BASE, END_1G, "a node beyond the end of memory", parent,
		    END_1G, "entry beyond the end");
		is(c.visits, depth - level, "%u: it is not followed", shift);
	}
}

/* From a node of each level back to itself and to each node above it. */
static void test_loops(void)
{
	unsigned int from, to;

	for (from = 1; from < depth; from++) {
		for (to = from; to < depth; to++) {
			uint64_t back, at;

			clear();
			back = phys_of(way_to(marker(0), to));
			at = phys_of(way_to(marker(0), from));
			node((at - BASE) >> shift)[slot(marker(0), from)] = back;
			bad(BASE, END_1G, "a node that leads back to itself",
			    at, back, "loop");
			is(c.visits, depth - from, "%u: level %u to %u: entered once",
			   shift, from, to);
		}
	}

	/* Entry 0 of the root leads to the root, keys of all high orders. */
	clear();
	node(new_node())[0] = BASE;
	bad(BASE, END_1G, "a node that leads back to itself", BASE, BASE,
	    "loop at the root");

	/* A node further up is also refused in the place of a leaf. */
	clear();
	node(way_to(0, 1))[0] = BASE;
	is(walk(BASE, END_1G), (uint64_t)KHO_WALK_BAD, "%u: root as leaf", shift);
}

/*
 * The number of nodes of the largest tree for 1 GiB of memory, worked out by
 * hand.  Level L has a node for each order whose marker is above the bits that L
 * and the levels below decide, more if the order's addresses do not fit in one
 * node, and a node for the prefix 0.
 *
 * 4K: markers are bits 52 to 1.  Leaves, 15 bits: orders 0 to 37, of which
 * order 0 has 2^18 keys, 8 leaves, order 1 has 4, order 2 has 2: 8 + 4 + 2 +
 * 35, and that of 0: 50.  Level 1, bit 24 and up: orders 0 to 28, and 0: 30.
 * Level 2, bit 33: 0 to 19: 21.  Level 3, bit 42: 0 to 10: 12.  Level 4, bit
 * 51: 0 and 1: 3.  The root.  50 + 30 + 21 + 12 + 3 + 1 = 117.
 *
 * 16K: bits 50 to 1; 2^16 keys of order 0 fit in a leaf of 17 bits.  Leaves:
 * orders 0 to 33, and 0: 35.  Bit 28: 0 to 22: 24.  Bit 39: 0 to 11: 13.  Bit
 * 50: 0: 2.  The root.  35 + 24 + 13 + 2 + 1 = 75.
 *
 * 64K: bits 48 to 1.  Leaves, bit 19: 0 to 29: 31.  Bit 32: 0 to 16: 18.  Bit
 * 45: 0 to 3: 5.  The root.  31 + 18 + 5 + 1 = 55.
 */
static unsigned int most_visits(void)
{
	return shift == 12 ? 117 : shift == 14 ? 75 : 55;
}

static void fill_all(void)
{
	unsigned int order;

	clear();
	for (order = 0; order <= 63 - shift; order++) {
		uint64_t key = marker(order);
		uint64_t nr = order + shift < 30 ? END_1G >> (order + shift) : 1;
		uint64_t i;

		for (i = 0; i < nr; i += 1ULL << (shift + 3))
			way_to(key | i, 0);
	}
}

static void test_sharing(void)
{
	unsigned int i, level;
	size_t n;

	fill_all();
	is(used, most_visits(), "%u: the largest tree of 1 GiB", shift);
	is(walk(BASE, END_1G), 0, "%u: it is fine", shift);
	is(c.visits, most_visits(), "%u: each node is entered once", shift);

	/* The same tree, but all entries for leaves lead to a single one. */
	fill_all();
	for (i = 0; i < used; i++) {
		for (n = 0; n < page_size() / 8; n++) {
			uint64_t to = node(i)[n];
			unsigned int leaf = (to - BASE) >> shift;

			/* Leaves are empty. */
			if (to && !memcmp(node(leaf), node(POOL - 1), page_size()))
				node(i)[n] = phys_of(POOL - 1);
		}
	}
	is(walk(BASE, END_1G), 0, "%u: one leaf for all: fine", shift);
	is(c.visits, most_visits(), "%u: one leaf for all: no more visits", shift);

	/*
	 * Every entry of every level leads to the node below.  The walk goes
	 * down to leaf 0.  In level 1, entries 1 and 2 then are the first
	 * addresses of two orders, and entry 3 is the second one's 2^63.
	 */
	clear();
	for (level = depth; level--; ) {
		i = new_node();
		for (n = 0; level && n < page_size() / 8; n++)
			node(i)[n] = phys_of(i + 1);
	}
	bad(BASE, END_1G, "an entry for keys beyond the end of memory",
	    phys_of(depth - 2), 3, "all entries to one node");
	is(c.visits, depth + 2, "%u: all entries to one node: visits", shift);
	/* As much memory as a 52-bit machine can have makes no difference. */
	bad(BASE, 1ULL << 52, "an entry for keys beyond the end of memory",
	    phys_of(depth - 2), 3, "the same with 4 PiB");

	/*
	 * The same without the entries that give it away: only entry 0 and the
	 * powers of 2.  On the way to key 0 these are the first addresses of
	 * orders; elsewhere they are addresses.
	 */
	clear();
	for (level = depth; level--; ) {
		i = new_node();
		for (n = 0; level && n < page_size() / 8; n += n ? n : 1)
			node(i)[n] = phys_of(i + 1);
	}
	walk(BASE, END_1G);
	ok(c.visits <= most_visits(), "%u: powers of 2: %u visits, at most %u",
	   shift, c.visits, most_visits());

	/* Only entry 0: a chain, which leads to the leaf of all high orders. */
	clear();
	for (level = depth; level--; ) {
		i = new_node();
		if (level)
			node(i)[0] = phys_of(i + 1);
	}
	is(walk(BASE, END_1G), 0, "%u: a chain of entries 0: fine", shift);
	is(c.visits, depth, "%u: a chain of entries 0: visits", shift);

	/* All entries above 1 lead to the same node, at whatever level they are. */
	fill_all();
	for (i = 0; i < used; i++)
		for (n = 0; n < page_size() / 8; n++)
			if (node(i)[n] && n > 1)
				node(i)[n] = phys_of(used - 1);
	walk(BASE, END_1G);
	ok(c.visits <= most_visits(), "%u: entries above 1 alike: %u visits",
	   shift, c.visits);
}

static void test_keys(void)
{
	/* The first entry of the root whose keys are a bit too wide. */
	const unsigned int wide = shift == 12 ? 4 : shift == 14 ? 2 : 16;
	unsigned int leaf, i;
	uint64_t key;

	clear();
	leaf = way_to(0, 0);
	set_bit(leaf, 0);
	bad(BASE, END_1G, "a key of an order that does not exist",
	    phys_of(leaf), 0, "key 0");
	is(c.runs, 0, "%u: key 0: not told", shift);

	clear();
	leaf = way_to(0, 0);
	set_bit(leaf, 1);
	bad(BASE, END_1G, "a key of an order that does not exist",
	    phys_of(leaf), 1, "key 1");

	clear();
	leaf = way_to(0, 0);
	set_bit(leaf, 2);
	bad(BASE, END_1G, "a key beyond the end of memory", phys_of(leaf), 2,
	    "2^63 bytes in 1 GiB");
	is(walk(BASE, 1ULL << 63), 0, "%u: 2^63 bytes in 2^63", shift);
	is(c.run[0].order, 63 - shift, "%u: 2^63 bytes: order", shift);
	is(walk(BASE, (1ULL << 63) - 1), (uint64_t)KHO_WALK_BAD,
	   "%u: 2^63 bytes in one less", shift);

	for (i = wide; i < page_size() / 8; i += i) {
		clear();
		add_key(marker(0));
		node(0)[i] = phys_of(1);
		bad(BASE, END_1G, "an entry for keys that do not exist", BASE, i,
		    "a prefix too wide");
	}
	clear();
	new_node();
	new_node();
	node(0)[page_size() / 8 - 1] = phys_of(1);
	bad(BASE, END_1G, "an entry for keys that do not exist", BASE,
	    page_size() / 8 - 1, "the last entry of the root");
	/*
	 * The entry before that is for order 0.  With 16K pages the marker is
	 * the lowest bit of the root's index, so its keys begin at address 0.
	 * Otherwise it is for the upper end of all addresses.
	 */
	node(0)[page_size() / 8 - 1] = 0;
	node(0)[wide - 1] = phys_of(1);
	if (shift == 14)
		is(walk(BASE, END_1G), 0, "14: the last entry that can be");
	else
		bad(BASE, END_1G, "an entry for keys beyond the end of memory",
		    BASE, wide - 1, "the last entry that can be");

	/* The last page of memory, and the first one beyond it. */
	key = marker(0) | (END_1G >> shift);
	clear();
	add_key(key - 1);
	is(walk(BASE, END_1G), 0, "%u: last page: fine", shift);
	ok(c.runs == 1 && c.run[0].phys == END_1G - page_size(),
	   "%u: last page: told", shift);
	is(walk(BASE, END_1G - page_size()), (uint64_t)KHO_WALK_BAD,
	   "%u: last page, one page less: refused", shift);
	is(walk(BASE, END_1G - 1), (uint64_t)KHO_WALK_BAD,
	   "%u: last page, one byte less: refused", shift);
	is(c.runs, 0, "%u: last page, one byte less: not told", shift);
	clear();
	add_key(key);
	is(walk(BASE, END_1G), (uint64_t)KHO_WALK_BAD,
	   "%u: page at the end: refused", shift);
	/* 4K: 1 GiB is 8 leaves further.  Otherwise it is in address 0's leaf. */
	is_str(w.why, shift == 12 ? "an entry for keys beyond the end of memory" :
	       "a key beyond the end of memory", "%u: page at the end: why", shift);

	/* A run is refused as a whole if only its last page is beyond the end. */
	clear();
	add_key(marker(0) | 100);
	add_key(marker(0) | 101);
	add_key(marker(0) | 102);
	leaf = way_to(marker(0), 0);
	bad(BASE, 102ULL << shift, "a key beyond the end of memory",
	    phys_of(leaf), marker(0) | 100, "run across the end");
	is(walk(BASE, 103ULL << shift), 0, "%u: run up to the end", shift);

	/* A large block, only half of which is memory. */
	clear();
	add_key(marker(31 - shift));
	bad(BASE, END_1G, "a key beyond the end of memory",
	    phys_of(way_to(marker(31 - shift), 0)), marker(31 - shift),
	    "2 GiB in 1 GiB");
}

static void test_runs(void)
{
	const unsigned int bits = 8 << shift;
	unsigned int leaf, i;

	/* The last page of a leaf and the first of the next: two runs. */
	clear();
	add_key(marker(0) | (bits - 1));
	add_key(marker(0) | bits);
	is(walk(BASE, 1ULL << 40), 0, "%u: leaf edge: fine", shift);
	ok(c.runs == 2 && c.run[0].nr == 1 && c.run[1].nr == 1 &&
	   c.run[0].phys == (uint64_t)(bits - 1) << shift &&
	   c.run[1].phys == (uint64_t)bits << shift,
	   "%u: leaf edge: two runs side by side", shift);

	/* A whole leaf. */
	clear();
	leaf = way_to(marker(0), 0);
	memset(node(leaf), 0xff, page_size());
	is(walk(BASE, 1ULL << 40), 0, "%u: full leaf: fine", shift);
	ok(c.runs == 1 && c.run[0].phys == 0 && c.run[0].nr == bits,
	   "%u: full leaf: one run", shift);
	is(walk(BASE, ((uint64_t)bits << shift) - 1), (uint64_t)KHO_WALK_BAD,
	   "%u: full leaf: not with a byte less", shift);

	/* Word boundaries: 63-64, 127, 129, 191 to 256. */
	clear();
	leaf = way_to(marker(0), 0);
	set_bit(leaf, 63);
	set_bit(leaf, 64);
	set_bit(leaf, 127);
	set_bit(leaf, 129);
	for (i = 191; i <= 256; i++)
		set_bit(leaf, i);
	is(walk(BASE, END_1G), 0, "%u: word edges: fine", shift);
	is(c.runs, 4, "%u: word edges: runs", shift);
	ok(c.run[0].phys == 63ULL << shift && c.run[0].nr == 2,
	   "%u: 63 and 64", shift);
	ok(c.run[1].phys == 127ULL << shift && c.run[1].nr == 1, "%u: 127", shift);
	ok(c.run[2].phys == 129ULL << shift && c.run[2].nr == 1, "%u: 129", shift);
	ok(c.run[3].phys == 191ULL << shift && c.run[3].nr == 66,
	   "%u: 191 to 256", shift);

	/*
	 * Leaf 0.  Keys 4 and 5 are blocks of 2^62 bytes at 0 and 2^62; key 8
	 * is 2^61 at 0; keys 16 and 17 are 2^60 at 0 and 2^60.
	 */
	clear();
	leaf = way_to(0, 0);
	set_bit(leaf, 4);
	set_bit(leaf, 5);
	set_bit(leaf, 8);
	set_bit(leaf, 16);
	set_bit(leaf, 17);
	is(walk(BASE, 1ULL << 63), 0, "%u: leaf 0: fine", shift);
	is(c.runs, 3, "%u: leaf 0: a run per order", shift);
	ok(c.run[0].order == 62 - shift && c.run[0].nr == 2 && !c.run[0].phys,
	   "%u: leaf 0: 2 of 2^62", shift);
	ok(c.run[1].order == 61 - shift && c.run[1].nr == 1 && !c.run[1].phys,
	   "%u: leaf 0: 1 of 2^61", shift);
	ok(c.run[2].order == 60 - shift && c.run[2].nr == 2 && !c.run[2].phys,
	   "%u: leaf 0: 2 of 2^60", shift);

	/*
	 * Keys 2 to 15 are set: the run of 2 and 3 ends where order 62 - shift
	 * begins.  Key 3 ends at 2^64, so it is beyond any end of memory.
	 */
	clear();
	leaf = way_to(0, 0);
	node(leaf)[0] = 0xfffc;
	bad(BASE, ~0ULL, "a key beyond the end of memory", phys_of(leaf), 2,
	    "all addresses");
	/* Without key 3, the run of 4 to 7 ends there. */
	node(leaf)[0] = 0xfff4;
	bad(BASE, ~0ULL, "a key beyond the end of memory", phys_of(leaf), 4,
	    "all addresses again");
	is(c.runs, 1, "%u: all addresses: 2 alone was fine", shift);
	ok(c.run[0].nr == 1 && !c.run[0].phys && c.run[0].order == 63 - shift,
	   "%u: all addresses: and is one block", shift);

	/* The lowest order with its marker in leaf 0, up to the leaf's end. */
	clear();
	leaf = way_to(0, 0);
	set_bit(leaf, bits / 2);
	set_bit(leaf, bits / 2 + 1);
	is(walk(BASE, 1ULL << 63), 0, "%u: upper half of leaf 0: fine", shift);
	/* bits / 2 is 1 << (shift + 2): order 64 - shift - shift - 2. */
	ok(c.runs == 1 && c.run[0].nr == 2 &&
	   c.run[0].order == 62 - 2 * shift, "%u: upper half of leaf 0: run", shift);
	set_bit(leaf, bits - 1);
	is(walk(BASE, ~0ULL), (uint64_t)KHO_WALK_BAD,
	   "%u: last bit of leaf 0: refused", shift);
	is(w.value, bits - 1, "%u: last bit of leaf 0: value", shift);
}

static void test_callbacks(void)
{
	unsigned int i;

	clear();
	add_key(marker(0) | 1);
	add_key(marker(0) | 3);
	for (i = 1; i <= depth; i++) {
		c.stop_visit = i;
		c.stop_ret = -(int)i;
		is(walk(BASE, END_1G), (uint64_t)-(int)i,
		   "%u: what the node callback returns", shift);
		is(c.visits, i, "%u: and at once", shift);
	}
	c.stop_visit = 0;
	for (i = 1; i <= 2; i++) {
		c.stop_run = i;
		c.stop_ret = 7;
		is(walk(BASE, END_1G), 7, "%u: what the run callback returns",
		   shift);
		is(c.runs, i, "%u: and at once", shift);
	}
	c.stop_run = 0;
	for (i = 0; i < depth; i++) {
		c.unreadable = phys_of(i);
		bad(BASE, END_1G, "a node that cannot be read", phys_of(i),
		    phys_of(i), "map fails");
		is(c.visits, i + 1, "%u: and no further", shift);
	}
	c.unreadable = 0;
	is(walk(BASE, END_1G), 0, "%u: none of it: fine", shift);
}

static const void *plain_map(void *ctx, __u64 phys)
{
	(void)ctx;
	return node((phys - BASE) >> shift);
}

static void test_optional(void)
{
	static const struct kho_walk_ops only_map = { .map = plain_map };

	w.ops = &only_map;
	w.ctx = NULL;
	w.shift = shift;
	w.end = END_1G;
	is(kho_walk_tree(&w, BASE), 0, "%u: map is all that is needed", shift);
	clear();
	add_key(marker(0) | END_1G >> shift);
	is(kho_walk_tree(&w, BASE), (uint64_t)KHO_WALK_BAD,
	   "%u: and faults are found without the others", shift);
}

int main(void)
{
	tap_start();
	for (shift = 12; shift <= 16; shift += 2) {
		depth = shift == 12 ? 6 : shift == 14 ? 5 : 4;
		pool = malloc(POOL * page_size());
		must(pool, "no memory");
		test_good();
		test_addresses();
		test_loops();
		test_sharing();
		test_keys();
		test_runs();
		test_callbacks();
		test_optional();
		free(pool);
	}
	return tap_done();
}

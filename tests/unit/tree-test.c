// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/tree/radix.c and mark.c in userspace, once for each page size.
 *
 * The wire format is checked word by word against values worked out by hand, and
 * everything else against the model.
 */
#include "tree-before.h"

#define ORDER_MAX	(63 - PAGE_SHIFT)
#define PFN_END		(1UL << (64 - PAGE_SHIFT))

/* ---- Valid at any moment ---- */

/*
 * The next kernel may start at any time, so the tree has to be valid between any
 * two steps.  A key may be set before it is counted.
 */
static void check_whole(void)
{
	uint64_t keys = 0;
	unsigned int order;

	if (!tree.root)
		return;
	must(!see_tree(&tree), "not a sound tree in between");
	for (order = 0; order < KHO_NR_ORDERS; order++)
		keys += kho_radix_nr_keys(&tree, order);
	must(seen.nr == keys || seen.nr + 1 == keys,
	     "%u keys in between, not %llu", seen.nr, (unsigned long long)keys);
}

/* ---- Errors must not change anything ---- */

#define refused(call, want, what) do {					\
	struct before refused_before = before();			\
	int refused_ret = (call);					\
	bool refused_same = unchanged(&refused_before);			\
									\
	ok(refused_ret == (want) && refused_same,			\
	   "%s: %s, and nothing changed", what, #want);			\
	if (refused_ret != (want))					\
		printf("# returned %d\n", refused_ret);			\
	if (!refused_same)						\
		printf("# the tree has changed\n");			\
} while (0)

/* ---- The wire format ---- */

/*
 * Four blocks per page size, and where each has to be: the entry in the node of
 * each level, from the root down, then the word in the leaf and its value.
 */
static const struct golden {
	uint64_t phys;
	unsigned int order;
	unsigned int path[5];
	unsigned int word;
	uint64_t value;		/* of the word with all of the blocks in it */
} golden[] = {
#if PAGE_SHIFT == 12
	/*
	 * Leaf: key bits 0-14, 64 per word.  Levels 1 to 5: bits 15-23, 24-32,
	 * 33-41, 42-50, 51-59.
	 *
	 * Order 0, 0x123456000: key = 1 << 52 | 0x123456.  Bit 52 is bit 1 of
	 * level 5: entry 2.  0x123456 >> 15 = 0x24 at level 1.  0x123456 &
	 * 0x7fff = 0x3456 = 13398 = 209 * 64 + 22: word 209, value 1 << 22.
	 * The next page is bit 23 of the same word; both make 0xc00000.
	 */
	{ 0x123456000, 0, { 2, 0, 0, 0, 0x24 }, 209, 0xc00000 },
	{ 0x123457000, 0, { 2, 0, 0, 0, 0x24 }, 209, 0xc00000 },
	/*
	 * Order 9 (2 MiB), 1 GiB: key = 1 << 43 | 0x40000000 >> 21 = 1 << 43 |
	 * 0x200.  Bit 43 is bit 1 of level 4: entry 2.  0x200 = 512 = 8 * 64.
	 */
	{ 0x40000000, 9, { 0, 2, 0, 0, 0 }, 8, 1 },
	/* Order 51 (2^63 bytes), 2^63: key = 1 << 1 | 1 = 3. */
	{ 1ULL << 63, 51, { 0, 0, 0, 0, 0 }, 0, 8 },
#define GOLDEN_NODES	15	/* 1, then 5 + 0 + 5, then 4: root[0] is shared */
#elif PAGE_SHIFT == 14
	/*
	 * Leaf: bits 0-16.  Levels 1 to 4: bits 17-27, 28-38, 39-49, 50-60.
	 *
	 * Order 0, 0x123454000: key = 1 << 50 | 0x123454000 >> 14 = 1 << 50 |
	 * 0x48d15.  Bit 50 is bit 0 of level 4: entry 1.  0x48d15 >> 17 = 2 at
	 * level 1.  0x48d15 & 0x1ffff = 0x8d15 = 36117 = 564 * 64 + 21.
	 */
	{ 0x123454000, 0, { 1, 0, 0, 2 }, 564, 0x600000 },
	{ 0x123458000, 0, { 1, 0, 0, 2 }, 564, 0x600000 },
	/*
	 * Order 11 (32 MiB), 1 GiB: key = 1 << 39 | 0x40000000 >> 25 = 1 << 39
	 * | 0x20.  Bit 39 is bit 0 of level 3: entry 1.
	 */
	{ 0x40000000, 11, { 0, 1, 0, 0 }, 0, 0x100000000 },
	/* Order 49 (2^63 bytes), 2^63: key = 1 << 1 | 1 = 3. */
	{ 1ULL << 63, 49, { 0, 0, 0, 0 }, 0, 8 },
#define GOLDEN_NODES	12	/* 1, then 4 + 0 + 4, then 3 */
#elif PAGE_SHIFT == 16
	/*
	 * Leaf: bits 0-18.  Levels 1 to 3: bits 19-31, 32-44, 45-57.
	 *
	 * Order 0, 0x912340000: key = 1 << 48 | 0x91234.  Bit 48 is bit 3 of
	 * level 3: entry 8.  0x91234 >> 19 = 1 at level 1.  0x91234 & 0x7ffff =
	 * 0x11234 = 70196 = 1096 * 64 + 52: value 1 << 52; with the next page
	 * 3 << 52.
	 */
	{ 0x912340000, 0, { 8, 0, 1 }, 1096, 0x30000000000000 },
	{ 0x912350000, 0, { 8, 0, 1 }, 1096, 0x30000000000000 },
	/*
	 * Order 13 (512 MiB), 1 GiB: key = 1 << 35 | 0x40000000 >> 29 = 1 << 35
	 * | 2.  Bit 35 is bit 3 of level 2: entry 8.
	 */
	{ 0x40000000, 13, { 0, 8, 0 }, 0, 4 },
	/* Order 47 (2^63 bytes), 2^63: key = 1 << 1 | 1 = 3. */
	{ 1ULL << 63, 47, { 0, 0, 0 }, 0, 8 },
#define GOLDEN_NODES	9	/* 1, then 3 + 0 + 3, then 2 */
#endif
};

#define GOLDEN		(sizeof(golden) / sizeof(golden[0]))
#if PAGE_SHIFT == 12
#define LEVELS		6
#elif PAGE_SHIFT == 14
#define LEVELS		5
#elif PAGE_SHIFT == 16
#define LEVELS		4
#endif

static void test_wire(void)
{
	uint64_t sum = 0, words = 0;
	unsigned int i, level, n;
	const uint64_t *node;

	fresh();
	for (i = 0; i < GOLDEN; i++)
		is(kho_radix_add_page(&tree, golden[i].phys >> PAGE_SHIFT,
				      golden[i].order), 0,
		   "wire: add 0x%llx order %u",
		   (unsigned long long)golden[i].phys, golden[i].order);

	for (i = 0; i < GOLDEN; i++) {
		node = (const uint64_t *)tree.root;
		for (level = 0; level < LEVELS - 1; level++) {
			if (!ok(node[golden[i].path[level]],
				"wire: 0x%llx order %u: level %u entry %u",
				(unsigned long long)golden[i].phys,
				golden[i].order, LEVELS - 1 - level,
				golden[i].path[level]))
				break;
			node = pages_virt(node[golden[i].path[level]]);
		}
		if (level == LEVELS - 1)
			is(node[golden[i].word], golden[i].value,
			   "wire: 0x%llx order %u: word %u of the leaf",
			   (unsigned long long)golden[i].phys, golden[i].order,
			   golden[i].word);
	}

	/*
	 * Nothing else is set: one word leads to each node but the root, and
	 * each of the three leaves has one word that is not 0.
	 */
	for (i = 0; i < PAGES_NR; i++) {
		uint64_t phys = PAGES_BASE + i * PAGE_SIZE;

		if (!pages_has(phys))
			continue;
		node = pages_virt(phys);
		for (n = 0; n < PAGE_SIZE / 8; n++) {
			words += !!node[n];
			if (node[n] >= PAGES_BASE && !(node[n] % PAGE_SIZE) &&
			    pages_has(node[n]))
				sum++;
		}
	}
	is(pages_live(), GOLDEN_NODES, "wire: nodes");
	is(tree.nr_nodes, GOLDEN_NODES, "wire: nr_nodes");
	is(sum, GOLDEN_NODES - 1, "wire: every node but the root has one way to it");
	is(words, GOLDEN_NODES - 1 + 3, "wire: and nothing else is set");
	is(kho_radix_nr_pages(&tree), 2 + (1ULL << golden[2].order) + (1ULL << golden[3].order),
	   "wire: nr_pages");

	/* Highest order first, then rising addresses. */
	seen.nr = 0;
	is(kho_radix_walk_tree(&tree, see_key), 0, "wire: walk");
	is(seen.nr, 4, "wire: walk meets all");
	for (i = 0; i < GOLDEN && seen.nr == 4; i++) {
		static const unsigned int at[] = { 3, 2, 0, 1 };

		ok(seen.block[i].pfn == golden[at[i]].phys >> PAGE_SHIFT &&
		   seen.block[i].order == golden[at[i]].order,
		   "wire: walk meets 0x%llx order %u as number %u",
		   (unsigned long long)golden[at[i]].phys,
		   golden[at[i]].order, i);
	}

	for (i = 0; i < GOLDEN; i++)
		is(kho_radix_del_page(&tree, golden[i].phys >> PAGE_SHIFT,
				      golden[i].order), 0,
		   "wire: del 0x%llx order %u",
		   (unsigned long long)golden[i].phys, golden[i].order);
	is(pages_live(), 1, "wire: only the root is left");
	is(tree.nr_nodes, 1, "wire: nr_nodes is 1 again");
	is(kho_radix_nr_pages(&tree), 0, "wire: nr_pages is 0 again");
	node = (const uint64_t *)tree.root;
	for (n = 0; n < PAGE_SIZE / 8 && !node[n]; n++)
		;
	is(n, PAGE_SIZE / 8, "wire: the root is all zero again");
	destroy();
}

/* ---- add, del, has ---- */

static void test_errors(void)
{
	fresh();
	ok(!kho_radix_add_page(&tree, 0x100, 4), "errors: 16 pages from 0x100 on");
	ok(!kho_radix_add_page(&tree, 0x201, 0), "errors: page 0x201");
	ok(!kho_radix_add_page(&tree, 0x304, 0), "errors: page 0x304");

	refused(kho_radix_add_page(&tree, 0x100, 4), -EEXIST, "the same again");
	refused(kho_radix_add_page(&tree, 0x201, 0), -EEXIST, "the same page again");
	refused(kho_radix_del_page(&tree, 0x202, 0), -ENOENT,
		"del of the neighbour in the same leaf");
	refused(kho_radix_del_page(&tree, 0x100, 3), -ENOENT,
		"del under a smaller order");
	refused(kho_radix_del_page(&tree, 0x100, 5), -ENOENT,
		"del under a larger order");
	refused(kho_radix_del_page(&tree, PFN_END - 1, 0), -ENOENT,
		"del where no node is");

	refused(kho_radix_add_page(&tree, 0x100, 0), -EBUSY,
		"first page of a larger block");
	refused(kho_radix_add_page(&tree, 0x10f, 0), -EBUSY,
		"last page of a larger block");
	refused(kho_radix_add_page(&tree, 0x108, 3), -EBUSY,
		"half of a larger block");
	refused(kho_radix_add_page(&tree, 0x200, 1), -EBUSY,
		"a block whose last page is marked");
	refused(kho_radix_add_page(&tree, 0x200, 9), -EBUSY,
		"a block one page of which is marked");
	refused(kho_radix_add_page(&tree, 0, 9), -EBUSY,
		"a block with a block in it");
	refused(kho_radix_add_page(&tree, 0, ORDER_MAX), -EBUSY,
		"half of all addresses");

	refused(kho_radix_add_page(&tree, 0x301, 1), -EINVAL, "misaligned by 1");
	refused(kho_radix_add_page(&tree, 0x308, 4), -EINVAL, "half aligned");
	refused(kho_radix_del_page(&tree, 0x301, 1), -EINVAL, "del misaligned");
	refused(kho_radix_add_page(&tree, 0, ORDER_MAX + 1), -EINVAL,
		"an order too many");
	refused(kho_radix_add_page(&tree, 0, 64), -EINVAL, "order 64");
	refused(kho_radix_add_page(&tree, 0, ~0U), -EINVAL, "order 2^32 - 1");
	refused(kho_radix_del_page(&tree, 0, ORDER_MAX + 1), -EINVAL,
		"del of an order too many");
	refused(kho_radix_add_page(&tree, PFN_END, 0), -ERANGE,
		"first page number that is none");
	refused(kho_radix_add_page(&tree, ~0UL, 0), -ERANGE,
		"largest number that is no page number");
	refused(kho_radix_add_page(&tree, 1UL << 63, 5), -ERANGE,
		"an aligned one with an order");
	refused(kho_radix_del_page(&tree, PFN_END, 0), -ERANGE,
		"del of no page number");

	refused(kho_radix_add_range(&tree, 0x400, 0), -EINVAL, "an empty range");
	refused(kho_radix_del_range(&tree, 0x400, 0), -EINVAL,
		"del of an empty range");
	refused(kho_radix_walk_range(&tree, 0x400, 0, see_range, &seen), -EINVAL,
		"walk of an empty range");
	refused(kho_radix_add_range(&tree, PFN_END, 1), -ERANGE,
		"a range beyond all pages");
	refused(kho_radix_add_range(&tree, PFN_END - 1, 2), -ERANGE,
		"a range that ends beyond all pages");
	refused(kho_radix_add_range(&tree, 1, ~0UL), -ERANGE,
		"a range that wraps");
	refused(kho_radix_del_range(&tree, PFN_END - 1, 2), -ERANGE,
		"del of a range that ends beyond");
	refused(kho_radix_walk_range(&tree, PFN_END - 1, 2, see_range, &seen),
		-ERANGE, "walk of a range that ends beyond");
	refused(kho_radix_add_range(&tree, 0x1f0, 0x20), -EBUSY,
		"a range with a marked page under another order");
	refused(kho_radix_add_range(&tree, 0x2fd, 8), -EEXIST,
		"a range with a marked page as its last block");
	refused(kho_radix_del_range(&tree, 0x201, 2), -ENOENT,
		"del of a range half of which is marked");
	refused(kho_radix_del_range(&tree, 0x200, 2), -ENOENT,
		"del of a range that is cut otherwise");

	ok(kho_radix_has_page(&tree, 0x100, 4), "has: the block");
	ok(!kho_radix_has_page(&tree, 0x100, 3), "has: not under another order");
	ok(!kho_radix_has_page(&tree, 0x100, 0), "has: not its first page");
	ok(kho_radix_has_page(&tree, 0x201, 0), "has: the page");
	ok(!kho_radix_has_page(&tree, 0x202, 0), "has: not the next one");
	ok(!kho_radix_has_page(&tree, 0x301, 1), "has: not what is misaligned");
	ok(!kho_radix_has_page(&tree, 0, ORDER_MAX + 1), "has: no order too many");
	ok(!kho_radix_has_page(&tree, PFN_END, 0), "has: no pfn too large");
	destroy();

	/* The first and the last pages that can be marked. */
	fresh();
	is(kho_radix_add_page(&tree, 0, 0), 0, "ends: the first page");
	is(kho_radix_add_page(&tree, PFN_END - 1, 0), 0, "ends: the last page");
	is(kho_radix_add_page(&tree, PFN_END / 2, ORDER_MAX), (u64)-EBUSY,
	   "ends: the upper half holds the last page");
	is(kho_radix_del_page(&tree, PFN_END - 1, 0), 0, "ends: last page gone");
	is(kho_radix_add_page(&tree, PFN_END / 2, ORDER_MAX), 0,
	   "ends: the upper half");
	is(kho_radix_del_page(&tree, 0, 0), 0, "ends: first page gone");
	is(kho_radix_add_page(&tree, 0, ORDER_MAX), 0, "ends: the lower half");
	is(kho_radix_nr_pages(&tree), PFN_END, "ends: all pages that there are");
	is(pages_live(), LEVELS, "ends: in a single leaf");
	is(kho_radix_del_range(&tree, 0, PFN_END), 0, "ends: gone as a range");
	is(kho_radix_add_range(&tree, 0, PFN_END), 0, "ends: marked as a range");
	is(kho_radix_nr_keys(&tree, ORDER_MAX), 2, "ends: in two halves");
	destroy();

	/* A tree that was not set up. */
	memset(&tree, 0, sizeof(tree));
	is(kho_radix_add_page(&tree, 0, 0), (u64)-EINVAL, "no tree: add");
	is(kho_radix_del_page(&tree, 0, 0), (u64)-EINVAL, "no tree: del");
	ok(!kho_radix_has_page(&tree, 0, 0), "no tree: has");
	is(kho_radix_add_range(&tree, 0, 1), (u64)-EINVAL, "no tree: add range");
	is(kho_radix_del_range(&tree, 0, 1), (u64)-EINVAL, "no tree: del range");
	is(kho_radix_walk_tree(&tree, see_key), (u64)-EINVAL, "no tree: walk");
	is(kho_radix_walk_range(&tree, 0, 1, see_range, &seen), (u64)-EINVAL,
	   "no tree: walk range");
	kho_radix_destroy_tree(&tree);
	ok(1, "no tree: destroy lets it pass");
}

/* ---- Allocations that fail ---- */

/* Lets each allocation of @op fail in turn, of which there have to be @want. */
static void sweep(const char *what, void (*setup)(void), int (*op)(void),
		  unsigned int want)
{
	unsigned int n;
	int ret;

	for (n = 1;; n++) {
		struct before b;
		bool same;

		fresh();
		setup();
		b = before();
		pages_hook = check_whole;
		pages_fail(n);
		ret = op();
		pages_fail(0);
		pages_hook = NULL;
		if (ret != -ENOMEM) {
			pages_copy_free(b.pages);
			break;
		}
		same = unchanged(&b);
		ok(same, "%s: allocation %u fails: as before", what, n);
		/* It must succeed afterwards. */
		ret = op();
		if (ret)
			ok(0, "%s: afterwards it works: %d", what, ret);
		destroy();
	}
	is(ret, 0, "%s: done once none fails", what);
	is(n - 1, want, "%s: %u allocations", what, want);
	destroy();
}

static void setup_none(void)
{
}

/* A key of order 0 at the address 0, and one far away. */
static void setup_some(void)
{
	must(!kho_radix_add_page(&tree, 0, 0), "setup");
	must(!kho_radix_add_page(&tree, PFN_END - 2, 0), "setup");
}

/* A block whose pages, marked singly, would be in a leaf that exists already. */
static void setup_block(void)
{
	setup_some();
	must(!kho_radix_add_page(&tree, 0x800, 11), "setup");
}

static int op_first(void)
{
	return kho_radix_add_page(&tree, 1, 0);
}

/* Order 0, in the leaf after that of 0. */
static int op_next_leaf(void)
{
	return kho_radix_add_page(&tree, 1UL << (PAGE_SHIFT + 3), 0);
}

/* Order 0, below the node of level 2 after that of 0. */
static int op_level2(void)
{
	return kho_radix_add_page(&tree, 1UL << (PAGE_SHIFT + 3 + PAGE_SHIFT - 3),
				  0);
}

/* Three blocks of two orders. */
static int op_range(void)
{
	return kho_radix_add_range(&tree, 0x7ff, 0x802);
}

static int op_two_leaves(void)
{
	return kho_radix_add_range(&tree, (1UL << (PAGE_SHIFT + 3)) - 1, 2);
}

static int op_cut(void)
{
	return kho_radix_cut(&tree, 0x800, 11, 0x401);
}

static void test_cutting(void)
{
	fresh();
	setup_block();
	is(kho_radix_cut(&tree, 0x800, 10, 1), (u64)-ENOENT, "cut: another order");
	is(kho_radix_cut(&tree, 0x1000, 11, 1), (u64)-ENOENT, "cut: no block");
	is(kho_radix_cut(&tree, 0x800, 11, 0), (u64)-EINVAL, "cut: nothing stays");
	is(kho_radix_cut(&tree, 0x800, 11, 0x800), (u64)-EINVAL, "cut: all stays");
	is(kho_radix_cut(&tree, 0x801, 11, 1), (u64)-EINVAL, "cut: misaligned");
	ok(kho_radix_has_page(&tree, 0x800, 11), "cut: what is refused changes nothing");
	is(op_cut(), 0, "cut a block");
	ok(!kho_radix_has_page(&tree, 0x800, 11) &&
	   kho_radix_has_page(&tree, 0x800, 10) &&
	   kho_radix_has_page(&tree, 0xc00, 0), "cut: as a range would be");
	is(kho_radix_nr_pages(&tree), 0x401 + 2, "cut: the rest is not marked");
	is(kho_radix_add_page(&tree, 0xbff, 0), (u64)-EBUSY, "cut: what stays is taken");
	is(kho_radix_del_range(&tree, 0x800, 0x401), 0, "cut: it is a range");
	is(kho_radix_del_page(&tree, 0, 0), 0, "cut: and the others are there");
	is(kho_radix_del_page(&tree, PFN_END - 2, 0), 0, "cut: both");
	is(pages_live(), 1, "cut: only the root is left");
	destroy();
	/* Order 10 shares two nodes with order 11; the single page's leaf exists. */
	sweep("cut a block", setup_block, op_cut, LEVELS - 2);
}

static void test_nomem(void)
{
	struct kho_radix_tree none;

	pages_fail(1);
	memset(&none, 0xff, sizeof(none));
	is(kho_radix_init_tree(&none), (u64)-ENOMEM, "init: no page, -ENOMEM");
	ok(!none.root, "init: no root then");
	kho_radix_destroy_tree(&none);
	is(pages_live(), 0, "init: nothing to free then");

	/* A branch has a node per level below the root. */
	sweep("first key", setup_none, op_first, LEVELS - 1);
	sweep("beside a key", setup_some, op_first, 0);
	sweep("next leaf", setup_some, op_next_leaf, 1);
	sweep("next table", setup_some, op_level2, 2);
	/*
	 * Blocks: order 0 at 0x7ff, order 11 at 0x800, order 0 at 0x1000; the
	 * first and the last have the leaf of 0.  Marker of order 11: with 4K
	 * pages bit 52 - 11 = 41, so root[0] is new and all below: 5 nodes.
	 * 16K: bit 39, 4 nodes.  64K: bit 37, 3 nodes.
	 */
	sweep("range of three orders", setup_some, op_range, LEVELS - 1);
	/* From nothing: two whole branches, which share only the root. */
	sweep("range from nothing", setup_none, op_range, 2 * (LEVELS - 1));
	sweep("range over two leaves", setup_none, op_two_leaves,
	      LEVELS - 1 + 1);

	/* Unmarking needs no memory, and the tree is valid at each step too. */
	fresh();
	setup_some();
	must(!op_range(), "range");
	pages_hook = check_whole;
	pages_fail(1);
	is(kho_radix_del_range(&tree, 0x7ff, 0x802), 0, "del: without memory");
	is(kho_radix_del_page(&tree, 0, 0), 0, "del: without memory, a page");
	is(kho_radix_del_page(&tree, PFN_END - 2, 0), 0, "del: the last one");
	pages_fail(0);
	pages_hook = NULL;
	is(pages_live(), 1, "del: only the root is left");
	destroy();
}

/* ---- How a range is cut ---- */

static void check_cut(unsigned long pfn, unsigned long nr,
		      const unsigned int *orders, unsigned int want)
{
	static const unsigned int room = 16;
	unsigned long at = pfn;
	unsigned int i;

	fresh();
	is(kho_radix_add_range(&tree, pfn, nr), 0, "cut 0x%lx+0x%lx", pfn, nr);
	must(want <= room, "a longer example");
	for (i = 0; i < want; i++) {
		ok(kho_radix_has_page(&tree, at, orders[i]),
		   "cut 0x%lx+0x%lx: 0x%lx order %u", pfn, nr, at, orders[i]);
		at += 1UL << orders[i];
	}
	is(at, pfn + nr, "cut 0x%lx+0x%lx: the example is right", pfn, nr);
	is(kho_radix_nr_pages(&tree), nr, "cut 0x%lx+0x%lx: nothing else", pfn, nr);
	refused(kho_radix_add_range(&tree, pfn, nr), -EEXIST, "range again");
	is(kho_radix_del_range(&tree, pfn, nr), 0, "cut 0x%lx+0x%lx: del", pfn, nr);
	is(pages_live(), 1, "cut 0x%lx+0x%lx: only the root is left", pfn, nr);
	destroy();
}

/*
 * Mainline: order = min(count_trailing_zeros(pfn), ilog2(end_pfn - pfn)).
 */
static void test_cut(void)
{
	/* 3: min(0, 3).  4: min(2, ilog2(9) = 3).  8: min(3, ilog2(5) = 2).
	 * 12: min(2, 0).
	 */
	check_cut(3, 10, (const unsigned int []){ 0, 2, 2, 0 }, 4);
	/* 0 has no lowest bit.  ilog2(7) = 2.  4: min(2, ilog2(3) = 1).  6. */
	check_cut(0, 7, (const unsigned int []){ 2, 1, 0 }, 3);
	/* 0x1000: min(12, ilog2(0x600) = 10).  0x1400: min(10, 9). */
	check_cut(0x1000, 0x600, (const unsigned int []){ 10, 9 }, 2);
	/* 0x7ff: 0.  0x800: min(11, ilog2(0x801) = 11).  0x1000: min(12, 0). */
	check_cut(0x7ff, 0x802, (const unsigned int []){ 0, 11, 0 }, 3);
	/* 1: 0.  2: 1.  4: 2.  8: min(3, ilog2(7) = 2).  12: min(2, 1).  14. */
	check_cut(1, 14, (const unsigned int []){ 0, 1, 2, 2, 1, 0 }, 6);
	check_cut(0x40000, 1, (const unsigned int []){ 0 }, 1);
	/* Up to the end of the address space: 1, 2, 4 pages. */
	check_cut(PFN_END - 7, 7, (const unsigned int []){ 0, 1, 2 }, 3);
}

/* ---- Walks that end early ---- */

static unsigned int calls;

static int stop_third(phys_addr_t phys, unsigned int order)
{
	(void)phys;
	(void)order;
	return ++calls == 3 ? 42 : 0;
}

static int stop_range(phys_addr_t phys, unsigned int order, void *data)
{
	return ++*(unsigned int *)data == 2 ? -EINTR : stop_third(phys, order);
}

static void test_walk(void)
{
	struct model m = { 0 };
	unsigned int nr = 0;

	fresh();
	is(kho_radix_walk_tree(&tree, stop_third), 0, "walk: an empty tree");
	is(calls, 0, "walk: and no call");
	must(!kho_radix_add_range(&tree, 1, 14), "range");
	must(!model_range(&m, 1, 14, model_add), "range");
	is(kho_radix_walk_tree(&tree, stop_third), 42,
	   "walk: ends with what a callback returned");
	is(calls, 3, "walk: at once");
	is(kho_radix_walk_range(&tree, 0, 64, stop_range, &nr), (u64)-EINTR,
	   "walk range: ends with what a callback returned");
	is(nr, 2, "walk range: at once");
	must_match(&tree, &m);

	/* Blocks are 1, 2-3, 4-7, 8-11, 12-13, 14. */
	must_match_range(&tree, &m, 0, 1);
	is(seen.nr, 0, "walk range: page 0 meets none");
	must_match_range(&tree, &m, 7, 2);
	is(seen.nr, 2, "walk range: pages 7 and 8 meet two blocks");
	must_match_range(&tree, &m, 5, 1);
	ok(seen.nr == 1 && seen.block[0].pfn == 4 && seen.block[0].order == 2,
	   "walk range: page 5 meets the block around it");
	must_match_range(&tree, &m, 15, 1);
	is(seen.nr, 0, "walk range: page 15 meets none");
	must_match_range(&tree, &m, 0, PFN_END);
	is(seen.nr, 6, "walk range: all pages meet all blocks");
	destroy();
}

int main(void)
{
	tap_start();
	is(1ULL << PAGE_SHIFT, sizeof(struct kho_radix_node), "a node is a page");
	is(1ULL << PAGE_SHIFT, sizeof(struct kho_radix_leaf), "a leaf is a page");
	is(KHO_TREE_MAX_DEPTH, LEVELS, "levels");
	test_wire();
	test_errors();
	test_nomem();
	test_cutting();
	test_cut();
	test_walk();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KHO radix tree: creating and reading it, and ranges of pages.
 *
 * The algorithm and the format are those of mainline's kernel/liveupdate/
 * kexec_handover.c (3f2ad90060f6 "kho: adopt radix tree for preserved memory
 * tracking"); see include/kho/abi.h for the format, and mark.c for how
 * pages are marked.
 *
 * The tests compile this folder for userspace, with a page allocator that fails
 * on demand.
 */
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "block.h"
#include "node.h"

/**
 * kho_radix_node_alloc() - allocate an empty node
 *
 * Context: may sleep.
 * Return: the node, or NULL.
 */
struct kho_radix_node *kho_radix_node_alloc(void)
{
	return (struct kho_radix_node *)kho_node_page();
}

/**
 * kho_radix_node_free() - free a node that nobody reads any more
 * @node: the node
 */
void kho_radix_node_free(struct kho_radix_node *node)
{
	struct page *page = virt_to_page(node);

	page->private &= ~KHO_NODE_MASK;
	kho_node_page_free((unsigned long)node);
}

static int regions_alloc(struct kho_radix_tree *tree)
{
	unsigned int i, slot;

	tree->region = kcalloc(NR_LOCKS, sizeof(*tree->region), GFP_KERNEL);
	if (!tree->region)
		return -ENOMEM;
	for (i = 0; i < NR_LOCKS; i++) {
		struct kho_radix_region *region = &tree->region[i];

		spin_lock_init(&region->lock);
		for (slot = 0; slot < NR_SLOTS; slot++)
			region->base[slot].number = NO_LEAF;
		region->block.number = NO_LEAF;
	}
	return 0;
}

static unsigned long *leaf_bits(struct kho_radix_node *node)
{
	return (unsigned long *)node;
}

static int check_range(const struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned long nr_pages)
{
	if (!tree->root || !nr_pages)
		return -EINVAL;
	if ((u64)pfn >> (64 - PAGE_SHIFT) ||
	    (u64)nr_pages > (1ULL << (64 - PAGE_SHIFT)) - pfn)
		return -ERANGE;
	return 0;
}

/**
 * kho_radix_range_order() - size of the next block of a range, as mainline cuts it
 * @pfn: number of the first page that remains
 * @nr_pages: number of pages that remain
 *
 * Return: order of the largest block that starts at @pfn, is aligned to its
 * size, and has at most @nr_pages pages.
 */
unsigned int kho_radix_range_order(unsigned long pfn, unsigned long nr_pages)
{
	unsigned int order = ilog2(nr_pages);

	if (pfn)
		order = min_t(unsigned int, order, __ffs(pfn));
	return min_t(unsigned int, order, KHO_MAX_ORDER(PAGE_SHIFT));
}

static bool has_key(const struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_node *leaf;
	bool ret;

	rcu_read_lock();
	leaf = find_leaf(tree, key);
	ret = leaf && READ_ONCE(*leaf_word(leaf, key)) >> (key % 64) & 1;
	rcu_read_unlock();
	return ret;
}

/* Returns the lowest key in the tree from @key on and below @end, or @end; takes no lock. */
static u64 next_key(const struct kho_radix_tree *tree, u64 key, u64 end)
{
	rcu_read_lock();
	while (key < end) {
		struct kho_radix_node *node = tree->root;
		unsigned int level, bit;
		u64 span = 1;

		for (level = TOP_LEVEL; level; level--) {
			unsigned int i = kho_key_index(PAGE_SHIFT, key, level);
			struct kho_radix_node *child = node_child(node, i);
			u64 slots;

			if (child) {
				node = child;
				continue;
			}
			/* Skip to the next used entry, but not beyond @end. */
			span = 1ULL << (LEAF_BITS + (level - 1) * TABLE_BITS);
			key &= ~(span - 1);
			slots = min_t(u64, (1U << TABLE_BITS) - i,
				      (end - key + span - 1) / span);
			while (--slots && !READ_ONCE(node->table[++i]))
				key += span;
			key += span;
			break;
		}
		if (level)
			continue;

		bit = kho_key_index(PAGE_SHIFT, key, 0);
		key -= bit;
		bit = find_next_bit(leaf_bits(node), 1UL << LEAF_BITS, bit);
		key += bit;
		if (bit < 1U << LEAF_BITS)
			break;
	}
	rcu_read_unlock();
	return min(key, end);
}

/**
 * kho_radix_overlaps() - is any of these pages marked under one of some orders?
 * @tree: the tree
 * @orders: a bit for each of the orders
 * @pfn: number of the first page
 * @nr_pages: number of pages, at least 1
 *
 * Context: any; takes no lock.
 */
bool kho_radix_overlaps(const struct kho_radix_tree *tree, u64 orders, unsigned long pfn,
			u64 nr_pages)
{
	unsigned long last = pfn + (nr_pages - 1);

	for (; orders; orders &= orders - 1) {
		unsigned int o = __ffs64(orders);
		u64 key = key_of((u64)pfn >> o << o, o);
		u64 end = key_of((u64)last >> o << o, o) + 1;

		if (next_key(tree, key, end) < end)
			return true;
	}
	return false;
}

/**
 * kho_radix_has_page() - are these pages marked under this order?
 * @tree: the tree
 * @pfn: number of the first page
 * @order: the order
 *
 * Context: any; takes no lock.
 * Return: true if so; false also for pages that can't be marked at all.
 */
bool kho_radix_has_page(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned int order)
{
	return !check_page(tree, pfn, order) && has_key(tree, key_of(pfn, order));
}
EXPORT_SYMBOL_GPL(kho_radix_has_page);

/* Orders above 0 that have keys anywhere. */
static u64 all_orders(const struct kho_radix_tree *tree)
{
	u64 orders = READ_ONCE(tree->orders);
	unsigned int i;

	for (i = 0; i < NR_LOCKS; i++)
		orders |= READ_ONCE(tree->region[i].orders);
	return orders;
}

/**
 * kho_radix_orders() - orders that some pages may be marked under
 * @tree: the tree, which has a root
 * @pfn: number of the first page
 * @nr_pages: number of pages, at least 1
 *
 * Context: any; takes no lock.
 * Return: a bit for each of these orders; the one for order 0 is always set.
 */
u64 kho_radix_orders(const struct kho_radix_tree *tree, unsigned long pfn, u64 nr_pages)
{
	if (((pfn + (nr_pages - 1)) ^ pfn) >> LEAF_BITS)
		return all_orders(tree) | 1;
	return READ_ONCE(tree->orders) | READ_ONCE(region_of(tree, pfn)->orders) | 1;
}

/**
 * kho_radix_nr_keys() - number of marked blocks of an order
 * @tree: the tree
 * @order: the order
 *
 * Context: any; takes no lock: the number is not exact while marks change.
 */
u64 kho_radix_nr_keys(const struct kho_radix_tree *tree, unsigned int order)
{
	unsigned int i;
	u64 nr = 0;

	if (!tree->root || order >= KHO_NR_ORDERS)
		return 0;
	if (!is_small(order))
		return READ_ONCE(tree->nr_keys[order]);
	for (i = 0; i < NR_LOCKS; i++)
		nr += READ_ONCE(tree->region[i].nr_keys[order]);
	return nr;
}
EXPORT_SYMBOL_GPL(kho_radix_nr_keys);

/**
 * kho_radix_nr_pages() - number of marked base pages
 * @tree: the tree
 *
 * Context: any; takes no lock: the number is not exact while marks change.
 */
u64 kho_radix_nr_pages(const struct kho_radix_tree *tree)
{
	u64 orders, nr = kho_radix_nr_keys(tree, 0);

	if (!tree->root)
		return 0;
	for (orders = all_orders(tree); orders; orders &= orders - 1)
		nr += kho_radix_nr_keys(tree, __ffs64(orders)) << __ffs64(orders);
	return nr;
}
EXPORT_SYMBOL_GPL(kho_radix_nr_pages);

/* Unmarks the blocks of a range of @nr_pages that make up its first @done pages. */
static void del_blocks(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned long nr_pages, unsigned long done)
{
	unsigned long at = 0;

	while (at < done) {
		unsigned int order = kho_radix_range_order(pfn + at, nr_pages - at);

		WARN_ON_ONCE(kho_radix_del_page(tree, pfn + at, order));
		at += 1UL << order;
	}
}

/**
 * kho_radix_add_range() - mark adjacent pages, in blocks as large as possible
 * @tree: the tree
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * The blocks are those that mainline's kho_preserve_pages() makes of a range
 * within one NUMA node: each as large as its alignment and the rest of the range
 * allow.
 *
 * Context: as kho_radix_add_run().
 * Return: as for kho_radix_add_page().  Nothing stays changed after an error.
 */
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages)
{
	unsigned long done = 0;
	int ret;

	might_sleep();

	ret = check_range(tree, pfn, nr_pages);
	while (!ret && done < nr_pages) {
		unsigned int order = kho_radix_range_order(pfn + done, nr_pages - done);

		ret = kho_radix_add_page(tree, pfn + done, order);
		if (!ret)
			done += 1UL << order;
	}
	if (ret)
		del_blocks(tree, pfn, nr_pages, done);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_add_range);

/**
 * kho_radix_del_range() - unmark a range
 * @tree: the tree
 * @pfn: number of the first page, as it was passed to kho_radix_add_range()
 * @nr_pages: number of pages, likewise
 *
 * As with kho_radix_del_run(), the caller must own the marks.
 *
 * Context: as kho_radix_add_run().
 * Return: 0; -ENOENT if one of the blocks is not marked; -EINVAL; -ERANGE.
 * Nothing has changed after an error.
 */
int kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages)
{
	unsigned long done = 0;
	int ret;

	might_sleep();

	ret = check_range(tree, pfn, nr_pages);
	if (ret)
		return ret;

	while (done < nr_pages) {
		unsigned int order = kho_radix_range_order(pfn + done, nr_pages - done);

		if (!has_key(tree, key_of(pfn + done, order)))
			return -ENOENT;
		done += 1UL << order;
	}
	del_blocks(tree, pfn, nr_pages, nr_pages);
	return 0;
}
EXPORT_SYMBOL_GPL(kho_radix_del_range);

/**
 * kho_radix_walk_tree() - call @cb for each key
 * @tree: the tree
 * @cb: called with the address and the order
 *
 * Orders come highest first; addresses rise within an order.  Marks that are added or
 * removed meanwhile may or may not be seen.
 *
 * Context: that of @cb; takes no lock.
 * Return: 0, the first result of @cb that was not 0, or -EINVAL for a tree
 * without a root.
 */
int kho_radix_walk_tree(struct kho_radix_tree *tree,
			kho_radix_tree_walk_callback_t cb)
{
	int ret = 0;
	u64 key;

	if (!tree->root)
		return -EINVAL;

	for (key = next_key(tree, 1, KEY_END); key < KEY_END && !ret;
	     key = next_key(tree, key + 1, KEY_END)) {
		unsigned int order = kho_key_order(PAGE_SHIFT, key);

		ret = cb(kho_key_phys(PAGE_SHIFT, key, order), order);
	}
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_walk_tree);

/**
 * kho_radix_walk_range() - call @cb for each key that has a page in a range
 * @tree: the tree
 * @pfn: number of the first page
 * @nr_pages: number of pages
 * @cb: called with the address, the order and @data
 * @data: for @cb
 *
 * The order of calls is that of kho_radix_walk_tree(), and the same caveat applies.
 *
 * Context: that of @cb; takes no lock.
 * Return: 0, the first result of @cb that was not 0, -EINVAL or -ERANGE.
 */
int kho_radix_walk_range(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned long nr_pages, kho_radix_range_callback_t cb,
			 void *data)
{
	u64 orders;
	int ret;

	ret = check_range(tree, pfn, nr_pages);
	if (ret)
		return ret;

	for (orders = kho_radix_orders(tree, pfn, nr_pages); orders && !ret; ) {
		unsigned int order = fls64(orders) - 1;
		u64 key = key_of((u64)pfn >> order << order, order);
		u64 end = key_of((pfn + nr_pages - 1) >> order << order, order) + 1;

		orders &= ~(1ULL << order);
		for (key = next_key(tree, key, end); key < end && !ret;
		     key = next_key(tree, key + 1, end))
			ret = cb(kho_key_phys(PAGE_SHIFT, key, order), order,
				 data);
	}
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_walk_range);

static int any_key(phys_addr_t phys, unsigned int order, void *data)
{
	return 1;
}

/**
 * kho_tree_marks() - is any of these pages marked, under any order?
 * @tree: the tree, which may have no root yet
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: any; takes no lock.
 */
bool kho_tree_marks(struct kho_radix_tree *tree, unsigned long pfn,
		    unsigned long nr_pages)
{
	return tree->root &&
	       kho_radix_walk_range(tree, pfn, nr_pages, any_key, NULL) == 1;
}

/**
 * kho_tree_keys() - number of keys in a tree, of all orders
 * @tree: the tree
 *
 * Context: any; takes no lock.
 */
u64 kho_tree_keys(const struct kho_radix_tree *tree)
{
	unsigned int order;
	u64 nr = 0;

	for (order = 0; order < KHO_NR_ORDERS; order++)
		nr += kho_radix_nr_keys(tree, order);
	return nr;
}

/* Counts the keys from @key on in its leaf. */
static u64 leaf_weight(const struct kho_radix_tree *tree, u64 key)
{
	unsigned int bit = kho_key_index(PAGE_SHIFT, key, 0);
	struct kho_radix_node *leaf;
	u64 word, weight = 0;

	rcu_read_lock();
	leaf = find_leaf(tree, key);
	for (; leaf && bit < 1U << LEAF_BITS; bit = (bit | 63) + 1) {
		word = READ_ONCE(leaf->table[bit / 64]);
		weight += hweight64(word >> (bit % 64));
	}
	rcu_read_unlock();
	return weight;
}

/**
 * kho_radix_walk_from() - call @cb for each key except the first ones
 * @tree: the tree
 * @skip: number of keys to skip; lowered by those that were skipped
 * @cb: called with the address, the order and @data
 * @data: for @cb
 *
 * The order of calls is that of kho_radix_walk_tree(), and the same caveat applies.
 * Keys of leaves that are skipped as a whole are only counted.
 *
 * Context: that of @cb; takes no lock.
 * Return: 0 or the first result of @cb that was not 0.
 */
int kho_radix_walk_from(struct kho_radix_tree *tree, u64 *skip,
			kho_radix_range_callback_t cb, void *data)
{
	u64 key = 1, weight;
	int ret = 0;

	if (!tree->root)
		return 0;
	/* Find the leaf of the first key to report. */
	while (*skip) {
		key = next_key(tree, key, KEY_END);
		if (key >= KEY_END)
			return 0;
		weight = leaf_weight(tree, key);
		if (weight > *skip)
			break;
		*skip -= weight;
		key = (key | ((1ULL << LEAF_BITS) - 1)) + 1;
	}
	/* Continue from there. */
	for (key = next_key(tree, key, KEY_END); key < KEY_END && !ret;
	     key = next_key(tree, key + 1, KEY_END)) {
		unsigned int order = kho_key_order(PAGE_SHIFT, key);

		if (*skip)
			(*skip)--;
		else
			ret = cb(kho_key_phys(PAGE_SHIFT, key, order), order, data);
	}
	return ret;
}

/**
 * kho_radix_init_tree() - initialise an empty tree
 * @tree: the tree; may be uninitialised
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kho_radix_init_tree(struct kho_radix_tree *tree)
{
	int ret;

	memset(tree, 0, sizeof(*tree));
	mutex_init(&tree->lock);
	ret = regions_alloc(tree);
	if (ret)
		return ret;
	tree->root = kho_radix_node_alloc();
	if (!tree->root) {
		kho_radix_forget_tree(tree);
		return -ENOMEM;
	}
	tree->nr_nodes = 1;
	return 0;
}
EXPORT_SYMBOL_GPL(kho_radix_init_tree);

static void free_below(struct kho_radix_node *node, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < 1U << TABLE_BITS; i++)
		if (node->table[i])
			free_below(node_child(node, i), level - 1);
	kho_radix_node_free(node);
}

/**
 * kho_radix_forget_tree() - dispose of a tree, but leave its nodes as they are
 * @tree: the tree
 *
 * Context: may sleep; nobody else uses the tree any more.
 */
void kho_radix_forget_tree(struct kho_radix_tree *tree)
{
	kfree(tree->region);
	tree->region = NULL;
	tree->root = NULL;
	tree->nr_nodes = 0;
}

/**
 * kho_radix_destroy_tree() - free all nodes
 * @tree: the tree; may be all zeroes, or one that could not be initialised
 *
 * The marked pages are not touched.  Nodes that were removed earlier are freed by RCU:
 * the module must wait for that before it is unloaded.
 *
 * Context: may sleep; nobody else uses the tree any more.
 */
void kho_radix_destroy_tree(struct kho_radix_tree *tree)
{
	if (!tree->root)
		return;
	free_below(tree->root, TOP_LEVEL);
	kho_radix_forget_tree(tree);
}
EXPORT_SYMBOL_GPL(kho_radix_destroy_tree);

static const void *adopt_map(void *ctx, __u64 phys)
{
	return phys_to_virt(phys);
}

static int adopt_node(void *ctx, __u64 phys, unsigned int level)
{
	struct kho_radix_adopt *adopt = ctx;

	adopt->tree->nr_nodes++;
	return adopt->node ? adopt->node(adopt->data, phys, level) : 0;
}

/* A run does not extend beyond its leaf, but leaves of blocks cover many regions. */
static void adopt_small(struct kho_radix_tree *tree, unsigned long pfn, unsigned int order,
			u64 nr)
{
	while (nr) {
		struct kho_radix_region *region = region_of(tree, pfn);
		u64 rest = ((1UL << LEAF_BITS) - (pfn & (BIT(LEAF_BITS) - 1))) >> order;
		u64 n = min(nr, rest);

		region->nr_keys[order] += n;
		if (order)
			region->orders |= BIT(order);
		pfn += n << order;
		nr -= n;
	}
}

static int adopt_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	struct kho_radix_adopt *adopt = ctx;
	struct kho_radix_tree *tree = adopt->tree;

	if (is_small(order)) {
		adopt_small(tree, PHYS_PFN(phys), order, nr);
	} else {
		tree->nr_keys[order] += nr;
		tree->orders |= 1ULL << order;
	}
	return adopt->run ? adopt->run(adopt->data, phys, order, nr) : 0;
}

/**
 * kho_radix_adopt_tree() - adopt a tree whose nodes the previous kernel wrote
 * @adopt: arguments; after KHO_WALK_BAD, its walk says what is wrong
 * @root: physical address of the root node
 *
 * kho_walk_tree() and the caller's callbacks check everything before it is used.
 * Only *adopt and its tree are written: after an error the nodes are unchanged, and
 * the tree has no root.
 *
 * Context: may sleep.
 * Return: 0, KHO_WALK_BAD, -ENOMEM, or what a callback returned.
 */
int kho_radix_adopt_tree(struct kho_radix_adopt *adopt, u64 root)
{
	static const struct kho_walk_ops ops = {
		.map = adopt_map,
		.node = adopt_node,
		.run = adopt_run,
	};
	struct kho_radix_tree *tree = adopt->tree;
	int ret;

	memset(tree, 0, sizeof(*tree));
	mutex_init(&tree->lock);
	ret = regions_alloc(tree);
	if (ret)
		return ret;

	adopt->walk.ops = &ops;
	adopt->walk.ctx = adopt;
	adopt->walk.shift = PAGE_SHIFT;
	ret = kho_walk_tree(&adopt->walk, root);
	if (ret) {
		kho_radix_forget_tree(tree);
		return ret;
	}
	tree->root = phys_to_virt(root);
	return 0;
}

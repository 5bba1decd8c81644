// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KHO radix tree: marking pages and giving them up.
 *
 * The algorithm and the format are those of mainline's kernel/liveupdate/
 * kexec_handover.c (3f2ad90060f6 "kho: adopt radix tree for preserved memory
 * tracking"); see include/kho/abi.h for the format.  A branch is built to its
 * full depth before it is linked in, so that a failed allocation leaves no
 * trace, and so that whoever reads the tree at any moment, the next kernel
 * above all, finds a whole one.
 *
 * The tests compile this file for userspace, with a page allocator that fails
 * on demand.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "radix.h"

/* A kernel that has KHO exports some of these names itself. */
#ifdef CONFIG_KEXEC_HANDOVER
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(name)
#endif

#define KEY_END		(2ULL << (64 - PAGE_SHIFT))
#define LEAF_BITS	KHO_LEAF_BITS(PAGE_SHIFT)
#define TABLE_BITS	KHO_TABLE_BITS(PAGE_SHIFT)
#define TOP_LEVEL	(KHO_TREE_MAX_DEPTH - 1)

static struct kho_radix_node *node_alloc(void)
{
	return (struct kho_radix_node *)get_zeroed_page(GFP_KERNEL);
}

static void node_free(struct kho_radix_node *node)
{
	free_page((unsigned long)node);
}

/* The owner of the tree learns of pages and nodes that come and go. */
static void watch(struct kho_radix_tree *tree, unsigned long pfn,
		  unsigned long nr_pages, bool kept)
{
	if (tree->watch)
		tree->watch(tree, pfn, nr_pages, kept);
}

static void watch_node(struct kho_radix_tree *tree,
		       const struct kho_radix_node *node, bool kept)
{
	watch(tree, PHYS_PFN(virt_to_phys((void *)node)), 1, kept);
}

static bool node_empty(const struct kho_radix_node *node)
{
	return !memchr_inv(node, 0, sizeof(*node));
}

static unsigned long *leaf_bits(struct kho_radix_node *node)
{
	return (unsigned long *)node;
}

static struct kho_radix_node *node_child(const struct kho_radix_node *node,
					 unsigned int i)
{
	return node->table[i] ? phys_to_virt(node->table[i]) : NULL;
}

static u64 key_of(unsigned long pfn, unsigned int order)
{
	return kho_key_encode(PAGE_SHIFT, (u64)pfn << PAGE_SHIFT, order);
}

static int check_page(const struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order)
{
	if (!tree->root || order > KHO_MAX_ORDER(PAGE_SHIFT))
		return -EINVAL;
	if ((u64)pfn >> (64 - PAGE_SHIFT))
		return -ERANGE;
	if ((u64)pfn & ((1ULL << order) - 1))
		return -EINVAL;
	return 0;
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
 * kho_radix_range_order() - how a range is cut into keys, here and in mainline
 * @pfn: number of the first page of what is left of it
 * @nr_pages: how many are left
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

/* The leaf of @key, or NULL. */
static struct kho_radix_node *find_leaf(const struct kho_radix_tree *tree,
					u64 key)
{
	struct kho_radix_node *node = tree->root;
	unsigned int level;

	for (level = TOP_LEVEL; level && node; level--)
		node = node_child(node, kho_key_index(PAGE_SHIFT, key, level));
	return node;
}

static bool has_key(const struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_node *leaf = find_leaf(tree, key);

	return leaf && test_bit(kho_key_index(PAGE_SHIFT, key, 0),
				leaf_bits(leaf));
}

/* The first key in the tree from @key on and before @end, or @end. */
static u64 next_key(const struct kho_radix_tree *tree, u64 key, u64 end)
{
	while (key < end) {
		struct kho_radix_node *node = tree->root;
		unsigned int level, bit;
		u64 span = 1;

		for (level = TOP_LEVEL; level; level--) {
			unsigned int i = kho_key_index(PAGE_SHIFT, key, level);
			unsigned int skip = i;

			while (skip < 1U << TABLE_BITS && !node->table[skip])
				skip++;
			if (skip > i) {
				span = 1ULL << (LEAF_BITS +
						(level - 1) * TABLE_BITS);
				key = (key & ~(span - 1)) + (skip - i) * span;
				break;
			}
			node = node_child(node, i);
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
	return min(key, end);
}

/* Is any page of this block marked under another order? */
static bool overlaps(const struct kho_radix_tree *tree, unsigned long pfn,
		     unsigned int order)
{
	unsigned int o;

	for (o = 0; o < KHO_NR_ORDERS; o++) {
		u64 key, end;

		if (o == order || !tree->nr_keys[o])
			continue;
		key = key_of((u64)pfn >> o << o, o);
		end = key + (o < order ? 1ULL << (order - o) : 1);
		if (next_key(tree, key, end) < end)
			return true;
	}
	return false;
}

/* Marks a key that is not there; -EEXIST if it is. */
static int insert(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_node *node = tree->root, *child = NULL;
	struct kho_radix_node *branch[KHO_TREE_MAX_DEPTH];
	unsigned int level, depth;

	for (level = TOP_LEVEL; level; level--) {
		child = node_child(node, kho_key_index(PAGE_SHIFT, key, level));
		if (!child)
			break;
		node = child;
	}

	if (!level) {
		if (__test_and_set_bit(kho_key_index(PAGE_SHIFT, key, 0),
				       leaf_bits(node)))
			return -EEXIST;
		return 0;
	}

	for (depth = 0; depth < level; depth++) {
		branch[depth] = node_alloc();
		if (!branch[depth])
			goto err_free_branch;
		if (depth)
			branch[depth]->table[kho_key_index(PAGE_SHIFT, key, depth)] =
				virt_to_phys(branch[depth - 1]);
		else
			__set_bit(kho_key_index(PAGE_SHIFT, key, 0),
				  leaf_bits(branch[0]));
	}
	WRITE_ONCE(node->table[kho_key_index(PAGE_SHIFT, key, level)],
		   virt_to_phys(branch[level - 1]));
	tree->nr_nodes += level;
	for (depth = 0; depth < level; depth++)
		watch_node(tree, branch[depth], true);
	return 0;

err_free_branch:
	while (depth--)
		node_free(branch[depth]);
	return -ENOMEM;
}

/* Gives up a key that is there, and the nodes that become empty by it. */
static int erase(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_node *path[KHO_TREE_MAX_DEPTH];
	unsigned int bit = kho_key_index(PAGE_SHIFT, key, 0);
	unsigned int level;

	path[TOP_LEVEL] = tree->root;
	for (level = TOP_LEVEL; level; level--) {
		path[level - 1] = node_child(path[level],
					     kho_key_index(PAGE_SHIFT, key, level));
		if (!path[level - 1])
			return -ENOENT;
	}
	if (!__test_and_clear_bit(bit, leaf_bits(path[0])))
		return -ENOENT;

	/* Most often the neighbours are marked: one look at the word tells. */
	if (leaf_bits(path[0])[bit / BITS_PER_LONG])
		return 0;
	for (level = 0; level < TOP_LEVEL && node_empty(path[level]); level++) {
		WRITE_ONCE(path[level + 1]->table[kho_key_index(PAGE_SHIFT, key,
								level + 1)], 0);
		watch_node(tree, path[level], false);
		node_free(path[level]);
		tree->nr_nodes--;
	}
	return 0;
}

static int add_locked(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order)
{
	int ret;

	lockdep_assert_held(&tree->lock);

	if (overlaps(tree, pfn, order))
		return -EBUSY;
	ret = insert(tree, key_of(pfn, order));
	if (ret)
		return ret;
	tree->nr_keys[order]++;
	tree->nr_pages += 1ULL << order;
	watch(tree, pfn, 1UL << order, true);
	return 0;
}

static int del_locked(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order)
{
	int ret;

	lockdep_assert_held(&tree->lock);

	ret = erase(tree, key_of(pfn, order));
	if (ret)
		return ret;
	tree->nr_keys[order]--;
	tree->nr_pages -= 1ULL << order;
	watch(tree, pfn, 1UL << order, false);
	return 0;
}

/**
 * kho_radix_add_page() - mark 2^@order pages
 * @tree: the tree
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: log2 of the number of pages, at most KHO_MAX_ORDER
 *
 * The pages are marked and no more: the caller sees to it that they stay what
 * they are.
 *
 * Context: may sleep; takes tree->lock.
 * Return: 0; -EEXIST if just these pages are marked already, -EBUSY if some
 * are marked under another order, -EINVAL for an order that does not exist or
 * a misaligned @pfn, -ERANGE for a @pfn that is no page number, -ENOMEM.
 * Nothing has changed after an error.
 */
int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	int ret;

	might_sleep();

	ret = check_page(tree, pfn, order);
	if (ret)
		return ret;

	mutex_lock(&tree->lock);
	ret = add_locked(tree, pfn, order);
	mutex_unlock(&tree->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_add_page);

/**
 * kho_radix_del_page() - take the mark off 2^@order pages
 * @tree: the tree
 * @pfn: number of the first page
 * @order: the order that they were marked under
 *
 * Allocates nothing.  Nodes that become empty are freed.
 *
 * Context: may sleep; takes tree->lock.
 * Return: 0; -ENOENT if they are not marked, -EINVAL and -ERANGE as for
 * kho_radix_add_page().  Nothing has changed after an error.
 */
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	int ret;

	might_sleep();

	ret = check_page(tree, pfn, order);
	if (ret)
		return ret;

	mutex_lock(&tree->lock);
	ret = del_locked(tree, pfn, order);
	mutex_unlock(&tree->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_del_page);

/**
 * kho_radix_has_page() - are these pages marked under this order?
 * @tree: the tree
 * @pfn: number of the first page
 * @order: the order
 *
 * Context: may sleep; takes tree->lock.
 * Return: true if so; false too for what can't be marked at all.
 */
bool kho_radix_has_page(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned int order)
{
	bool ret;

	might_sleep();

	if (check_page(tree, pfn, order))
		return false;

	mutex_lock(&tree->lock);
	ret = has_key(tree, key_of(pfn, order));
	mutex_unlock(&tree->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_has_page);

static void del_range_locked(struct kho_radix_tree *tree, unsigned long pfn,
			     unsigned long nr_pages)
{
	while (nr_pages) {
		unsigned int order = kho_radix_range_order(pfn, nr_pages);

		WARN_ON_ONCE(del_locked(tree, pfn, order));
		pfn += 1UL << order;
		nr_pages -= 1UL << order;
	}
}

/**
 * kho_radix_add_range() - mark adjacent pages, in blocks as large as they can be
 * @tree: the tree
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * The blocks are those that mainline's kho_preserve_pages() makes of a range
 * within one node: each as large as its alignment and what is left allow.
 *
 * Context: may sleep; takes tree->lock.
 * Return: as for kho_radix_add_page().  Nothing has changed after an error.
 */
int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages)
{
	unsigned long done = 0;
	int ret;

	might_sleep();

	ret = check_range(tree, pfn, nr_pages);
	if (ret)
		return ret;

	mutex_lock(&tree->lock);
	while (done < nr_pages) {
		unsigned int order = kho_radix_range_order(pfn + done, nr_pages - done);

		ret = add_locked(tree, pfn + done, order);
		if (ret)
			goto err_undo;
		done += 1UL << order;
	}
	mutex_unlock(&tree->lock);
	return 0;

err_undo:
	/*
	 * Cut by cut, not as a range of its own: a shorter range may be cut
	 * into other blocks.
	 */
	while (done) {
		unsigned long at = 0, last = 0;
		unsigned int order = 0;

		while (at < done) {
			last = at;
			order = kho_radix_range_order(pfn + at, nr_pages - at);
			at += 1UL << order;
		}
		WARN_ON_ONCE(del_locked(tree, pfn + last, order));
		done = last;
	}
	mutex_unlock(&tree->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_add_range);

/**
 * kho_radix_del_range() - take the marks off a range that was marked as one
 * @tree: the tree
 * @pfn: number of the first page, as it was for kho_radix_add_range()
 * @nr_pages: how many, as they were
 *
 * Context: may sleep; takes tree->lock.
 * Return: 0; -ENOENT if one of the blocks is not marked; -EINVAL, -ERANGE.
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

	mutex_lock(&tree->lock);
	while (done < nr_pages) {
		unsigned int order = kho_radix_range_order(pfn + done, nr_pages - done);

		if (!has_key(tree, key_of(pfn + done, order))) {
			ret = -ENOENT;
			goto out;
		}
		done += 1UL << order;
	}
	del_range_locked(tree, pfn, nr_pages);
out:
	mutex_unlock(&tree->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_del_range);

/**
 * kho_radix_walk_tree() - call @cb for each key
 * @tree: the tree
 * @cb: told the address and the order; must not change the tree
 *
 * Orders fall from one call to the next, addresses rise within an order.
 *
 * Context: may sleep; holds tree->lock across the calls.
 * Return: 0, the first result of @cb that was not 0, or -EINVAL for a tree
 * without a root.
 */
int kho_radix_walk_tree(struct kho_radix_tree *tree,
			kho_radix_tree_walk_callback_t cb)
{
	int ret = 0;
	u64 key;

	might_sleep();

	if (!tree->root)
		return -EINVAL;

	mutex_lock(&tree->lock);
	for (key = next_key(tree, 1, KEY_END); key < KEY_END && !ret;
	     key = next_key(tree, key + 1, KEY_END)) {
		unsigned int order = kho_key_order(PAGE_SHIFT, key);

		ret = cb(kho_key_phys(PAGE_SHIFT, key, order), order);
	}
	mutex_unlock(&tree->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_walk_tree);

/**
 * kho_radix_walk_range() - call @cb for each key that has a page in a range
 * @tree: the tree
 * @pfn: number of the first page
 * @nr_pages: how many
 * @cb: told the address, the order and @data; must not change the tree
 * @data: for @cb
 *
 * In the order of kho_radix_walk_tree().
 *
 * Context: may sleep; holds tree->lock across the calls.
 * Return: 0, the first result of @cb that was not 0, -EINVAL or -ERANGE.
 */
int kho_radix_walk_range(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned long nr_pages, kho_radix_range_callback_t cb,
			 void *data)
{
	unsigned int order;
	int ret;

	might_sleep();

	ret = check_range(tree, pfn, nr_pages);
	if (ret)
		return ret;

	mutex_lock(&tree->lock);
	for (order = KHO_NR_ORDERS; order-- && !ret; ) {
		u64 key = key_of((u64)pfn >> order << order, order);
		u64 end = key_of((pfn + nr_pages - 1) >> order << order, order) + 1;

		if (!tree->nr_keys[order])
			continue;
		for (key = next_key(tree, key, end); key < end && !ret;
		     key = next_key(tree, key + 1, end))
			ret = cb(kho_key_phys(PAGE_SHIFT, key, order), order,
				 data);
	}
	mutex_unlock(&tree->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_radix_walk_range);

/**
 * kho_radix_init_tree() - make an empty tree
 * @tree: what to fill in; may be uninitialised
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kho_radix_init_tree(struct kho_radix_tree *tree)
{
	memset(tree, 0, sizeof(*tree));
	mutex_init(&tree->lock);
	tree->root = node_alloc();
	if (!tree->root)
		return -ENOMEM;
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
	node_free(node);
}

/**
 * kho_radix_destroy_tree() - free all nodes
 * @tree: the tree; one that was never made, or failed to be, is let pass
 *
 * The pages that were marked are not touched.
 *
 * Context: may sleep; nobody else uses the tree any more.
 */
void kho_radix_destroy_tree(struct kho_radix_tree *tree)
{
	if (!tree->root)
		return;
	free_below(tree->root, TOP_LEVEL);
	tree->root = NULL;
	tree->nr_nodes = 0;
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

static int adopt_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	struct kho_radix_adopt *adopt = ctx;

	adopt->tree->nr_keys[order] += nr;
	adopt->tree->nr_pages += nr << order;
	return adopt->run ? adopt->run(adopt->data, phys, order, nr) : 0;
}

/**
 * kho_radix_adopt_tree() - make a tree of nodes that somebody else has written
 * @adopt: what the caller wants, and on KHO_WALK_BAD what was wrong
 * @root: physical address of the root node
 *
 * Nothing is believed before it is checked, by kho_walk_tree() and by the
 * caller's own callbacks.  Nothing is written either, apart from *adopt: after
 * an error the nodes are as they were, and the tree has no root.
 *
 * Context: may sleep.
 * Return: 0, KHO_WALK_BAD, or what a callback returned.
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

	adopt->walk.ops = &ops;
	adopt->walk.ctx = adopt;
	adopt->walk.shift = PAGE_SHIFT;
	ret = kho_walk_tree(&adopt->walk, root);
	if (ret)
		return ret;
	tree->root = phys_to_virt(root);
	return 0;
}

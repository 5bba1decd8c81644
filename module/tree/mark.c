// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KHO radix tree: marking and unmarking pages.
 *
 * A branch is complete before it is linked in.  So a failed allocation leaves no
 * trace, and the tree is consistent whenever somebody reads it, above all the next
 * kernel.
 *
 * Marks of base pages are written under the lock of their region.  A region is the
 * 2^KHO_LEAF_BITS pages of one leaf of order 0, so callers that mark pages of
 * different leaves do not wait for each other.  The same lock does for blocks of the
 * small orders: such a leaf covers many regions, but each of its words only one.
 * tree->lock is for rare changes: adding and removing nodes, and marking blocks of a
 * larger order.  Readers take no lock at all: nodes are freed by RCU.
 *
 * A call reads and writes each word of a leaf once for all of its marks there, and
 * walks from the root to a leaf once for all words of that leaf.
 */
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "block.h"
#include "node.h"
#include "word.h"

/* How many leaves are changed before others may run. */
#define RESCHED_AFTER	32

/* Pages of a word that one call of the watch reports: they must share a granule. */
#define WATCH_BITS \
	BIT(KHO_ENVELOPE_SHIFT - PAGE_SHIFT < 6 ? \
	    KHO_ENVELOPE_SHIFT - PAGE_SHIFT : 6)

/* Reports base pages of one word. */
static void watch_word(struct kho_radix_tree *tree, unsigned long pfn, u64 mask,
		       bool kept)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit += WATCH_BITS) {
		u64 part = mask & (~0ULL >> (64 - WATCH_BITS) << bit);

		if (part)
			watch(tree, pfn + __ffs64(part), hweight64(part), kept);
	}
}

static int check_run(const struct kho_radix_tree *tree, unsigned long pfn,
		     unsigned int order, unsigned long nr)
{
	int ret = check_page(tree, pfn, order);

	if (ret)
		return ret;
	if (!nr)
		return -EINVAL;
	if ((u64)nr > ((1ULL << (64 - PAGE_SHIFT)) - pfn) >> order)
		return -ERANGE;
	return 0;
}

/**
 * kho_radix_search_leaf() - search the tree for the leaf of a key
 * @tree: the tree
 * @slot: where to note the leaf
 * @key: the key
 * @number: number of the leaf
 *
 * Context: the region of @slot is locked.
 * Return: the leaf, or NULL.
 */
struct kho_radix_node *kho_radix_search_leaf(const struct kho_radix_tree *tree,
					     struct kho_radix_slot *slot, u64 key, u64 number)
{
	struct kho_radix_node *leaf;

	rcu_read_lock();
	leaf = find_leaf(tree, key);
	rcu_read_unlock();
	if (leaf) {
		slot->number = number;
		slot->leaf = leaf;
	}
	return leaf;
}

/**
 * struct change - a request to mark or unmark blocks, and its progress
 */
struct change {
	/** @tree: the tree to change. */
	struct kho_radix_tree *tree;
	/** @pfn: the first page of each block; NULL for a run. */
	const unsigned long *pfn;
	/** @first: the first page of a run. */
	unsigned long first;
	/** @nr: number of blocks. */
	unsigned long nr;
	/** @done: number of blocks that have been changed. */
	unsigned long done;
	/** @order: order of all blocks. */
	unsigned int order;
	/** @add: mark the blocks; otherwise unmark them. */
	bool add;
};

static unsigned long next_pfn(const struct change *c)
{
	return c->pfn ? c->pfn[c->done] : c->first + (c->done << c->order);
}

/* Returns how many of @nr bits from @bit on can be changed, up to the first bad one. */
static unsigned long count_good(const u64 *words, unsigned int bit,
				unsigned long nr, bool add)
{
	unsigned long at = bit, end = bit + nr;

	while (at < end) {
		u64 bad = refused(READ_ONCE(words[at / 64]), ~0ULL << (at % 64),
				  add);

		if (bad)
			return min(at - at % 64 + __ffs64(bad), end) - bit;
		at += 64 - at % 64;
	}
	return nr;
}

/* Returns how many words are empty before (@add) or after the change. */
static unsigned long change_all(u64 *words, unsigned int bit, unsigned long nr, bool add)
{
	unsigned long at = bit, end = bit + nr, empty = 0;

	while (at < end) {
		unsigned long n = min(end - at, 64 - at % 64);
		u64 *word = &words[at / 64], old = *word;

		change_bits(word, ~0ULL >> (64 - n) << (at % 64), add);
		empty += !(add ? old : *word);
		at += n;
	}
	return empty;
}

/*
 * Changes the rest of a run of base pages, as far as it lies in one leaf.  *@words is set
 * to how many words of the leaf were filled or emptied.
 */
static int change_run(struct change *c, struct kho_radix_node *leaf,
		      struct kho_radix_region *region, unsigned long *words)
{
	unsigned long pfn = next_pfn(c);
	unsigned int bit = pfn & (BIT(LEAF_BITS) - 1);
	unsigned long nr = min(c->nr - c->done, (1UL << LEAF_BITS) - bit);
	unsigned long good = count_good(leaf->table, bit, nr, c->add);
	int ret = 0;

	if (good < nr)
		ret = c->add ? -EEXIST : -ENOENT;
	/* The first bad page determines the result: find it. */
	if (c->add && good && overlaps_base(c->tree, region, pfn, good)) {
		ret = -EBUSY;
		for (nr = 0; nr < good && !overlaps_base(c->tree, region, pfn + nr, 1);)
			nr++;
		good = nr;
	}
	if (!good)
		return ret;
	*words = change_all(leaf->table, bit, good, c->add);
	count_base(region, good, c->add);
	watch(c->tree, pfn, good, c->add);
	c->done += good;
	return ret;
}

/* Changes the pages of a word up to the first that can't be changed. */
static int change_singly(struct change *c, const struct kho_radix_region *region, u64 *bits,
			 unsigned long nr, unsigned long *words)
{
	for (; nr--; c->done++) {
		unsigned long pfn = c->pfn[c->done];
		u64 mask = 1ULL << (pfn % 64);

		if (refused(*bits, mask, c->add))
			return c->add ? -EEXIST : -ENOENT;
		if (c->add && overlaps_base(c->tree, region, pfn, 1))
			return -EBUSY;
		*words += (*bits & ~mask) == 0;
		change_bits(bits, mask, c->add);
		watch(c->tree, pfn, 1, c->add);
	}
	return 0;
}

/*
 * Changes base pages of a batch, as far as they lie in one leaf.  Pages that are in
 * rising order within a word are changed at once.  *@words is as for change_run().
 */
static __always_inline int change_batch(struct change *c,
					struct kho_radix_node *leaf,
					struct kho_radix_region *region, bool add,
					unsigned long *words)
{
	const unsigned long *at = c->pfn + c->done, *end = c->pfn + c->nr, *first;
	unsigned long number = *at >> LEAF_BITS, before = c->done;
	int ret = 0;

	while (at < end && *at >> LEAF_BITS == number) {
		unsigned long base = *at & ~63UL, next;
		u64 mask = 1ULL << (*at & 63), *bits, old;

		for (first = at++; at < end; at++) {
			next = *at - base;
			/* This also catches pages below the word: @next wraps around. */
			if (next >= 64 || mask >> next)
				break;
			mask |= 1ULL << next;
		}
		bits = leaf_word(leaf, base);
		old = *bits;
		if (refused(old, mask, add) ||
		    (add && overlaps_base(c->tree, region, base, 64))) {
			ret = change_singly(c, region, bits, at - first, words);
			if (ret)
				break;
			continue;
		}
		WRITE_ONCE(*bits, old ^ mask);
		*words += add ? !old : old == mask;
		if (c->tree->watch)
			watch_word(c->tree, base, mask, add);
		c->done += at - first;
	}
	count_base(region, c->done - before, add);
	return ret;
}

/* Changes the next base pages, as far as they lie in one leaf, as change_base() does. */
static int change_leaf(struct change *c, bool *leaf_empty)
{
	unsigned long pfn = next_pfn(c), words = 0;
	unsigned int at = slot_of(pfn);
	struct kho_radix_region *region = region_at(c->tree, at);
	struct kho_radix_node *leaf;
	int ret = -EAGAIN;

	spin_lock(&region->lock);
	leaf = base_leaf(c->tree, &region->base[at % NR_SLOTS], pfn);
	if (!leaf)
		goto out;
	if (!c->pfn)
		ret = change_run(c, leaf, region, &words);
	else if (c->add)
		ret = change_batch(c, leaf, region, true, &words);
	else
		ret = change_batch(c, leaf, region, false, &words);
	if (words && c->add)
		words_filled(leaf, words);
	else if (words)
		*leaf_empty = words_emptied(leaf, words);
out:
	spin_unlock(&region->lock);
	return ret;
}

/**
 * kho_radix_change_block() - mark or unmark a block of several pages
 * @tree: the tree
 * @pfn: number of the first page
 * @order: log2 of the number of pages, above 0
 * @add: mark the block; otherwise unmark it
 * @leaf_empty: set to true if its leaf has become empty
 *
 * Context: tree->lock held; takes the lock of a region.
 * Return: as kho_radix_add_page() or kho_radix_del_page(); -EAGAIN if it has no leaf.
 */
int kho_radix_change_block(struct kho_radix_tree *tree, unsigned long pfn,
			   unsigned int order, bool add, bool *leaf_empty)
{
	struct kho_radix_region *region = region_of(tree, pfn);
	u64 key = key_of(pfn, order), mask = 1ULL << (key % 64), *bits, orders;
	struct kho_radix_node *leaf;
	int ret = 0;

	lockdep_assert_held(&tree->lock);

	if (is_small(order)) {
		ret = change_small(tree, pfn, order, add);
		if (ret != LEAF_EMPTY)
			return ret;
		*leaf_empty = true;
		return 0;
	}
	leaf = find_leaf(tree, key);
	if (!leaf)
		return -EAGAIN;
	bits = leaf_word(leaf, key);
	if (refused(*bits, mask, add))
		return add ? -EEXIST : -ENOENT;
	orders = kho_radix_orders(tree, pfn, 1ULL << order);
	/* Keeps others from marking parts of the block. */
	spin_lock(&region->lock);
	if (order <= LEAF_BITS)
		orders = orders_in(tree, region);
	if (add && overlaps(tree, orders, pfn, 1ULL << order, order)) {
		ret = -EBUSY;
	} else {
		change_bits(bits, mask, add);
		count_large(tree, order, add);
		watch(tree, pfn, 1UL << order, add);
	}
	spin_unlock(&region->lock);
	if (!ret && !*bits)
		*leaf_empty = leaf_is_empty(leaf, bits);
	return ret;
}

/* Unmarks a block again if somebody has marked a part of it meanwhile. */
static int recheck_block(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned int order, bool *leaf_empty)
{
	u64 orders;

	kho_radix_sync_regions(tree);
	orders = kho_radix_orders(tree, pfn, 1ULL << order);
	if (!overlaps(tree, orders, pfn, 1ULL << order, order))
		return 0;
	WARN_ON_ONCE(kho_radix_change_block(tree, pfn, order, false, leaf_empty));
	return -EBUSY;
}

/* Makes the next change where nodes may have to be added or removed. */
static int change_locked(struct change *c)
{
	struct kho_radix_tree *tree = c->tree;
	unsigned long pfn = next_pfn(c);
	u64 key = key_of(pfn, c->order);
	bool leaf_empty = false;
	int ret = 0;

	mutex_lock(&tree->lock);
	if (c->add)
		ret = kho_radix_grow(tree, key);
	if (!ret && !c->order)
		ret = change_leaf(c, &leaf_empty);
	else if (!ret)
		ret = kho_radix_change_block(tree, pfn, c->order, c->add, &leaf_empty);
	if (ret == -EAGAIN)
		ret = -ENOENT;
	if (!ret && c->add && c->order > LEAF_BITS)
		ret = recheck_block(tree, pfn, c->order, &leaf_empty);
	if (!ret && c->order)
		c->done++;
	if (ret || leaf_empty)
		kho_radix_prune(tree, pfn, c->order);
	mutex_unlock(&tree->lock);
	return ret;
}

static noinline int prune(struct kho_radix_tree *tree, unsigned long pfn, unsigned int order)
{
	mutex_lock(&tree->lock);
	kho_radix_prune(tree, pfn, order);
	mutex_unlock(&tree->lock);
	return 0;
}

/* Is the next page the only one of its leaf, as far as the batch is sorted? */
static bool is_alone(const struct change *c)
{
	return c->pfn && (c->done + 1 == c->nr ||
			  (c->pfn[c->done] ^ c->pfn[c->done + 1]) >> LEAF_BITS);
}

/* Makes the next change if only the lock of a region is needed for it, or -EAGAIN. */
static int change_next(struct change *c, unsigned long pfn, bool *leaf_empty)
{
	int ret;

	if (!c->order && !is_alone(c))
		return change_leaf(c, leaf_empty);
	if (!is_small(c->order))
		return -EAGAIN;
	if (c->order)
		ret = change_small(c->tree, pfn, c->order, c->add);
	else
		ret = change_base(c->tree, pfn, c->add);
	if (ret < 0)
		return ret;
	*leaf_empty = ret == LEAF_EMPTY;
	c->done++;
	return 0;
}

/* Makes all changes, up to the first error; c->done says how many. */
static int change(struct change *c)
{
	unsigned int calls = 0;
	int ret = 0;

	while (!ret && c->done < c->nr) {
		unsigned long pfn = next_pfn(c);
		bool leaf_empty = false;

		ret = check_page(c->tree, pfn, c->order);
		if (ret)
			break;
		ret = change_next(c, pfn, &leaf_empty);
		if (ret == -EAGAIN)
			ret = change_locked(c);
		else if (leaf_empty)
			prune(c->tree, pfn, c->order);
		if (!(++calls % RESCHED_AFTER))
			cond_resched();
	}
	return ret;
}

static noinline int add_run(struct kho_radix_tree *tree, unsigned long pfn,
			    unsigned int order, unsigned long nr)
{
	struct change c = {
		.tree = tree,
		.order = order,
		.add = true,
		.first = pfn,
		.nr = nr,
	};
	int ret = change(&c);

	if (ret && c.done) {
		c.add = false;
		c.nr = c.done;
		c.done = 0;
		WARN_ON_ONCE(change(&c));
	}
	return ret;
}

static noinline int del_run(struct kho_radix_tree *tree, unsigned long pfn,
			    unsigned int order, unsigned long nr)
{
	struct change c = {
		.tree = tree,
		.order = order,
		.first = pfn,
		.nr = nr,
	};

	return change(&c);
}

/* A function each for base pages and others, as few registers have to be saved then. */
static noinline int add_block(struct kho_radix_tree *tree, unsigned long pfn,
			      unsigned int order)
{
	int ret = check_page(tree, pfn, order);

	if (ret)
		return ret;
	ret = is_small(order) ? change_small(tree, pfn, order, true) : -EAGAIN;
	return ret == -EAGAIN ? add_run(tree, pfn, order, 1) : ret;
}

static noinline int del_block(struct kho_radix_tree *tree, unsigned long pfn,
			      unsigned int order)
{
	int ret = check_page(tree, pfn, order);

	if (ret)
		return ret;
	ret = is_small(order) ? change_small(tree, pfn, order, false) : -EAGAIN;
	if (ret == LEAF_EMPTY)
		ret = prune(tree, pfn, order);
	return ret == -EAGAIN ? del_run(tree, pfn, order, 1) : ret;
}

static __always_inline int add_base(struct kho_radix_tree *tree, unsigned long pfn)
{
	int ret = check_page(tree, pfn, 0);

	if (unlikely(ret))
		return ret;
	ret = change_base(tree, pfn, true);
	return unlikely(ret == -EAGAIN) ? add_run(tree, pfn, 0, 1) : ret;
}

static __always_inline int del_base(struct kho_radix_tree *tree, unsigned long pfn)
{
	int ret = check_page(tree, pfn, 0);

	if (unlikely(ret))
		return ret;
	ret = change_base(tree, pfn, false);
	if (unlikely(ret == LEAF_EMPTY))
		return prune(tree, pfn, 0);
	return ret == -EAGAIN ? -ENOENT : ret;
}

/* Returns how many blocks from the first on are marked, within its leaf. */
static unsigned long count_run(const struct kho_radix_tree *tree,
			       unsigned long pfn, unsigned int order,
			       unsigned long nr)
{
	u64 key = key_of(pfn, order);
	unsigned int bit = kho_key_index(PAGE_SHIFT, key, 0);
	struct kho_radix_node *leaf;

	nr = min(nr, (1UL << LEAF_BITS) - bit);
	rcu_read_lock();
	leaf = find_leaf(tree, key);
	nr = leaf ? count_good(leaf->table, bit, nr, false) : 0;
	rcu_read_unlock();
	return nr;
}

/**
 * kho_radix_has_run() - are all of these adjacent blocks marked?
 * @tree: the tree
 * @pfn: number of the first page of the first block
 * @order: log2 of the number of pages of a block
 * @nr: number of blocks
 *
 * Context: any.
 */
bool kho_radix_has_run(const struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order, unsigned long nr)
{
	while (nr) {
		unsigned long n = count_run(tree, pfn, order, nr);

		if (!n)
			return false;
		pfn += n << order;
		nr -= n;
	}
	return true;
}

/**
 * kho_radix_add_page() - mark 2^@order pages
 * @tree: the tree
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: log2 of the number of pages, at most KHO_MAX_ORDER
 *
 * This only marks the pages: the caller must make sure that they are not freed or
 * reused.
 *
 * Context: may sleep; takes the lock of a region, possibly after tree->lock.
 * Return: 0; -EEXIST if exactly this block is already marked; -EBUSY if some of its
 * pages are marked under another order; -EINVAL for an order that does not exist or a
 * misaligned @pfn; -ERANGE if @pfn is too large for a page number; -ENOMEM.  Nothing
 * has changed after an error.
 */
int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	might_sleep();

	return order ? add_block(tree, pfn, order) : add_base(tree, pfn);
}
EXPORT_SYMBOL_GPL(kho_radix_add_page);

/**
 * kho_radix_del_page() - unmark 2^@order pages
 * @tree: the tree
 * @pfn: number of the first page
 * @order: the order that they were marked under
 *
 * Allocates nothing.  Nodes that become empty are freed.
 *
 * Context: may sleep; takes the lock of a region, and maybe tree->lock.
 * Return: 0; -ENOENT if they are not marked; -EINVAL or -ERANGE as for
 * kho_radix_add_page().  Nothing has changed after an error.
 */
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	might_sleep();

	return order ? del_block(tree, pfn, order) : del_base(tree, pfn);
}
EXPORT_SYMBOL_GPL(kho_radix_del_page);

/**
 * kho_radix_add_run() - mark adjacent blocks of the same order
 * @tree: the tree
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: log2 of the number of pages of a block
 * @nr: number of blocks
 *
 * Does the same as @nr calls of kho_radix_add_page(), at the cost of one call per word
 * of marks.
 *
 * Context: may sleep; locks as kho_radix_add_page(), one region after the other.
 * Return: as kho_radix_add_page(), and -EINVAL if @nr is 0.  After an error all changes
 * have been undone, but others may have seen some of them.
 */
int kho_radix_add_run(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order, unsigned long nr)
{
	might_sleep();

	return check_run(tree, pfn, order, nr) ?: add_run(tree, pfn, order, nr);
}
EXPORT_SYMBOL_GPL(kho_radix_add_run);

/**
 * kho_radix_del_run() - unmark adjacent blocks of the same order
 * @tree: the tree
 * @pfn: number of the first page
 * @order: the order that they were marked under
 * @nr: number of blocks
 *
 * The caller must own the marks: this function first checks that all of them exist, and
 * nobody else may delete any of them meanwhile.
 *
 * Context: as kho_radix_add_run().
 * Return: 0; -ENOENT if a block is not marked; -EINVAL; -ERANGE.  Nothing has changed
 * after an error.
 */
int kho_radix_del_run(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order, unsigned long nr)
{
	int ret;

	might_sleep();

	ret = check_run(tree, pfn, order, nr);
	if (ret)
		return ret;
	if (nr > 1 && !kho_radix_has_run(tree, pfn, order, nr))
		return -ENOENT;
	return del_run(tree, pfn, order, nr);
}
EXPORT_SYMBOL_GPL(kho_radix_del_run);

static int change_pages(struct kho_radix_tree *tree, const unsigned long *pfn,
			unsigned long nr, unsigned int order, bool add,
			unsigned long *done)
{
	struct change c = {
		.tree = tree,
		.order = order,
		.add = add,
		.pfn = pfn,
		.nr = nr,
	};
	int ret;

	might_sleep();

	ret = change(&c);
	*done = c.done;
	return ret;
}

/**
 * kho_radix_add_batch() - mark blocks of pages of one order
 * @tree: the tree
 * @pfn: numbers of their first pages, in any order; rising order is fastest
 * @nr: number of blocks
 * @order: log2 of the number of pages of a block
 * @done: set to the number of blocks marked: after an error, those before @pfn[@done]
 *
 * Context: may sleep; locks as kho_radix_add_page(), one region after the other.
 * Return: as kho_radix_add_page() for @pfn[@done].
 */
int kho_radix_add_batch(struct kho_radix_tree *tree, const unsigned long *pfn,
			unsigned long nr, unsigned int order, unsigned long *done)
{
	return change_pages(tree, pfn, nr, order, true, done);
}
EXPORT_SYMBOL_GPL(kho_radix_add_batch);

/**
 * kho_radix_del_batch() - unmark blocks of one order
 * @tree: the tree
 * @pfn: numbers of their first pages, in any order; rising order is fastest
 * @nr: number of blocks
 * @order: the order that they were marked under
 * @done: set to the number of blocks unmarked: after an error, those before
 * @pfn[@done]
 *
 * Context: as kho_radix_add_batch().
 * Return: as kho_radix_del_page() for @pfn[@done].
 */
int kho_radix_del_batch(struct kho_radix_tree *tree, const unsigned long *pfn,
			unsigned long nr, unsigned int order, unsigned long *done)
{
	return change_pages(tree, pfn, nr, order, false, done);
}
EXPORT_SYMBOL_GPL(kho_radix_del_batch);

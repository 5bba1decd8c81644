// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KHO radix tree: marking pages and giving them up.
 *
 * A branch is built to its full depth before it is linked in, so that a failed
 * allocation leaves no trace, and so that whoever reads the tree at any moment,
 * the next kernel above all, finds a whole one.
 *
 * Marks of base pages are written under the lock of their region,
 * 2^KHO_LEAF_BITS pages, which are just the pages of one leaf of order 0: who
 * marks pages of other leaves is not held up.  tree->lock is for what is rare:
 * nodes that come and go, and blocks of a larger order, a leaf of which has pages
 * of many regions.  Readers take no lock at all; nodes are freed when no reader
 * can be in them any more (RCU).
 *
 * A word of a leaf is read and written once for all marks in it that a call is
 * about, and the way from the root to a leaf is gone once for all words.
 */
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "node.h"
#include "word.h"

/* Pages of a word that the owner is told of in one go: of one block of its. */
#define WATCH_BITS \
	BIT(KHO_ENVELOPE_SHIFT - PAGE_SHIFT < 6 ? \
	    KHO_ENVELOPE_SHIFT - PAGE_SHIFT : 6)

/* Base pages of a word. */
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

static struct kho_radix_node *find_base_leaf(const struct kho_radix_tree *tree,
					     struct kho_radix_region *region,
					     unsigned long pfn)
{
	rcu_read_lock();
	region->leaf = find_leaf(tree, key_of(pfn, 0));
	rcu_read_unlock();
	region->number = pfn >> LEAF_BITS;
	return region->leaf;
}

/*
 * The leaf of a base page, or NULL.  Most often it is that of the call before:
 * under the lock of its region, no leaf goes away.
 */
static __always_inline struct kho_radix_node *
base_leaf(const struct kho_radix_tree *tree, struct kho_radix_region *region,
	  unsigned long pfn)
{
	lockdep_assert_held(&region->lock);

	if (likely(region->leaf && region->number == pfn >> LEAF_BITS))
		return region->leaf;
	return find_base_leaf(tree, region, pfn);
}

/* Is any of these pages marked under another order? */
static bool overlaps(const struct kho_radix_tree *tree, unsigned long pfn,
		     u64 nr_pages, unsigned int order)
{
	/* There may be keys of order 0 at any time. */
	u64 orders = (READ_ONCE(tree->orders) | 1) & ~(1ULL << order);
	unsigned long last = pfn + (nr_pages - 1);

	for (; orders; orders &= orders - 1) {
		unsigned int o = __ffs64(orders);
		u64 key = key_of((u64)pfn >> o << o, o);
		u64 end = key_of((u64)last >> o << o, o) + 1;

		if (kho_radix_next_key(tree, key, end) < end)
			return true;
	}
	return false;
}

/* Is any page marked under another order than 0?  Most often there is none. */
static __always_inline bool overlaps_base(const struct kho_radix_tree *tree,
					  unsigned long pfn,
					  unsigned long nr_pages)
{
	return READ_ONCE(tree->orders) && overlaps(tree, pfn, nr_pages, 0);
}

/* A word is empty now.  Its neighbours tell most often that the leaf is not. */
static __always_inline bool leaf_thin(const struct kho_radix_node *leaf, const u64 *bits)
{
	if (bits > leaf->table && bits[-1])
		return false;
	if (bits < leaf->table + ARRAY_SIZE(leaf->table) - 1 && bits[1])
		return false;
	return node_empty(leaf);
}

/*
 * A base page, whose leaf is there: the way that most calls go.  Returns
 * -EAGAIN if it is not; @thin says that nothing is left in it.
 */
static __always_inline int change_base(struct kho_radix_tree *tree,
				       unsigned long pfn, bool add, bool *thin)
{
	struct kho_radix_region *region = region_of(tree, pfn);
	u64 mask = 1ULL << (pfn % 64), *bits;
	struct kho_radix_node *leaf;
	int ret = -EAGAIN;

	spin_lock(&region->lock);
	leaf = base_leaf(tree, region, pfn);
	if (!leaf)
		goto out;
	bits = leaf_word(leaf, pfn);
	if (refused(*bits, mask, add)) {
		ret = add ? -EEXIST : -ENOENT;
		goto out;
	}
	ret = -EBUSY;
	if (add && overlaps_base(tree, pfn, 1))
		goto out;
	ret = 0;
	change_bits(bits, mask, add);
	count_base(region, 1, add);
	watch(tree, pfn, 1, add);
	if (!add && !*bits)
		*thin = leaf_thin(leaf, bits);
out:
	spin_unlock(&region->lock);
	return ret;
}

/**
 * struct change - what a call is about, and how far it has come
 */
struct change {
	/** @tree: to be changed. */
	struct kho_radix_tree *tree;
	/** @pfn: pages, or NULL: those from @first on, side by side. */
	const unsigned long *pfn;
	/** @first: of a run. */
	unsigned long first;
	/** @nr: how many blocks. */
	unsigned long nr;
	/** @done: how many of them are marked, or are no more. */
	unsigned long done;
	/** @order: of all its pages. */
	unsigned int order;
	/** @add: marks are set; otherwise they are taken off. */
	bool add;
};

static unsigned long next_pfn(const struct change *c)
{
	return c->pfn ? c->pfn[c->done] : c->first + (c->done << c->order);
}

/* How many of @nr bits from @bit on can be changed? */
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

static void change_all(u64 *words, unsigned int bit, unsigned long nr, bool add)
{
	unsigned long at = bit, end = bit + nr;

	while (at < end) {
		unsigned long n = min(end - at, 64 - at % 64);

		change_bits(&words[at / 64], ~0ULL >> (64 - n) << (at % 64), add);
		at += n;
	}
}

/* What is left of a run of base pages, as far as it is in one leaf. */
static int change_run(struct change *c, struct kho_radix_node *leaf,
		      struct kho_radix_region *region)
{
	unsigned long pfn = next_pfn(c);
	unsigned int bit = pfn & (BIT(LEAF_BITS) - 1);
	unsigned long nr = min(c->nr - c->done, (1UL << LEAF_BITS) - bit);
	unsigned long good = count_good(leaf->table, bit, nr, c->add);
	int ret = 0;

	if (good < nr)
		ret = c->add ? -EEXIST : -ENOENT;
	/* The first that is wrong counts, so then they are looked at singly. */
	if (c->add && good && overlaps_base(c->tree, pfn, good)) {
		ret = -EBUSY;
		for (nr = 0; nr < good && !overlaps_base(c->tree, pfn + nr, 1);)
			nr++;
		good = nr;
	}
	if (!good)
		return ret;
	change_all(leaf->table, bit, good, c->add);
	count_base(region, good, c->add);
	watch(c->tree, pfn, good, c->add);
	c->done += good;
	return ret;
}

/* Pages of one word that can't all be changed: those before the first bad one. */
static int change_singly(struct change *c, u64 *bits, unsigned long nr)
{
	for (; nr--; c->done++) {
		unsigned long pfn = c->pfn[c->done];
		u64 mask = 1ULL << (pfn % 64);

		if (refused(*bits, mask, c->add))
			return c->add ? -EEXIST : -ENOENT;
		if (c->add && overlaps_base(c->tree, pfn, 1))
			return -EBUSY;
		change_bits(bits, mask, c->add);
		watch(c->tree, pfn, 1, c->add);
	}
	return 0;
}

/*
 * Base pages of a batch, as far as they are in one leaf.  Those that rise within
 * a word are changed at once.
 */
static __always_inline int change_batch(struct change *c,
					struct kho_radix_node *leaf,
					struct kho_radix_region *region, bool add)
{
	const unsigned long *at = c->pfn + c->done, *end = c->pfn + c->nr, *first;
	unsigned long number = *at >> LEAF_BITS, before = c->done;
	int ret = 0;

	while (at < end && *at >> LEAF_BITS == number) {
		unsigned long base = *at & ~63UL, next;
		u64 mask = 1ULL << (*at & 63), *bits;

		for (first = at++; at < end; at++) {
			next = *at - base;
			/* Also if it is lower than all of the word. */
			if (next >= 64 || mask >> next)
				break;
			mask |= 1ULL << next;
		}
		bits = leaf_word(leaf, base);
		if (refused(*bits, mask, add) ||
		    (add && overlaps_base(c->tree, base, 64))) {
			ret = change_singly(c, bits, at - first);
			if (ret)
				break;
			continue;
		}
		change_bits(bits, mask, add);
		if (c->tree->watch)
			watch_word(c->tree, base, mask, add);
		c->done += at - first;
	}
	count_base(region, c->done - before, add);
	return ret;
}

/* What comes next of base pages, in one leaf; as change_base(). */
static int change_leaf(struct change *c, bool *thin)
{
	unsigned long pfn = next_pfn(c);
	struct kho_radix_region *region = region_of(c->tree, pfn);
	struct kho_radix_node *leaf;
	int ret = -EAGAIN;

	spin_lock(&region->lock);
	leaf = base_leaf(c->tree, region, pfn);
	if (!leaf)
		goto out;
	if (!c->pfn)
		ret = change_run(c, leaf, region);
	else if (c->add)
		ret = change_batch(c, leaf, region, true);
	else
		ret = change_batch(c, leaf, region, false);
	if (!c->add)
		*thin = node_empty(leaf);
out:
	spin_unlock(&region->lock);
	return ret;
}

/**
 * kho_radix_change_block() - mark a block of several pages, or take its mark off
 * @tree: the tree
 * @pfn: number of the first page
 * @order: log2 of how many, above 0
 * @add: mark it
 * @thin: set to true if nothing is left in its leaf
 *
 * Context: tree->lock held.
 * Return: as kho_radix_add_page() or kho_radix_del_page(); -EAGAIN if its leaf is not there.
 */
int kho_radix_change_block(struct kho_radix_tree *tree, unsigned long pfn,
			   unsigned int order, bool add, bool *thin)
{
	struct kho_radix_region *region = region_of(tree, pfn);
	u64 key = key_of(pfn, order), mask = 1ULL << (key % 64), *bits;
	struct kho_radix_node *leaf = find_leaf(tree, key);
	int ret = 0;

	lockdep_assert_held(&tree->lock);

	if (!leaf)
		return -EAGAIN;
	bits = leaf_word(leaf, key);
	if (refused(*bits, mask, add))
		return add ? -EEXIST : -ENOENT;
	/* Against those who mark base pages of it. */
	spin_lock(&region->lock);
	if (add && overlaps(tree, pfn, 1ULL << order, order)) {
		ret = -EBUSY;
	} else {
		change_bits(bits, mask, add);
		count_keys(tree, order, add);
		watch(tree, pfn, 1UL << order, add);
	}
	spin_unlock(&region->lock);
	if (!ret && !*bits)
		*thin = leaf_thin(leaf, bits);
	return ret;
}

/* Takes what was just marked back if others have marked a part of it as well. */
static int settle_block(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned int order, bool *thin)
{
	kho_radix_settle(tree);
	if (!overlaps(tree, pfn, 1ULL << order, order))
		return 0;
	WARN_ON_ONCE(kho_radix_change_block(tree, pfn, order, false, thin));
	return -EBUSY;
}

/* Changes what comes next where nodes may have to come or go. */
static int change_locked(struct change *c)
{
	struct kho_radix_tree *tree = c->tree;
	unsigned long pfn = next_pfn(c);
	u64 key = key_of(pfn, c->order);
	bool thin = false;
	int ret = 0;

	mutex_lock(&tree->lock);
	if (c->add)
		ret = kho_radix_grow(tree, key);
	if (!ret && !c->order)
		ret = change_leaf(c, &thin);
	else if (!ret)
		ret = kho_radix_change_block(tree, pfn, c->order, c->add, &thin);
	if (ret == -EAGAIN)
		ret = -ENOENT;
	if (!ret && c->add && c->order > LEAF_BITS)
		ret = settle_block(tree, pfn, c->order, &thin);
	if (!ret && c->order)
		c->done++;
	if (ret || thin)
		kho_radix_prune(tree, key, pfn);
	mutex_unlock(&tree->lock);
	return ret;
}

static void prune_base(struct kho_radix_tree *tree, unsigned long pfn)
{
	mutex_lock(&tree->lock);
	kho_radix_prune(tree, key_of(pfn, 0), pfn);
	mutex_unlock(&tree->lock);
}

/* Until all is done, or something can't be: c->done blocks are changed then. */
static int change(struct change *c)
{
	int ret = 0;

	while (!ret && c->done < c->nr) {
		unsigned long pfn = next_pfn(c);
		bool thin = false;

		ret = check_page(c->tree, pfn, c->order);
		if (ret)
			break;
		ret = c->order ? -EAGAIN : change_leaf(c, &thin);
		if (ret == -EAGAIN)
			ret = change_locked(c);
		else if (thin)
			prune_base(c->tree, pfn);
		if (c->nr > 1)
			cond_resched();
	}
	return ret;
}

static int add_run(struct kho_radix_tree *tree, unsigned long pfn,
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

static int del_run(struct kho_radix_tree *tree, unsigned long pfn,
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

static __always_inline int add_block(struct kho_radix_tree *tree,
				     unsigned long pfn, unsigned int order)
{
	int ret = -EAGAIN;

	if (!order)
		ret = change_base(tree, pfn, true, NULL);
	return ret == -EAGAIN ? add_run(tree, pfn, order, 1) : ret;
}

static __always_inline int del_block(struct kho_radix_tree *tree,
				     unsigned long pfn, unsigned int order)
{
	bool thin = false;
	int ret;

	if (order)
		return del_run(tree, pfn, order, 1);
	ret = change_base(tree, pfn, false, &thin);
	if (thin)
		prune_base(tree, pfn);
	return ret == -EAGAIN ? -ENOENT : ret;
}

/* How many from the first on are marked, in its leaf at most? */
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
 * kho_radix_has_run() - are these blocks all marked?
 * @tree: the tree
 * @pfn: number of the first page of the first
 * @order: log2 of the pages of each
 * @nr: how many blocks
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
 * The pages are marked and no more: the caller sees to it that they stay what
 * they are.
 *
 * Context: may sleep; takes the lock of a region, or tree->lock and then that.
 * Return: 0; -EEXIST if just these pages are marked already, -EBUSY if some
 * are marked under another order, -EINVAL for an order that does not exist or
 * a misaligned @pfn, -ERANGE for a @pfn that is no page number, -ENOMEM.
 * Nothing has changed after an error.
 */
int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	might_sleep();

	return check_page(tree, pfn, order) ?: add_block(tree, pfn, order);
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
 * Context: may sleep; takes the lock of a region, or tree->lock and then that.
 * Return: 0; -ENOENT if they are not marked, -EINVAL and -ERANGE as for
 * kho_radix_add_page().  Nothing has changed after an error.
 */
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order)
{
	might_sleep();

	return check_page(tree, pfn, order) ?: del_block(tree, pfn, order);
}
EXPORT_SYMBOL_GPL(kho_radix_del_page);

/**
 * kho_radix_add_run() - mark blocks of pages that lie side by side, each by itself
 * @tree: the tree
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: log2 of the number of pages of a block
 * @nr: how many blocks
 *
 * As @nr calls of kho_radix_add_page(), at the cost of one per word of marks.
 *
 * Context: may sleep; locks as kho_radix_add_page(), a region after the other.
 * Return: as kho_radix_add_page(), and -EINVAL if @nr is 0.  Nothing stays
 * changed after an error; others may see a part of it until then.
 */
int kho_radix_add_run(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order, unsigned long nr)
{
	might_sleep();

	return check_run(tree, pfn, order, nr) ?: add_run(tree, pfn, order, nr);
}
EXPORT_SYMBOL_GPL(kho_radix_add_run);

/**
 * kho_radix_del_run() - take the marks off blocks that lie side by side
 * @tree: the tree
 * @pfn: number of the first page
 * @order: the order that they were marked under
 * @nr: how many blocks
 *
 * Whoever deletes has to own the marks: it is looked first whether all are
 * there, and nobody else may delete them meanwhile.
 *
 * Context: as kho_radix_add_run().
 * Return: 0; -ENOENT if one is not marked, and then nothing has changed;
 * -EINVAL, -ERANGE.
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
 * @pfn: numbers of their first pages, in any order; rising ones are fastest
 * @nr: how many
 * @order: log2 of the number of pages of a block
 * @done: set to how many were marked: after an error, those before @pfn[@done]
 *
 * Context: may sleep; locks as kho_radix_add_page(), a region after the other.
 * Return: as kho_radix_add_page() for @pfn[@done].
 */
int kho_radix_add_batch(struct kho_radix_tree *tree, const unsigned long *pfn,
			unsigned long nr, unsigned int order, unsigned long *done)
{
	return change_pages(tree, pfn, nr, order, true, done);
}
EXPORT_SYMBOL_GPL(kho_radix_add_batch);

/**
 * kho_radix_del_batch() - take the marks off blocks of one order
 * @tree: the tree
 * @pfn: numbers of their first pages, in any order; rising ones are fastest
 * @nr: how many
 * @order: the order that they were marked under
 * @done: set to how many are marked no more: after an error, those before
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

/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Reads a KHO tree that someone else has written.
 *
 * Every word of such a tree is hostile until checked.  The walk decodes no key that
 * cannot exist, enters no node twice on one path, and enters no subtree whose keys
 * cannot exist.  The last rule also bounds its time: a node is entered only for
 * keys with addresses below w->end, so however the nodes point to each other, the
 * walk visits no more nodes than a valid tree of a machine with that much memory
 * would have.
 *
 * The boot stub, the module, khoctl and the tests all read trees with this walk.
 */
#ifndef KHO_WALK_H
#define KHO_WALK_H

#include "abi.h"

/* The boot stub makes these functions __init. */
#ifndef KHO_FN
#define KHO_FN static inline
#endif

/**
 * struct kho_walk_ops - how to read nodes, and what to report
 */
struct kho_walk_ops {
	/**
	 * @map: maps the page-sized node at physical address @phys, or returns
	 * NULL.  At most KHO_TREE_DEPTH_MAX nodes are mapped at a time, and the
	 * last one is unmapped first.
	 */
	const void *(*map)(void *ctx, __u64 phys);
	/** @unmap: unmaps a node.  Optional. */
	void (*unmap)(void *ctx, const void *node);
	/**
	 * @node: called for each node before it is mapped; @level 0 is a leaf.
	 * A nonzero result ends the walk and is its result.  Optional.
	 */
	int (*node)(void *ctx, __u64 phys, unsigned int level);
	/**
	 * @run: called for @nr adjacent blocks of 2^@order pages from @phys on,
	 * each with a key of its own.  Higher orders come first, and lower
	 * addresses first within an order; no run extends beyond its leaf.
	 * A nonzero result ends the walk and is its result.  Optional.
	 */
	int (*run)(void *ctx, __u64 phys, unsigned int order, __u64 nr);
};

/**
 * struct kho_walk - one walk
 */
struct kho_walk {
	/** @ops: see above. */
	const struct kho_walk_ops *ops;
	/** @ctx: passed to each of @ops. */
	void *ctx;
	/** @shift: page shift. */
	unsigned int shift;
	/** @end: end of all memory; no address from here on is valid. */
	__u64 end;
	/** @why: what was wrong, after a result of KHO_WALK_BAD. */
	const char *why;
	/** @where: physical address of the node that @why refers to. */
	__u64 where;
	/** @value: the value that was wrong. */
	__u64 value;
	/** @path: the nodes from the root down to the current one, by level. */
	__u64 path[KHO_TREE_DEPTH_MAX];
};

/* The tree is invalid: see @why, @where and @value.  Not an errno. */
#define KHO_WALK_BAD	(-4096)

KHO_FN int kho_walk_bad(struct kho_walk *w, const char *why, __u64 where,
			__u64 value)
{
	w->why = why;
	w->where = where;
	w->value = value;
	return KHO_WALK_BAD;
}

/*
 * Returns the end of the run of equal bits that starts at @bit, at most @max.
 * @flip is 0 for a run of zeros, all ones for a run of ones.
 */
KHO_FN unsigned int kho_walk_skip(const __u64 *words, unsigned int bit,
				  unsigned int max, __u64 flip)
{
	while (bit < max) {
		__u64 word = (words[bit / 64] ^ flip) >> (bit % 64);

		if (word) {
			bit += __builtin_ctzll(word);
			break;
		}
		bit = (bit / 64 + 1) * 64;
	}
	return bit < max ? bit : max;
}

KHO_FN int kho_walk_leaf(struct kho_walk *w, __u64 phys, const __u64 *words,
			 __u64 start)
{
	unsigned int max = 1U << KHO_LEAF_BITS(w->shift);
	unsigned int bit = 0;

	for (;;) {
		unsigned int last = max;
		__u64 key, addr;
		int order, ret;

		bit = kho_walk_skip(words, bit, max, 0);
		if (bit == max)
			return 0;

		key = start | bit;
		order = kho_key_order(w->shift, key);
		if (order < 0)
			return kho_walk_bad(w, "a key of an order that does not exist",
					    phys, key);

		/* The leaf for key 0 has several orders; no run spans two of them. */
		if (!start && 2 * ((__u64)1 << (63 - __builtin_clzll(key))) < max)
			last = 2U << (63 - __builtin_clzll(key));
		last = kho_walk_skip(words, bit, last, ~(__u64)0);

		addr = kho_key_phys(w->shift, key, order);
		if (addr >= w->end ||
		    (w->end - addr) >> (w->shift + order) < last - bit)
			return kho_walk_bad(w, "a key beyond the end of memory",
					    phys, key);

		if (w->ops->run) {
			ret = w->ops->run(w->ctx, addr, order, last - bit);
			if (ret)
				return ret;
		}
		bit = last;
	}
}

KHO_FN int kho_walk_node(struct kho_walk *w, __u64 phys, unsigned int level,
			 __u64 start)
{
	unsigned int top = KHO_TREE_DEPTH(w->shift) - 1;
	unsigned int i, bits;
	const __u64 *node;
	int ret;

	if (phys & (((__u64)1 << w->shift) - 1))
		return kho_walk_bad(w, "a node address that is not page-aligned",
				    level < top ? w->path[level + 1] : 0, phys);
	if (phys >= w->end)
		return kho_walk_bad(w, "a node beyond the end of memory",
				    level < top ? w->path[level + 1] : 0, phys);
	for (i = top; i > level; i--)
		if (w->path[i] == phys)
			return kho_walk_bad(w, "a node that leads back to itself",
					    w->path[level + 1], phys);
	w->path[level] = phys;

	if (w->ops->node) {
		ret = w->ops->node(w->ctx, phys, level);
		if (ret)
			return ret;
	}
	node = w->ops->map(w->ctx, phys);
	if (!node)
		return kho_walk_bad(w, "a node that cannot be read", phys, phys);

	if (!level) {
		ret = kho_walk_leaf(w, phys, node, start);
		goto out;
	}

	bits = KHO_LEAF_BITS(w->shift) + (level - 1) * KHO_TABLE_BITS(w->shift);
	ret = 0;
	for (i = 0; i < 1U << KHO_TABLE_BITS(w->shift) && !ret; i++) {
		__u64 first = start | (__u64)i << bits;
		int order;

		if (!node[i])
			continue;
		/*
		 * In every subtree but the first, all keys are of one order, and
		 * the first key has the lowest address.
		 */
		order = kho_key_order(w->shift, first);
		if (first && order < 0)
			ret = kho_walk_bad(w, "an entry for keys that do not exist",
					   phys, i);
		else if (first && kho_key_phys(w->shift, first, order) >= w->end)
			ret = kho_walk_bad(w, "an entry for keys beyond the end of memory",
					   phys, i);
		else
			ret = kho_walk_node(w, node[i], level - 1, first);
	}
out:
	if (w->ops->unmap)
		w->ops->unmap(w->ctx, node);
	return ret;
}

/**
 * kho_walk_tree() - read an untrusted tree
 * @w: the caller sets ops, ctx, shift and end
 * @root: physical address of the root node
 *
 * Context: whatever the ops need.  Recurses once per level.
 * Return: 0, the nonzero result of an op, or KHO_WALK_BAD with @w->why set.
 */
KHO_FN int kho_walk_tree(struct kho_walk *w, __u64 root)
{
	if (!root)
		return kho_walk_bad(w, "no root", 0, 0);
	return kho_walk_node(w, root, KHO_TREE_DEPTH(w->shift) - 1, 0);
}

#endif /* KHO_WALK_H */

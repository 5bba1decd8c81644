/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Reading a KHO tree that somebody else has written.
 *
 * Every word of such a tree is hostile until checked.  The walk below decodes
 * no key that cannot exist, follows no node twice on one path, and goes into
 * no subtree whose keys cannot exist.  That last rule also bounds its time: a
 * node can be entered only for keys below w->end, so however the nodes point
 * at each other, there are no more visits than an honest tree of a machine
 * with that much memory would need.
 *
 * The boot stub, the module, khoctl and the tests all read trees through this.
 */
#ifndef KHO_WALK_H
#define KHO_WALK_H

#include "abi.h"

/* The boot stub makes these functions __init. */
#ifndef KHO_FN
#define KHO_FN static inline
#endif

/**
 * struct kho_walk_ops - how the caller reads nodes and what it wants to know
 */
struct kho_walk_ops {
	/**
	 * @map: gives a view of the page-sized node at physical address @phys,
	 * or NULL.  At most KHO_TREE_DEPTH_MAX views are held at a time, and
	 * the last is given back first.
	 */
	const void *(*map)(void *ctx, __u64 phys);
	/** @unmap: takes a view back.  Optional. */
	void (*unmap)(void *ctx, const void *node);
	/**
	 * @node: told of each node before it is mapped; @level 0 is a leaf.
	 * A result other than 0 ends the walk and is its result.  Optional.
	 */
	int (*node)(void *ctx, __u64 phys, unsigned int level);
	/**
	 * @run: told of @nr blocks of 2^@order pages that lie side by side from
	 * @phys on, each with a key of its own.  Runs come by falling order,
	 * and within an order by rising address; a run ends with its leaf.
	 * A result other than 0 ends the walk and is its result.  Optional.
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
	/** @end: address at which all memory ends; nothing above is valid. */
	__u64 end;
	/** @why: what was wrong, after a result of KHO_WALK_BAD. */
	const char *why;
	/** @where: physical address of the node that @why speaks of. */
	__u64 where;
	/** @value: the value that was wrong. */
	__u64 value;
	/** @path: the nodes from the root down to where the walk is. */
	__u64 path[KHO_TREE_DEPTH_MAX];
};

/* The tree is not sound: see @why, @where and @value.  No errno. */
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
 * Where the run of equal bits that @bit belongs to ends, at most at @max.
 * @flip is 0 to look for the end of zeros, all ones for the end of ones.
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

		/* The leaf at 0 has several orders; no run goes across two. */
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
		 * Above 0 all keys of a subtree are of one order, and its first
		 * is the lowest address.
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
 * kho_walk_tree() - read a tree that may be anything
 * @w: ops, ctx, shift and end filled in by the caller
 * @root: physical address of the root node
 *
 * Context: whatever the ops need.  Recurses once per level.
 * Return: 0, what an op returned, or KHO_WALK_BAD with @w->why set.
 */
KHO_FN int kho_walk_tree(struct kho_walk *w, __u64 root)
{
	if (!root)
		return kho_walk_bad(w, "no root", 0, 0);
	return kho_walk_node(w, root, KHO_TREE_DEPTH(w->shift) - 1, 0);
}

#endif /* KHO_WALK_H */

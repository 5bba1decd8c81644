/* SPDX-License-Identifier: GPL-2.0-only */
/* The trees that are compared, as tree-main.c calls them. */
#ifndef KHO_BENCH_TREE_H
#define KHO_BENCH_TREE_H

#include <linux/types.h>

/**
 * struct bench_tree - one way to note which pages are preserved
 *
 * The loops are in the file of each tree, so that a mark costs what it costs a
 * direct caller.
 */
struct bench_tree {
	/** @name: in the results. */
	const char *name;
	/** @create: an empty one, or NULL. */
	void *(*create)(void);
	/** @destroy: with all that is marked. */
	void (*destroy)(void *tree);
	/** @mark: marks @nr blocks of 2^@order pages, a call each. */
	int (*mark)(void *tree, const unsigned long *pfn, unsigned long nr,
		    unsigned int order);
	/** @unmark: the opposite. */
	int (*unmark)(void *tree, const unsigned long *pfn, unsigned long nr,
		      unsigned int order);
	/** @mark_batch: the same as @mark by as few calls as can be.  Optional. */
	int (*mark_batch)(void *tree, const unsigned long *pfn, unsigned long nr,
			  unsigned int order);
	/** @unmark_batch: the opposite.  Optional. */
	int (*unmark_batch)(void *tree, const unsigned long *pfn,
			    unsigned long nr, unsigned int order);
	/** @mark_run: @nr blocks side by side, a key each.  Optional. */
	int (*mark_run)(void *tree, const unsigned long *pfn, unsigned long nr,
			unsigned int order);
	/** @unmark_run: the opposite.  Optional. */
	int (*unmark_run)(void *tree, const unsigned long *pfn,
			  unsigned long nr, unsigned int order);
	/** @nodes: pages of metadata that it has now. */
	u64 (*nodes)(void *tree);
};

extern const struct bench_tree bench_ours;
extern const struct bench_tree bench_mainline;
extern const struct bench_tree bench_tables;

#endif /* KHO_BENCH_TREE_H */

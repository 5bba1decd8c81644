/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree under test, and a check whether a call has changed anything in it.
 */
#ifndef TREE_BEFORE_H
#define TREE_BEFORE_H

#include "tree-common.h"

static struct kho_radix_tree tree;

static inline void fresh(void)
{
	must(!pages_live(), "pages are left from the test before");
	must(!kho_radix_init_tree(&tree), "init_tree failed");
}

static inline void destroy(void)
{
	kho_radix_destroy_tree(&tree);
	must(!pages_live(), "destroy_tree left %lu pages", pages_live());
}

struct before {
	struct kho_radix_tree tree;
	uint64_t nr_base;
	struct pages_copy *pages;
};

static inline struct before before(void)
{
	return (struct before){ tree, kho_radix_nr_keys(&tree, 0), pages_copy() };
}

static inline bool unchanged(struct before *b)
{
	bool same = !memcmp(&b->tree, &tree, sizeof(tree)) &&
		    b->nr_base == kho_radix_nr_keys(&tree, 0) &&
		    pages_same(b->pages);

	pages_copy_free(b->pages);
	return same;
}

#endif /* TREE_BEFORE_H */

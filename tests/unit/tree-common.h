/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares a tree with the model; for the unit tests and the fuzzer.
 */
#ifndef TREE_COMMON_H
#define TREE_COMMON_H

#include <linux/kernel.h>

#include "../../module/tree/node.h"
#include "model.h"
#include "pages.h"
#include "tap.h"

/* What a walk has met; has space for one block more than the model. */
struct seen {
	unsigned int nr;
	uint64_t nodes;
	struct model_block block[MODEL_MAX + 1];
};

static struct seen seen;

static inline void see(uint64_t phys, unsigned int order)
{
	must(seen.nr <= MODEL_MAX, "a walk met more blocks than there are");
	must(!(phys % PAGE_SIZE), "a walk met 0x%llx", (unsigned long long)phys);
	seen.block[seen.nr].pfn = phys >> PAGE_SHIFT;
	seen.block[seen.nr++].order = order;
}

static inline int see_key(phys_addr_t phys, unsigned int order)
{
	see(phys, order);
	return 0;
}

static inline int see_range(phys_addr_t phys, unsigned int order, void *data)
{
	must(data == &seen, "a callback got something else than its data");
	see(phys, order);
	return 0;
}

static inline const void *see_map(void *ctx, __u64 phys)
{
	(void)ctx;
	return pages_virt(phys);
}

static inline int see_node(void *ctx, __u64 phys, unsigned int level)
{
	(void)ctx;
	(void)level;
	must(pages_has(phys), "the tree leads to a page that is free: 0x%llx",
	     (unsigned long long)phys);
	seen.nodes++;
	return 0;
}

static inline int see_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	(void)ctx;
	must(nr, "an empty run");
	for (; nr--; phys += 1ULL << order << PAGE_SHIFT)
		see(phys, order);
	return 0;
}

/* Reads the nodes as the next kernel does. */
static inline int see_tree(const struct kho_radix_tree *tree)
{
	static const struct kho_walk_ops ops = {
		.map = see_map,
		.node = see_node,
		.run = see_run,
	};
	struct kho_walk walk = {
		.ops = &ops, .shift = PAGE_SHIFT, .end = ~0ULL << PAGE_SHIFT,
	};

	seen.nr = 0;
	seen.nodes = 0;
	return kho_walk_tree(&walk, pages_phys(tree->root));
}

static inline void must_be_seen(const struct model *m, const char *by)
{
	unsigned int i;

	must(seen.nr == m->nr, "%s: %u blocks, not %u", by, seen.nr, m->nr);
	for (i = 0; i < m->nr; i++)
		must(seen.block[i].pfn == m->block[i].pfn &&
		     seen.block[i].order == m->block[i].order,
		     "%s: block %u is 0x%llx order %u, not 0x%llx order %u",
		     by, i, (unsigned long long)seen.block[i].pfn,
		     seen.block[i].order,
		     (unsigned long long)m->block[i].pfn, m->block[i].order);
}

/* Checks that the tree matches the model, in all ways to read it. */
static inline void must_match(struct kho_radix_tree *tree, const struct model *m)
{
	unsigned int order, i;
	bool last = false;
	int ret;

	must(!tree->lock.held, "the lock was not given back");
	must(kho_radix_nr_pages(tree) == model_pages(m), "%llu pages, not %llu",
	     (unsigned long long)kho_radix_nr_pages(tree),
	     (unsigned long long)model_pages(m));
	for (order = 0; order < KHO_NR_ORDERS; order++)
		must(kho_radix_nr_keys(tree, order) == model_keys(m, order) &&
		     (!order || !(kho_radix_orders(tree, 0, ~0ULL) >> order & 1) ==
				!model_keys(m, order)),
		     "%llu keys of order %u",
		     (unsigned long long)kho_radix_nr_keys(tree, order), order);

	/*
	 * A reader can't accept the very last page: memory ends at 2^64 - 1 at
	 * most, which is in that page.
	 */
	for (i = 0; i < m->nr && !last; i++)
		last = model_meets(&m->block[i], (1ULL << MODEL_PFN_BITS) - 1, 1);
	ret = see_tree(tree);
	must(ret == (last ? KHO_WALK_BAD : 0), "walk.h: %d", ret);
	if (!ret) {
		must_be_seen(m, "walk.h");
		must(seen.nodes == model_nodes(m), "%llu nodes, not %llu",
		     (unsigned long long)seen.nodes,
		     (unsigned long long)model_nodes(m));
	}
	must(tree->nr_nodes == model_nodes(m), "nr_nodes is %llu, not %llu",
	     (unsigned long long)tree->nr_nodes,
	     (unsigned long long)model_nodes(m));

	seen.nr = 0;
	must(!kho_radix_walk_tree(tree, see_key), "walk_tree failed");
	must_be_seen(m, "walk_tree");
}

/* Checks that kho_radix_walk_range() finds the blocks that a range overlaps. */
static inline void must_match_range(struct kho_radix_tree *tree,
				    const struct model *m, uint64_t pfn,
				    uint64_t nr)
{
	static struct model part;
	unsigned int i;
	int ret;

	part.nr = 0;
	for (i = 0; i < m->nr && !model_check_range(pfn, nr); i++)
		if (model_meets(&m->block[i], pfn, nr))
			part.block[part.nr++] = m->block[i];
	seen.nr = 0;
	ret = kho_radix_walk_range(tree, pfn, nr, see_range, &seen);
	must(ret == model_check_range(pfn, nr), "walk_range: %d", ret);
	must_be_seen(&part, "walk_range");
}

#endif /* TREE_COMMON_H */

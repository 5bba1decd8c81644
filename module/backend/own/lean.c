// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lean tree: of all that is preserved, what a kernel with KHO of its own
 * has to be told of.
 *
 * Such a kernel takes a time for its boot that grows with the square of the
 * number of keys.  Handed over by envelopes, it gets this tree; the whole one is
 * for the module there.  In the lean tree are the pages that the kernel reads
 * itself, and those that other modules preserved: their successors ask the kernel
 * for them.  Both trees are current at any moment, whichever is announced.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "internal.h"

/**
 * kho_lean_add() - have the kernel itself told of pages that are preserved
 * @pfn: number of the first page
 * @nr_pages: how many, as they are preserved
 *
 * Context: may sleep; kho.lock held.
 * Return: as kho_radix_add_range().
 */
int kho_lean_add(unsigned long pfn, unsigned long nr_pages)
{
	lockdep_assert_held(&kho.lock);

	return kho.lean.root ? kho_radix_add_range(&kho.lean, pfn, nr_pages) : 0;
}

/**
 * kho_lean_del() - take pages out that are preserved no more
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * Whatever was not in it is let pass.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_lean_del(unsigned long pfn, unsigned long nr_pages)
{
	lockdep_assert_held(&kho.lock);

	if (kho.lean.root)
		kho_radix_del_range(&kho.lean, pfn, nr_pages);
}

static const void *map_node(void *ctx, __u64 phys)
{
	return phys_to_virt(phys);
}

static int add_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 i, pfn = PHYS_PFN(phys);
	int ret;

	for (i = 0; i < nr; i++, pfn += 1ULL << order) {
		/* Of what arrived, neither our metadata nor what is gone. */
		if (!kho_radix_has_page(&kho.arrived, pfn, order))
			continue;
		ret = kho_radix_add_page(&kho.lean, pfn, order);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Did anything arrive by name that we know nothing of? */
static bool strangers_arrived(void)
{
	unsigned int i;

	for (i = 0; i < kho.in->nr; i++)
		if (strcmp(kho.in->child[i].name, KHO_OBJS_NODE) &&
		    strcmp(kho.in->child[i].name, KHO_METADATA_NODE) &&
		    !kho_poison_took(kho.in->child[i].name) &&
		    strcmp(kho.in->child[i].name, KHO_EXACT_NODE))
			return true;
	return false;
}

/*
 * What arrived for the kernel's users goes on to them.  A lean tree says what
 * that is.  Otherwise it may be all that belongs to no object, but only if there
 * is a name to find it by.
 */
static int add_arrived(void)
{
	static const struct kho_walk_ops ops = {
		.map = map_node,
		.run = add_run,
	};
	struct kho_walk walk = {
		.ops = &ops,
		.shift = PAGE_SHIFT,
		.end = kho_end_of_memory(),
	};

	if (kho.arrival != KHO_ARRIVAL_TAKEN ||
	    (!kho.in_lean && !strangers_arrived()))
		return 0;
	return kho_walk_tree(&walk, kho.in->root);
}

/**
 * kho_lean_init() - make the lean tree, of what arrived
 *
 * Context: may sleep; kho.lock held; before what only the kernel before needed
 * is freed.
 * Return: 0 or -ENOMEM.
 */
int kho_lean_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	/* The kernel's own KHO has a tree of its own. */
	if (kho_native())
		return 0;
	ret = kho_radix_init_tree(&kho.lean) ?: add_arrived();
	if (ret)
		kho_lean_exit();
	return ret;
}

/**
 * kho_lean_exit() - free it
 *
 * Context: kho.lock held; nothing is announced any more.
 */
void kho_lean_exit(void)
{
	kho_radix_destroy_tree(&kho.lean);
}

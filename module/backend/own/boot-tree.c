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

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/walk.h"
#include "incoming/incoming.h"
#include "own.h"
#include "tree/tree.h"

#include <kho/abi.h>
#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <kho/walk.h>

static struct kho_radix_tree boot_tree;

/**
 * kho_backend_boot_add() - have the kernel itself told of pages that are preserved
 * @pfn: number of the first page
 * @nr_pages: how many, as they are preserved
 *
 * Context: may sleep; kho.lock held.
 * Return: as kho_radix_add_range().
 */
int kho_backend_boot_add(unsigned long pfn, unsigned long nr_pages)
{
	lockdep_assert_held(&kho.lock);

	return boot_tree.root ? kho_radix_add_range(&boot_tree, pfn, nr_pages) : 0;
}

/**
 * kho_backend_boot_del() - take pages out that are preserved no more
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * Whatever was not in it is let pass.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_backend_boot_del(unsigned long pfn, unsigned long nr_pages)
{
	lockdep_assert_held(&kho.lock);

	if (boot_tree.root)
		kho_radix_del_range(&boot_tree, pfn, nr_pages);
}

static int add_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 i, pfn = PHYS_PFN(phys);
	int ret;

	for (i = 0; i < nr; i++, pfn += 1ULL << order) {
		/* Of what arrived, neither our metadata nor what is gone. */
		if (!kho_unclaimed_has(pfn, order))
			continue;
		ret = kho_radix_add_page(&boot_tree, pfn, order);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Did anything arrive by name that we know nothing of? */
static bool strangers_arrived(void)
{
	const struct kho_fdt *in = kho_incoming()->fdt;
	unsigned int i;

	for (i = 0; i < in->nr; i++)
		if (strcmp(in->child[i].name, KHO_OBJS_NODE) &&
		    strcmp(in->child[i].name, KHO_METADATA_NODE) &&
		    !kho_incoming_is_ours(in->child[i].name) &&
		    strcmp(in->child[i].name, KHO_EXACT_NODE))
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
		.run = add_run,
	};

	if (!kho_incoming_taken() ||
	    (!kho_incoming()->two_trees && !strangers_arrived()))
		return 0;
	return kho_walk(kho_incoming()->fdt->root, &ops, NULL, NULL);
}

/**
 * kho_boot_tree_init() - make the lean tree, of what arrived
 *
 * Context: may sleep; kho.lock held; before what only the kernel before needed
 * is freed.
 * Return: 0 or -ENOMEM.
 */
int kho_boot_tree_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = kho_radix_init_tree(&boot_tree) ?: add_arrived();
	if (ret)
		kho_boot_tree_exit();
	return ret;
}

/**
 * kho_boot_tree_exit() - free it
 *
 * Context: kho.lock held; nothing is announced any more.
 */
void kho_boot_tree_exit(void)
{
	kho_radix_destroy_tree(&boot_tree);
}

/**
 * kho_boot_tree_root() - where it begins
 *
 * Return: physical address of the root.
 */
u64 kho_boot_tree_root(void)
{
	return virt_to_phys(boot_tree.root);
}

/**
 * kho_boot_tree_lies_in() - is any of these pages marked in it, or a node of it?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: may sleep; kho.lock held.
 */
bool kho_boot_tree_lies_in(unsigned long pfn, unsigned long nr_pages)
{
	return kho_tree_lies_in(&boot_tree, pfn, nr_pages);
}

/**
 * kho_boot_tree_watch() - be told of all that it keeps from now on
 * @watch: called for pages and nodes that come and go, or NULL
 *
 * Context: kho.lock held.
 */
void kho_boot_tree_watch(kho_radix_watch_t watch)
{
	boot_tree.watch = watch;
}

/**
 * kho_boot_tree_walk() - read it as the next kernel would
 * @ops: what to tell of nodes and runs
 * @ctx: passed to each of @ops
 *
 * Context: that of @ops; kho.lock held.
 */
void kho_boot_tree_walk(const struct kho_walk_ops *ops, void *ctx)
{
	if (boot_tree.root)
		kho_walk(kho_boot_tree_root(), ops, ctx, NULL);
}

/**
 * kho_boot_tree_nodes() - how many nodes it has
 */
u64 kho_boot_tree_nodes(void)
{
	return boot_tree.nr_nodes;
}

/**
 * kho_boot_tree_keys() - how many marks
 */
u64 kho_boot_tree_keys(void)
{
	return kho_tree_keys(&boot_tree);
}

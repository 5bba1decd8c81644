// SPDX-License-Identifier: GPL-2.0-only
/*
 * The boot tree: those of the preserved pages that in-kernel KHO must know.
 *
 * The boot time of a kernel with in-kernel KHO grows with the square of the number of
 * keys.  In a handover by envelopes, such a kernel gets the boot tree, and its module
 * gets the full tree.  The boot tree contains the pages that the kernel reads itself,
 * and those that other modules preserved, as their successors ask the kernel for them.
 * Both trees are always current, whichever is announced.
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
#include "mm/iomem.h"
#include "own.h"
#include "tree/tree.h"

#include <kho/abi.h>
#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <kho/walk.h>

static struct kho_radix_tree boot_tree;

/**
 * kho_backend_boot_add() - add preserved pages to the boot tree
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
 * kho_backend_boot_del() - remove pages from the boot tree
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * Pages that are not in the boot tree are ignored.
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
		/* Leave out incoming metadata of ours, and pages that are gone. */
		if (!kho_unclaimed_has(pfn, order))
			continue;
		ret = kho_radix_add_page(&boot_tree, pfn, order);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Did a subtree arrive that is not for this module? */
static bool foreign_subtrees_arrived(void)
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
 * Incoming pages of other users of in-kernel KHO stay in the boot tree.  An incoming boot
 * tree says which pages these are.  Without one, any page that belongs to no object may
 * be theirs, provided that a subtree arrived that they can find it by.
 */
static int add_arrived(void)
{
	static const struct kho_walk_ops ops = {
		.run = add_run,
	};

	if (!kho_incoming_taken() ||
	    (!kho_incoming()->two_trees && !foreign_subtrees_arrived()))
		return 0;
	return kho_walk(kho_incoming()->fdt->root, &ops, NULL, NULL);
}

/**
 * kho_boot_tree_init() - make the boot tree from what arrived
 *
 * Context: may sleep; kho.lock held; before what only the previous kernel needed
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
 * kho_boot_tree_exit() - free the boot tree
 *
 * Context: kho.lock held; nothing is announced any more.
 */
void kho_boot_tree_exit(void)
{
	kho_radix_destroy_tree(&boot_tree);
}

/**
 * kho_boot_tree_leave() - leave the boot tree to whoever reads it next
 * @left: the record
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_boot_tree_leave(struct kho_left *left)
{
	left->boot_root = kho_boot_tree_root();
	kho_radix_forget_tree(&boot_tree);
}

/**
 * kho_boot_tree_drop_left() - free the previous module's boot tree
 *
 * Context: may sleep; kho.lock held; its nodes have been checked, and nothing leads to it
 * any more.
 */
void kho_boot_tree_drop_left(void)
{
	struct kho_radix_tree old;
	struct kho_radix_adopt adopt = {
		.tree = &old,
		.walk.end = kho_end_of_memory(),
	};

	/* Without memory to find out, its nodes stay allocated: a few pages. */
	if (!kho_radix_adopt_tree(&adopt, kho_left()->boot_root))
		kho_radix_destroy_tree(&old);
}

/**
 * kho_boot_tree_root() - get the address of the boot tree
 *
 * Return: physical address of the root.
 */
u64 kho_boot_tree_root(void)
{
	return virt_to_phys(boot_tree.root);
}

/**
 * kho_boot_tree_lies_in() - is any of these pages marked in the boot tree, or its node?
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
 * kho_boot_tree_watch() - watch changes of the boot tree
 * @watch: called for pages and nodes that come and go, or NULL
 *
 * Context: kho.lock held.
 */
void kho_boot_tree_watch(kho_radix_watch_t watch)
{
	boot_tree.watch = watch;
}

/**
 * kho_boot_tree_walk() - read the boot tree as the next kernel would
 * @ops: called for nodes and runs
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
 * kho_boot_tree_nodes() - get the number of nodes in the boot tree
 */
u64 kho_boot_tree_nodes(void)
{
	return boot_tree.nr_nodes;
}

/**
 * kho_boot_tree_keys() - get the number of keys in the boot tree
 */
u64 kho_boot_tree_keys(void)
{
	return kho_tree_keys(&boot_tree);
}

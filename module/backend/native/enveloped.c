// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes over what arrived by envelopes in a kernel with in-kernel KHO.
 *
 * That kernel has walked the boot tree, and keeps the pages in it.  All others are
 * reserved as in a kernel without KHO, and are taken over as there.  Then in-kernel KHO
 * preserves them, like everything here.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "core/core.h"
#include "core/preserve.h"
#include "core/walk.h"
#include "incoming/incoming.h"
#include "mm/folio.h"
#include "mm/reserved.h"
#include "native.h"
#include "tree/tree.h"

#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/walk.h>

/* For one listing: the pages in the boot tree, and the address of a bad page. */
struct full_list {
	struct kho_radix_tree known;
	u64 bad;
};

static int list_known(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	struct full_list *list = ctx;
	u64 i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = kho_radix_add_page(&list->known,
					 PHYS_PFN(phys) + (i << order), order);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int check_node(void *ctx, __u64 phys, unsigned int level)
{
	struct full_list *list = ctx;

	if (kho_announcement_allows_node(PHYS_PFN(phys)))
		return 0;
	list->bad = phys;
	return -EINVAL;
}

static int list_block(struct full_list *list, u64 pfn, unsigned int order)
{
	u64 i;

	/* The kernel keeps this block, or its user has retrieved it already. */
	if (kho_radix_has_page(&list->known, pfn, order))
		return 0;
	for (i = 0; i < 1ULL << order; i++) {
		if (!kho_announcement_allows_mark(pfn + i)) {
			list->bad = PFN_PHYS(pfn + i);
			return -EINVAL;
		}
		cond_resched();
	}
	/* Such a mark is ignored, as in a kernel without KHO. */
	if (kho_announcement_has(pfn, 1ULL << order))
		return 0;
	return kho_unclaimed_add(pfn, 1ULL << order);
}

static int list_rest(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = list_block(ctx, PHYS_PFN(phys) + (i << order), order);
		if (ret)
			return ret;
	}
	return 0;
}

/* Refuses the handover if a walk has failed, unless it failed with -ENOMEM. */
static int refuse_for(const struct kho_walk *walk, u64 root, u64 bad, int ret)
{
	if (!ret || ret == -ENOMEM)
		return ret;
	if (ret == KHO_WALK_BAD)
		kho_incoming_refuse(walk->why, walk->where, walk->value);
	else if (ret == -EINVAL)
		kho_incoming_refuse("a page is not reserved", bad, 0);
	else
		kho_incoming_refuse("a page is marked twice", root, 0);
	return 0;
}

/**
 * kho_enveloped_list() - list as unclaimed what in-kernel KHO does not know
 *
 * Context: may sleep; kho.lock held; the envelopes are valid; the list is empty.
 * Return: 0 or -ENOMEM.  A refused handover is no error.
 */
int kho_enveloped_list(void)
{
	static const struct kho_walk_ops known_ops = {
		.run = list_known,
	};
	static const struct kho_walk_ops rest_ops = {
		.node = check_node,
		.run = list_rest,
	};
	struct full_list list = {};
	const struct kho_incoming *in = kho_incoming();
	const struct kho_fdt_child *child;
	struct kho_walk walk;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (!in->two_trees || kho_incoming_find_root())
		return 0;
	ret = kho_radix_init_tree(&list.known);
	if (ret)
		return ret;
	ret = kho_walk(in->fdt->root, &known_ops, &list, &walk);
	ret = refuse_for(&walk, in->fdt->root, 0, ret);
	if (!ret && !kho_incoming_refused()) {
		ret = kho_walk(in->root, &rest_ops, &list, &walk);
		ret = refuse_for(&walk, in->root, list.bad, ret);
	}
	kho_radix_destroy_tree(&list.known);

	/* See kho_enveloped_commit(). */
	child = kho_incoming_child(KHO_EXACT_NODE);
	if (!ret && !kho_incoming_refused() &&
	    kho_unclaimed_del(PHYS_PFN(child->addr), 1))
		kho_incoming_refuse("what /kho-exact leads to is not preserved",
				    child->addr, 0);
	if (!ret && kho_incoming_refused())
		ret = kho_unclaimed_init();
	return ret;
}

/**
 * kho_enveloped_get() - claim incoming pages that in-kernel KHO does not know
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * The pages are preserved again now, and become ordinary when nothing can fail any more.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, -ENOENT if there are no such pages, or an error of kho_mark_range().
 */
int kho_enveloped_get(u64 pfn, u64 nr_pages)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	if (!kho_incoming()->two_trees)
		return -ENOENT;
	ret = kho_mark_range(pfn, nr_pages);
	if (ret)
		return ret;
	ret = kho_unclaimed_del(pfn, nr_pages);
	if (ret)
		kho_unmark_range(pfn, nr_pages);
	return ret;
}

static int mark_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = kho_mark_page(PHYS_PFN(phys) + (i << order), order);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * kho_enveloped_mark() - preserve what is left, for access by number
 *
 * Context: may sleep; kho.lock held; the objects have been read.
 * Return: 0, or an error of kho_mark_page().
 */
int kho_enveloped_mark(void)
{
	static const struct kho_walk_ops ops = {
		.run = mark_run,
	};
	lockdep_assert_held(&kho.lock);

	return kho_incoming()->two_trees ? kho_unclaimed_walk(&ops, NULL) : 0;
}

/**
 * kho_enveloped_commit() - free what only the previous kernel needed
 *
 * Context: may sleep; kho.lock held.
 */
void kho_enveloped_commit(void)
{
	const struct kho_fdt_child *child;

	lockdep_assert_held(&kho.lock);

	if (!kho_incoming()->two_trees)
		return;
	child = kho_incoming_child(KHO_EXACT_NODE);
	kho_unreserve(PHYS_PFN(child->addr), 1);
	kho_put_pages(PHYS_PFN(child->addr), 1);
}

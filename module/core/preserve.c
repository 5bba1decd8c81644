// SPDX-License-Identifier: GPL-2.0-only
/*
 * Having pages preserved, and giving them up: each change is made in the tree that the
 * next kernel reads, and made known to the backend.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "backend.h"
#include "core.h"
#include "mm/iomem.h"
#include "mm/poison.h"
#include "preserve.h"
#include "ram.h"
#include "tree/tree.h"
#include "walk.h"

#include <kho/walk.h>

/* What the next kernel is to keep. */
static struct kho_radix_tree preserved;

static void touched_batch(const unsigned long *pfn, unsigned long nr, unsigned int order)
{
	while (nr--)
		kho_poison_touched(*pfn++, 1ULL << order);
}

/**
 * kho_mark_page() - have pages preserved
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_radix_add_page(), or what the backend says, or
 * -EADDRNOTAVAIL for pages that are going offline.
 */
int kho_mark_page(unsigned long pfn, unsigned int order)
{
	int ret;

	kho_assert_may_mark();

	if (!kho_ram_stays(pfn, 1UL << order))
		return -EADDRNOTAVAIL;
	ret = kho_radix_add_page(&preserved, pfn, order);
	if (ret)
		return ret;
	ret = kho_backend_preserve(pfn, 1ULL << order);
	if (ret)
		kho_radix_del_page(&preserved, pfn, order);
	kho_poison_touched(pfn, 1ULL << order);
	return ret;
}

/**
 * kho_unmark_page() - have pages preserved no more
 * @pfn: number of the first page
 * @order: log2 of how many, as they were marked
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_unmark_page(unsigned long pfn, unsigned int order)
{
	kho_assert_may_mark();

	if (!WARN_ON_ONCE(kho_radix_del_page(&preserved, pfn, order)))
		kho_backend_unpreserve(pfn, 1ULL << order);
	kho_poison_touched(pfn, 1ULL << order);
}

/**
 * kho_mark_batch() - have blocks of pages preserved
 * @pfn: numbers of their first pages; rising ones are fastest
 * @nr: how many
 * @order: log2 of the number of pages of each
 * @done: set to how many are: after an error, those before @pfn[@done]
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_mark_page() for @pfn[@done].
 */
int kho_mark_batch(const unsigned long *pfn, unsigned long nr,
		   unsigned int order, unsigned long *done)
{
	unsigned long i, marked, wanted = nr;
	int ret, err;

	kho_assert_may_mark();

	for (i = 0; i < nr; i++)
		if (!kho_ram_stays(pfn[i], 1UL << order))
			nr = i;
	ret = kho_radix_add_batch(&preserved, pfn, nr, order, done);
	if (!ret && nr < wanted)
		ret = -EADDRNOTAVAIL;
	nr = *done;
	err = kho_backend_preserve_batch(pfn, nr, order, done);
	if (err) {
		WARN_ON_ONCE(kho_radix_del_batch(&preserved, pfn + *done, nr - *done,
						 order, &marked));
		ret = err;
	}
	touched_batch(pfn, *done, order);
	return ret;
}

/**
 * kho_unmark_batch() - have blocks of pages preserved no more
 * @pfn: numbers of their first pages
 * @nr: how many
 * @order: log2 of the number of pages of each, as they were marked
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_unmark_batch(const unsigned long *pfn, unsigned long nr,
		      unsigned int order)
{
	unsigned long done;

	kho_assert_may_mark();

	WARN_ON_ONCE(kho_radix_del_batch(&preserved, pfn, nr, order, &done));
	kho_backend_unpreserve_batch(pfn, done, order);
	touched_batch(pfn, done, order);
}

/**
 * kho_mark_range() - have adjacent pages preserved
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_radix_add_range(), or what the backend says, or
 * -EADDRNOTAVAIL for pages that are going offline.
 */
int kho_mark_range(unsigned long pfn, unsigned long nr_pages)
{
	int ret;

	kho_assert_may_mark();

	if (!kho_ram_stays(pfn, nr_pages))
		return -EADDRNOTAVAIL;
	ret = kho_radix_add_range(&preserved, pfn, nr_pages);
	if (ret)
		return ret;
	ret = kho_backend_preserve(pfn, nr_pages);
	if (ret)
		kho_radix_del_range(&preserved, pfn, nr_pages);
	kho_poison_touched(pfn, nr_pages);
	return ret;
}

/**
 * kho_unmark_range() - the opposite of kho_mark_range()
 * @pfn: number of the first page, as it was
 * @nr_pages: how many, as it was
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: 0, or -ENOENT, and then nothing has changed.
 */
int kho_unmark_range(unsigned long pfn, unsigned long nr_pages)
{
	int ret;

	kho_assert_may_mark();

	ret = kho_radix_del_range(&preserved, pfn, nr_pages);
	if (!ret)
		kho_backend_unpreserve(pfn, nr_pages);
	kho_poison_touched(pfn, nr_pages);
	return ret;
}

/**
 * kho_mark_cut() - have only the first pages of a block preserved
 * @pfn: number of the first page
 * @order: that all of it was marked under
 * @nr_pages: how many of them stay
 *
 * Context: may sleep; kho.gate held: for a moment pages are marked twice.
 * Return: 0, -ENOMEM, or what the backend says; nothing has changed after
 * an error.
 */
int kho_mark_cut(unsigned long pfn, unsigned int order, unsigned long nr_pages)
{
	int ret;

	lockdep_assert_held(&kho.gate);

	ret = kho_backend_preserve(pfn, nr_pages);
	if (ret)
		return ret;
	ret = kho_radix_cut(&preserved, pfn, order, nr_pages);
	if (ret) {
		kho_backend_unpreserve(pfn, nr_pages);
		return ret;
	}
	kho_backend_unpreserve(pfn, 1ULL << order);
	kho_poison_touched(pfn + nr_pages, (1ULL << order) - nr_pages);
	return 0;
}

/**
 * kho_preserved_init() - make the tree, an empty one
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_preserved_init(void)
{
	return kho_radix_init_tree(&preserved);
}

/**
 * kho_preserved_adopt() - have the tree that arrived go on as ours
 * @adopt: as for kho_radix_adopt_tree(); its tree and end are set here
 * @root: physical address of the root that arrived
 *
 * Context: may sleep; kho.lock held; there is no tree yet.
 * Return: as kho_radix_adopt_tree().
 */
int kho_preserved_adopt(struct kho_radix_adopt *adopt, u64 root)
{
	adopt->tree = &preserved;
	adopt->walk.end = kho_end_of_memory();
	return kho_radix_adopt_tree(adopt, root);
}

/**
 * kho_preserved_forget() - have no tree any more, and leave its nodes as they are
 *
 * Context: kho.lock held.
 */
void kho_preserved_forget(void)
{
	kho_radix_forget_tree(&preserved);
}

/**
 * kho_preserved_destroy() - free the tree, if there is one
 *
 * Context: may sleep; kho.lock held.
 */
void kho_preserved_destroy(void)
{
	kho_radix_destroy_tree(&preserved);
}

/**
 * kho_preserved_watch() - be told of all that the tree keeps from now on
 * @watch: called for pages and nodes that come and go, or NULL
 *
 * Context: kho.lock held; nobody marks anything meanwhile.
 */
void kho_preserved_watch(kho_radix_watch_t watch)
{
	preserved.watch = watch;
}

/**
 * kho_preserved_exists() - is there a tree?
 *
 * Context: kho.lock or kho.gate held.
 */
bool kho_preserved_exists(void)
{
	return preserved.root;
}

/**
 * kho_preserved_has() - is any of these pages preserved?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: any; takes no lock.
 */
bool kho_preserved_has(unsigned long pfn, unsigned long nr_pages)
{
	return kho_tree_marks(&preserved, pfn, nr_pages);
}

/**
 * kho_preserved_has_page() - is just this block marked?
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * Context: any; takes no lock.
 */
bool kho_preserved_has_page(unsigned long pfn, unsigned int order)
{
	return kho_radix_has_page(&preserved, pfn, order);
}

/**
 * kho_preserved_lies_in() - is any of these pages preserved, or a node of the tree?
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: may sleep; nobody changes the tree.
 */
bool kho_preserved_lies_in(unsigned long pfn, unsigned long nr_pages)
{
	return kho_tree_lies_in(&preserved, pfn, nr_pages);
}

/**
 * kho_preserved_root() - where the tree begins
 *
 * Return: physical address of the root.
 */
u64 kho_preserved_root(void)
{
	return virt_to_phys(preserved.root);
}

/**
 * kho_preserved_pages() - how many base pages are preserved
 */
u64 kho_preserved_pages(void)
{
	return kho_radix_nr_pages(&preserved);
}

/**
 * kho_preserved_keys() - how many marks that takes
 */
u64 kho_preserved_keys(void)
{
	return kho_tree_keys(&preserved);
}

/**
 * kho_preserved_nodes() - how many nodes the tree has
 */
u64 kho_preserved_nodes(void)
{
	return preserved.nr_nodes;
}

/**
 * kho_preserved_each() - call a function for each mark in a range
 * @pfn: number of the first page
 * @nr_pages: how many
 * @cb: told of it; a result other than 0 ends it
 * @data: for @cb
 *
 * Context: that of @cb; takes no lock.
 * Return: as kho_radix_walk_range().
 */
int kho_preserved_each(unsigned long pfn, unsigned long nr_pages,
		       kho_radix_range_callback_t cb, void *data)
{
	return kho_radix_walk_range(&preserved, pfn, nr_pages, cb, data);
}

/**
 * kho_preserved_walk() - read the tree as the next kernel would
 * @ops: what to tell of nodes and runs
 * @ctx: passed to each of @ops
 *
 * Context: that of @ops; nobody changes the tree.
 * Return: 0, or the result that ended it.
 */
int kho_preserved_walk(const struct kho_walk_ops *ops, void *ctx)
{
	return preserved.root ? kho_walk(kho_preserved_root(), ops, ctx, NULL) : 0;
}

/**
 * kho_preserved_walk_nodes() - the same, while pages may be marked
 * @ops: what to tell of nodes
 * @ctx: passed to each of @ops
 *
 * No node goes away meanwhile.
 *
 * Context: may sleep; takes the tree's lock.
 */
void kho_preserved_walk_nodes(const struct kho_walk_ops *ops, void *ctx)
{
	mutex_lock(&preserved.lock);
	kho_walk(kho_preserved_root(), ops, ctx, NULL);
	mutex_unlock(&preserved.lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preserving and unpreserving pages: each change is made in the tree that the next kernel
 * reads, and passed on to the backend.
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

/* The pages that the next kernel is to keep */
static struct kho_radix_tree preserved;

static void touched_batch(const unsigned long *pfn, unsigned long nr, unsigned int order)
{
	while (nr--)
		kho_poison_touched(*pfn++, 1ULL << order);
}

/**
 * kho_mark_page() - preserve a block of pages
 * @pfn: number of the first page
 * @order: log2 of the number of pages
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_radix_add_page(); as kho_backend_preserve(); or -EADDRNOTAVAIL for
 * pages that are going offline.
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
 * kho_unmark_page() - stop preserving a block of pages
 * @pfn: number of the first page
 * @order: log2 of the number of pages, as they were marked
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
 * kho_mark_batch() - preserve blocks of pages
 * @pfn: numbers of their first pages; rising order is fastest
 * @nr: number of blocks
 * @order: log2 of the number of pages of a block
 * @done: set to the number of blocks preserved: after an error, those before @pfn[@done]
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
 * kho_unmark_batch() - stop preserving blocks of pages
 * @pfn: numbers of their first pages
 * @nr: number of blocks
 * @order: log2 of the number of pages of a block, as they were marked
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
 * kho_mark_range() - preserve adjacent pages
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_radix_add_range(); as kho_backend_preserve(); or -EADDRNOTAVAIL for
 * pages that are going offline.
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
 * kho_unmark_range() - undo kho_mark_range()
 * @pfn: number of the first page, as it was marked
 * @nr_pages: number of pages, as they were marked
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_radix_del_range().
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
 * kho_mark_cut() - keep only the first pages of a block preserved
 * @pfn: number of the first page
 * @order: the order that the block was marked under
 * @nr_pages: number of pages that stay preserved
 *
 * Context: may sleep; kho.gate held, as pages are marked twice for a moment.
 * Return: 0, as kho_radix_cut(), or as kho_backend_preserve().  Nothing has changed after
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
 * kho_preserved_init() - create an empty tree
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_preserved_init(void)
{
	return kho_radix_init_tree(&preserved);
}

/**
 * kho_preserved_adopt() - adopt the incoming tree as ours
 * @adopt: arguments of kho_radix_adopt_tree(); its tree and end are set here
 * @root: physical address of the incoming tree's root
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
 * kho_preserved_forget() - dispose of the tree, but leave its nodes as they are
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
 * kho_preserved_watch() - set the callback for changes of the tree
 * @watch: called for pages and nodes that are added or removed, or NULL
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
 * @nr_pages: number of pages
 *
 * Context: any; takes no lock.
 */
bool kho_preserved_has(unsigned long pfn, unsigned long nr_pages)
{
	return kho_tree_marks(&preserved, pfn, nr_pages);
}

/**
 * kho_preserved_has_page() - is exactly this block marked?
 * @pfn: number of the first page
 * @order: log2 of the number of pages
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
 * @nr_pages: number of pages
 *
 * Context: may sleep; nobody changes the tree.
 */
bool kho_preserved_lies_in(unsigned long pfn, unsigned long nr_pages)
{
	return kho_tree_lies_in(&preserved, pfn, nr_pages);
}

/**
 * kho_preserved_root() - find the root of the tree
 *
 * Return: physical address of the root.
 */
u64 kho_preserved_root(void)
{
	return virt_to_phys(preserved.root);
}

/**
 * kho_preserved_pages() - number of preserved base pages
 */
u64 kho_preserved_pages(void)
{
	return kho_radix_nr_pages(&preserved);
}

/**
 * kho_preserved_keys() - number of keys in the tree
 */
u64 kho_preserved_keys(void)
{
	return kho_tree_keys(&preserved);
}

/**
 * kho_preserved_nodes() - number of nodes of the tree
 */
u64 kho_preserved_nodes(void)
{
	return preserved.nr_nodes;
}

/**
 * kho_preserved_each() - call a function for each key that has a page in a range
 * @pfn: number of the first page
 * @nr_pages: number of pages
 * @cb: called for each key; a result other than 0 ends the walk
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
 * @ops: called for nodes and runs
 * @ctx: passed to @ops
 *
 * Context: that of @ops; nobody changes the tree.
 * Return: 0, or the result that ended the walk.
 */
int kho_preserved_walk(const struct kho_walk_ops *ops, void *ctx)
{
	return preserved.root ? kho_walk(kho_preserved_root(), ops, ctx, NULL) : 0;
}

/**
 * kho_preserved_walk_nodes() - read the nodes of the tree while pages may be marked
 * @ops: called for nodes
 * @ctx: passed to @ops
 *
 * No node is added or removed meanwhile.
 *
 * Context: may sleep; takes the tree's lock.
 */
void kho_preserved_walk_nodes(const struct kho_walk_ops *ops, void *ctx)
{
	mutex_lock(&preserved.lock);
	kho_walk(kho_preserved_root(), ops, ctx, NULL);
	mutex_unlock(&preserved.lock);
}

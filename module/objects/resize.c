// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making an object larger or smaller.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/text.h"
#include "core/core.h"
#include "core/deferred.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "memory/memory.h"
#include "mm/poison.h"
#include "object.h"

#include <kho/objects.h>

/* Clears what is beyond the last byte: somebody may have written there. */
static void zero_behind(struct kho_mem *mem, u64 bytes)
{
	size_t offset = offset_in_page(bytes);
	struct page *page;

	if (!offset)
		return;
	page = kho_mem_page(mem, bytes >> PAGE_SHIFT);
	if (!kho_page_poisoned(page))
		memzero_page(page, offset, PAGE_SIZE - offset);
}

/* The inode is locked, so nobody else changes the extents. */
static void set_extents(struct kho_mem *mem, struct kho_mem *to, u64 bytes)
{
	down_write(&mem->lock);
	if (to->nr_pages < mem->nr_pages)
		WRITE_ONCE(mem->cuts, mem->cuts + 1);
	kho_extents_swap(mem, to);
	WRITE_ONCE(mem->size, bytes);
	up_write(&mem->lock);
}

/*
 * Lets others here and the next kernel see the new extents.  @chains is set to what the
 * record led to before.
 */
static void resized(struct kho_object *object, struct kho_mem *to, u64 bytes,
		    struct kho_chains *chains)
{
	lockdep_assert_held(&kho.lock);

	kho_object_counts.pages += to->nr_pages - object->mem.nr_pages;
	set_extents(&object->mem, to, bytes);
	object->flags &= ~KHO_OBJS_SUMMED;
	kho_record_resize(object, chains);
}

static int add_all(struct kho_mem *to, const struct kho_mem *from)
{
	u64 i;
	int ret = 0;

	for (i = 0; i < from->nr_extents && !ret; i++) {
		const struct kho_extent *extent = kho_extent_at(from, i);

		ret = kho_mem_add(to, extent->pfn, extent->nr_pages,
				  extent->order);
		cond_resched();
	}
	return ret;
}

/* Not inlined, as it needs much stack of its own. */
static noinline_for_stack int grow(struct kho_object *object,
				   struct kho_mem *more, u64 bytes)
{
	struct kho_mem grown = {};
	struct kho_chains chains;
	int ret;

	/* All extents as they will be, for the record. */
	ret = add_all(&grown, &object->mem) ?: add_all(&grown, more);
	if (ret)
		goto out;
	kho_change_begin();
	ret = kho_may_change() ?: kho_mem_mark(more);
	if (ret)
		goto out_gate;
	kho_inject("larger-marked");
	ret = kho_chains_alloc(&grown, object->record->sums, &chains);
	if (ret) {
		kho_mem_unmark(more);
		goto out_gate;
	}

	mutex_lock(&kho.lock);
	resized(object, &grown, bytes, &chains);
	kho_inject("larger-written");
	kho_changed();
	mutex_unlock(&kho.lock);
	kho_chains_free(&chains);
	/* The pages belong to the object now. */
	kho_extents_free(more);
	memset(more, 0, sizeof(*more));
out_gate:
	kho_change_end();
out:
	kho_extents_free(&grown);
	return ret;
}

/**
 * struct cutting - how an object is made smaller
 */
struct cutting {
	/** @left: the pages that stay. */
	struct kho_mem left;
	/** @cut: the pages that go. */
	struct kho_mem cut;
	/** @unmark: the marks that go. */
	struct kho_mem unmark;
	/** @pfn: first page of the block that is cut, whose mark is replaced, */
	u64 pfn;
	/** @order: its order, */
	unsigned int order;
	/** @nr_pages: how many of its pages stay; 0 if no block is cut. */
	u64 nr_pages;
};

/* Plans for an extent of which @keep pages stay, fewer than it has. */
static int plan_extent(const struct kho_extent *extent, u64 keep,
		       unsigned int order, struct cutting *c)
{
	u64 end = keep, at = keep;

	if (keep)
		at = kho_extent_cut(extent, keep, &c->order, &end);
	if (at < keep) {
		c->pfn = extent->pfn + at;
		c->nr_pages = keep - at;
	}
	if (end < extent->nr_pages) {
		int ret = kho_mem_add(&c->unmark, extent->pfn + end,
				      extent->nr_pages - end, order);

		if (ret)
			return ret;
	}
	return kho_mem_add(&c->cut, extent->pfn + keep, extent->nr_pages - keep,
			   order);
}

static int plan_cut(const struct kho_mem *mem, u64 nr_pages, struct cutting *c)
{
	u64 i;
	int ret = 0;

	for (i = 0; i < mem->nr_extents && !ret; i++) {
		const struct kho_extent *extent = kho_extent_at(mem, i);
		unsigned int order = extent->order;
		u64 keep = extent->nr_pages;

		if (extent->index >= nr_pages)
			keep = 0;
		else if (keep > nr_pages - extent->index)
			keep = nr_pages - extent->index;
		/* A page of 1 GiB that is cut becomes smaller pages. */
		if (keep & ((1ULL << order) - 1))
			order = KHO_OBJS_KEY_ORDER(order);
		if (keep)
			ret = kho_mem_add(&c->left, extent->pfn, keep, order);
		if (!ret && keep < extent->nr_pages)
			ret = plan_extent(extent, keep, order, c);
		cond_resched();
	}
	return ret;
}

/*
 * Does all that can fail, in an order in which an error leaves nothing behind.  What
 * stays of the block that is cut is marked all the time.
 */
static int prepare_cut(const struct kho_object *object, const struct cutting *c,
		       struct kho_chains *chains)
{
	int ret;

	ret = kho_may_change() ?:
	      kho_chains_alloc(&c->left, object->record->sums, chains);
	if (ret || !c->nr_pages)
		return ret;
	ret = kho_mark_cut(c->pfn, c->order, c->nr_pages);
	if (ret)
		kho_chains_free(chains);
	return ret;
}

static void free_cutting(struct cutting *c)
{
	if (!c)
		return;
	kho_extents_free(&c->left);
	kho_extents_free(&c->cut);
	kho_extents_free(&c->unmark);
	kfree(c);
}

static int shrink(struct kho_object *object, u64 nr_pages, u64 bytes)
{
	struct kho_mem *mem = &object->mem;
	struct kho_object *rest;
	struct kho_chains chains;
	struct cutting *c;
	int ret = -ENOMEM;

	c = kzalloc(sizeof(*c), GFP_KERNEL);
	rest = kzalloc(sizeof(*rest), GFP_KERNEL);
	if (!c || !rest)
		goto out;
	ret = plan_cut(mem, nr_pages, c);
	if (ret)
		goto out;

	kho_change_begin();
	ret = prepare_cut(object, c, &chains);
	if (ret) {
		kho_change_end();
		goto out;
	}
	/* What is cut off is freed as if it were an object. */
	kho_mem_init(&rest->mem, NULL);
	set_extents(&rest->mem, &c->cut, 0);
	kho_charge_move(rest, object, rest->mem.nr_pages);
	kho_inject("smaller-begun");
	mutex_lock(&kho.lock);
	resized(object, &c->left, bytes, &chains);
	kho_object_give_up(rest);
	kho.changes++;
	mutex_unlock(&kho.lock);
	/* A jump waits for kho.gate, so it finds record and marks in agreement. */
	kho_inject("smaller-written");
	kho_mem_unmark(&c->unmark);
	kho_inject("smaller-unmarked");
	kho_chains_free(&chains);
	mutex_lock(&kho.lock);
	kho_changed();
	mutex_unlock(&kho.lock);
	kho_change_end();

	kho_inject("smaller-marked");
	kho_mem_unmap(mem, &rest->mem);
	kho_inject("smaller-unmapped");
	zero_behind(mem, bytes);
	kho_deferred_free(&rest->deferred);
	rest = NULL;
out:
	free_cutting(c);
	kfree(rest);
	return ret;
}

static int check_resize(const struct kho_object *object, u64 bytes, u64 nr_pages)
{
	const struct kho_mem *mem = &object->mem;
	int ret = kho_may_change();

	if (ret)
		return ret;
	if (object->flags & KHO_OBJS_SEALED)
		return kho_refuse(-EPERM, "object '%s' is sealed", kho_shown(object->name));
	if (!bytes)
		return kho_refuse(-EINVAL, "object '%s': size is 0", kho_shown(object->name));
	if (mem->pinned)
		return kho_refuse(-EINVAL, "object '%s' is memory of a process, so its size is fixed",
				  kho_shown(object->name));
	if (nr_pages < mem->nr_pages && kho_mem_splits(mem, nr_pages))
		return kho_refuse(-EINVAL, "object '%s': size %llu would cut a huge page",
				  kho_shown(object->name), bytes);
	return 0;
}

/* Changes the size within the last page. */
static int resize_last(struct kho_object *object, u64 bytes)
{
	int ret;

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret) {
		WRITE_ONCE(object->mem.size, bytes);
		object->flags &= ~KHO_OBJS_SUMMED;
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return ret;
}

/* Does it end with a whole huge page, so that huge pages are added? */
static bool ends_huge(const struct kho_mem *mem)
{
	return kho_mem_order(mem, mem->nr_pages - 1) >= KHO_PMD_ORDER &&
	       !(mem->nr_pages & ((1ULL << KHO_PMD_ORDER) - 1));
}

/**
 * kho_object_resize() - make an object larger or smaller
 * @object: the object
 * @inode: inode of its file
 * @bytes: the new size
 *
 * Context: may sleep; takes @inode's lock, then kho.gate and kho.lock.
 * Return: 0 or the errno of KHO_OBJ_RESIZE; nothing has changed after an error.
 */
int kho_object_resize(struct kho_object *object, struct inode *inode, u64 bytes)
{
	u64 nr_pages = (bytes >> PAGE_SHIFT) + !!(bytes & ~PAGE_MASK);
	struct kho_mem *mem = &object->mem, more = {};
	u64 old, charged = 0;
	bool huge;
	int ret;

	/* A writer may hold it for as long as its own memory takes to be faulted in. */
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	mutex_lock(&kho.lock);
	ret = check_resize(object, bytes, nr_pages);
	old = mem->nr_pages;
	huge = ends_huge(mem);
	if (!ret && nr_pages > old && huge && bytes & (PMD_SIZE - 1))
		ret = kho_refuse(-EINVAL, "object '%s': size %llu is not a multiple of its huge page size, %lu",
				 kho_shown(object->name), bytes, PMD_SIZE);
	mutex_unlock(&kho.lock);
	if (!ret && bytes < mem->size) {
		ret = shrink(object, nr_pages, bytes);
		goto out;
	}
	if (ret || bytes == mem->size)
		goto out;

	/* Allocate without kho.lock; nobody else resizes it meanwhile. */
	if (nr_pages > old) {
		while (nr_pages - old > kho_pages_available()) {
			if (kho_deferred_wait())
				continue;
			ret = kho_refuse(-ENOMEM, "object '%s': size %llu is more than the available memory",
					 kho_shown(object->name), bytes);
			goto out;
		}
		ret = kho_charge(object, nr_pages - old, &charged);
		if (ret)
			goto out;
		ret = kho_mem_alloc(&more, old, nr_pages - old, huge, NUMA_NO_NODE);
		if (ret)
			goto err_uncharge;
	}
	kho_inject("larger-begun");
	zero_behind(mem, mem->size);
	if (nr_pages > old)
		ret = grow(object, &more, bytes);
	else
		ret = resize_last(object, bytes);
	if (!ret)
		i_size_write(inode, bytes);
err_uncharge:
	if (ret)
		kho_uncharge(object, charged);
	kho_mem_put_pages(&more);
out:
	inode_unlock(inode);
	return ret;
}

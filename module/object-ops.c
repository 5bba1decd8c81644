// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be done with an object that is open: commit, seal, resize, data of
 * the agent's own, and whose it is.
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

#include "internal.h"

#define DATA_PER_PAGE	KHO_OBJS_DATA_PER_PAGE(PAGE_SHIFT)

/**
 * kho_object_commit() - let an object outlive its files
 * @object: which
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0 or -ESHUTDOWN.
 */
int kho_object_commit(struct kho_object *object)
{
	int ret = 0;

	mutex_lock(&kho.lock);
	if (kho.frozen) {
		ret = -ESHUTDOWN;
	} else if (object->flags & KHO_OBJS_UNCOMMITTED) {
		object->flags &= ~KHO_OBJS_UNCOMMITTED;
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return ret;
}

static int seal(struct kho_object *object, bool with_sums)
{
	u64 sums = 0;
	int ret;

	ret = kho_may_change();
	if (ret)
		return ret;
	ret = kho_mem_deny_writers(&object->mem);
	if (ret)
		return kho_refuse(ret, "object '%s' is mapped for writing",
				  object->name);
	ret = -EBUSY;
	if (!object->mem.pinned && kho_mem_in_use(&object->mem)) {
		kho_refuse(ret, "object '%s': pages are in use by direct I/O or the like",
			   object->name);
		goto err_allow;
	}
	if (with_sums && !object->record->sums) {
		ret = kho_sums_alloc(object->mem.nr_pages, &sums);
		if (ret)
			goto err_allow;
		object->record->sums = sums;
	}
	object->flags |= KHO_OBJS_SEALED;
	object->flags &= ~KHO_OBJS_SUMMED;
	kho_record_update(object);
	kho_changed();
	return 0;

err_allow:
	kho_mem_allow_writers(&object->mem);
	return ret;
}

/**
 * kho_object_seal() - let an object be written no more
 * @object: which
 * @inode: of the file that this is asked of
 * @with_sums: take a checksum
 *
 * Context: may sleep; takes @inode's lock, then kho.lock.
 * Return: 0, -EPERM if it is sealed already, -EBUSY if somebody may still
 * write, -ENOMEM, -EINTR, -EOPNOTSUPP, or as kho_may_change().  Not sealed
 * after an error.
 */
int kho_object_seal(struct kho_object *object, struct inode *inode, bool with_sums)
{
	int ret;

	inode_lock(inode);
	mutex_lock(&kho.lock);
	ret = object->flags & KHO_OBJS_SEALED ? -EPERM : seal(object, with_sums);
	mutex_unlock(&kho.lock);
	if (ret || !with_sums)
		goto out;

	/* Nobody changes it any more: the rest of the module need not wait. */
	ret = kho_sums_take(object, true);
	mutex_lock(&kho.lock);
	if (!ret && !kho.frozen) {
		object->flags |= KHO_OBJS_SUMMED;
	} else {
		ret = ret ?: -ESHUTDOWN;
		object->flags &= ~KHO_OBJS_SEALED;
		kho_mem_allow_writers(&object->mem);
	}
	/* What was had for the sums only. */
	if (ret && !kho.frozen && !(object->flags & KHO_OBJS_SUM_AT_JUMP)) {
		kho_sums_free(object->record->sums);
		object->record->sums = 0;
	}
	if (!kho.frozen) {
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
out:
	inode_unlock(inode);
	return ret;
}

/* What is behind the last byte is 0, also if somebody has written there. */
static void zero_behind(struct kho_mem *mem, u64 bytes)
{
	size_t offset = offset_in_page(bytes);

	if (offset)
		memzero_page(kho_mem_page(mem, bytes >> PAGE_SHIFT), offset,
			     PAGE_SIZE - offset);
}

/* What depends on the size and the extents, and may be had or not. */
struct resize_room {
	u64 chunks;
	u64 sums;
};

static int resize_room(struct kho_object *object, const struct kho_mem *as_if,
		       struct resize_room *room)
{
	int ret;

	room->sums = 0;
	ret = kho_record_prepare(as_if, &room->chunks);
	if (ret)
		return ret;
	if (object->record->sums)
		ret = kho_sums_alloc(as_if->nr_pages, &room->sums);
	if (ret)
		kho_record_discard(room->chunks);
	return ret;
}

static void resize_done(struct kho_object *object, u64 old_pages,
			const struct resize_room *room)
{
	if (object->record->sums) {
		kho_sums_free(object->record->sums);
		object->record->sums = room->sums;
	}
	object->flags &= ~KHO_OBJS_SUMMED;
	kho_record_resize(object, room->chunks);
	kho.object_pages += object->mem.nr_pages - old_pages;
	kho_changed();
}

static int grow(struct kho_object *object, struct kho_mem *more)
{
	struct kho_mem *mem = &object->mem, as_if = {};
	u64 i, old_pages = mem->nr_pages;
	struct resize_room room;
	int ret = 0;

	/* What it will look like, for the records. */
	for (i = 0; i < mem->nr_extents && !ret; i++)
		ret = kho_mem_add(&as_if, mem->extent[i].pfn,
				  mem->extent[i].nr_pages, mem->extent[i].order);
	for (i = 0; i < more->nr_extents && !ret; i++)
		ret = kho_mem_add(&as_if, more->extent[i].pfn,
				  more->extent[i].nr_pages, more->extent[i].order);
	if (ret)
		goto out;
	ret = kho_mem_mark(more);
	if (ret)
		goto out;
	ret = resize_room(object, &as_if, &room);
	if (ret) {
		kho_mem_unmark(more);
		goto out;
	}

	down_write(&mem->lock);
	swap(mem->extent, as_if.extent);
	swap(mem->room, as_if.room);
	mem->nr_extents = as_if.nr_extents;
	mem->nr_pages = as_if.nr_pages;
	up_write(&mem->lock);
	/* The pages are the object's now. */
	kvfree(more->extent);
	memset(more, 0, sizeof(*more));
	resize_done(object, old_pages, &room);
out:
	kvfree(as_if.extent);
	return ret;
}

/* Marks what was marked a moment ago: all it needs is a page or two. */
static void mark_again(const struct kho_mem *mem)
{
	while (kho_mem_mark(mem) == -ENOMEM)
		schedule_timeout_uninterruptible(1);
}

/**
 * struct cutting - an object that is made smaller
 */
struct cutting {
	/** @left: what is left of it. */
	struct kho_mem left;
	/** @cut: what goes. */
	struct kho_mem cut;
	/** @old: the extents of which something goes, as they are marked. */
	struct kho_mem old;
	/** @again: what is left of one of these, to be marked anew. */
	struct kho_mem again;
};

static int plan_cut(const struct kho_mem *mem, u64 nr_pages, struct cutting *c)
{
	u64 i;
	int ret = 0;

	for (i = 0; i < mem->nr_extents && !ret; i++) {
		const struct kho_extent *extent = &mem->extent[i];
		unsigned int order = extent->order;
		u64 keep = extent->nr_pages;

		if (extent->index >= nr_pages)
			keep = 0;
		else if (keep > nr_pages - extent->index)
			keep = nr_pages - extent->index;
		/* A page of 1 GiB of which a part is left is one no more. */
		if (keep & ((1ULL << order) - 1))
			order = KHO_OBJS_KEY_ORDER(order);
		if (keep)
			ret = kho_mem_add(&c->left, extent->pfn, keep, order);
		if (ret || keep == extent->nr_pages)
			continue;
		ret = kho_mem_add(&c->cut, extent->pfn + keep,
				  extent->nr_pages - keep, order) ?:
		      kho_mem_add(&c->old, extent->pfn, extent->nr_pages,
				  extent->order);
		if (!ret && keep)
			ret = kho_mem_add(&c->again, extent->pfn, keep, order);
	}
	return ret;
}

static int shrink(struct kho_object *object, u64 nr_pages, u64 bytes)
{
	struct kho_mem *mem = &object->mem;
	u64 old_pages = mem->nr_pages;
	struct resize_room room;
	struct cutting *c;
	int ret;

	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	ret = plan_cut(mem, nr_pages, c) ?: resize_room(object, &c->left, &room);
	if (ret)
		goto out;

	kho_mem_unmark(&c->old);
	down_write(&mem->lock);
	swap(mem->extent, c->left.extent);
	swap(mem->room, c->left.room);
	mem->nr_extents = c->left.nr_extents;
	mem->nr_pages = c->left.nr_pages;
	WRITE_ONCE(mem->size, bytes);
	up_write(&mem->lock);
	kho_mem_unmap(mem, &c->cut);
	zero_behind(mem, bytes);
	kho.released += c->cut.nr_pages;
	kho_uncharge(object, c->cut.nr_pages);
	kho_mem_put_pages(&c->cut);
	mark_again(&c->again);
	resize_done(object, old_pages, &room);
out:
	kvfree(c->left.extent);
	kvfree(c->cut.extent);
	kvfree(c->old.extent);
	kvfree(c->again.extent);
	kfree(c);
	return ret;
}

static int check_resize(const struct kho_object *object, u64 bytes, u64 nr_pages)
{
	const struct kho_mem *mem = &object->mem;
	int ret = kho_may_change();

	if (ret)
		return ret;
	if (object->flags & KHO_OBJS_SEALED)
		return kho_refuse(-EPERM, "object '%s' is sealed", object->name);
	if (!bytes)
		return kho_refuse(-EINVAL, "object '%s': size is 0", object->name);
	if (mem->pinned)
		return kho_refuse(-EINVAL, "object '%s' is memory of a process, its size is fixed",
				  object->name);
	if (nr_pages < mem->nr_pages && kho_mem_splits(mem, nr_pages))
		return kho_refuse(-EINVAL, "object '%s': size %llu cuts a huge page",
				  object->name, bytes);
	return 0;
}

/* Do huge pages go on at the end of it? */
static bool ends_huge(const struct kho_mem *mem)
{
	return kho_mem_order(mem, mem->nr_pages - 1) >= KHO_PMD_ORDER &&
	       !(mem->nr_pages & ((1ULL << KHO_PMD_ORDER) - 1));
}

/**
 * kho_object_resize() - make an object larger or smaller
 * @object: which
 * @inode: of the file that this is asked of
 * @bytes: its new size
 *
 * Context: may sleep; takes @inode's lock, then kho.lock.
 * Return: 0 or the errno of KHO_OBJ_RESIZE; nothing has changed after an error.
 */
int kho_object_resize(struct kho_object *object, struct inode *inode, u64 bytes)
{
	u64 nr_pages = (bytes >> PAGE_SHIFT) + !!(bytes & ~PAGE_MASK);
	struct kho_mem *mem = &object->mem, more = {};
	bool huge;
	u64 old;
	int ret;

	inode_lock(inode);
	mutex_lock(&kho.lock);
	ret = check_resize(object, bytes, nr_pages);
	old = mem->nr_pages;
	huge = ends_huge(mem);
	if (!ret && nr_pages > old && huge && bytes & (PMD_SIZE - 1))
		ret = kho_refuse(-EINVAL, "object '%s': size %llu is no multiple of its huge pages of %lu",
				 object->name, bytes, PMD_SIZE);
	if (!ret && bytes < mem->size)
		ret = shrink(object, nr_pages, bytes);
	mutex_unlock(&kho.lock);
	if (ret || bytes <= mem->size)
		goto out;

	/* Memory is had without the lock; nobody else resizes it meanwhile. */
	if (nr_pages > old) {
		if (nr_pages - old > si_mem_available()) {
			ret = kho_refuse(-ENOMEM, "object '%s': size %llu is more than there is memory",
					 object->name, bytes);
			goto out;
		}
		mutex_lock(&kho.lock);
		ret = kho_charge(object, nr_pages - old);
		mutex_unlock(&kho.lock);
		if (ret)
			goto out;
		ret = kho_mem_alloc(&more, old, nr_pages - old, huge, NUMA_NO_NODE);
		if (ret)
			goto err_uncharge;
	}
	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret && nr_pages > old)
		ret = grow(object, &more);
	if (!ret) {
		zero_behind(mem, mem->size);
		WRITE_ONCE(mem->size, bytes);
		if (mem->inode)
			i_size_write(mem->inode, bytes);
		object->flags &= ~KHO_OBJS_SUMMED;
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
err_uncharge:
	if (ret && nr_pages > old)
		kho_uncharge(object, nr_pages - old);
	kho_mem_put_pages(&more);
out:
	inode_unlock(inode);
	return ret;
}

/**
 * kho_data_free() - free a chain of data pages
 * @addr: physical address of the first, or 0
 *
 * Context: may sleep; kho.lock held.
 */
void kho_data_free(u64 addr)
{
	while (addr) {
		struct kho_objs_data *page = phys_to_virt(addr);

		addr = page->next;
		kho_blob_free(page);
	}
}

/**
 * kho_object_set_data() - replace the agent's own data
 * @object: whose
 * @data: the bytes
 * @bytes: how many, at most KHO_DATA_MAX
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -ENOMEM, -EDQUOT, -EPERM for a sealed object, or as
 * kho_may_change(); nothing has changed after an error.
 */
int kho_object_set_data(struct kho_object *object, const void *data, u32 bytes)
{
	u32 done, n, charged = DIV_ROUND_UP(bytes, DATA_PER_PAGE);
	u64 first = 0, *link = &first, before;
	int ret;

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret && object->flags & KHO_OBJS_SEALED)
		ret = kho_refuse(-EPERM, "object '%s' is sealed", object->name);
	before = object->charged;
	if (!ret)
		ret = kho_charge(object, charged);
	if (ret)
		goto out;
	/* Not all who call are counted. */
	charged = object->charged - before;
	for (done = 0; done < bytes; done += n) {
		struct kho_objs_data *page = kho_blob_alloc();

		if (!page) {
			ret = -ENOMEM;
			goto err_free;
		}
		n = min_t(u32, bytes - done, DATA_PER_PAGE);
		page->bytes = n;
		memcpy(page->data, data + done, n);
		*link = virt_to_phys(page);
		link = &page->next;
	}
	swap(object->record->data, first);
	swap(object->data_charged, charged);
	object->data_bytes = bytes;
	kho_changed();
err_free:
	kho_data_free(first);
	kho_uncharge(object, charged);
out:
	mutex_unlock(&kho.lock);
	return ret;
}

/**
 * kho_object_get_data() - read the agent's own data
 * @object: whose
 * @data: where to
 * @room: how many bytes it can have
 * @bytes: set to how many there are
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0.
 */
int kho_object_get_data(struct kho_object *object, void *data, u32 room,
			u32 *bytes)
{
	u32 done = 0, n;
	u64 next;

	mutex_lock(&kho.lock);
	for (next = object->record->data; next && done < room; done += n) {
		const struct kho_objs_data *page = phys_to_virt(next);

		n = min_t(u32, room - done, page->bytes);
		memcpy(data + done, page->data, n);
		next = page->next;
	}
	*bytes = object->data_bytes;
	mutex_unlock(&kho.lock);
	return 0;
}

/**
 * kho_object_set_owner() - say whose an object is, and who may use it
 * @object: which
 * @to: what to set; checked for what can't be at all
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -EPERM, -EINVAL for an id that can't be one, or as
 * kho_may_change().
 */
int kho_object_set_owner(struct kho_object *object, const struct kho_obj_owner *to)
{
	kuid_t uid = object->uid;
	kgid_t gid = object->gid;
	bool all = kho_allowed_all();
	int ret;

	if (to->flags & KHO_OWNER_UID)
		uid = make_kuid(&init_user_ns, to->uid);
	if (to->flags & KHO_OWNER_GID)
		gid = make_kgid(&init_user_ns, to->gid);
	if (!uid_valid(uid) || !gid_valid(gid))
		return kho_refuse(-EINVAL, "object '%s': uid %u or gid %u is none",
				  object->name, to->uid, to->gid);

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret && (!kho_owns(object) ||
		     (!all && !uid_eq(uid, object->uid)) ||
		     (!all && !gid_eq(gid, object->gid) && !in_group_p(gid))))
		ret = kho_refuse(-EPERM, "object '%s': uid %u may not give it to uid %u, gid %u",
				 object->name,
				 from_kuid(&init_user_ns, current_fsuid()),
				 from_kuid(&init_user_ns, uid),
				 from_kgid(&init_user_ns, gid));
	if (!ret) {
		object->uid = uid;
		object->gid = gid;
		if (to->flags & KHO_OWNER_MODE)
			object->mode = to->mode;
		kho_mem_set_inode(&object->mem, object->uid, object->gid,
				  object->mode);
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return ret;
}

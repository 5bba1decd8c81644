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

#include "base/inject.h"
#include "internal.h"
#include "core/page-alloc.h"

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
		kho_inject("commit");
		object->flags &= ~KHO_OBJS_UNCOMMITTED;
		kho_record_update(object);
		kho_inject("commit-written");
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return ret;
}

static int may_seal(const struct kho_object *object)
{
	int ret;

	mutex_lock(&kho.lock);
	ret = object->flags & KHO_OBJS_SEALED ? -EPERM : kho_may_change();
	mutex_unlock(&kho.lock);
	return ret;
}

/* Nobody may write any more, and whoever could has given that up. */
static int stop_writers(struct kho_object *object)
{
	int ret = kho_mem_deny_writers(&object->mem);

	if (ret)
		return kho_refuse(ret, "object '%s' is mapped for writing",
				  kho_shown(object->name));
	if (object->mem.pinned)
		return 0;
	ret = kho_mem_in_use(&object->mem);
	if (ret)
		kho_mem_allow_writers(&object->mem);
	if (ret == -EBUSY)
		kho_refuse(ret, "object '%s': pages are in use by direct I/O or the like",
			   kho_shown(object->name));
	return ret;
}

/* The seal, and room for sums.  A jump waits until both are there, or neither. */
static int set_seal(struct kho_object *object, bool with_sums)
{
	u64 sums = 0;
	int ret;

	down_read(&kho.gate);
	ret = kho_may_change();
	if (!ret && with_sums && !object->record->sums)
		ret = kho_sums_alloc(object->mem.nr_pages, &sums);
	if (ret)
		goto out;
	mutex_lock(&kho.lock);
	if (sums)
		object->record->sums = sums;
	object->flags |= KHO_OBJS_SEALED;
	object->flags &= ~KHO_OBJS_SUMMED;
	kho_record_update(object);
	kho_changed();
	mutex_unlock(&kho.lock);
out:
	up_read(&kho.gate);
	return ret;
}

/* The sums have been taken; or not, and then there is no seal either. */
static int finish_sums(struct kho_object *object, int ret)
{
	u64 sums = 0;

	down_read(&kho.gate);
	mutex_lock(&kho.lock);
	if (kho.frozen) {
		/* Its record says that it is sealed, and so it arrives: so it stays. */
		ret = -ESHUTDOWN;
	} else if (!ret) {
		object->flags |= KHO_OBJS_SUMMED;
	} else {
		object->flags &= ~KHO_OBJS_SEALED;
		kho_mem_allow_writers(&object->mem);
	}
	/* What was had for the sums only. */
	if (ret && !kho.frozen && !(object->flags & KHO_OBJS_SUM_AT_JUMP))
		swap(sums, object->record->sums);
	if (!kho.frozen) {
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	kho_sums_free(sums);
	up_read(&kho.gate);
	return ret;
}

static int take_sums(struct kho_object *object)
{
	int ret;

	kho_inject("seal-sums");
	ret = kho_sums_take(object, true);
	kho_inject("seal-summed");
	return finish_sums(object, ret);
}

/**
 * kho_object_seal() - let an object be written no more
 * @object: which
 * @inode: of the file that this is asked of
 * @with_sums: take a checksum
 *
 * What takes longer the more pages there are is done with the inode's lock only:
 * nobody writes or resizes the object meanwhile, and the rest of the module need
 * not wait.
 *
 * Context: may sleep; takes @inode's lock, then kho.gate and kho.lock.
 * Return: 0, -EPERM if it is sealed already, -EBUSY if somebody may still
 * write, -ENOMEM, -EINTR, -EOPNOTSUPP, or as kho_may_change().  Not sealed
 * after an error; but if the jump begins while checksums are taken, -ESHUTDOWN is
 * for these alone.
 */
int kho_object_seal(struct kho_object *object, struct inode *inode, bool with_sums)
{
	int ret;

	/* Whoever writes may wait for memory of his own, as long as he likes. */
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	kho_inject("seal");
	ret = may_seal(object) ?: stop_writers(object);
	if (ret)
		goto out;
	ret = set_seal(object, with_sums);
	if (ret)
		kho_mem_allow_writers(&object->mem);
	else if (with_sums)
		ret = take_sums(object);
out:
	inode_unlock(inode);
	return ret;
}

/* What is behind the last byte is 0, also if somebody has written there. */
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

/* Nobody but us changes the extents: the inode is locked. */
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
 * What the next kernel and others here find from now on; told what hung on the
 * record before.
 */
static void resized(struct kho_object *object, struct kho_mem *to, u64 bytes,
		    struct kho_chains *chains)
{
	lockdep_assert_held(&kho.lock);

	kho.object_pages += to->nr_pages - object->mem.nr_pages;
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

/* Not part of its caller's frame: it has much of its own. */
static noinline_for_stack int grow(struct kho_object *object,
				   struct kho_mem *more, u64 bytes)
{
	struct kho_mem as_if = {};
	struct kho_chains chains;
	int ret;

	/* What it will look like, for the records. */
	ret = add_all(&as_if, &object->mem) ?: add_all(&as_if, more);
	if (ret)
		goto out;
	down_read(&kho.gate);
	ret = kho_may_change() ?: kho_mem_mark(more);
	if (ret)
		goto out_gate;
	kho_inject("larger-marked");
	ret = kho_chains_alloc(&as_if, object->record->sums, &chains);
	if (ret) {
		kho_mem_unmark(more);
		goto out_gate;
	}

	mutex_lock(&kho.lock);
	resized(object, &as_if, bytes, &chains);
	kho_inject("larger-written");
	kho_changed();
	mutex_unlock(&kho.lock);
	kho_chains_free(&chains);
	/* The pages are the object's now. */
	kho_extents_free(more);
	memset(more, 0, sizeof(*more));
out_gate:
	up_read(&kho.gate);
out:
	kho_extents_free(&as_if);
	return ret;
}

/**
 * struct cutting - an object that is made smaller
 */
struct cutting {
	/** @left: what is left of it. */
	struct kho_mem left;
	/** @cut: what goes. */
	struct kho_mem cut;
	/** @unmark: the marks that go. */
	struct kho_mem unmark;
	/** @pfn: the block of which a part is left is marked by another order, */
	u64 pfn;
	/** @order: than this one, */
	unsigned int order;
	/** @nr_pages: as these are what is left; 0 if there is no such block. */
	u64 nr_pages;
};

/* An extent of which @keep pages are left, fewer than there are. */
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
		/* A page of 1 GiB of which a part is left is one no more. */
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
 * All that can fail, in an order in which it leaves nothing behind.  What is left of
 * the block that is cut stays marked all the time.
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

	down_read(&kho.gate);
	ret = prepare_cut(object, c, &chains);
	if (ret) {
		up_read(&kho.gate);
		goto out;
	}
	/* It goes as an object of its own would. */
	kho_mem_init(&rest->mem, NULL);
	set_extents(&rest->mem, &c->cut, 0);
	kho_charge_move(rest, object, rest->mem.nr_pages);
	kho_inject("smaller-begun");
	mutex_lock(&kho.lock);
	resized(object, &c->left, bytes, &chains);
	kho_freeing_begin(rest);
	kho.changes++;
	mutex_unlock(&kho.lock);
	/* No jump finds the record and the marks unlike each other. */
	kho_inject("smaller-written");
	kho_mem_unmark(&c->unmark);
	kho_inject("smaller-unmarked");
	kho_chains_free(&chains);
	mutex_lock(&kho.lock);
	kho_changed();
	mutex_unlock(&kho.lock);
	up_read(&kho.gate);

	kho_inject("smaller-marked");
	kho_mem_unmap(mem, &rest->mem);
	kho_inject("smaller-unmapped");
	zero_behind(mem, bytes);
	kho_object_give_up(rest);
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
		return kho_refuse(-EINVAL, "object '%s' is memory of a process, its size is fixed",
				  kho_shown(object->name));
	if (nr_pages < mem->nr_pages && kho_mem_splits(mem, nr_pages))
		return kho_refuse(-EINVAL, "object '%s': size %llu cuts a huge page",
				  kho_shown(object->name), bytes);
	return 0;
}

/* Its last page has room for more bytes. */
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

	/* Whoever writes may wait for memory of his own, as long as he likes. */
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	mutex_lock(&kho.lock);
	ret = check_resize(object, bytes, nr_pages);
	old = mem->nr_pages;
	huge = ends_huge(mem);
	if (!ret && nr_pages > old && huge && bytes & (PMD_SIZE - 1))
		ret = kho_refuse(-EINVAL, "object '%s': size %llu is no multiple of its huge pages of %lu",
				 kho_shown(object->name), bytes, PMD_SIZE);
	mutex_unlock(&kho.lock);
	if (!ret && bytes < mem->size) {
		ret = shrink(object, nr_pages, bytes);
		goto out;
	}
	if (ret || bytes == mem->size)
		goto out;

	/* Memory is had without the lock; nobody else resizes it meanwhile. */
	if (nr_pages > old) {
		while (nr_pages - old > kho_pages_available()) {
			if (kho_freeing_wait())
				continue;
			ret = kho_refuse(-ENOMEM, "object '%s': size %llu is more than there is memory",
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

/**
 * kho_data_free() - free a chain of data pages
 * @addr: physical address of the first, or 0
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_data_free(u64 addr)
{
	while (addr) {
		struct kho_objs_data *page = phys_to_virt(addr);

		addr = page->next;
		kho_blob_free(page);
	}
}

/* Writes bytes into a chain of pages; *@first is what there is after an error. */
static int write_data(const void *data, u32 bytes, u64 *first)
{
	u64 *link = first;
	u32 done, n;

	for (done = 0; done < bytes; done += n) {
		struct kho_objs_data *page = kho_blob_alloc_charged();

		if (!page)
			return -ENOMEM;
		n = min_t(u32, bytes - done, DATA_PER_PAGE);
		page->bytes = n;
		memcpy(page->data, data + done, n);
		*link = virt_to_phys(page);
		link = &page->next;
	}
	return 0;
}

/**
 * kho_object_set_data() - replace the agent's own data
 * @object: whose
 * @data: the bytes
 * @bytes: how many, at most KHO_DATA_MAX
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 * Return: 0, -ENOMEM, -EDQUOT, -EPERM for a sealed object, or as
 * kho_may_change(); nothing has changed after an error.
 */
int kho_object_set_data(struct kho_object *object, const void *data, u32 bytes)
{
	u64 chain = 0, charged;
	u32 was_charged;
	int ret;

	ret = kho_charge(object, DIV_ROUND_UP(bytes, DATA_PER_PAGE), &charged);
	if (ret)
		return ret;
	down_read(&kho.gate);
	ret = kho_may_change() ?: write_data(data, bytes, &chain);
	if (ret)
		goto out;
	mutex_lock(&kho.lock);
	if (object->flags & KHO_OBJS_SEALED) {
		ret = kho_refuse(-EPERM, "object '%s' is sealed", kho_shown(object->name));
	} else {
		kho_inject("data");
		swap(object->record->data, chain);
		kho_inject("data-set");
		was_charged = object->data_charged;
		object->data_charged = charged;
		charged = was_charged;
		object->data_bytes = bytes;
		kho_changed();
	}
	mutex_unlock(&kho.lock);
out:
	kho_data_free(chain);
	up_read(&kho.gate);
	kho_uncharge(object, charged);
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
 * Return: 0, or -EIO if a page of it is poisoned.
 */
int kho_object_get_data(struct kho_object *object, void *data, u32 room,
			u32 *bytes)
{
	u32 done = 0, n;
	int ret = 0;
	u64 next;

	mutex_lock(&kho.lock);
	for (next = object->record->data; next && done < room; done += n) {
		const struct kho_objs_data *page = phys_to_virt(next);

		if (kho_blob_poisoned(page)) {
			ret = -EIO;
			break;
		}
		n = min_t(u32, room - done, page->bytes);
		memcpy(data + done, page->data, n);
		next = page->next;
	}
	*bytes = object->data_bytes;
	mutex_unlock(&kho.lock);
	return ret;
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
				  kho_shown(object->name), to->uid, to->gid);

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret && (!kho_owns(object) ||
		     (!all && !uid_eq(uid, object->uid)) ||
		     (!all && !gid_eq(gid, object->gid) && !in_group_p(gid))))
		ret = kho_refuse(-EPERM, "object '%s': uid %u may not give it to uid %u, gid %u",
				 kho_shown(object->name),
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
		kho_inject("owner");
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return ret;
}

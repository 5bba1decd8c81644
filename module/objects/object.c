// SPDX-License-Identifier: GPL-2.0-only
/*
 * Named memory objects: kept until somebody removes them, in this kernel or in a later
 * one.
 *
 * An object is on the list as long as it is preserved.  Its open files are counted, and
 * it can't be removed while there are any.  An uncommitted object is removed with its
 * last file.  If a jump comes first, the next kernel frees it, as its record says that
 * it is uncommitted.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/once.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/text.h"
#include "core/core.h"
#include "core/deferred.h"
#include "core/page-alloc.h"
#include "incoming/incoming.h"
#include "memory/memory.h"
#include "object.h"
#include "records.h"

#include <kho/objects.h>
#include <linux/kho.h>

/* With 100,000 objects, some 25 share a bucket. */
#define NAME_BITS	12

unsigned int kho_max_idle;

/* All objects, oldest first, and the same by name. */
LIST_HEAD(kho_objects);
static struct hlist_head by_name[1 << NAME_BITS];

struct kho_object_counts kho_object_counts;

/* Nobody knows the key, so nobody can choose names that all share a bucket. */
static struct hlist_head *bucket_of(const char *name)
{
	static siphash_key_t key;

	get_random_once(&key, sizeof(key));
	return &by_name[siphash(name, strlen(name), &key) %
			    ARRAY_SIZE(by_name)];
}

/**
 * kho_object_find() - look an object up
 * @name: its name
 *
 * Context: kho.lock held.
 * Return: the object or NULL.
 */
struct kho_object *kho_object_find(const char *name)
{
	struct kho_object *object;

	lockdep_assert_held(&kho.lock);

	hlist_for_each_entry(object, bucket_of(name), named)
		if (!strcmp(object->name, name))
			return object;
	return NULL;
}

/* The same, but only for objects that the caller may know of. */
static struct kho_object *find_visible(const char *name)
{
	struct kho_object *object = kho_object_find(name);

	return object && kho_sees(object) ? object : NULL;
}

static int may_name(const char *name)
{
	int ret = kho_may_change();

	if (!ret && kho_object_find(name))
		ret = kho_refuse(-EEXIST, "object '%s': the name is taken", kho_shown(name));
	return ret;
}

/**
 * kho_object_may_name() - can there be a new object of that name?
 * @name: its name
 *
 * Asked before memory is allocated, so that a second agent of that name does no harm.
 *
 * Context: may sleep.
 * Return: 0, -EEXIST, or as kho_may_change().
 */
int kho_object_may_name(const char *name)
{
	int ret;

	mutex_lock(&kho.lock);
	ret = may_name(name);
	mutex_unlock(&kho.lock);
	return ret;
}

static void object_release(struct kho_mem *mem);

static int object_may_write(struct kho_mem *mem)
{
	const struct kho_object *object = container_of(mem, struct kho_object, mem);

	return object->flags & KHO_OBJS_SEALED ? -EPERM : 0;
}

static const struct kho_mem_ops object_mem_ops = {
	.release = object_release,
	.ioctl = kho_object_ioctl,
	.may_write = object_may_write,
};

/**
 * kho_object_new() - create an object without memory
 * @params: what it is to be like
 *
 * The caller is charged for its pages.
 *
 * Context: may sleep.
 * Return: the object, for kho_object_free() or kho_object_insert(), or an error
 * pointer: -ENOMEM, -EDQUOT.
 */
struct kho_object *kho_object_new(const struct kho_object_params *params)
{
	u64 nr_pages = (params->bytes >> PAGE_SHIFT) + !!(params->bytes & ~PAGE_MASK);
	struct kho_object *object = kzalloc(sizeof(*object), KHO_GFP_CHARGED);
	u64 charged;
	int ret;

	if (!object)
		return ERR_PTR(-ENOMEM);
	kho_mem_init(&object->mem, &object_mem_ops);
	strscpy_pad(object->name, params->name, sizeof(object->name));
	object->mem.size = params->bytes;
	object->flags = params->flags;
	object->created = ktime_get_real_seconds();
	object->uid = current_fsuid();
	object->gid = current_fsgid();
	object->mode = 0600;
	get_task_comm(object->comm, current->group_leader);
	kho_text_clean(object->comm, sizeof(object->comm));
	strscpy_pad(object->release, init_utsname()->release,
		    sizeof(object->release));

	ret = kho_charge(object, nr_pages, &charged);
	if (ret) {
		kfree(object);
		return ERR_PTR(ret);
	}
	return object;
}

/**
 * kho_object_free() - free an object that is not listed, and its memory
 * @object: the object
 *
 * Context: may sleep.
 */
void kho_object_free(struct kho_object *object)
{
	kho_mem_put_pages(&object->mem);
	kho_uncharge(object, object->charged);
	kfree(object);
}

static u64 free_piece(struct kho_deferred *deferred)
{
	struct kho_object *object = container_of(deferred, struct kho_object, deferred);
	u64 nr = kho_mem_put_piece(&object->mem);

	kho_uncharge(object, nr);
	return nr;
}

static void free_deferred(struct kho_deferred *deferred)
{
	/* This also uncharges its data. */
	kho_object_free(container_of(deferred, struct kho_object, deferred));
}

/**
 * kho_object_give_up() - announce that the memory of an object will be freed
 * @object: the object; kho_deferred_free() has to follow, once it is not preserved
 *
 * Context: kho.lock held, before kho_changed().
 */
void kho_object_give_up(struct kho_object *object)
{
	static const struct kho_deferred_ops ops = {
		.free_piece = free_piece,
		.free = free_deferred,
	};

	kho_deferred_begin(&object->deferred, object->mem.nr_pages, &ops);
}

static bool holds(void)
{
	return kho_object_counts.nr;
}

static struct kho_owner objects_owner = {
	.holds = holds,
};

static void list_object(struct kho_object *object)
{
	list_add_tail(&object->list, &kho_objects);
	hlist_add_head(&object->named, bucket_of(object->name));
	kho_object_counts.nr++;
	kho_object_counts.pages += object->mem.nr_pages;
}

/*
 * The opposite of what kho_object_insert() does, in two steps.  The first one ends the
 * object.  The second takes longer the more pages there are, and needs no kho.lock.
 * kho.gate is held over both.
 */
static void object_end(struct kho_object *object, struct kho_chains *chains)
{
	lockdep_assert_held(&kho.lock);

	kho_record_erase(object, chains);
	list_del(&object->list);
	hlist_del(&object->named);
	kho_object_counts.nr--;
	kho_object_counts.pages -= object->mem.nr_pages;
	kho_object_counts.arrived -= object->arrived;
	kho.changes++;
	kho_mem_files_keep(kho_object_counts.nr);
	kho_object_give_up(object);
}

static void object_unmark(struct kho_object *object, struct kho_chains *chains)
{
	kho_mem_unmark(&object->mem);
	kho_chains_free(chains);
}

static void changed(void)
{
	mutex_lock(&kho.lock);
	kho_changed();
	mutex_unlock(&kho.lock);
}

/* Makes a file of an object.  Whoever opens an object then calls make_folios(). */
static struct file *make_file(struct kho_object *object, unsigned int flags,
			      bool largest)
{
	char name[sizeof("kho:") + KHO_OBJS_NAME_SIZE];
	struct file *file;

	snprintf(name, sizeof(name), "kho:%s", object->name);
	file = kho_mem_file(name, &object->mem, flags, largest);
	if (IS_ERR(file))
		return file;
	kho_mem_set_inode(&object->mem, object->uid, object->gid, object->mode);
	object->files++;
	return file;
}

/**
 * kho_object_insert() - preserve an object, and make a file of it
 * @object: the object with its memory
 * @file: set to the file
 *
 * Lists, marks and records the object: all of that or nothing.  What takes longer the
 * more pages there are is done without kho.lock; a jump waits for kho.gate.
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 * Return: 0, -ENOMEM, or as kho_object_may_name() or kho_mark_range().
 */
int kho_object_insert(struct kho_object *object, struct file **file)
{
	struct kho_chains chains;
	int ret;

	kho_change_begin();
	ret = kho_object_may_name(object->name) ?: kho_mem_mark(&object->mem);
	if (ret)
		goto out;
	kho_inject("insert-marked");
	ret = kho_chains_alloc(&object->mem,
			       object->flags & KHO_OBJS_SUM_AT_JUMP, &chains);
	if (ret)
		goto err_unmark;

	mutex_lock(&kho.lock);
	/* The name may have been taken meanwhile. */
	kho_inject("insert-locked");
	ret = may_name(object->name) ?: kho_record_write(object, &chains);
	if (ret)
		goto err_unlock;
	kho_inject("insert-written");
	*file = make_file(object, O_RDWR, false);
	if (IS_ERR(*file)) {
		ret = PTR_ERR(*file);
		goto err_erase;
	}
	list_object(object);
	kho_mem_files_keep(true);
	kho_changed();
	mutex_unlock(&kho.lock);
	kho_change_end();
	kho_inject("insert-done");
	return 0;

err_erase:
	kho_record_erase(object, &chains);
err_unlock:
	mutex_unlock(&kho.lock);
	kho_chains_free(&chains);
err_unmark:
	kho_mem_unmark(&object->mem);
out:
	kho_change_end();
	return ret;
}

static int check_params(const struct kho_object_params *params)
{
	if (!params->bytes)
		return kho_refuse(-EINVAL, "object '%s': size is 0", kho_shown(params->name));
	if (params->huge && params->bytes & (PMD_SIZE - 1))
		return kho_refuse(-EINVAL, "object '%s': size %llu is not a multiple of the huge page size, %lu",
				  kho_shown(params->name), params->bytes, PMD_SIZE);
	if (params->nid != NUMA_NO_NODE &&
	    (params->nid < 0 || params->nid >= MAX_NUMNODES || !node_online(params->nid)))
		return kho_refuse(-EINVAL, "object '%s': there is no node %d",
				  kho_shown(params->name), params->nid);
	while (params->bytes >> PAGE_SHIFT > kho_pages_available()) {
		if (kho_deferred_wait())
			continue;
		return kho_refuse(-ENOMEM,
				  "object '%s': size %llu is more than the available memory",
				  kho_shown(params->name), params->bytes);
	}
	return 0;
}

/**
 * kho_object_create() - create an object of zeroed memory
 * @params: what it is to be like; the name has been checked
 * @file: set to a file of it
 *
 * Context: may sleep.
 * Return: 0 or the errno of KHO_OBJ_CREATE; nothing is left after an error.
 */
int kho_object_create(const struct kho_object_params *params, struct file **file)
{
	u64 nr_pages = (params->bytes >> PAGE_SHIFT) + !!(params->bytes & ~PAGE_MASK);
	struct kho_object *object;
	int ret;

	ret = kho_object_may_name(params->name) ?: check_params(params);
	if (ret)
		return ret;
	object = kho_object_new(params);
	if (IS_ERR(object))
		return PTR_ERR(object);
	kho_inject("create-begun");
	ret = kho_mem_alloc(&object->mem, 0, nr_pages, params->huge, params->nid) ?:
	      kho_object_insert(object, file);
	if (ret)
		kho_object_free(object);
	return ret;
}

/*
 * Makes folios for the first file.  This takes longer the more there are; others who
 * open the object wait for it, and nobody else does.
 */
static int make_folios(struct kho_object *object, struct file *file)
{
	struct inode *inode = file_inode(file);
	int ret;

	kho_inject("whole");
	/* Usually there is nothing to do, and no need to wait for a seal in progress. */
	if (kho_mem_folios_made(&object->mem))
		return 0;
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	ret = kho_mem_make_folios(&object->mem);
	inode_unlock(inode);
	return ret;
}

/**
 * kho_object_open() - open an object by name
 * @name: its name
 * @flags: KHO_OPEN_*
 * @file: set to a file of it
 * @bytes: set to its size
 *
 * Context: may sleep.
 * Return: 0, -ENOENT, -EACCES, -EINTR, or what making a file returned.
 */
int kho_object_open(const char *name, u32 flags, struct file **file, u64 *bytes)
{
	unsigned int mask = MAY_READ;
	struct kho_object *object;
	int ret = 0;

	mutex_lock(&kho.lock);
	object = find_visible(name);
	if (!object) {
		ret = -ENOENT;
		goto out;
	}
	if (!(flags & KHO_OPEN_READ) && !(object->flags & KHO_OBJS_SEALED))
		mask |= MAY_WRITE;
	if (!kho_may(object, mask)) {
		ret = kho_refuse(-EACCES, "object '%s': mode %#o does not let uid %u open it%s",
				 kho_shown(name), object->mode,
				 from_kuid(&init_user_ns, current_fsuid()),
				 mask & MAY_WRITE ? " for writing" : "");
		goto out;
	}
	*file = make_file(object, mask & MAY_WRITE ? O_RDWR : O_RDONLY,
			  flags & KHO_OPEN_LARGEST);
	if (IS_ERR(*file)) {
		ret = PTR_ERR(*file);
		goto out;
	}
	*bytes = object->mem.size;
	object->idle = 0;
	if (mask & MAY_WRITE)
		object->flags &= ~KHO_OBJS_SUMMED;
	if (!kho.frozen)
		kho_record_update(object);
out:
	mutex_unlock(&kho.lock);
	if (ret)
		return ret;
	ret = make_folios(object, *file);
	if (ret)
		fput(*file);
	return ret;
}

/* A file of an object was closed. */
static void object_release(struct kho_mem *mem)
{
	struct kho_object *object = container_of(mem, struct kho_object, mem);
	struct kho_chains chains;
	bool drop = false;

	kho_inject("release");
	kho_change_begin();
	mutex_lock(&kho.lock);
	if (!--object->files) {
		kho_mem_no_file(mem);
		/* Once the machine is going down, the next kernel removes it. */
		drop = object->flags & KHO_OBJS_UNCOMMITTED && !kho.frozen;
		if (drop)
			object_end(object, &chains);
	}
	mutex_unlock(&kho.lock);
	if (drop) {
		kho_inject("release-ended");
		object_unmark(object, &chains);
		kho_inject("release-unmarked");
		changed();
	}
	kho_change_end();
	if (drop)
		kho_deferred_free(&object->deferred);
}

/**
 * kho_object_remove() - remove an object and free its memory
 * @name: its name
 *
 * Context: may sleep.
 * Return: 0, -ENOENT, -EPERM if the caller does not own it, -EBUSY while it is open,
 * -ESHUTDOWN.
 */
int kho_object_remove(const char *name)
{
	struct kho_chains chains;
	struct kho_object *object;
	int ret = 0;

	kho_change_begin();
	mutex_lock(&kho.lock);
	object = find_visible(name);
	if (!object)
		ret = -ENOENT;
	else if (!kho_owns(object))
		ret = kho_refuse(-EPERM, "object '%s' belongs to uid %u", kho_shown(name),
				 from_kuid(&init_user_ns, object->uid));
	else if (kho.frozen)
		ret = -ESHUTDOWN;
	else if (object->files)
		ret = kho_refuse(-EBUSY, "object '%s' is open or mapped (%u files)",
				 kho_shown(name), object->files);
	else
		object_end(object, &chains);
	mutex_unlock(&kho.lock);
	if (!ret) {
		kho_inject("remove-ended");
		object_unmark(object, &chains);
		kho_inject("remove-unmarked");
		changed();
	}
	kho_change_end();

	if (!ret)
		kho_deferred_free(&object->deferred);
	return ret;
}

/**
 * kho_object_adopt() - list an object that arrived
 * @object: the object, with its memory filled in
 * @record: its record, which was found valid and stays in use
 *
 * Context: kho.lock held.
 */
void kho_object_adopt(struct kho_object *object, struct kho_objs_record *record)
{
	u32 step = !kho_incoming()->left;

	lockdep_assert_held(&kho.lock);

	object->mem.ops = &object_mem_ops;
	strscpy_pad(object->name, (char *)record->name, sizeof(object->name));
	/* The count of handovers says so, if another module in this kernel has left it. */
	object->arrived = step || record->generation;
	object->flags = record->flags;
	object->created = record->created;
	object->generation = min(record->generation, U32_MAX - step) + step;
	object->idle = min(record->idle, U32_MAX - step) + step;
	object->uid = make_kuid(&init_user_ns, record->uid);
	object->gid = make_kgid(&init_user_ns, record->gid);
	object->mode = record->mode;
	memcpy(object->comm, record->comm, sizeof(object->comm));
	memcpy(object->release, record->release, sizeof(object->release));
	kho_text_clean(object->comm, sizeof(object->comm));
	kho_text_clean(object->release, sizeof(object->release));
	object->record = record;
	list_object(object);
	kho_object_counts.arrived += object->arrived;
}

/*
 * Frees objects that were not committed, and those that nobody has opened for
 * kho_max_idle handovers.
 */
static void free_unwanted(void)
{
	u64 uncommitted = 0, idle = 0;
	struct kho_object *object, *next;
	struct kho_chains chains;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry_safe(object, next, &kho_objects, list) {
		bool old = kho_max_idle && object->idle >= kho_max_idle;

		if (!object->arrived)
			continue;
		if (!old && !(object->flags & KHO_OBJS_UNCOMMITTED)) {
			kho_record_update(object);
			continue;
		}
		if (object->flags & KHO_OBJS_UNCOMMITTED)
			uncommitted++;
		else
			idle++;
		object_end(object, &chains);
		object_unmark(object, &chains);
		kho_changed();
		kho_deferred_free(&object->deferred);
	}
	if (uncommitted)
		pr_info("%llu objects were not committed by their creators: freed\n",
			uncommitted);
	if (idle)
		pr_info("%llu objects were not opened for %u handovers (max_idle): freed\n",
			idle, kho_max_idle);
}

/**
 * kho_objects_init() - register objects as an owner of pages
 *
 * Context: kho.lock held.
 */
void kho_objects_init(void)
{
	kho_owner_add(&objects_owner);
}

/**
 * kho_objects_commit() - own what arrived for good
 *
 * Context: may sleep; kho.lock held; kho_changed() has to follow.
 */
void kho_objects_commit(void)
{
	lockdep_assert_held(&kho.lock);

	kho_records_commit();
	if (!kho_incoming()->left)
		free_unwanted();
	kho_mem_files_keep(kho_object_counts.nr);
}

/**
 * kho_objects_forget() - forget all objects, but leave their memory as it is
 *
 * For a takeover that is called off, and if the objects that arrived are refused.
 *
 * Context: kho.lock held; no files are open.
 */
void kho_objects_forget(void)
{
	struct kho_object *object, *next;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry_safe(object, next, &kho_objects, list) {
		list_del(&object->list);
		hlist_del(&object->named);
		kho_extents_free(&object->mem);
		kfree(object);
	}
	memset(&kho_object_counts, 0, sizeof(kho_object_counts));
	kho_records_forget();
}

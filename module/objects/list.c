// SPDX-License-Identifier: GPL-2.0-only
/*
 * Describing objects to userspace: those that the caller may know of.
 */
#include <linux/list.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "core/core.h"
#include "memory/memory.h"
#include "object.h"

#include <kho/objects.h>
#include <linux/kho.h>

/**
 * kho_object_fill_info() - describe an object
 * @object: the object
 * @info: filled in, except for its size
 *
 * Context: kho.lock held.
 */
void kho_object_fill_info(const struct kho_object *object, struct kho_obj_info *info)
{
	const struct kho_mem *mem = &object->mem;
	u32 size = info->size;

	lockdep_assert_held(&kho.lock);

	memset(info, 0, sizeof(*info));
	info->size = size;
	info->flags = (object->arrived ? KHO_OBJ_ARRIVED : 0) |
		      (object->files ? KHO_OBJ_BUSY : 0) |
		      (object->idle ? 0 : KHO_OBJ_CLAIMED) |
		      (object->flags & KHO_OBJS_SEALED ? KHO_OBJ_SEALED : 0) |
		      (object->flags & KHO_OBJS_UNCOMMITTED ? KHO_OBJ_UNCOMMITTED : 0) |
		      (object->flags & KHO_OBJS_SUM_AT_JUMP ? KHO_OBJ_SUM_AT_JUMP : 0) |
		      (object->flags & KHO_OBJS_SUMMED ? KHO_OBJ_SUMMED : 0) |
		      (mem->pinned ? KHO_OBJ_PINNED : 0);
	memcpy(info->name, object->name, sizeof(info->name));
	info->bytes = mem->size;
	info->pages = mem->nr_pages;
	info->extents = mem->nr_extents;
	info->pmd_pages = mem->pmd_pages;
	info->pud_pages = mem->pud_pages;
	info->created = object->created;
	info->generation = object->generation;
	info->idle = object->idle;
	info->uid = from_kuid(&init_user_ns, object->uid);
	info->gid = from_kgid(&init_user_ns, object->gid);
	info->mode = object->mode;
	info->data_bytes = object->data_bytes;
	memcpy(info->comm, object->comm, sizeof(info->comm));
	memcpy(info->release, object->release, sizeof(info->release));
	info->poisoned_pages = kho_mem_poisoned(mem);
}

/*
 * Where the last listing of all objects ended, so that the next one need not begin at
 * the first.  Valid until kho.changes grows.
 */
static struct {
	u64 changes;
	u64 index;
	struct kho_object *object;
} last_listed;

/* Calls @fill for the objects from @first on that the caller may know of. */
static void list_objects(u64 first, u32 capacity, void *entries, u32 *filled, u64 *total,
			 void (*fill)(const struct kho_object *object,
				      void *entries, u32 nr))
{
	bool all = kho_allowed_all();
	struct kho_object *object;
	u64 i = 0;

	*filled = 0;
	mutex_lock(&kho.lock);
	object = list_first_entry(&kho_objects, struct kho_object, list);
	if (all && last_listed.object && last_listed.changes == kho.changes &&
	    last_listed.index <= first) {
		object = last_listed.object;
		i = last_listed.index;
	}
	list_for_each_entry_from(object, &kho_objects, list) {
		if (!all && !kho_sees(object))
			continue;
		if (*filled == capacity) {
			if (all)
				break;
		} else if (i >= first) {
			fill(object, entries, (*filled)++);
		}
		i++;
	}
	*total = all ? kho_object_counts.nr : i;
	last_listed.object = NULL;
	if (all && !list_entry_is_head(object, &kho_objects, list)) {
		last_listed.changes = kho.changes;
		last_listed.index = i;
		last_listed.object = object;
	}
	mutex_unlock(&kho.lock);
}

static void fill_entry(const struct kho_object *object, void *entries, u32 nr)
{
	struct kho_obj_entry *entry = (struct kho_obj_entry *)entries + nr;

	memset(entry, 0, sizeof(*entry));
	memcpy(entry->name, object->name, sizeof(entry->name));
	entry->bytes = object->mem.size;
	entry->pages = object->mem.nr_pages;
	entry->extents = object->mem.nr_extents;
	entry->created = object->created;
	entry->generation = object->generation;
	entry->flags = (object->arrived ? KHO_OBJ_ARRIVED : 0) |
		       (object->files ? KHO_OBJ_BUSY : 0);
}

/**
 * kho_object_list() - describe objects in short
 * @first: number of the first one wanted, of those that the caller may know of
 * @capacity: number of entries that fit
 * @entries: array of struct kho_obj_entry, filled in
 * @filled: set to the number of entries filled in
 * @total: set to the number of objects that the caller may know of
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_object_list(u64 first, u32 capacity, void *entries, u32 *filled, u64 *total)
{
	list_objects(first, capacity, entries, filled, total, fill_entry);
}

static void fill_info(const struct kho_object *object, void *entries, u32 nr)
{
	kho_object_fill_info(object, (struct kho_obj_info *)entries + nr);
}

/**
 * kho_object_list_info() - describe objects
 * @first: number of the first one wanted, of those that the caller may know of
 * @capacity: number of entries that fit
 * @entries: array of struct kho_obj_info, filled in except for their sizes
 * @filled: set to the number of entries filled in
 * @total: set to the number of objects that the caller may know of
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_object_list_info(u64 first, u32 capacity, void *entries, u32 *filled,
			  u64 *total)
{
	list_objects(first, capacity, entries, filled, total, fill_info);
}

/**
 * kho_objects_nr() - get the number of objects
 *
 * Context: kho.lock held.
 */
u64 kho_objects_nr(void)
{
	return kho_object_counts.nr;
}

/**
 * kho_objects_query() - report the number of objects
 * @query: its members about objects are set
 *
 * Context: kho.lock held.
 */
void kho_objects_query(struct kho_query *query)
{
	lockdep_assert_held(&kho.lock);

	query->objects = kho_object_counts.nr;
	query->object_pages = kho_object_counts.pages;
	query->arrived_objects = kho_object_counts.arrived;
}

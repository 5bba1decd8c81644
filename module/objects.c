// SPDX-License-Identifier: GPL-2.0-only
/*
 * Named memory objects: made of pages of ours, kept until somebody removes
 * them, in this kernel or in one that comes after it.
 *
 * An object is on the list as long as it is preserved.  Files of it are
 * counted, and it can't be removed while there are any, so its pages need no
 * lock as long as a file is open.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "internal.h"

/**
 * kho_name_check() - can this be the name of an object?
 * @name: KHO_NAME_SIZE bytes
 *
 * Return: 0; -ENAMETOOLONG if no NUL ends it; -EINVAL if it is empty, "." or
 * "..", has a slash or a control character, or anything behind its NUL.
 */
int kho_name_check(const u8 *name)
{
	size_t i, len = strnlen((const char *)name, KHO_NAME_SIZE);

	if (len == KHO_NAME_SIZE)
		return kho_refuse(-ENAMETOOLONG, "name '%.63s...' has more than 63 bytes",
				  name);
	if (!len)
		return kho_refuse(-EINVAL, "name is empty");
	if (!strcmp((const char *)name, ".") || !strcmp((const char *)name, ".."))
		return kho_refuse(-EINVAL, "name is '%s'", name);
	for (i = 0; i < len; i++)
		if (name[i] == '/' || name[i] < ' ' || name[i] == 0x7f)
			return kho_refuse(-EINVAL,
					  "name has byte 0x%02x, a slash or control character, at %zu",
					  name[i], i);
	if (memchr_inv(name + len, 0, KHO_NAME_SIZE - len))
		return kho_refuse(-EINVAL, "name '%s' is not padded with NUL", name);
	return 0;
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

	list_for_each_entry(object, &kho.objects, list)
		if (!strcmp(object->name, name))
			return object;
	return NULL;
}

static void object_mem_release(struct kho_mem *mem)
{
	struct kho_object *object = container_of(mem, struct kho_object, mem);

	mutex_lock(&kho.lock);
	object->files--;
	mutex_unlock(&kho.lock);
}

static void object_free(struct kho_object *object)
{
	kho_mem_put_pages(&object->mem);
	kfree(object);
}

/*
 * The largest blocks that can be had, and none of them by pushing others out:
 * an agent that asks for too much gets -ENOMEM, not the OOM killer's help.
 */
static int alloc_pages_of(struct kho_mem *mem, u64 nr_pages)
{
	unsigned int order = MAX_PAGE_ORDER;
	int ret;

	while (mem->nr_pages < nr_pages) {
		gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
		struct page *page;

		order = min_t(unsigned int, order,
			      ilog2(nr_pages - mem->nr_pages));
		page = alloc_pages(gfp | (order ? __GFP_NORETRY :
					  __GFP_RETRY_MAYFAIL), order);
		if (!page) {
			if (!order--)
				return -ENOMEM;
			continue;
		}
		/* Each page with a reference of its own: see memfile.c. */
		split_page(page, order);
		if (!kho_mem_grow(mem, page_to_pfn(page), 1UL << order)) {
			ret = kho_mem_add(mem, page_to_pfn(page), 1UL << order);
			if (ret) {
				kho_put_pages(page_to_pfn(page), 1UL << order);
				return ret;
			}
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static struct kho_object *object_alloc(const char *name, u64 bytes)
{
	u64 nr_pages = (bytes >> PAGE_SHIFT) + !!(bytes & ~PAGE_MASK);
	struct kho_object *object;
	int ret;

	if (!bytes)
		return ERR_PTR(kho_refuse(-EINVAL, "object '%s': size is 0", name));
	if (nr_pages > si_mem_available())
		return ERR_PTR(kho_refuse(-ENOMEM,
					  "object '%s': size %llu is more than there is memory",
					  name, bytes));

	object = kzalloc(sizeof(*object), GFP_KERNEL);
	if (!object)
		return ERR_PTR(-ENOMEM);
	strscpy_pad(object->name, name, sizeof(object->name));
	object->created = ktime_get_real_seconds();
	object->mem.size = bytes;
	object->mem.release = object_mem_release;

	ret = alloc_pages_of(&object->mem, nr_pages);
	if (ret) {
		object_free(object);
		return ERR_PTR(ret);
	}
	return object;
}

/* Marks what the object has; nothing is left marked after an error. */
static int object_mark(struct kho_object *object)
{
	const struct kho_extent *extent = object->mem.extent;
	u64 i;
	int ret;

	for (i = 0; i < object->mem.nr_extents; i++) {
		ret = kho_mark_range(extent[i].pfn, extent[i].nr_pages);
		if (ret)
			goto err_unmark;
	}
	return 0;

err_unmark:
	while (i--)
		kho_unmark_range(extent[i].pfn, extent[i].nr_pages);
	return ret;
}

static void object_unmark(struct kho_object *object)
{
	const struct kho_extent *extent = object->mem.extent;
	u64 i;

	for (i = 0; i < object->mem.nr_extents; i++)
		WARN_ON_ONCE(kho_unmark_range(extent[i].pfn,
					      extent[i].nr_pages));
}

/* Lists it, marks it, records it; all of that or nothing. */
static int object_insert(struct kho_object *object)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = kho_may_change();
	if (ret)
		return ret;
	if (kho_object_find(object->name))
		return kho_refuse(-EEXIST, "object '%s': the name is taken",
				  object->name);
	ret = object_mark(object);
	if (ret)
		return ret;
	ret = kho_record_write(object);
	if (ret) {
		object_unmark(object);
		return ret;
	}
	list_add_tail(&object->list, &kho.objects);
	kho.nr_objects++;
	kho.object_pages += object->mem.nr_pages;
	kho_changed();
	return 0;
}

/* The opposite of object_insert(). */
static void object_drop(struct kho_object *object)
{
	lockdep_assert_held(&kho.lock);

	kho_record_erase(object);
	object_unmark(object);
	list_del(&object->list);
	kho.nr_objects--;
	kho.object_pages -= object->mem.nr_pages;
	kho.arrived_objects -= object->arrived;
	kho.released += object->mem.nr_pages;
	kho_changed();
}

/**
 * kho_object_create() - make an object of zeroed memory
 * @name: its name, checked by the caller
 * @bytes: its size
 * @file: set to a file of it
 *
 * Context: may sleep.
 * Return: 0 or the errno of KHO_OBJ_CREATE; nothing stays after an error.
 */
int kho_object_create(const char *name, u64 bytes, struct file **file)
{
	struct kho_object *object;
	int ret;

	/* Before the memory is taken, so that a second agent does no harm. */
	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret && kho_object_find(name))
		ret = kho_refuse(-EEXIST, "object '%s': the name is taken", name);
	mutex_unlock(&kho.lock);
	if (ret)
		return ret;

	object = object_alloc(name, bytes);
	if (IS_ERR(object))
		return PTR_ERR(object);

	mutex_lock(&kho.lock);
	ret = object_insert(object);
	if (ret)
		goto err_free;
	*file = kho_mem_file("[kho-object]", &object->mem);
	if (IS_ERR(*file)) {
		ret = PTR_ERR(*file);
		goto err_drop;
	}
	object->files++;
	mutex_unlock(&kho.lock);
	return 0;

err_drop:
	object_drop(object);
err_free:
	mutex_unlock(&kho.lock);
	object_free(object);
	return ret;
}

/**
 * kho_object_open() - open an object by name
 * @name: its name
 * @file: set to a file of it
 * @bytes: set to its size
 *
 * Context: may sleep.
 * Return: 0, -ENOENT, or what making a file returned.
 */
int kho_object_open(const char *name, struct file **file, u64 *bytes)
{
	struct kho_object *object;
	int ret = 0;

	mutex_lock(&kho.lock);
	object = kho_object_find(name);
	if (!object) {
		ret = -ENOENT;
		goto out;
	}
	*file = kho_mem_file("[kho-object]", &object->mem);
	if (IS_ERR(*file)) {
		ret = PTR_ERR(*file);
		goto out;
	}
	*bytes = object->mem.size;
	object->files++;
out:
	mutex_unlock(&kho.lock);
	return ret;
}

/**
 * kho_object_remove() - give an object up and its memory back
 * @name: its name
 *
 * Context: may sleep.
 * Return: 0, -ENOENT, -EBUSY while it is open, -ESHUTDOWN.
 */
int kho_object_remove(const char *name)
{
	struct kho_object *object;
	int ret = 0;

	mutex_lock(&kho.lock);
	object = kho_object_find(name);
	if (!object)
		ret = -ENOENT;
	else if (kho.frozen)
		ret = -ESHUTDOWN;
	else if (object->files)
		ret = kho_refuse(-EBUSY, "object '%s' is open or mapped (%u files)",
				 name, object->files);
	else
		object_drop(object);
	mutex_unlock(&kho.lock);

	if (!ret)
		object_free(object);
	return ret;
}

/**
 * kho_object_list() - describe objects
 * @first: number of the first one wanted
 * @room: entries that there are
 * @entries: array of struct kho_obj_entry, filled in
 * @filled: how many were
 * @total: how many objects there are
 *
 * Context: may sleep.
 */
void kho_object_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total)
{
	struct kho_obj_entry *entry = entries;
	struct kho_object *object;
	u64 i = 0;

	*filled = 0;
	mutex_lock(&kho.lock);
	list_for_each_entry(object, &kho.objects, list) {
		if (i++ < first)
			continue;
		if (*filled == room)
			break;
		memcpy(entry->name, object->name, sizeof(entry->name));
		entry->bytes = object->mem.size;
		entry->pages = object->mem.nr_pages;
		entry->extents = object->mem.nr_extents;
		entry->created = object->created;
		entry->generation = object->generation;
		entry->flags = (object->arrived ? KHO_OBJ_ARRIVED : 0) |
			       (object->files ? KHO_OBJ_BUSY : 0);
		entry++;
		(*filled)++;
	}
	*total = kho.nr_objects;
	mutex_unlock(&kho.lock);
}

/**
 * kho_object_adopt() - list an object that arrived
 * @object: with its name and memory filled in
 * @record: what was read of it, which stays its record
 *
 * Context: kho.lock held.
 */
void kho_object_adopt(struct kho_object *object, struct kho_objs_record *record)
{
	lockdep_assert_held(&kho.lock);

	object->mem.release = object_mem_release;
	object->arrived = true;
	object->created = record->created;
	object->generation = record->generation + 1;
	object->record = record;
	list_add_tail(&object->list, &kho.objects);
	kho.nr_objects++;
	kho.arrived_objects++;
	kho.object_pages += object->mem.nr_pages;
}

/**
 * kho_object_drop_all() - forget all objects, but leave their memory alone
 *
 * For a takeover that is called off: what arrived stays as it arrived.
 *
 * Context: kho.lock held; no files are open.
 */
void kho_object_drop_all(void)
{
	struct kho_object *object, *next;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry_safe(object, next, &kho.objects, list) {
		list_del(&object->list);
		kvfree(object->mem.extent);
		kfree(object);
	}
	kho.nr_objects = 0;
	kho.object_pages = 0;
	kho.arrived_objects = 0;
}

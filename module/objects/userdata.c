// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's own data, which is handed over with an object.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/text.h"
#include "core/core.h"
#include "core/metapage.h"
#include "mm/poison.h"
#include "object.h"

#include <kho/objects.h>

#define DATA_PER_PAGE	KHO_OBJS_DATA_PER_PAGE(PAGE_SHIFT)

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
		kho_metapage_free(page);
	}
}

/* Writes bytes into a chain of pages; after an error, *@first is a part of it. */
static int write_data(const void *data, u32 bytes, u64 *first)
{
	u64 *link = first;
	u32 done, n;

	for (done = 0; done < bytes; done += n) {
		struct kho_objs_data *page = kho_metapage_alloc_charged();

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
 * @object: the object
 * @data: the bytes
 * @bytes: number of bytes, at most KHO_DATA_MAX
 *
 * Context: may sleep; takes kho.gate and kho.lock.
 * Return: 0, -ENOMEM, -EDQUOT, -EPERM for a sealed object, or as kho_may_change().
 * Nothing has changed after an error.
 */
int kho_object_set_data(struct kho_object *object, const void *data, u32 bytes)
{
	u64 chain = 0, charged;
	u32 was_charged;
	int ret;

	ret = kho_charge(object, DIV_ROUND_UP(bytes, DATA_PER_PAGE), &charged);
	if (ret)
		return ret;
	kho_change_begin();
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
	kho_change_end();
	kho_uncharge(object, charged);
	return ret;
}

/**
 * kho_object_get_data() - read the agent's own data
 * @object: the object
 * @data: where to copy it
 * @capacity: number of bytes that fit there
 * @bytes: set to the size of the data
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, or -EIO if a page of it is poisoned.
 */
int kho_object_get_data(struct kho_object *object, void *data, u32 capacity,
			u32 *bytes)
{
	u32 done = 0, n;
	int ret = 0;
	u64 next;

	mutex_lock(&kho.lock);
	for (next = object->record->data; next && done < capacity; done += n) {
		const struct kho_objs_data *page = phys_to_virt(next);

		if (kho_metapage_poisoned(page)) {
			ret = -EIO;
			break;
		}
		n = min_t(u32, capacity - done, page->bytes);
		memcpy(data + done, page->data, n);
		next = page->next;
	}
	*bytes = object->data_bytes;
	mutex_unlock(&kho.lock);
	return ret;
}

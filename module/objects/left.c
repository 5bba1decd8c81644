// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving objects to another module in this kernel.
 *
 * Their records say nearly all.  What they don't is which objects have memory of a
 * process: its pages are pinned, and stay so.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "compat/compat.h"
#include "core/core.h"
#include "core/left.h"
#include "object.h"

static u64 nr_pinned(void)
{
	const struct kho_object *object;
	u64 nr = 0;

	list_for_each_entry(object, &kho_objects, list)
		nr += object->mem.pinned;
	return nr;
}

/**
 * kho_objects_leave() - leave all objects to the next module, and forget them
 * @left: the record
 *
 * Like a jump, this ends all accounts.
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock; no files are open.
 */
void kho_objects_leave(struct kho_left *left)
{
	struct kho_object *object;
	u64 *pinned, nr = 0;

	lockdep_assert_held(&kho.lock);

	/* At least one, so that there is something to allocate. */
	pinned = kvmalloc_array(nr_pinned() + 1, sizeof(*pinned), GFP_KERNEL | __GFP_NOFAIL);
	list_for_each_entry(object, &kho_objects, list) {
		if (object->mem.pinned)
			pinned[nr++] = virt_to_phys(object->record);
		kho_uncharge(object, object->charged);
	}
	left->nr_pinned = nr;
	left->pinned = kho_left_write(pinned, nr * sizeof(*pinned));
	kvfree(pinned);
	kho_objects_forget();
}

static int compare(const void *a, const void *b)
{
	const u64 *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static bool find(const u64 *sorted, u64 nr, u64 wanted)
{
	u64 low = 0, high = nr;

	while (low < high) {
		u64 middle = low + (high - low) / 2;

		if (sorted[middle] == wanted)
			return true;
		if (sorted[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/**
 * kho_objects_left() - learn which objects have pinned pages
 *
 * Context: may sleep; kho.lock held; the records have been read.
 * Return: 0; -EINVAL, which is logged; -ENOMEM.
 */
int kho_objects_left(void)
{
	const struct kho_left *left = kho_left();
	struct kho_object *object;
	u64 *pinned, nr = 0;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (left->nr_pinned > kho_object_counts.nr) {
		kho_left_refuse("more objects are pinned than there are", left->nr_pinned);
		return -EINVAL;
	}
	pinned = kvmalloc_array(left->nr_pinned + 1, sizeof(*pinned), GFP_KERNEL);
	if (!pinned)
		return -ENOMEM;
	ret = kho_left_read(left->pinned, pinned, left->nr_pinned * sizeof(*pinned));
	if (ret)
		goto out;
	sort(pinned, left->nr_pinned, sizeof(*pinned), compare, NULL);
	list_for_each_entry(object, &kho_objects, list) {
		object->mem.pinned = find(pinned, left->nr_pinned,
					  virt_to_phys(object->record));
		nr += object->mem.pinned;
	}
	if (nr != left->nr_pinned) {
		kho_left_refuse("what is pinned is no object", left->nr_pinned - nr);
		ret = -EINVAL;
	}
out:
	kvfree(pinned);
	return ret;
}

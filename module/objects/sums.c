// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checksums of objects, by which an agent can see that not a byte of what it left was
 * changed: xxHash (64 bits) of each base page, in a chain of pages that the object's
 * record leads to.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/xxhash.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "core/core.h"
#include "core/metapage.h"
#include "memory/memory.h"
#include "mm/poison.h"
#include "object.h"

#include <kho/objects.h>
#include <linux/kho.h>

#define PER_PAGE	KHO_OBJS_SUMS_PER_PAGE(PAGE_SHIFT)

#if IS_REACHABLE(CONFIG_XXHASH)
static u64 hash_page(struct page *page)
{
	void *at = kmap_local_page(page);
	u64 sum = xxh64(at, PAGE_SIZE, 0);

	kunmap_local(at);
	return sum;
}
#else
static u64 hash_page(struct page *page) { return 0; }
#endif

/*
 * The kernel has xxHash if anything in it needs it, as zstd does.  The sum of a poisoned
 * page is 0.
 */
static u64 sum_page(struct page *page)
{
	if (kho_page_poisoned(page)) {
		kho_poison_saw(page);
		return 0;
	}
	return hash_page(page);
}

/**
 * kho_sums_free() - free a chain of sum pages
 * @first: physical address of the first, or 0
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_sums_free(u64 first)
{
	while (first) {
		struct kho_objs_sums *sums = phys_to_virt(first);

		first = sums->next;
		kho_metapage_free(sums);
		cond_resched();
	}
}

/**
 * kho_sums_alloc() - make room for sums
 * @nr_pages: number of base pages
 * @first: set to the physical address of the first page of the chain
 *
 * Context: may sleep; kho.gate held, kho.lock not.
 * Return: 0, -ENOMEM, or -EOPNOTSUPP if this kernel has no xxHash.
 */
int kho_sums_alloc(u64 nr_pages, u64 *first)
{
	u64 done, *link = first;

	*first = 0;
	lockdep_assert_not_held(&kho.lock);
	kho_inject("sums");
	if (!IS_REACHABLE(CONFIG_XXHASH))
		return kho_refuse(-EOPNOTSUPP, "checksum: this kernel was built without CONFIG_XXHASH");
	for (done = 0; done < nr_pages; done += PER_PAGE) {
		struct kho_objs_sums *sums = kho_metapage_alloc_charged();

		if (!sums) {
			kho_sums_free(*first);
			*first = 0;
			return -ENOMEM;
		}
		*link = virt_to_phys(sums);
		link = &sums->next;
		cond_resched();
	}
	return 0;
}

/**
 * kho_sums_take() - compute the sums of an object
 * @object: the object; nobody resizes it, and it has room for sums
 * @may_stop: stop at a fatal signal
 *
 * Context: may sleep.
 * Return: 0, -EINTR, or -EIO if a page of the sums is poisoned.
 */
int kho_sums_take(struct kho_object *object, bool may_stop)
{
	struct kho_objs_sums *sums = NULL;
	u64 i, next = object->record->sums;

	for (i = 0; i < object->mem.nr_pages; i++) {
		if (i % PER_PAGE == 0) {
			sums = phys_to_virt(next);
			if (kho_metapage_poisoned(sums))
				return -EIO;
			next = sums->next;
		}
		sums->sums[i % PER_PAGE] =
			sum_page(kho_mem_page(&object->mem, i));
		if (may_stop && fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * kho_sums_verify() - compare pages of an object with its sums
 * @object: the object; nobody resizes it
 * @verify: which pages; set to how many and which of them differ
 *
 * Context: may sleep.
 * Return: 0, -ENODATA if there is nothing to compare with, -EINTR, -EIO if a page
 * of the sums is poisoned, or -EOPNOTSUPP if this kernel has no xxHash.
 */
int kho_sums_verify(struct kho_object *object, struct kho_obj_verify *verify)
{
	struct kho_objs_sums *sums = NULL;
	u64 i, end, next = object->record->sums;
	struct page *page;

	if (!(object->flags & KHO_OBJS_SUMMED) || !next)
		return -ENODATA;
	if (!IS_REACHABLE(CONFIG_XXHASH))
		return kho_refuse(-EOPNOTSUPP, "checksum: this kernel was built without CONFIG_XXHASH");

	verify->bad = 0;
	verify->first_bad = 0;
	verify->poisoned = 0;
	verify->first_poisoned = 0;
	end = object->mem.nr_pages;
	if (verify->first >= end)
		verify->count = 0;
	else if (verify->count < end - verify->first)
		end = verify->first + verify->count;

	for (i = 0; i < end; i++) {
		if (i % PER_PAGE == 0) {
			sums = phys_to_virt(next);
			if (kho_metapage_poisoned(sums))
				return -EIO;
			next = sums->next;
		}
		if (i < verify->first) {
			i += min(PER_PAGE - i % PER_PAGE, verify->first - i) - 1;
			continue;
		}
		page = kho_mem_page(&object->mem, i);
		if (kho_page_poisoned(page)) {
			kho_poison_saw(page);
			if (!verify->poisoned++)
				verify->first_poisoned = i;
		} else if (sums->sums[i % PER_PAGE] != sum_page(page)) {
			if (!verify->bad++)
				verify->first_bad = i;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	verify->count = end > verify->first ? end - verify->first : 0;
	return 0;
}

/**
 * kho_sums_at_jump() - take the sums that were requested for the jump
 *
 * Objects that were sealed with sums have them already.  No object comes, goes or
 * changes its size meanwhile.  kho.lock is free, so objects can be inspected and opened.
 *
 * Context: may sleep; kho.gate held for writing, kho.lock not.
 */
void kho_sums_at_jump(void)
{
	struct kho_object *object;

	lockdep_assert_held_write(&kho.gate);

	list_for_each_entry(object, &kho_objects, list) {
		if (!(object->flags & KHO_OBJS_SUM_AT_JUMP) ||
		    object->flags & KHO_OBJS_SUMMED || !object->record->sums)
			continue;
		if (kho_sums_take(object, false))
			continue;
		mutex_lock(&kho.lock);
		object->flags |= KHO_OBJS_SUMMED;
		kho_record_update(object);
		mutex_unlock(&kho.lock);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory from vmalloc() for other modules: mainline's names and bytes.
 *
 * find_vm_area() is not exported, so an area is what is mapped from its address on: each
 * area is followed by a page that is not mapped.  Its base pages are preserved one by
 * one, whatever maps them.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"
#include "api.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "incoming/incoming.h"
#include "mm/folio.h"
#include "tree/tree.h"

#include <kho/abi.h>

/* tree/tree.h includes kho/abi.h with kho_abi_ in the names of these structs. */
static_assert(sizeof(struct kho_vmalloc) == sizeof(struct kho_abi_vmalloc));
static_assert(offsetof(struct kho_vmalloc_chunk, phys) ==
	      offsetof(struct kho_abi_vmalloc_chunk, phys));
static_assert(sizeof_field(struct kho_vmalloc_chunk, phys) ==
	      8 * KHO_VMALLOC_CHUNK_ENTRIES(PAGE_SHIFT));

static void free_chunk(struct kho_vmalloc_chunk *chunk)
{
	WARN_ON_ONCE(kho_unhold(PHYS_PFN(virt_to_phys(chunk)), 1));
	free_page((unsigned long)chunk);
}

static struct kho_vmalloc_chunk *alloc_chunk(int *ret)
{
	struct kho_vmalloc_chunk *chunk = (void *)kho_zeroed_page(GFP_KERNEL);

	if (!chunk) {
		*ret = -ENOMEM;
		return NULL;
	}
	*ret = kho_hold(PHYS_PFN(virt_to_phys(chunk)), 1);
	if (*ret) {
		free_page((unsigned long)chunk);
		return NULL;
	}
	return chunk;
}

/* Gives up a list, and the pages in it, which are known to be held. */
static void drop_list(struct kho_vmalloc_chunk *chunk)
{
	while (chunk) {
		struct kho_vmalloc_chunk *next = KHOSER_LOAD_PTR(chunk->hdr.next);
		unsigned int i;

		for (i = 0; i < KHO_VMALLOC_SIZE && chunk->phys[i]; i++)
			WARN_ON_ONCE(kho_unhold(PHYS_PFN(chunk->phys[i]), 1));
		free_chunk(chunk);
		chunk = next;
		cond_resched();
	}
}

/* Does an area begin here? */
static bool begins_area(const void *ptr)
{
	return PAGE_ALIGNED(ptr) && is_vmalloc_addr(ptr) && vmalloc_to_page(ptr) &&
	       !(is_vmalloc_addr(ptr - PAGE_SIZE) &&
		 vmalloc_to_page(ptr - PAGE_SIZE));
}

static int preserve_area(const void *ptr, struct kho_vmalloc *preservation)
{
	struct kho_vmalloc_chunk *first, *chunk;
	unsigned int total = 0, filled = 0;
	struct page *page;
	int ret;

	first = alloc_chunk(&ret);
	if (!first)
		return ret;
	chunk = first;
	for (; is_vmalloc_addr(ptr); ptr += PAGE_SIZE) {
		page = vmalloc_to_page(ptr);
		if (!page)
			break;
		if (total == UINT_MAX) {
			ret = -E2BIG;
			goto err_drop;
		}
		if (filled == KHO_VMALLOC_SIZE) {
			struct kho_vmalloc_chunk *next = alloc_chunk(&ret);

			if (!next)
				goto err_drop;
			KHOSER_STORE_PTR(chunk->hdr.next, next);
			chunk = next;
			filled = 0;
		}
		ret = kho_hold(page_to_pfn(page), 1);
		if (ret)
			goto err_drop;
		chunk->phys[filled++] = page_to_phys(page);
		total++;
		cond_resched();
	}
	KHOSER_STORE_PTR(preservation->first, first);
	preservation->total_pages = total;
	preservation->flags = KHO_VMALLOC_ALLOC;
	preservation->order = 0;
	return 0;

err_drop:
	drop_list(first);
	return ret;
}

/**
 * kho_preserve_vmalloc() - preserve memory from vmalloc()
 * @ptr: its address, as vmalloc() returned it
 * @preservation: set to what the next kernel needs to find it
 *
 * Unlike mainline's, this takes a reference to each page, and does not tell an area of
 * vmalloc() from one of vmap().  The size of the pages that map it is not preserved.
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0; -EINVAL if no area begins at @ptr, -E2BIG, or as kho_preserve_pages() for
 * its pages or a page of the list.  Nothing has changed after an error.
 */
int kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation)
{
	int ret;

	if (!begins_area(ptr))
		return kho_refuse(-EINVAL, "preserving vmalloc memory: no area begins at %pK",
				  ptr);
	mutex_lock(&kho.lock);
	ret = kho_may_change() ?: preserve_area(ptr, preservation);
	if (!ret)
		kho_changed();
	mutex_unlock(&kho.lock);
	if (ret)
		return kho_refuse(ret, "preserving vmalloc memory at %pK: error %d",
				  ptr, ret);
	return 0;
}
EXPORT_SYMBOL_GPL(kho_preserve_vmalloc);

/* Is all of it held, the list and the pages in it? */
static bool is_held(const struct kho_vmalloc *preservation)
{
	u64 phys = preservation->first.phys, nr = 0;

	if (preservation->order)
		return false;
	while (phys) {
		const struct kho_vmalloc_chunk *chunk = phys_to_virt(phys);
		unsigned int i;

		/* Check this before the page is read: it may be anything. */
		if (offset_in_page(phys) || !kho_holds(PHYS_PFN(phys), 0))
			return false;
		for (i = 0; i < KHO_VMALLOC_SIZE && chunk->phys[i]; i++)
			if (nr++ == preservation->total_pages ||
			    !kho_holds(PHYS_PFN(chunk->phys[i]), 0))
				return false;
		phys = chunk->hdr.next.phys;
		if (phys && i < KHO_VMALLOC_SIZE)
			return false;
	}
	return nr && nr == preservation->total_pages;
}

/**
 * kho_unpreserve_vmalloc() - give up what kho_preserve_vmalloc() preserved
 * @preservation: as it was set
 *
 * Warns, and changes nothing, if it is not preserved.  Once the machine is going down
 * nothing changes any more.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation)
{
	mutex_lock(&kho.lock);
	if (kho.frozen)
		goto out;
	if (!is_held(preservation)) {
		pr_warn_ratelimited("%pS unpreserves vmalloc memory of %u pages listed at 0x%llx that is not preserved in this way\n",
				    __builtin_return_address(0),
				    preservation->total_pages,
				    preservation->first.phys);
		goto out;
	}
	drop_list(KHOSER_LOAD_PTR(preservation->first));
	kho_changed();
out:
	mutex_unlock(&kho.lock);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_vmalloc);

/**
 * struct arrived_list - a list that arrived, as it is checked
 */
struct arrived_list {
	/** @order: log2 of the number of base pages that each address stands for. */
	unsigned int order;
	/** @page: all base pages, in order. */
	struct page **page;
	/** @nr_pages: number of base pages. */
	unsigned long nr_pages;
	/** @chunk: numbers of the pages that contain the list. */
	unsigned long *chunk;
	/** @nr_chunks: number of these. */
	unsigned long nr_chunks;
	/** @seen: all pages of both kinds: nothing may be there twice. */
	struct kho_radix_tree seen;
};

/* Notes a block in the list.  It has to be unclaimed, and must not be there twice. */
static const char *note(struct arrived_list *list, u64 phys, unsigned int order)
{
	if (phys & ((PAGE_SIZE << order) - 1))
		return "a misaligned address";
	if (!kho_unclaimed_has(PHYS_PFN(phys), order))
		return "an address of something that is not preserved";
	switch (kho_radix_add_page(&list->seen, PHYS_PFN(phys), order)) {
	case 0:
		return NULL;
	case -ENOMEM:
		return "no memory";
	default:
		return "the same address twice";
	}
}

/*
 * Each address is read only once: whoever has opened the page by number can still write
 * to it.
 */
static const char *read_list(const struct kho_vmalloc *preservation,
			     struct arrived_list *list, u64 *value)
{
	unsigned long max_chunks = preservation->total_pages / KHO_VMALLOC_SIZE + 1;
	u64 next = preservation->first.phys, phys;
	unsigned long i, n;
	const char *why;

	do {
		const struct kho_vmalloc_chunk *chunk;

		*value = next;
		if (list->nr_chunks == max_chunks)
			return "more list pages than are needed";
		why = note(list, next, 0);
		if (why)
			return why;
		list->chunk[list->nr_chunks++] = PHYS_PFN(next);
		chunk = phys_to_virt(next);

		for (i = 0; i < KHO_VMALLOC_SIZE; i++) {
			phys = READ_ONCE(chunk->phys[i]);
			if (!phys)
				break;
			*value = phys;
			if (list->nr_pages == preservation->total_pages)
				return "more addresses than pages";
			why = note(list, phys, list->order);
			if (why)
				return why;
			for (n = 0; n < 1UL << list->order; n++)
				list->page[list->nr_pages++] =
					pfn_to_page(PHYS_PFN(phys) + n);
			cond_resched();
		}
		next = READ_ONCE(chunk->hdr.next.phys);
		*value = next;
		if (next && i < KHO_VMALLOC_SIZE)
			return "another page behind the end of the list";
	} while (next);

	*value = list->nr_pages;
	if (list->nr_pages != preservation->total_pages)
		return "fewer addresses than pages";
	return NULL;
}

/* Claims what has been checked: this can't fail. */
static void claim(const struct arrived_list *list)
{
	unsigned long i, step = 1UL << list->order;

	for (i = 0; i < list->nr_pages; i += step) {
		unsigned long pfn = page_to_pfn(list->page[i]);

		WARN_ON_ONCE(kho_unclaimed_del(pfn, 1UL << list->order));
		kho_backend_boot_del(pfn, step);
		kho_unmark_page(pfn, list->order);
		cond_resched();
	}
	for (i = 0; i < list->nr_chunks; i++) {
		WARN_ON_ONCE(kho_unclaimed_del(list->chunk[i], 1));
		kho_backend_boot_del(list->chunk[i], 1);
		kho_unmark_page(list->chunk[i], 0);
		kho_put_pages(list->chunk[i], 1);
	}
	kho_changed();
}

/* Checks everything but the list. */
static const char *check(const struct kho_vmalloc *preservation, u64 *value)
{
	*value = preservation->flags;
	if (preservation->flags & ~(KHO_VMALLOC_ALLOC | KHO_VMALLOC_HUGE))
		return "unknown flags";
	*value = preservation->order;
	if (preservation->order > MAX_PAGE_ORDER)
		return "an order that no block can have";
	*value = preservation->total_pages;
	if (!preservation->total_pages ||
	    preservation->total_pages & ((1U << preservation->order) - 1))
		return "an impossible number of pages";
	if (preservation->total_pages > kho_unclaimed_pages())
		return "more pages than arrived";
	*value = preservation->first.phys;
	return preservation->first.phys ? NULL : "no addresses";
}

static void *restore(const struct kho_vmalloc *preservation, const char **why,
		     u64 *value)
{
	struct arrived_list list = { .order = preservation->order };
	void *ptr = NULL;

	lockdep_assert_held(&kho.lock);

	*why = check(preservation, value);
	if (*why)
		return NULL;
	*why = "no memory";
	list.page = kvmalloc_array(preservation->total_pages,
				   sizeof(*list.page), GFP_KERNEL);
	list.chunk = kvmalloc_array(preservation->total_pages / KHO_VMALLOC_SIZE + 1,
				    sizeof(*list.chunk), GFP_KERNEL);
	if (!list.page || !list.chunk || kho_radix_init_tree(&list.seen))
		goto out;
	*why = read_list(preservation, &list, value);
	if (*why)
		goto out;
	*why = "no memory";
	/* vfree() puts the pages and frees the array. */
	ptr = vmap(list.page, list.nr_pages, VM_MAP | VM_MAP_PUT_PAGES,
		   PAGE_KERNEL);
	if (ptr)
		claim(&list);
out:
	kho_radix_destroy_tree(&list.seen);
	kvfree(list.chunk);
	if (!ptr)
		kvfree(list.page);
	return ptr;
}

/**
 * kho_restore_vmalloc() - get vmalloc memory back that an earlier kernel preserved
 * @preservation: as it was set there; nothing in it is trusted
 *
 * The memory is no longer preserved, and vfree() frees it.  It is mapped with base pages,
 * whatever mapped it before.
 *
 * Context: may sleep; takes kho.lock.
 * Return: where it is mapped; or NULL, and nothing has changed, if the list is invalid,
 * what it lists did not arrive or somebody else has got it, or there is no memory.  The
 * log says which.
 */
void *kho_restore_vmalloc(const struct kho_vmalloc *preservation)
{
	const char *why = "the machine is going down";
	void *ptr = NULL;
	u64 value = 0;

	mutex_lock(&kho.lock);
	if (!kho.frozen)
		ptr = restore(preservation, &why, &value);
	mutex_unlock(&kho.lock);
	if (!ptr)
		pr_warn_ratelimited("restoring vmalloc memory of %u pages listed at 0x%llx: %s (0x%llx)\n",
				    preservation->total_pages,
				    preservation->first.phys, why, value);
	return ptr;
}
EXPORT_SYMBOL_GPL(kho_restore_vmalloc);

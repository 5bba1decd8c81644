// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records, which describe objects to the next kernel.  The format is in
 * include/kho/objects.h.
 *
 * The name of a record makes it valid, so it is written last.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/metapage.h"
#include "memory/memory.h"
#include "object.h"
#include "records.h"

#include <kho/objects.h>
#include <linux/kho.h>

/* The head of all records. */
static struct kho_objs_head *head;
/* The head is a page of ours, not one that arrived. */
static bool head_is_new;

/* The next kernel can find the head by name. */
static bool named;

static LIST_HEAD(pages);
static LIST_HEAD(with_room);

/* All pages, by page number. */
static DEFINE_XARRAY(by_pfn);

static unsigned long pfn_of(const void *at)
{
	return PHYS_PFN(__pa(at));
}

/**
 * kho_record_page_add() - add a page of records at the end of the chain
 * @page: the page
 *
 * Context: may sleep; kho.lock held.
 * Return: what is known of it, or NULL if there is no memory.
 */
struct kho_record_page *kho_record_page_add(struct kho_objs_page *page)
{
	struct kho_record_page *known = kzalloc(sizeof(*known), GFP_KERNEL);

	if (!known)
		return NULL;
	if (xa_err(xa_store(&by_pfn, pfn_of(page), known, GFP_KERNEL))) {
		kfree(known);
		return NULL;
	}
	known->page = page;
	list_add_tail(&known->list, &pages);
	list_add_tail(&known->room, &with_room);
	return known;
}

static struct kho_record_page *page_of(const struct kho_objs_record *record)
{
	return xa_load(&by_pfn, pfn_of(record));
}

/* The address that leads to a page: in the page before it, or in the head. */
static u64 *link_to(struct kho_record_page *known)
{
	if (list_is_first(&known->list, &pages))
		return &head->first;
	return &list_prev_entry(known, list)->page->next;
}

static void forget_page(struct kho_record_page *known)
{
	xa_erase(&by_pfn, pfn_of(known->page));
	list_del(&known->list);
	list_del(&known->room);
	kfree(known);
}

/**
 * kho_record_page_use() - one more record of a page is in use
 * @known: the page
 */
void kho_record_page_use(struct kho_record_page *known)
{
	if (++known->used == KHO_RECORDS_PER_PAGE)
		list_del_init(&known->room);
}

/* Finds a free record, in a new page if all others are full. */
static struct kho_objs_record *find_free(void)
{
	struct kho_record_page *known;
	struct kho_objs_page *page;
	unsigned int i;

	if (list_empty(&with_room)) {
		page = kho_metapage_alloc();
		if (!page)
			return NULL;
		known = kho_record_page_add(page);
		if (!known) {
			kho_metapage_free(page);
			return NULL;
		}
		*link_to(known) = virt_to_phys(page);
	}
	known = list_first_entry(&with_room, struct kho_record_page, room);
	for (i = 0; known->page->records[i].name[0]; i++)
		;
	kho_record_page_use(known);
	return &known->page->records[i];
}

/* Frees a page without records. */
static void drop_page(struct kho_record_page *known)
{
	struct kho_objs_page *page = known->page;

	*link_to(known) = page->next;
	forget_page(known);
	kho_metapage_free(page);
}

/* Frees a record, and its page if that has no other. */
static void drop_record(struct kho_objs_record *record)
{
	struct kho_record_page *known = page_of(record);

	memset(record, 0, sizeof(*record));
	if (known->used-- == KHO_RECORDS_PER_PAGE)
		list_add(&known->room, &with_room);
	if (!known->used)
		drop_page(known);
}

static void write_extents(struct kho_objs_record *record, const struct kho_mem *mem,
			  u64 chunks)
{
	u64 i;

	memset(record->extents, 0, sizeof(record->extents));
	for (i = 0; i < KHO_OBJS_INLINE && i < mem->nr_extents; i++)
		kho_write_extent(&record->extents[i], kho_extent_at(mem, i));
	record->nr_extents = mem->nr_extents;
	record->more = chunks;
}

/**
 * kho_record_update() - write what may have changed of an object
 * @object: the object
 *
 * Context: kho.lock held.
 */
void kho_record_update(struct kho_object *object)
{
	struct kho_objs_record *record = object->record;

	lockdep_assert_held(&kho.lock);

	record->size = object->mem.size;
	record->generation = object->generation;
	record->idle = object->idle;
	record->flags = object->flags;
	record->uid = from_kuid(&init_user_ns, object->uid);
	record->gid = from_kgid(&init_user_ns, object->gid);
	record->mode = object->mode;
}

/**
 * kho_record_resize() - write the new extents of an object
 * @object: the object
 * @chains: from kho_chains_alloc(); set to what the record led to before
 *
 * Context: kho.lock held.
 */
void kho_record_resize(struct kho_object *object, struct kho_chains *chains)
{
	struct kho_objs_record *record = object->record;
	u64 old = record->more;

	write_extents(record, &object->mem, chains->more);
	chains->more = old;
	swap(record->sums, chains->sums);
	kho_record_update(object);
}

/**
 * kho_record_write() - write the record of an object
 * @object: the object, whose pages are marked already
 * @chains: from kho_chains_alloc(); empty afterwards
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM; nothing has changed after an error.
 */
int kho_record_write(struct kho_object *object, struct kho_chains *chains)
{
	struct kho_objs_record *record;

	lockdep_assert_held(&kho.lock);

	record = find_free();
	if (!record)
		return -ENOMEM;
	object->record = record;
	write_extents(record, &object->mem, chains->more);
	record->sums = chains->sums;
	memset(chains, 0, sizeof(*chains));
	record->created = object->created;
	memcpy(record->comm, object->comm, sizeof(record->comm));
	memcpy(record->release, object->release, sizeof(record->release));
	kho_record_update(object);
	memcpy(record->name, object->name, sizeof(record->name));
	head->nr_objects++;
	return 0;
}

/**
 * kho_record_erase() - erase the record of an object
 * @object: the object
 * @chains: set to what the record led to, for kho_chains_free()
 *
 * Context: may sleep; kho.lock held.
 */
void kho_record_erase(struct kho_object *object, struct kho_chains *chains)
{
	struct kho_objs_record *record = object->record;

	lockdep_assert_held(&kho.lock);

	chains->more = record->more;
	chains->sums = record->sums;
	chains->data = record->data;
	drop_record(record);
	head->nr_objects--;
	object->record = NULL;
}

/**
 * kho_records_adopt() - continue the records that arrived
 * @arrived: their head, which is ours once the takeover is committed
 *
 * Context: kho.lock held.
 */
void kho_records_adopt(struct kho_objs_head *arrived)
{
	lockdep_assert_held(&kho.lock);

	head = arrived;
}

/**
 * kho_records_drop_bad() - erase the records that were refused
 *
 * Context: may sleep; kho.lock held.
 */
void kho_records_drop_bad(void)
{
	struct kho_record_page *known, *next;
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry_safe(known, next, &pages, list) {
		for (i = 0; i < KHO_RECORDS_PER_PAGE; i++)
			if (!test_bit(i, known->good))
				memset(&known->page->records[i], 0,
				       sizeof(known->page->records[i]));
		if (!known->used)
			drop_page(known);
		cond_resched();
	}
	if (head)
		head->nr_objects = kho_object_counts.nr;
}

/**
 * kho_records_forget() - forget all pages of records, but leave them as they are
 *
 * Context: kho.lock held.
 */
void kho_records_forget(void)
{
	struct kho_record_page *known, *next;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry_safe(known, next, &pages, list)
		forget_page(known);
	head = NULL;
}

/**
 * kho_records_init() - start the records, and let the next kernel find them
 *
 * Context: may sleep; kho.lock held; after kho_backend_outgoing_init().
 * Return: 0, -ENOMEM, or as kho_backend_add_child(); kho_records_exit() cleans up in
 * either case.
 */
int kho_records_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	head_is_new = !head;
	if (head_is_new)
		head = kho_metapage_alloc();
	if (!head)
		return -ENOMEM;
	strscpy((char *)head->compatible, KHO_OBJS_COMPATIBLE, sizeof(head->compatible));
	head->page_shift = PAGE_SHIFT;
	head->record_size = sizeof(struct kho_objs_record);
	ret = kho_backend_add_child(KHO_OBJS_NODE, head, sizeof(*head), KHO_SUBTREE_OWN);
	named = !ret;
	return ret;
}

/**
 * kho_records_exit() - let the next kernel find no records
 *
 * Context: may sleep; kho.lock held; there are no objects, or the takeover is called off.
 */
void kho_records_exit(void)
{
	lockdep_assert_held(&kho.lock);

	if (named)
		kho_backend_drop_child(head);
	named = false;
	/* A head that arrived is ours only once the takeover is committed. */
	if (head_is_new || kho.committed)
		kho_metapage_free(head);
	head = NULL;
}

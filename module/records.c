// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records that tell the next kernel of the objects, and reading those that
 * the kernel before left.  The format is in include/kho/objects.h.
 *
 * A record is written from its end: its name, which makes it one, comes last.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "internal.h"

#define PER_PAGE	KHO_OBJS_PER_PAGE(PAGE_SHIFT)
#define PER_CHUNK	KHO_OBJS_EXTENTS_PER_PAGE(PAGE_SHIFT)

/**
 * struct record_page - a page of records, as we know it
 */
struct record_page {
	/** @list: on pages, in the order in which they lead to each other. */
	struct list_head list;
	/** @room: on with_room, if it has a free record. */
	struct list_head room;
	/** @page: the page itself. */
	struct kho_objs_page *page;
	/** @used: how many of its records are. */
	unsigned int used;
};

static LIST_HEAD(pages);
static LIST_HEAD(with_room);
/* The same, by page number. */
static DEFINE_XARRAY(by_pfn);

static unsigned long pfn_of(const void *at)
{
	return PHYS_PFN(__pa(at));
}

static struct record_page *know_page(struct kho_objs_page *page)
{
	struct record_page *known = kzalloc(sizeof(*known), GFP_KERNEL);

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

static struct record_page *page_of(const struct kho_objs_record *record)
{
	return xa_load(&by_pfn, pfn_of(record));
}

/* What leads to the page: the one before, or the head. */
static u64 *link_to(struct record_page *known)
{
	if (list_is_first(&known->list, &pages))
		return &kho.head->first;
	return &list_prev_entry(known, list)->page->next;
}

static void forget_page(struct record_page *known)
{
	xa_erase(&by_pfn, pfn_of(known->page));
	list_del(&known->list);
	list_del(&known->room);
	kfree(known);
}

static void count_used(struct record_page *known)
{
	if (++known->used == PER_PAGE)
		list_del_init(&known->room);
}

/* A free record, in a new page if all others are full. */
static struct kho_objs_record *find_room(void)
{
	struct record_page *known;
	struct kho_objs_page *page;
	unsigned int i;

	if (list_empty(&with_room)) {
		page = kho_blob_alloc();
		if (!page)
			return NULL;
		known = know_page(page);
		if (!known) {
			kho_blob_free(page);
			return NULL;
		}
		*link_to(known) = virt_to_phys(page);
	}
	known = list_first_entry(&with_room, struct record_page, room);
	for (i = 0; known->page->records[i].name[0]; i++)
		;
	count_used(known);
	return &known->page->records[i];
}

/* A record is free again, and so is its page if no other is left in it. */
static void drop_record(struct kho_objs_record *record)
{
	struct record_page *known = page_of(record);
	struct kho_objs_page *page = known->page;

	memset(record, 0, sizeof(*record));
	if (known->used-- == PER_PAGE)
		list_add(&known->room, &with_room);
	if (known->used)
		return;
	*link_to(known) = page->next;
	forget_page(known);
	kho_blob_free(page);
}

/**
 * kho_records_forget() - forget all pages of records, and leave them as they are
 *
 * Context: kho.lock held.
 */
void kho_records_forget(void)
{
	struct record_page *known, *next;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry_safe(known, next, &pages, list)
		forget_page(known);
}

static void put_extent(struct kho_objs_extent *to, const struct kho_extent *from)
{
	to->addr = from->pfn << PAGE_SHIFT | from->order;
	to->nr_pages = from->nr_pages;
}

static void free_more(u64 more)
{
	while (more) {
		struct kho_objs_extents *chunk = phys_to_virt(more);

		more = chunk->next;
		kho_blob_free(chunk);
		cond_resched();
	}
}

/* Writes down the extents that a record has no room for. */
static int alloc_more(const struct kho_mem *mem, u64 *more)
{
	u64 i, *link = more;

	*more = 0;
	for (i = KHO_OBJS_INLINE; i < mem->nr_extents; ) {
		struct kho_objs_extents *chunk = kho_blob_alloc();
		unsigned int n;

		if (!chunk) {
			free_more(*more);
			*more = 0;
			return -ENOMEM;
		}
		*link = virt_to_phys(chunk);
		link = &chunk->next;
		for (n = 0; n < PER_CHUNK && i < mem->nr_extents; n++, i++)
			put_extent(&chunk->extents[n], &mem->extent[i]);
		cond_resched();
	}
	return 0;
}

/**
 * kho_chains_free() - free what hangs on no record
 * @chains: what, and none of it afterwards
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_chains_free(struct kho_chains *chains)
{
	free_more(chains->more);
	kho_sums_free(chains->sums);
	kho_data_free(chains->data);
	memset(chains, 0, sizeof(*chains));
}

/**
 * kho_chains_alloc() - write down what will hang on a record
 * @mem: whose extents
 * @with_sums: have room for checksums as well
 * @chains: set to what was written
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: 0, or as kho_sums_alloc(), and then there are no chains.
 */
int kho_chains_alloc(const struct kho_mem *mem, bool with_sums,
		     struct kho_chains *chains)
{
	int ret;

	memset(chains, 0, sizeof(*chains));
	ret = alloc_more(mem, &chains->more);
	if (!ret && with_sums)
		ret = kho_sums_alloc(mem->nr_pages, &chains->sums);
	if (ret)
		kho_chains_free(chains);
	return ret;
}

static void put_extents(struct kho_objs_record *record, const struct kho_mem *mem,
			u64 chunks)
{
	u64 i;

	memset(record->extents, 0, sizeof(record->extents));
	for (i = 0; i < KHO_OBJS_INLINE && i < mem->nr_extents; i++)
		put_extent(&record->extents[i], &mem->extent[i]);
	record->nr_extents = mem->nr_extents;
	record->more = chunks;
}

/**
 * kho_record_update() - tell the next kernel what may change of an object
 * @object: of which
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
 * kho_record_resize() - tell the next kernel of other extents of an object
 * @object: of which
 * @chains: what kho_chains_alloc() has written; told what hung there before
 *
 * Context: kho.lock held.
 */
void kho_record_resize(struct kho_object *object, struct kho_chains *chains)
{
	struct kho_objs_record *record = object->record;
	u64 old = record->more;

	put_extents(record, &object->mem, chains->more);
	chains->more = old;
	swap(record->sums, chains->sums);
	kho_record_update(object);
}

/**
 * kho_record_write() - tell the next kernel of an object
 * @object: whose pages are marked already
 * @chains: what kho_chains_alloc() has written; none of it is left
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM; nothing has changed after an error.
 */
int kho_record_write(struct kho_object *object, struct kho_chains *chains)
{
	struct kho_objs_record *record;

	lockdep_assert_held(&kho.lock);

	record = find_room();
	if (!record)
		return -ENOMEM;
	object->record = record;
	put_extents(record, &object->mem, chains->more);
	record->sums = chains->sums;
	memset(chains, 0, sizeof(*chains));
	record->created = object->created;
	memcpy(record->comm, object->comm, sizeof(record->comm));
	memcpy(record->release, object->release, sizeof(record->release));
	kho_record_update(object);
	memcpy(record->name, object->name, sizeof(record->name));
	kho.head->nr_objects++;
	return 0;
}

/**
 * kho_record_erase() - tell the next kernel no more of an object
 * @object: of which
 * @chains: set to what hung on the record, for kho_chains_free()
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
	kho.head->nr_objects--;
	object->record = NULL;
}

/*
 * Takes a page of metadata that the kernel before left.  It has to be marked,
 * and as the mark in kho.arrived goes with it, it can be taken only once: that
 * is why no chain of pages can be a loop.
 */
static void *claim_blob(u64 addr)
{
	void *blob;

	if (!addr || addr & ~PAGE_MASK ||
	    kho_arrived_take(PHYS_PFN(addr), 1))
		return NULL;
	blob = phys_to_virt(addr);
	kho_blob_adopt(blob);
	return blob;
}

static bool all_zero(const u64 *words, unsigned int nr)
{
	return !memchr_inv(words, 0, nr * sizeof(*words));
}

static int claim_range(u64 pfn, u64 nr_pages)
{
	return kho_arrived_take(pfn, nr_pages);
}

static const char *claim_extent(struct kho_mem *mem,
				const struct kho_objs_extent *from)
{
	struct kho_extent extent = {
		.pfn = PHYS_PFN(from->addr),
		.nr_pages = from->nr_pages,
		.order = from->addr & KHO_OBJS_ORDER_MASK,
	};
	u64 mask = (1ULL << extent.order) - 1;

	if (!extent.pfn || !extent.nr_pages ||
	    from->addr & ~PAGE_MASK & ~KHO_OBJS_ORDER_MASK)
		return "an extent is empty or misaligned";
	if (extent.order > KHO_PUD_ORDER)
		return "an extent has an order that no page has";
	if (extent.pfn & mask || extent.nr_pages & mask)
		return "an extent is no multiple of its pages";
	if (extent.nr_pages > PHYS_PFN(kho_end_of_memory()))
		return "an extent is larger than memory";
	if (kho_extent_each(&extent, claim_range))
		return "an extent is not preserved, or belongs to two objects";
	if (kho_mem_add(mem, extent.pfn, extent.nr_pages, extent.order))
		return "no memory for its extents";
	return NULL;
}

static const char *claim_extents(struct kho_mem *mem,
				 const struct kho_objs_record *record)
{
	struct kho_objs_extents *chunk = NULL;
	u64 i, next = record->more;
	const char *why;

	for (i = 0; i < record->nr_extents; i++) {
		unsigned int n = (i - KHO_OBJS_INLINE) % PER_CHUNK;
		const struct kho_objs_extent *extent;

		if (i < KHO_OBJS_INLINE) {
			extent = &record->extents[i];
		} else {
			if (!n) {
				chunk = claim_blob(next);
				if (!chunk)
					return "an extent page is not preserved, or is used twice";
				if (chunk->reserved)
					return "a reserved field is not 0";
				next = chunk->next;
			}
			extent = &chunk->extents[n];
		}
		why = claim_extent(mem, extent);
		if (why)
			return why;
	}
	if (next)
		return "there are more extent pages than extents";
	if (mem->nr_pages != (mem->size >> PAGE_SHIFT) + !!(mem->size & ~PAGE_MASK))
		return "its extents are not of its size";
	return NULL;
}

static const char *claim_sums(const struct kho_objs_record *record, u64 nr_pages)
{
	struct kho_objs_sums *sums;
	u64 done = 0, next;

	for (next = record->sums; next; next = sums->next) {
		sums = claim_blob(next);
		if (!sums)
			return "a sum page is not preserved, or is used twice";
		if (done >= nr_pages)
			return "there are more sums than pages";
		done += KHO_OBJS_SUMS_PER_PAGE(PAGE_SHIFT);
	}
	if (record->sums && done < nr_pages)
		return "there are fewer sums than pages";
	if (!record->sums && record->flags &
	    (KHO_OBJS_SUMMED | KHO_OBJS_SUM_AT_JUMP))
		return "it has a checksum, but no sums";
	return NULL;
}

static const char *claim_data(const struct kho_objs_record *record, u32 *bytes)
{
	struct kho_objs_data *page;
	u64 next;

	*bytes = 0;
	for (next = record->data; next; next = page->next) {
		page = claim_blob(next);
		if (!page)
			return "a data page is not preserved, or is used twice";
		if (page->reserved)
			return "a reserved field is not 0";
		if (!page->bytes || page->bytes > KHO_OBJS_DATA_PER_PAGE(PAGE_SHIFT) ||
		    (page->next &&
		     page->bytes != KHO_OBJS_DATA_PER_PAGE(PAGE_SHIFT)))
			return "a data page has another number of bytes than it can";
		*bytes += page->bytes;
		if (*bytes > KHO_OBJS_DATA_MAX)
			return "it has more data than an object can";
	}
	return NULL;
}

static const char *claim_record(struct kho_objs_record *record)
{
	struct kho_object *object;
	const char *why;

	if (kho_name_check(record->name))
		return "a name can't be one";
	if (kho_object_find((char *)record->name))
		return "two objects have the same name";
	if (!all_zero(record->reserved, ARRAY_SIZE(record->reserved)))
		return "a reserved field is not 0";
	if (record->flags & ~KHO_OBJS_FLAGS)
		return "a flag is unknown";
	if (record->mode & ~0666)
		return "its mode has other bits than those for read and write";
	if (record->uid == (u32)-1 || record->gid == (u32)-1)
		return "its owner is nobody";
	if (record->comm[KHO_OBJS_COMM - 1] ||
	    record->release[KHO_OBJS_RELEASE - 1])
		return "its maker's name has no end";
	if (!record->size || !record->nr_extents)
		return "an object has no size";

	object = kzalloc(sizeof(*object), GFP_KERNEL);
	if (!object)
		return "no memory for an object";
	kho_mem_init(&object->mem, NULL);
	object->mem.size = record->size;
	why = claim_extents(&object->mem, record);
	why = why ?: claim_sums(record, object->mem.nr_pages);
	why = why ?: claim_data(record, &object->data_bytes);
	if (why) {
		pr_err("object '%s', record at 0x%llx: %s\n",
		       (char *)record->name, (u64)virt_to_phys(record), why);
		kvfree(object->mem.extent);
		kfree(object);
		return why;
	}
	kho_object_adopt(object, record);
	return NULL;
}

/**
 * kho_records_read() - learn of the objects that arrived
 * @addr: physical address of their head
 * @size: its size in bytes
 *
 * What belongs to objects is taken out of kho.arrived.  After an error the
 * caller forgets what there was, and starts kho.arrived anew.
 *
 * Context: may sleep; kho.lock held; what is marked in kho.arrived can be read.
 * Return: NULL, or what was wrong.
 */
const char *kho_records_read(u64 addr, u64 size)
{
	struct record_page *known;
	struct kho_objs_page *page;
	struct kho_objs_head *head;
	const char *why;
	unsigned int i;
	u64 next;

	lockdep_assert_held(&kho.lock);

	if (size != sizeof(*head))
		return "their head has another size";
	head = claim_blob(addr);
	if (!head)
		return "their head is not preserved";
	if (memcmp(head->compatible, KHO_OBJS_COMPATIBLE,
		   sizeof(KHO_OBJS_COMPATIBLE)))
		return "their format is not " KHO_OBJS_COMPATIBLE;
	if (head->page_shift != PAGE_SHIFT ||
	    head->record_size != sizeof(struct kho_objs_record))
		return "their page or record size is another one";
	if (!all_zero(head->reserved, ARRAY_SIZE(head->reserved)))
		return "a reserved field is not 0";

	for (next = head->first; next; next = page->next) {
		page = claim_blob(next);
		if (!page)
			return "a record page is not preserved, or is used twice";
		if (!all_zero(page->reserved, ARRAY_SIZE(page->reserved)))
			return "a reserved field is not 0";
		known = know_page(page);
		if (!known)
			return "no memory for its pages";
		for (i = 0; i < PER_PAGE; i++) {
			if (!page->records[i].name[0])
				continue;
			why = claim_record(&page->records[i]);
			if (why)
				return why;
			count_used(known);
		}
	}
	if (head->nr_objects != kho.nr_objects)
		return "their number is wrong";
	kho.head = head;
	return NULL;
}

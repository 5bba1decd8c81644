// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records that tell the next kernel of the objects, and reading those that
 * the kernel before left.  The format is in include/kho/objects.h.
 *
 * A record is written from its end: its name, which makes it one, comes last.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

#define PER_PAGE	KHO_OBJS_PER_PAGE(PAGE_SHIFT)
#define PER_CHUNK	KHO_OBJS_EXTENTS_PER_PAGE(PAGE_SHIFT)

static struct kho_objs_page *record_page(u64 addr)
{
	return phys_to_virt(addr);
}

static void free_chunks(u64 addr)
{
	while (addr) {
		struct kho_objs_extents *chunk = phys_to_virt(addr);

		addr = chunk->next;
		kho_blob_free(chunk);
	}
}

/* A free record, in a new page if all others are full. */
static struct kho_objs_record *find_room(void)
{
	struct kho_objs_page *page;
	u64 *link = &kho.head->first;
	unsigned int i;

	while (*link) {
		page = record_page(*link);
		for (i = 0; i < PER_PAGE; i++)
			if (!page->records[i].name[0])
				return &page->records[i];
		link = &page->next;
	}

	page = kho_blob_alloc();
	if (!page)
		return NULL;
	*link = virt_to_phys(page);
	return &page->records[0];
}

/* Frees the page of @record if no other record is left in it. */
static void drop_page_of(const struct kho_objs_record *record)
{
	struct kho_objs_page *page = (void *)((unsigned long)record & PAGE_MASK);
	u64 *link = &kho.head->first;
	unsigned int i;

	for (i = 0; i < PER_PAGE; i++)
		if (page->records[i].name[0])
			return;
	while (*link != virt_to_phys(page))
		link = &record_page(*link)->next;
	*link = page->next;
	kho_blob_free(page);
}

static void put_extent(struct kho_objs_extent *to, const struct kho_extent *from)
{
	to->addr = from->pfn << PAGE_SHIFT;
	to->nr_pages = from->nr_pages;
}

/**
 * kho_record_write() - tell the next kernel of an object
 * @object: whose pages are marked already
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM; nothing has changed after an error.
 */
int kho_record_write(struct kho_object *object)
{
	const struct kho_mem *mem = &object->mem;
	struct kho_objs_record *record;
	u64 i, first_chunk = 0, *link = &first_chunk;

	lockdep_assert_held(&kho.lock);

	for (i = KHO_OBJS_INLINE; i < mem->nr_extents; ) {
		struct kho_objs_extents *chunk = kho_blob_alloc();
		unsigned int n;

		if (!chunk)
			goto err_free_chunks;
		*link = virt_to_phys(chunk);
		link = &chunk->next;
		for (n = 0; n < PER_CHUNK && i < mem->nr_extents; n++, i++)
			put_extent(&chunk->extents[n], &mem->extent[i]);
	}

	record = find_room();
	if (!record)
		goto err_free_chunks;
	for (i = 0; i < KHO_OBJS_INLINE && i < mem->nr_extents; i++)
		put_extent(&record->extents[i], &mem->extent[i]);
	record->size = mem->size;
	record->nr_extents = mem->nr_extents;
	record->more = first_chunk;
	record->created = object->created;
	record->generation = object->generation;
	memcpy(record->name, object->name, sizeof(record->name));
	kho.head->nr_objects++;
	object->record = record;
	return 0;

err_free_chunks:
	free_chunks(first_chunk);
	return -ENOMEM;
}

/**
 * kho_record_erase() - tell the next kernel no more of an object
 * @object: of which
 *
 * Context: may sleep; kho.lock held.
 */
void kho_record_erase(struct kho_object *object)
{
	struct kho_objs_record *record = object->record;
	u64 chunks = record->more;

	lockdep_assert_held(&kho.lock);

	memset(record, 0, sizeof(*record));
	kho.head->nr_objects--;
	free_chunks(chunks);
	drop_page_of(record);
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

static const char *claim_extent(struct kho_mem *mem,
				const struct kho_objs_extent *extent)
{
	if (!extent->addr || extent->addr & ~PAGE_MASK || !extent->nr_pages)
		return "an extent is empty or misaligned";
	if (kho_arrived_take(PHYS_PFN(extent->addr), extent->nr_pages))
		return "an extent is not preserved, or belongs to two objects";
	if (kho_mem_add(mem, PHYS_PFN(extent->addr), extent->nr_pages))
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
	if (!record->size || !record->nr_extents)
		return "an object has no size";

	object = kzalloc(sizeof(*object), GFP_KERNEL);
	if (!object)
		return "no memory for an object";
	strscpy_pad(object->name, (char *)record->name, sizeof(object->name));
	object->mem.size = record->size;
	why = claim_extents(&object->mem, record);
	if (why) {
		pr_err("object '%s', record at 0x%llx: %s\n", object->name,
		       (u64)virt_to_phys(record), why);
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
		for (i = 0; i < PER_PAGE; i++) {
			if (!page->records[i].name[0])
				continue;
			why = claim_record(&page->records[i]);
			if (why)
				return why;
		}
	}
	if (head->nr_objects != kho.nr_objects)
		return "their number is wrong";
	kho.head = head;
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the records of the objects that the previous kernel left.  The format is in
 * include/kho/objects.h.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/metapage.h"
#include "incoming/incoming.h"
#include "memory/memory.h"
#include "mm/iomem.h"
#include "object.h"
#include "records.h"

#include <kho/objects.h>

#define PER_CHUNK	KHO_OBJS_EXTENTS_PER_PAGE(PAGE_SHIFT)

/* What was wrong with the records that arrived. */
static struct {
	/* How many were refused. */
	u64 refused;
	/* The address that leads to an invalid page of records, or NULL. */
	u64 *broken;
} bad;

/* Not the record's fault: loading the module again may help. */
static const char no_memory[] = "no memory to restore it";

static const char *why_not(int err, const char *why)
{
	return err == -ENOMEM ? no_memory : why;
}

/*
 * Claims a metapage that the previous kernel left.  It is removed from the unclaimed
 * pages, so it can be claimed only once: that is why no chain of pages can be a loop.
 */
static void *claim_metapage(u64 addr)
{
	void *metapage;
	int ret;

	if (!addr || addr & ~PAGE_MASK)
		return ERR_PTR(-ENOENT);
	ret = kho_backend_incoming_get(PHYS_PFN(addr), 1);
	if (ret)
		return ERR_PTR(ret);
	metapage = phys_to_virt(addr);
	kho_metapage_adopt(metapage);
	return metapage;
}

static bool all_zero(const u64 *words, unsigned int nr)
{
	return !memchr_inv(words, 0, nr * sizeof(*words));
}

/* Claims the pages of an extent, all of them or none, as they were preserved. */
static int claim_pages(const struct kho_extent *extent)
{
	u64 done, step = extent->nr_pages;
	struct kho_extent part = *extent;
	int ret = 0;

	if (extent->order)
		step = 1ULL << KHO_OBJS_KEY_ORDER(extent->order);
	for (done = 0; done < extent->nr_pages; done += step) {
		ret = kho_backend_incoming_get(extent->pfn + done, step);
		if (ret)
			break;
		cond_resched();
	}
	part.nr_pages = done;
	if (ret && done && kho_extent_each(&part, kho_backend_incoming_put))
		ret = -ENOMEM;
	return ret;
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
	int ret;

	if (!extent.pfn || !extent.nr_pages ||
	    from->addr & ~PAGE_MASK & ~KHO_OBJS_ORDER_MASK)
		return "an extent is empty or misaligned";
	if (extent.order > KHO_PUD_ORDER)
		return "an extent has an order that no page has";
	if (extent.pfn & mask || extent.nr_pages & mask)
		return "an extent is not a multiple of its page size";
	if (extent.nr_pages > PHYS_PFN(kho_end_of_memory()))
		return "an extent is larger than memory";
	/* Make room first, so that pages that were claimed can be noted. */
	if (kho_extents_add_room(mem))
		return no_memory;
	ret = claim_pages(&extent);
	if (ret)
		return why_not(ret, "an extent is not preserved, or belongs to two objects");
	return why_not(kho_mem_add(mem, extent.pfn, extent.nr_pages,
				   extent.order), NULL);
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
				chunk = claim_metapage(next);
				if (IS_ERR(chunk))
					return why_not(PTR_ERR(chunk),
						       "an extent page is not preserved, or is used twice");
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
		return "its extents do not add up to its size";
	return NULL;
}

static const char *claim_sums(const struct kho_objs_record *record, u64 nr_pages)
{
	struct kho_objs_sums *sums;
	u64 done = 0, next;

	for (next = record->sums; next; next = sums->next) {
		sums = claim_metapage(next);
		if (IS_ERR(sums))
			return why_not(PTR_ERR(sums),
				       "a sum page is not preserved, or is used twice");
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
		page = claim_metapage(next);
		if (IS_ERR(page))
			return why_not(PTR_ERR(page),
				       "a data page is not preserved, or is used twice");
		if (page->reserved)
			return "a reserved field is not 0";
		if (!page->bytes || page->bytes > KHO_OBJS_DATA_PER_PAGE(PAGE_SHIFT) ||
		    (page->next &&
		     page->bytes != KHO_OBJS_DATA_PER_PAGE(PAGE_SHIFT)))
			return "a data page has an impossible number of bytes";
		*bytes += page->bytes;
		if (*bytes > KHO_OBJS_DATA_MAX)
			return "it has more data than an object can have";
	}
	return NULL;
}

/* Checks everything but what the record leads to. */
static const char *check_record(const struct kho_objs_record *record)
{
	if (kho_name_check(record->name))
		return "its name is invalid";
	if (kho_object_find((char *)record->name))
		return "two objects have the same name";
	if (!all_zero(record->reserved, ARRAY_SIZE(record->reserved)))
		return "a reserved field is not 0";
	if (record->flags & ~KHO_OBJS_FLAGS)
		return "a flag is unknown";
	if (record->mode & ~0666)
		return "its mode has bits other than those for read and write";
	if (record->uid == (u32)-1 || record->gid == (u32)-1)
		return "its owner or group is invalid";
	if (record->comm[KHO_OBJS_COMM - 1] ||
	    record->release[KHO_OBJS_RELEASE - 1])
		return "the name or release of its creator is not terminated";
	if (!record->size || !record->nr_extents)
		return "it has no size or no extents";
	return NULL;
}

/* Gives back the metapages that were claimed after @mark. */
static int disown_metapages(const void *mark)
{
	struct page *page;
	int ret = 0;

	while (!ret && (page = kho_metapages_pop(mark))) {
		ret = kho_backend_incoming_put(page_to_pfn(page), 1);
		cond_resched();
	}
	return ret;
}

/* Undoes what a refused record has claimed. */
static int disown(const struct kho_mem *mem, const void *mark)
{
	u64 i;
	int ret = disown_metapages(mark);

	for (i = 0; !ret && i < mem->nr_extents; i++) {
		ret = kho_extent_each(kho_extent_at(mem, i),
				      kho_backend_incoming_put);
		cond_resched();
	}
	return ret;
}

/*
 * Claims everything that a record leads to, or nothing.  If two records claim the same
 * page, the first one gets it: which of them is right can't be known, and a wrong record
 * must not do more harm than that.
 */
static const char *claim_record(struct kho_objs_record *record)
{
	const void *mark = kho_metapages_mark();
	struct kho_object *object;
	const char *why;

	why = check_record(record);
	if (why)
		return why;
	object = kzalloc(sizeof(*object), GFP_KERNEL);
	if (!object)
		return no_memory;
	kho_mem_init(&object->mem, NULL);
	object->mem.size = record->size;
	why = claim_extents(&object->mem, record);
	why = why ?: claim_sums(record, object->mem.nr_pages);
	why = why ?: claim_data(record, &object->data_bytes);
	if (why) {
		if (disown(&object->mem, mark))
			why = no_memory;
		kho_extents_free(&object->mem);
		kfree(object);
		return why;
	}
	kho_object_adopt(object, record);
	return NULL;
}

/* Logs that a record is refused.  Its name may be anything. */
static void refuse_record(const struct kho_objs_record *record, const char *why)
{
	int len = strnlen((const char *)record->name, 24);
	char what[sizeof("record '' refused") + 4 * 24];

	bad.refused++;
	snprintf(what, sizeof(what), "record '%*pE' refused", len, record->name);
	pr_err_ratelimited("objects: %s, at 0x%llx: %s; its pages stay preserved\n",
			   what, (u64)virt_to_phys((void *)record), why);
	kho_incoming_complain(what, why);
}

/* Ends the chain before a page of records that is invalid or can't be claimed. */
static void cut_chain(u64 *link, const char *why)
{
	bad.broken = link;
	pr_err("objects: the records from 0x%llx on are refused: %s\n", *link, why);
	kho_incoming_complain("records lost", why);
}

static const char *claim_page(u64 addr, struct kho_objs_page **page)
{
	const void *mark = kho_metapages_mark();
	const char *why = "a record page is not preserved, or is used twice";

	*page = claim_metapage(addr);
	if (IS_ERR(*page))
		return why_not(PTR_ERR(*page), why);
	if (all_zero((*page)->reserved, ARRAY_SIZE((*page)->reserved)))
		return NULL;
	return why_not(disown_metapages(mark), "a reserved field is not 0");
}

static int claim_records(struct kho_objs_page *page)
{
	struct kho_record_page *known = kho_record_page_add(page);
	const char *why;
	unsigned int i;

	if (!known)
		return -ENOMEM;
	for (i = 0; i < KHO_RECORDS_PER_PAGE; i++) {
		if (!page->records[i].name[0])
			continue;
		why = claim_record(&page->records[i]);
		if (why == no_memory)
			return -ENOMEM;
		if (why) {
			refuse_record(&page->records[i], why);
		} else {
			__set_bit(i, known->good);
			kho_record_page_use(known);
		}
	}
	return 0;
}

static const char *check_head(const struct kho_objs_head *head)
{
	if (IS_ERR(head))
		return why_not(PTR_ERR(head), "their head is not preserved");
	if (memcmp(head->compatible, KHO_OBJS_COMPATIBLE,
		   sizeof(KHO_OBJS_COMPATIBLE)))
		return "their format is not " KHO_OBJS_COMPATIBLE;
	if (head->page_shift != PAGE_SHIFT ||
	    head->record_size != sizeof(struct kho_objs_record))
		return "their page or record size is not this kernel's";
	if (!all_zero(head->reserved, ARRAY_SIZE(head->reserved)))
		return "a reserved field is not 0";
	return NULL;
}

/**
 * kho_records_read() - restore the objects that arrived
 * @addr: physical address of their head
 * @size: its size in bytes
 *
 * Pages of objects are removed from the unclaimed pages.  An invalid record is refused,
 * and its pages stay unclaimed; all other objects are restored.  After an error the
 * caller forgets the objects, and resets the unclaimed pages.
 *
 * Context: may sleep; kho.lock held; the unclaimed pages can be read.
 * Return: 0; -EINVAL if the head is invalid, which is logged; -ENOMEM.
 */
int kho_records_read(u64 addr, u64 size)
{
	struct kho_objs_head *head = NULL;
	struct kho_objs_page *page;
	const char *why;
	u64 *link;
	int ret;

	lockdep_assert_held(&kho.lock);

	memset(&bad, 0, sizeof(bad));
	if (size == sizeof(*head)) {
		head = claim_metapage(addr);
		why = check_head(head);
	} else {
		why = "their head has the wrong size";
	}
	if (why == no_memory)
		return -ENOMEM;
	if (why) {
		pr_err("objects at 0x%llx refused, their pages stay preserved: %s\n",
		       addr, why);
		kho_incoming_complain("all refused", why);
		return -EINVAL;
	}

	for (link = &head->first; *link; link = &page->next) {
		why = claim_page(*link, &page);
		if (why == no_memory)
			return -ENOMEM;
		if (why) {
			cut_chain(link, why);
			break;
		}
		ret = claim_records(page);
		if (ret)
			return ret;
	}
	if (!bad.broken && head->nr_objects != kho_object_counts.nr + bad.refused) {
		pr_err("objects: there are %llu records, but there should be %llu\n",
		       kho_object_counts.nr + bad.refused, head->nr_objects);
		kho_incoming_complain("some lost", "their number is wrong");
	}
	if (bad.refused)
		pr_err("objects: %llu refused, %llu restored\n", bad.refused,
		       kho_object_counts.nr);
	kho_records_adopt(head);
	return 0;
}

/**
 * kho_records_commit() - own the records that arrived for good
 *
 * Erases the records that were refused: their pages are handed on as pages that belong
 * to no object.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_records_commit(void)
{
	lockdep_assert_held(&kho.lock);

	if (bad.broken)
		*bad.broken = 0;
	bad.broken = NULL;
	kho_records_drop_bad();
}

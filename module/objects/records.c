// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records that tell the next kernel of the objects, and reading those that
 * the kernel before left.  The format is in include/kho/objects.h.
 *
 * A record is written from its end: its name, which makes it one, comes last.
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
	/** @good: of those that arrived, the ones that were found good. */
	DECLARE_BITMAP(good, PER_PAGE);
};

static LIST_HEAD(pages);
static LIST_HEAD(with_room);

/* What was wrong with the records that arrived, if anything was. */
static struct {
	/* How many were refused. */
	u64 refused;
	/* What led to a page of records that is none, or NULL. */
	u64 *broken;
} bad;
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

/* Frees a page without records. */
static void drop_page(struct record_page *known)
{
	struct kho_objs_page *page = known->page;

	*link_to(known) = page->next;
	forget_page(known);
	kho_blob_free(page);
}

/* A record is free again, and so is its page if no other is left in it. */
static void drop_record(struct kho_objs_record *record)
{
	struct record_page *known = page_of(record);

	memset(record, 0, sizeof(*record));
	if (known->used-- == PER_PAGE)
		list_add(&known->room, &with_room);
	if (!known->used)
		drop_page(known);
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
		struct kho_objs_extents *chunk = kho_blob_alloc_charged();
		unsigned int n;

		if (!chunk) {
			free_more(*more);
			*more = 0;
			return -ENOMEM;
		}
		*link = virt_to_phys(chunk);
		link = &chunk->next;
		for (n = 0; n < PER_CHUNK && i < mem->nr_extents; n++, i++)
			put_extent(&chunk->extents[n], kho_extent_at(mem, i));
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
 * Context: may sleep; kho.gate held, kho.lock not.
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
		put_extent(&record->extents[i], kho_extent_at(mem, i));
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

/* Is no fault of the record: to load the module again may help. */
static const char no_memory[] = "no memory for what it says";

static const char *why_not(int err, const char *why)
{
	return err == -ENOMEM ? no_memory : why;
}

/*
 * Takes a page of metadata that the kernel before left.  It has to be marked,
 * and as the mark in kho.arrived goes with it, it can be taken only once: that
 * is why no chain of pages can be a loop.
 */
static void *claim_blob(u64 addr)
{
	void *blob;
	int ret;

	if (!addr || addr & ~PAGE_MASK)
		return ERR_PTR(-ENOENT);
	ret = kho_arrived_take(PHYS_PFN(addr), 1);
	if (ret)
		return ERR_PTR(ret);
	blob = phys_to_virt(addr);
	kho_blob_adopt(blob);
	return blob;
}

static bool all_zero(const u64 *words, unsigned int nr)
{
	return !memchr_inv(words, 0, nr * sizeof(*words));
}

/* Takes the pages of an extent, all of them or none, as they were preserved. */
static int claim_pages(const struct kho_extent *extent)
{
	u64 done, step = extent->nr_pages;
	struct kho_extent part = *extent;
	int ret = 0;

	if (extent->order)
		step = 1ULL << KHO_OBJS_KEY_ORDER(extent->order);
	for (done = 0; done < extent->nr_pages; done += step) {
		ret = kho_arrived_take(extent->pfn + done, step);
		if (ret)
			break;
		cond_resched();
	}
	part.nr_pages = done;
	if (ret && done && kho_extent_each(&part, kho_arrived_give_back))
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
		return "an extent is no multiple of its pages";
	if (extent.nr_pages > PHYS_PFN(kho_end_of_memory()))
		return "an extent is larger than memory";
	/* Room first, so that what is taken is also known to be. */
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
				chunk = claim_blob(next);
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
		return "its extents are not of its size";
	return NULL;
}

static const char *claim_sums(const struct kho_objs_record *record, u64 nr_pages)
{
	struct kho_objs_sums *sums;
	u64 done = 0, next;

	for (next = record->sums; next; next = sums->next) {
		sums = claim_blob(next);
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
		page = claim_blob(next);
		if (IS_ERR(page))
			return why_not(PTR_ERR(page),
				       "a data page is not preserved, or is used twice");
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

/* All that can be seen without looking at what it leads to. */
static const char *check_record(const struct kho_objs_record *record)
{
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
	return NULL;
}

/* Gives the pages of metadata back that were claimed after @last. */
static int disown_blobs(const struct list_head *last)
{
	int ret = 0;

	while (!ret && kho.blobs.prev != last) {
		struct page *page = list_last_entry(&kho.blobs, struct page, lru);

		mutex_lock(&kho.blobs_lock);
		list_del_init(&page->lru);
		kho.nr_blobs--;
		mutex_unlock(&kho.blobs_lock);
		ret = kho_arrived_give_back(page_to_pfn(page), 1);
		cond_resched();
	}
	return ret;
}

/* What a record that is refused has taken is as if nobody had asked for it. */
static int disown(const struct kho_mem *mem, const struct list_head *last)
{
	u64 i;
	int ret = disown_blobs(last);

	for (i = 0; !ret && i < mem->nr_extents; i++) {
		ret = kho_extent_each(kho_extent_at(mem, i),
				      kho_arrived_give_back);
		cond_resched();
	}
	return ret;
}

/*
 * Takes what a record speaks of, or none of it.  What two of them claim is that
 * one's which comes first: which of them is right can't be told, and one that is
 * wrong must not do more harm than that.
 */
static const char *claim_record(struct kho_objs_record *record)
{
	const struct list_head *last = kho.blobs.prev;
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
		if (disown(&object->mem, last))
			why = no_memory;
		kho_extents_free(&object->mem);
		kfree(object);
		return why;
	}
	kho_object_adopt(object, record);
	return NULL;
}

/* Says what was wrong; the first time also for KHO_QUERY. */
static void say_bad(const char *what, const char *why)
{
	if (!kho.arrival_error[0])
		snprintf(kho.arrival_error, sizeof(kho.arrival_error),
			 "objects: %s: %s", what, why);
}

/* A record that is refused; its name may be anything. */
static void refuse_record(const struct kho_objs_record *record, const char *why)
{
	int len = strnlen((const char *)record->name, 24);
	char what[sizeof("record '' refused") + 4 * 24];

	bad.refused++;
	snprintf(what, sizeof(what), "record '%*pE' refused", len, record->name);
	pr_err_ratelimited("objects: %s, at 0x%llx: %s; its pages stay preserved\n",
			   what, (u64)virt_to_phys((void *)record), why);
	say_bad(what, why);
}

/* There is no page where another one is to follow, or none that can be read. */
static void cut_chain(u64 *link, const char *why)
{
	bad.broken = link;
	pr_err("objects: the records from 0x%llx on are refused: %s\n", *link, why);
	say_bad("records lost", why);
}

static const char *claim_page(u64 addr, struct kho_objs_page **page)
{
	const struct list_head *last = kho.blobs.prev;
	const char *why = "a record page is not preserved, or is used twice";

	*page = claim_blob(addr);
	if (IS_ERR(*page))
		return why_not(PTR_ERR(*page), why);
	if (all_zero((*page)->reserved, ARRAY_SIZE((*page)->reserved)))
		return NULL;
	return why_not(disown_blobs(last), "a reserved field is not 0");
}

static int claim_records(struct kho_objs_page *page)
{
	struct record_page *known = know_page(page);
	const char *why;
	unsigned int i;

	if (!known)
		return -ENOMEM;
	for (i = 0; i < PER_PAGE; i++) {
		if (!page->records[i].name[0])
			continue;
		why = claim_record(&page->records[i]);
		if (why == no_memory)
			return -ENOMEM;
		if (why) {
			refuse_record(&page->records[i], why);
		} else {
			__set_bit(i, known->good);
			count_used(known);
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
		return "their page or record size is another one";
	if (!all_zero(head->reserved, ARRAY_SIZE(head->reserved)))
		return "a reserved field is not 0";
	return NULL;
}

/**
 * kho_records_read() - learn of the objects that arrived
 * @addr: physical address of their head
 * @size: its size in bytes
 *
 * What belongs to objects is taken out of kho.arrived.  A record that is wrong is
 * refused, and what it speaks of stays in there; all others are taken.  After an
 * error the caller forgets what there was, and starts kho.arrived anew.
 *
 * Context: may sleep; kho.lock held; what is marked in kho.arrived can be read.
 * Return: 0; -EINVAL if there is no telling what is a record, which is logged;
 * -ENOMEM.
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
		head = claim_blob(addr);
		why = check_head(head);
	} else {
		why = "their head has another size";
	}
	if (why == no_memory)
		return -ENOMEM;
	if (why) {
		pr_err("objects at 0x%llx refused, their pages stay preserved: %s\n",
		       addr, why);
		say_bad("all refused", why);
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
	if (!bad.broken && head->nr_objects != kho.nr_objects + bad.refused) {
		pr_err("objects: there are %llu records, and there should be %llu\n",
		       kho.nr_objects + bad.refused, head->nr_objects);
		say_bad("some lost", "their number is wrong");
	}
	if (bad.refused)
		pr_err("objects: %llu refused, %llu taken\n", bad.refused,
		       kho.nr_objects);
	kho.head = head;
	return 0;
}

/**
 * kho_records_commit() - what arrived is ours for good
 *
 * The next kernel is told no more of what was refused: its pages go on as pages
 * that belong to no object.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_records_commit(void)
{
	struct record_page *known, *next;
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	if (bad.broken)
		*bad.broken = 0;
	bad.broken = NULL;
	list_for_each_entry_safe(known, next, &pages, list) {
		for (i = 0; i < PER_PAGE; i++)
			if (!test_bit(i, known->good))
				memset(&known->page->records[i], 0,
				       sizeof(known->page->records[i]));
		if (!known->used)
			drop_page(known);
		cond_resched();
	}
	if (kho.head)
		kho.head->nr_objects = kho.nr_objects;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Decoding metadata: objects, see include/kho/objects.h.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <kho/fdt.h>
#include <kho/objects.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/ranges.h"
#include "base/text.h"
#include "decode/decoded.h"
#include "decode/dumpfile.h"
#include "decode/objects.h"

static bool all_zero(const void *p, size_t len)
{
	const unsigned char *c = p;

	while (len--)
		if (*c++)
			return false;
	return true;
}

/* Returns a page of a chain, or NULL to end it.  No page may be used twice. */
static const void *chain_page(struct meta *m, struct decoded *d, __u64 addr,
			      const char *what)
{
	long i = meta_find(m, addr);

	if (i < 0 || addr & (m->page_size - 1)) {
		decode_err(d, "objects: %s at 0x%llx is not one of the pages",
			   what, addr);
		return NULL;
	}
	if (m->used[i]) {
		decode_err(d, "objects: %s at 0x%llx is used for something else already",
			   what, addr);
		return NULL;
	}
	m->used[i] = true;
	if (d->walked && !is_preserved(d, addr, addr + m->page_size))
		decode_err(d, "objects: %s at 0x%llx is not preserved",
			   what, addr);
	return m->pages + (size_t)i * m->page_size;
}

/*
 * True if the tree has exactly the keys that the next kernel expects for an extent.  An
 * extent of order 0 is cut into the largest possible blocks, from its start.  Any other is
 * cut into blocks of its own order.
 */
static bool extent_has_keys(const struct meta *m, const struct decoded *d,
			    const struct extent *e)
{
	__u64 at = e->range.addr >> m->shift, end = e->range.end >> m->shift;
	unsigned int order;

	if (e->order)
		return has_keys(m, d, e->range.addr, e->range.end,
				KHO_OBJS_KEY_ORDER(e->order));
	for (; at < end; at += 1ULL << order) {
		order = 63 - __builtin_clzll(end - at);
		if (at && (unsigned int)__builtin_ctzll(at) < order)
			order = __builtin_ctzll(at);
		if (!has_keys(m, d, at << m->shift,
			      (at + (1ULL << order)) << m->shift, order))
			return false;
	}
	return true;
}

/* False if the extent is unusable, so that reading more is pointless */
static bool add_extent(struct meta *m, struct decoded *d, struct object *o,
		       const struct kho_objs_extent *raw)
{
	__u64 limit = (1ULL << 52) >> m->shift, pages = raw->nr_pages;
	__u64 addr = raw->addr & ~(__u64)(m->page_size - 1);
	__u64 low = raw->addr & (m->page_size - 1);
	struct extent e = { .order = low & KHO_OBJS_ORDER_MASK };

	if (low & ~KHO_OBJS_ORDER_MASK || !addr || !pages || pages > limit ||
	    addr >> m->shift > limit - pages) {
		decode_err(d, "object %s: extent %zu: %llu pages at 0x%llx are impossible",
			   o->name, o->nr_extents, pages, raw->addr);
		return false;
	}
	/* No page is larger than that of a PUD. */
	if (e.order > 2 * (m->shift - 3)) {
		decode_err(d, "object %s: extent %zu: there are no pages of order %u",
			   o->name, o->nr_extents, e.order);
		return false;
	}
	if ((addr >> m->shift | pages) & ((1ULL << e.order) - 1)) {
		decode_err(d, "object %s: extent %zu: %llu pages at 0x%llx are not made of pages of order %u",
			   o->name, o->nr_extents, pages, addr, e.order);
		return false;
	}
	e.range = (struct range){ addr, addr + (pages << m->shift) };
	if (d->walked && !is_preserved(d, e.range.addr, e.range.end))
		decode_err(d, "object %s: extent %zu: not all of 0x%llx to 0x%llx is preserved",
			   o->name, o->nr_extents, e.range.addr, e.range.end - 1);
	else if (d->walked && !extent_has_keys(m, d, &e))
		decode_err(d, "object %s: extent %zu: 0x%llx to 0x%llx is preserved in blocks of another order than its pages of order %u need",
			   o->name, o->nr_extents, e.range.addr,
			   e.range.end - 1, e.order);
	o->extents = grow(o->extents, o->nr_extents, &o->room,
			  sizeof(*o->extents));
	o->extents[o->nr_extents++] = e;
	o->pages += pages;
	return true;
}

static void read_extents(struct meta *m, struct decoded *d, struct object *o,
			 const struct kho_objs_record *rec)
{
	__u64 left = rec->nr_extents, next = rec->more, i;

	for (i = 0; i < KHO_OBJS_INLINE && left; i++, left--)
		if (!add_extent(m, d, o, &rec->extents[i]))
			return;
	while (left && next) {
		const struct kho_objs_extents *page;

		page = chain_page(m, d, next, "an extent page");
		if (!page)
			return;
		if (page->reserved)
			decode_err(d, "object %s: a reserved field of the extent page at 0x%llx is not 0",
				   o->name, next);
		for (i = 0; i < KHO_OBJS_EXTENTS_PER_PAGE(m->shift) && left;
		     i++, left--)
			if (!add_extent(m, d, o, &page->extents[i]))
				return;
		next = page->next;
	}
	if (left)
		decode_err(d, "object %s: %llu of its %llu extents are missing",
			   o->name, left, rec->nr_extents);
	else if (next)
		decode_err(d, "object %s: there are more extent pages than it has extents for",
			   o->name);
}

/* Reads the chain of checksums, one for each base page, if there is one. */
static void read_sums(struct meta *m, struct decoded *d, struct object *o,
		      const struct kho_objs_record *rec)
{
	__u64 per_page = KHO_OBJS_SUMS_PER_PAGE(m->shift), next = rec->sums;
	__u64 need = o->pages / per_page + !!(o->pages % per_page);

	if (!next && rec->flags & (KHO_OBJS_SUMMED | KHO_OBJS_SUM_AT_JUMP))
		decode_err(d, "object %s: it has no room for checksums, though its flags say so",
			   o->name);
	if (!next)
		return;
	while (next && o->sum_pages < need) {
		const struct kho_objs_sums *page;

		page = chain_page(m, d, next, "a sum page");
		if (!page)
			return;
		o->sum_pages++;
		next = page->next;
	}
	if (o->sum_pages < need)
		decode_err(d, "object %s: it has %llu pages of checksums, but its %llu pages take %llu",
			   o->name, o->sum_pages, o->pages, need);
	else if (next)
		decode_err(d, "object %s: there are more pages of checksums than it has pages for",
			   o->name);
}

static void read_data(struct meta *m, struct decoded *d, struct object *o,
		      const struct kho_objs_record *rec)
{
	__u64 full = KHO_OBJS_DATA_PER_PAGE(m->shift), next = rec->data;

	while (next) {
		const struct kho_objs_data *page;

		page = chain_page(m, d, next, "a data page");
		if (!page)
			return;
		if (page->reserved)
			decode_err(d, "object %s: a reserved field of the data page at 0x%llx is not 0",
				   o->name, next);
		if (!page->bytes || page->bytes > full ||
		    (page->next && page->bytes != full)) {
			decode_err(d, "object %s: the data page at 0x%llx has %u bytes of %llu, and %s",
				   o->name, next, page->bytes, full,
				   page->next ? "is not the last" : "is the last");
			return;
		}
		o->data_bytes += page->bytes;
		if (o->data_bytes > KHO_OBJS_DATA_MAX) {
			decode_err(d, "object %s: it has more than %u bytes of user data",
				   o->name, KHO_OBJS_DATA_MAX);
			return;
		}
		next = page->next;
	}
}

/* Checks a string padded with at least one NUL, and returns it as printable text. */
static char *padded_text(struct decoded *d, const struct object *o,
			 const __u8 *text, size_t size, const char *what)
{
	size_t len = strnlen((const char *)text, size);

	if (len == size || !all_zero(text + len, size - len))
		decode_err(d, "object %s: its %s is not padded with NULs",
			   o->name, what);
	return printable(text, len);
}

static void read_record(struct meta *m, struct decoded *d,
			const struct kho_objs_record *rec)
{
	char name[KHO_OBJS_NAME_SIZE + 1] = "";
	const char *why;
	struct object *o;
	__u64 need;
	size_t len;

	d->objects = grow(d->objects, d->nr_objects, &d->room_objects,
			  sizeof(*d->objects));
	o = &d->objects[d->nr_objects++];
	memset(o, 0, sizeof(*o));
	memcpy(name, rec->name, KHO_OBJS_NAME_SIZE);
	o->name = printable(name, sizeof(name));
	o->size = rec->size;
	o->created = rec->created;
	o->generation = rec->generation;
	o->idle = rec->idle;
	o->flags = rec->flags;
	o->uid = rec->uid;
	o->gid = rec->gid;
	o->mode = rec->mode;
	o->comm = padded_text(d, o, rec->comm, sizeof(rec->comm), "comm");
	o->release = padded_text(d, o, rec->release, sizeof(rec->release),
				 "release");

	why = bad_name(name);
	if (why)
		decode_err(d, "object %s: %s", o->name, why);
	len = strlen(name);
	if (len < KHO_OBJS_NAME_SIZE &&
	    !all_zero(rec->name + len, KHO_OBJS_NAME_SIZE - len))
		decode_err(d, "object %s: there is something after its name",
			   o->name);
	if (!all_zero(rec->reserved, sizeof(rec->reserved)))
		decode_err(d, "object %s: a reserved field is not 0", o->name);
	if (rec->flags & ~KHO_OBJS_FLAGS)
		decode_err(d, "object %s: its flags 0x%x are not all known",
			   o->name, rec->flags);
	if (rec->mode & ~0666U)
		decode_err(d, "object %s: its mode is 0%o, and has other than read and write bits",
			   o->name, rec->mode);

	read_extents(m, d, o, rec);
	need = (rec->size >> m->shift) + !!(rec->size & (m->page_size - 1));
	if (!rec->size)
		decode_err(d, "object %s: its size is 0", o->name);
	else if (o->nr_extents == rec->nr_extents && o->pages != need)
		decode_err(d, "object %s: its size of %llu bytes takes %llu pages, but its extents have %llu",
			   o->name, o->size, need, o->pages);
	/* The length of the chain of checksums depends on the extents. */
	if (o->nr_extents == rec->nr_extents)
		read_sums(m, d, o, rec);
	read_data(m, d, o, rec);
}

static int by_name(const void *a, const void *b)
{
	const char * const *x = a, * const *y = b;

	return strcmp(*x, *y);
}

static void check_names(struct decoded *d)
{
	const char **names = xcalloc(d->nr_objects, sizeof(*names));
	size_t i;

	for (i = 0; i < d->nr_objects; i++)
		names[i] = d->objects[i].name;
	qsort(names, d->nr_objects, sizeof(*names), by_name);
	for (i = 1; i < d->nr_objects; i++)
		if (!strcmp(names[i - 1], names[i]))
			decode_err(d, "object %s: there are two of this name",
				   names[i]);
	free(names);
}

/* No page may belong to two objects. */
static void check_shared(struct decoded *d)
{
	struct range *all = NULL;
	size_t nr = 0, i, j;

	for (i = 0; i < d->nr_objects; i++)
		nr += d->objects[i].nr_extents;
	all = xcalloc(nr, sizeof(*all));
	for (nr = 0, i = 0; i < d->nr_objects; i++)
		for (j = 0; j < d->objects[i].nr_extents; j++)
			all[nr++] = d->objects[i].extents[j].range;
	qsort(all, nr, sizeof(*all), range_by_addr);
	for (i = 1; i < nr; i++) {
		if (all[i].addr < all[i - 1].end) {
			decode_err(d, "objects: the page at 0x%llx is in two extents",
				   all[i].addr);
			/* An extent inside another must not shorten it. */
			if (all[i].end < all[i - 1].end)
				all[i].end = all[i - 1].end;
		}
	}
	free(all);
}

void decode_objects(struct meta *m, struct decoded *d,
		    const struct kho_fdt_child *child)
{
	static const char compatible[16] = KHO_OBJS_COMPATIBLE;
	const struct kho_objs_record empty = { 0 };
	const struct kho_objs_head *head;
	const struct kho_objs_page *page;
	__u64 next, i;

	head = chain_page(m, d, child->addr, "the head");
	if (!head)
		return;
	if (memcmp(head->compatible, compatible, sizeof(compatible))) {
		char *text = printable(head->compatible,
				       sizeof(head->compatible));

		decode_err(d, "objects: compatible is \"%s\"%s, not \"" KHO_OBJS_COMPATIBLE "\"",
			   text, strcmp(text, KHO_OBJS_NODE "-v1") ? "" :
			   ", an older format that was never released");
		free(text);
		return;
	}
	if (head->page_shift != m->shift ||
	    head->record_size != sizeof(struct kho_objs_record)) {
		decode_err(d, "objects: page_shift %u and record_size %u are not %u and %zu",
			   head->page_shift, head->record_size, m->shift,
			   sizeof(struct kho_objs_record));
		return;
	}
	if (!all_zero(head->reserved, sizeof(head->reserved)))
		decode_err(d, "objects: a reserved field of the head is not 0");
	d->has_objects = true;

	for (next = head->first; next; next = page->next) {
		page = chain_page(m, d, next, "a record page");
		if (!page)
			break;
		if (!all_zero(page->reserved, sizeof(page->reserved)))
			decode_err(d, "objects: a reserved field of the record page at 0x%llx is not 0",
				   next);
		for (i = 0; i < KHO_OBJS_PER_PAGE(m->shift); i++)
			if (memcmp(page->records[i].name, empty.name,
				   sizeof(empty.name)))
				read_record(m, d, &page->records[i]);
	}
	if (d->nr_objects != head->nr_objects)
		decode_err(d, "objects: the head says %llu, but there are %zu",
			   head->nr_objects, d->nr_objects);
	check_names(d);
	check_shared(d);
}

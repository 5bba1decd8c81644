// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl-mkdump KIND SHIFT - writes a dump for "khoctl dump" to stdout.
 *
 * "good" is a handover as the module makes it; every other kind has a single
 * thing wrong with it.  It has two objects: "big", 300 extents of 4, 1, 1,
 * ... pages at 0x10000000 and up, with a checksum, and "small", 5 bytes in a
 * page, with user data of a page and a bit.  There are also a block of order 9 by
 * number, and metapages.
 *
 * "tera" is like "good", with a third object of 1 TiB in 524288 extents of 2 MiB.
 * Its variants have one fault each: in "tera-missing" the extent pages after the
 * first are lost, in "tera-gone" the second is not in the dump, and in "tera-total"
 * the size is wrong.  They are for a page shift of 12.
 *
 * "scattered" is like "good", with 1000 more single pages between 0x58000000 and
 * 0x70000000.  "own-kho" is a dump on a kernel with in-kernel KHO: it has neither
 * setup page nor FDT.  "own-kho-roots" has two root nodes as well.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kho/abi.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <linux/kho.h>

#define MAX_PAGES	4096
#define BIG_EXTENTS	300
#define BASE		0x1000000ULL
#define TERA_BASE	0x4000000000ULL
#define TERA_EXTENTS	524288
#define TERA_STEP	(4ULL << 20)	/* every other 2 MiB */

static unsigned int shift;
static const char *kind;
static unsigned int nr_pages;
static struct kho_meta_entry *entries;
static unsigned char **pages;

static int is(const char *name)
{
	return !strcmp(kind, name);
}

static __u64 new_page(unsigned int what, unsigned int level)
{
	unsigned int i = nr_pages++;

	if (i >= MAX_PAGES)
		abort();
	pages[i] = calloc(1, (size_t)1 << shift);
	/* Use every other page only, so that no two of them make one extent. */
	entries[i].addr = BASE + ((__u64)(2 * i) << shift);
	entries[i].kind = what;
	entries[i].level = level;
	return entries[i].addr;
}

static void *at(__u64 addr)
{
	__u64 i = (addr - BASE) >> shift >> 1;

	if (i >= nr_pages || entries[i].addr != addr)
		abort();
	return pages[i];
}

static void mark_key(__u64 root, __u64 key)
{
	unsigned int level = KHO_TREE_DEPTH(shift) - 1;
	unsigned int bit;
	__u64 node = root;

	for (; level; level--) {
		__u64 *table = at(node);
		unsigned int slot = kho_key_index(shift, key, level);

		if (!table[slot])
			table[slot] = new_page(KHO_META_NODE, level - 1);
		node = table[slot];
	}
	bit = kho_key_index(shift, key, 0);
	((__u64 *)at(node))[bit / 64] |= 1ULL << bit % 64;
}

static void mark(__u64 root, __u64 addr, unsigned int order)
{
	mark_key(root, kho_key_encode(shift, addr, order));
}

/* Adds a second entry for a leaf. */
static void share_leaf(void)
{
	unsigned int i, slot;
	__u64 *table = NULL;

	for (i = 0; i < nr_pages; i++)
		if (entries[i].kind == KHO_META_NODE && entries[i].level == 1)
			table = (__u64 *)pages[i];
	for (slot = 0; !table[slot]; slot++)
		;
	while (table[slot])
		slot++;
	table[slot] = table[slot - 1];
}

/* Writes the pages from @first on; page 0 is the setup page, page 1 the FDT. */
static void put_pages(unsigned int first)
{
	unsigned int i;

	for (i = first; i < nr_pages; i++) {
		fwrite(&entries[i], sizeof(entries[i]), 1, stdout);
		fwrite(pages[i], (size_t)1 << shift, 1, stdout);
	}
}

/* Makes a metapage, which is preserved */
static void *new_blob(__u64 root, __u64 *addr)
{
	*addr = new_page(KHO_META_BLOB, 0);
	mark(root, *addr, 0);
	return at(*addr);
}

/* Adds the extents that do not fit into the record; returns the last link. */
static __u64 *add_extents(__u64 root, struct kho_objs_record *rec, __u64 addr,
			  __u64 step, __u64 nr_pages, unsigned int order)
{
	__u64 left = rec->nr_extents - KHO_OBJS_INLINE, *link = &rec->more, i;

	while (left) {
		struct kho_objs_extents *more = new_blob(root, link);

		for (i = 0; i < KHO_OBJS_EXTENTS_PER_PAGE(shift) && left;
		     i++, left--) {
			more->extents[i].addr = addr | order;
			more->extents[i].nr_pages = nr_pages;
			mark(root, addr, order);
			addr += step;
		}
		link = &more->next;
	}
	return link;
}

/* Adds checksums of @nr pages; returns the last link. */
static __u64 *add_sums(__u64 root, struct kho_objs_record *rec, __u64 nr)
{
	__u64 per_page = KHO_OBJS_SUMS_PER_PAGE(shift), *link = &rec->sums, i;

	for (i = 0; i < nr; i += per_page) {
		struct kho_objs_sums *sums = new_blob(root, link);

		memset(sums->sums, 0x5a, per_page * 8);
		link = &sums->next;
	}
	return link;
}

/* Adds user data of one full page and 3 bytes; returns the second page */
static struct kho_objs_data *add_data(__u64 root, struct kho_objs_record *rec)
{
	__u32 full = KHO_OBJS_DATA_PER_PAGE(shift);
	struct kho_objs_data *data = new_blob(root, &rec->data);

	data->bytes = full;
	data = new_blob(root, &data->next);
	data->bytes = 3;
	return data;
}

static void make_tera(__u64 root, struct kho_objs_page *recs)
{
	struct kho_objs_record *rec = &recs->records[4];
	struct kho_objs_extents *more;
	__u64 addr = TERA_BASE;
	unsigned int i;

	strcpy((char *)rec->name, "tera");
	rec->size = (__u64)TERA_EXTENTS << 21;
	rec->nr_extents = TERA_EXTENTS;
	rec->mode = 0600;
	for (i = 0; i < KHO_OBJS_INLINE; i++, addr += TERA_STEP) {
		rec->extents[i].addr = addr | 9;
		rec->extents[i].nr_pages = 512;
		mark(root, addr, 9);
	}
	add_extents(root, rec, addr, TERA_STEP, 512, 9);
	more = at(rec->more);
	if (is("tera-missing"))
		more->next = 0;
	if (is("tera-gone"))
		more->next = 0x7000000;
	if (is("tera-total"))
		rec->size -= 4096;
}

static void break_objects(struct kho_objs_head *head, struct kho_objs_page *recs,
			  __u64 *last_extents, __u64 *last_sums,
			  struct kho_objs_data *data)
{
	struct kho_objs_record *big = &recs->records[0], *rec = &recs->records[3];
	__u64 page = 1ULL << shift;

	if (is("object-compatible"))
		head->compatible[13] = '9';
	if (is("object-v1"))
		head->compatible[13] = '1';
	if (is("object-count"))
		head->nr_objects = 3;
	if (is("object-loop"))
		recs->next = head->first;
	if (is("extent-loop"))
		*last_extents = big->more;
	if (is("extent-reserved"))
		((struct kho_objs_extents *)at(big->more))->reserved = 1;
	if (is("extent-order"))
		big->extents[1].addr |= 19;
	if (is("extent-made"))
		big->extents[1].addr |= 1;
	if (is("extent-keys"))
		big->extents[0].addr |= 1;
	if (is("extent-bits"))
		big->extents[1].addr |= 64;
	if (is("object-size"))
		rec->size = page + 1;
	if (is("object-name"))
		rec->name[1] = '/';
	if (is("object-shared"))
		rec->extents[0].addr = 0x10000000;
	if (is("object-extents"))
		big->nr_extents = ~0ULL;
	if (is("object-names"))
		strcpy((char *)rec->name, "big");
	if (is("object-reserved"))
		rec->reserved[1] = 1;
	if (is("object-flags"))
		rec->flags = 0x10;
	if (is("object-mode"))
		rec->mode = 0700;
	if (is("object-comm"))
		memset(rec->comm, 'c', sizeof(rec->comm));
	if (is("object-release"))
		rec->release[71] = 'x';
	if (is("sum-none"))
		rec->flags = KHO_OBJS_SUMMED;
	if (is("sum-jump"))
		rec->flags = KHO_OBJS_SUM_AT_JUMP;
	if (is("sum-loop"))
		*last_sums = big->sums;
	if (is("sum-short"))
		big->sums = 0;
	if (is("sum-nowhere"))
		rec->sums = 0x7000000;
	if (is("data-empty"))
		data->bytes = 0;
	if (is("data-over"))
		data->bytes = KHO_OBJS_DATA_PER_PAGE(shift) + 1;
	if (is("data-short"))
		((struct kho_objs_data *)at(rec->data))->bytes--;
	if (is("data-loop")) {
		data->bytes = KHO_OBJS_DATA_PER_PAGE(shift);
		data->next = rec->data;
	}
	if (is("data-reserved"))
		data->reserved = 1;
}

static void make_objects(__u64 root, struct kho_fdt_child *child)
{
	__u64 page = 1ULL << shift, addr = 0x10000000, more;
	__u64 *last_extents, *last_sums;
	struct kho_objs_record *rec;
	struct kho_objs_head *head;
	struct kho_objs_page *recs;
	struct kho_objs_data *data;
	unsigned int i;

	head = new_blob(root, &child->addr);
	recs = new_blob(root, &head->first);
	memcpy(head->compatible, KHO_OBJS_COMPATIBLE,
	       sizeof(KHO_OBJS_COMPATIBLE));
	head->page_shift = shift;
	head->record_size = sizeof(*rec);
	head->nr_objects = strncmp(kind, "tera", 4) ? 2 : 3;
	strcpy(child->name, KHO_OBJS_NODE);
	child->size = sizeof(*head);
	child->has = 3;

	rec = &recs->records[0];
	strcpy((char *)rec->name, "big");
	rec->size = (BIG_EXTENTS + 3) * page - 1;
	rec->nr_extents = BIG_EXTENTS;
	rec->created = 1700000000;
	rec->generation = 1;
	rec->idle = 1;
	rec->flags = KHO_OBJS_SUMMED | KHO_OBJS_SEALED;
	rec->uid = 1000;
	rec->gid = 100;
	rec->mode = 0640;
	strcpy((char *)rec->comm, "agent");
	strcpy((char *)rec->release, "6.1.0-test");
	for (i = 0; i < KHO_OBJS_INLINE; i++) {
		rec->extents[i].addr = addr;
		rec->extents[i].nr_pages = i ? 1 : 4;
		mark(root, addr, i ? 0 : 2);
		addr += 8 * page;
	}
	more = BIG_EXTENTS - KHO_OBJS_INLINE;
	last_extents = add_extents(root, rec, addr, 2 * page, 1, 0);
	addr += 2 * more * page;
	last_sums = add_sums(root, rec, BIG_EXTENTS + 3);

	rec = &recs->records[3];	/* slots may be free */
	strcpy((char *)rec->name, "small");
	rec->size = 5;
	rec->mode = 0600;
	rec->nr_extents = 1;
	rec->extents[0].addr = addr;
	rec->extents[0].nr_pages = 1;
	if (!is("object-unmarked"))
		mark(root, addr, 0);
	data = add_data(root, rec);

	if (!strncmp(kind, "tera", 4))
		make_tera(root, recs);
	break_objects(head, recs, last_extents, last_sums, data);
}

int main(int argc, char **argv)
{
	__u64 setup_addr, fdt_addr, root, meta_addr, *table;
	struct kho_setup_node node = { .type = SETUP_KEXEC_KHO };
	struct kho_scratch scratch = { 0x40000000, 0x10000000 };
	struct kho_fdt fdt = { .abi = KHO_ABI_V4, .nr = 2 };
	__u64 head[8] = { 0 };
	struct kho_metadata metadata = { .version = KHO_METADATA_VERSION };
	struct kho_data data;
	unsigned int count, i, skip;

	if (argc != 3)
		return 2;
	kind = argv[1];
	shift = atoi(argv[2]);
	skip = strncmp(kind, "own-kho", 7) ? 0 : 2;
	pages = calloc(MAX_PAGES, sizeof(*pages));
	entries = calloc(MAX_PAGES, sizeof(*entries));
	setup_addr = new_page(KHO_META_SETUP, 0);
	fdt_addr = new_page(KHO_META_FDT, 0);
	root = new_page(KHO_META_NODE, KHO_TREE_DEPTH(shift) - 1);
	mark(root, 0x20000000, 9);
	for (i = 0; is("scattered") && i < 1000; i++)
		mark(root, 0x58000000ULL + i * 2654435761U % 0x18000 * 4096ULL, 0);
	if (is("key-beyond"))
		mark(root, 0x200000000ULL, 0);
	if (is("key-order"))
		mark_key(root, 0);
	if (is("key-twice"))
		mark(root, 0x20000000, 0);
	if (is("key-in-scratch"))
		mark(root, 0x40000000, 0);
	if (is("key-of-node"))
		mark(root, root, 0);

	meta_addr = new_page(KHO_META_BLOB, 0);
	mark(root, meta_addr, 0);
	strcpy((char *)metadata.previous_release, "6.1.0-test");
	metadata.kexec_count = 3;
	memcpy(at(meta_addr), &metadata, sizeof(metadata));
	strcpy(fdt.child[0].name, KHO_METADATA_NODE);
	fdt.child[0].addr = meta_addr;
	fdt.child[0].size = sizeof(metadata);
	fdt.child[0].has = 3;
	make_objects(root, &fdt.child[1]);

	table = at(root);
	if (is("node-loop"))
		table[1] = root;
	if (is("node-shared"))
		share_leaf();
	if (is("node-missing"))
		table[1] = 0x7000000;
	if (is("node-unaligned"))
		table[1] = 0x7000008;
	if (is("node-orphan"))
		new_page(KHO_META_NODE, 0);
	if (is("own-kho-roots"))
		new_page(KHO_META_NODE, KHO_TREE_DEPTH(shift) - 1);
	if (is("node-level"))
		entries[2].level = 1;

	fdt.root = is("root-zero") ? 0 : root;
	if (!kho_fdt_write(at(fdt_addr), 1U << shift, &fdt))
		return 1;
	if (is("fdt-magic"))
		((char *)at(fdt_addr))[0] = 0;
	if (is("fdt-compatible"))
		((char *)memmem(at(fdt_addr), 1U << shift, "kho-v4", 6))[5] = '1';

	node.len = sizeof(data);
	data.fdt_addr = is("fdt-nowhere") ? 0x7000000 : fdt_addr;
	data.fdt_size = 1U << shift;
	data.scratch_addr = setup_addr + 64;
	data.scratch_size = is("scratch-size") ? 17 : sizeof(scratch);
	if (is("scratch-array"))
		data.scratch_addr = setup_addr + (1U << shift) - 8;
	if (is("scratch-zero"))
		scratch.size = 0;
	if (is("scratch-beyond"))
		scratch.addr = 0x1fffff000ULL;
	if (is("setup-type"))
		node.type = 9;
	memcpy(at(setup_addr), &node, sizeof(node));
	memcpy((char *)at(setup_addr) + sizeof(node), &data, sizeof(data));
	memcpy((char *)at(setup_addr) + 64, &scratch, sizeof(scratch));

	if (is("fdt-blob")) {
		fwrite(at(fdt_addr), 1U << shift, 1, stdout);
		return 0;
	}
	if (is("page-twice"))
		entries[1].addr = entries[0].addr;
	if (is("page-unaligned"))
		entries[1].addr++;
	if (is("page-kind"))
		entries[1].kind = 77;

	memcpy(head, is("magic") ? "KHODUMP2" : "KHODUMP1", 8);
	count = is("count-huge") ? 0xffffffff : is("count-zero") ? 0 :
		is("count-more") ? nr_pages + 1 : nr_pages - skip;
	head[1] = (is("page-size") ? 12345 : 1U << shift) |
		  (__u64)count << 32;
	head[2] = strncmp(kind, "tera", 4) ? 0x200000000ULL :
		  TERA_BASE + TERA_EXTENTS * TERA_STEP;
	head[3] = skip ? 0 : setup_addr;
	fwrite(head, sizeof(head), 1, stdout);
	put_pages(skip);
	if (is("trailing"))
		putchar(0);
	return fflush(stdout) ? 1 : 0;
}

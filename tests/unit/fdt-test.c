// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/kho/fdt.h and libfdt, each reading what the other has written, and
 * FDTs that are broken in one place each.
 */
#include <stdbool.h>
#include <stdint.h>

#include <libfdt.h>

#include <kho/fdt.h>

#include "tap.h"

#define PAGE	4096

static char blob[2 * PAGE];
static struct kho_fdt out;

/* Reads the FDT at an odd address, from memory that ends with it. */
static const char *read_exact(const void *fdt, uint32_t len)
{
	char *copy = malloc(len + 1);
	const char *why;

	must(copy, "no memory");
	memcpy(copy + 1, fdt, len);
	memset(&out, 0xff, sizeof(out));
	why = kho_fdt_read(copy + 1, len, &out);
	free(copy);
	return why;
}

/* ---- What kho_fdt_write() writes ---- */

static uint64_t get_u64(const void *fdt, int at, const char *name)
{
	uint64_t v = 0;
	const void *p;
	int len;

	p = fdt_getprop(fdt, at, name, &len);
	if (ok(p && len == 8, "libfdt: %s is 8 bytes long", name))
		memcpy(&v, p, 8);
	return v;
}

static void add_child(struct kho_fdt *f, const char *name, uint64_t addr,
		      uint64_t size, unsigned int has)
{
	struct kho_fdt_child *c = &f->child[f->nr++];

	memset(c, 0, sizeof(*c));
	strcpy(c->name, name);
	c->addr = addr;
	c->size = size;
	c->has = has;
}

static void test_write(void)
{
	struct kho_fdt in = { .abi = KHO_ABI_V4, .root = 0x1122334455667000 };
	unsigned int i, len, at;
	int child;

	/*
	 * Header 40, reserve map 16.  Structure: root node 4 + 4; compatible 12
	 * + 8 ("kho-v4" and NUL, padded); map 12 + 8; END_NODE 4; END 4: 56.
	 * Strings: 11 + 21 + 15 + 10 = 57, padded to 60.  172 in all.
	 */
	memset(blob, 0xaa, sizeof(blob));
	len = kho_fdt_write(blob, PAGE, &in);
	is(len, 172, "write: length without children");
	is(fdt_check_full(blob, PAGE), 0, "write: libfdt finds no fault");
	is(fdt_totalsize(blob), 172, "write: totalsize");
	is(fdt_off_dt_struct(blob), 56, "write: structure block");
	is(fdt_size_dt_struct(blob), 56, "write: its size");
	is(fdt_off_dt_strings(blob), 112, "write: strings block");
	is(fdt_version(blob), 17, "write: version");
	is(fdt_last_comp_version(blob), 16, "write: last compatible version");
	is(fdt_num_mem_rsv(blob), 0, "write: no memory reservation");
	for (at = len; at < PAGE && !blob[at]; at++)
		;
	is(at, PAGE, "write: the rest of the page is zero");
	is((unsigned char)blob[PAGE], 0xaa, "write: and no more than the page");
	/* The bytes of the map, in this machine's order, at 56 + 8 + 20 + 12. */
	is(*(unsigned char *)(blob + 96), 0x00, "write: little-endian value");
	is(*(unsigned char *)(blob + 103), 0x11, "write: little-endian value");

	is(fdt_node_check_compatible(blob, 0, "kho-v4"), 0, "libfdt: compatible");
	is(get_u64(blob, 0, "preserved-memory-map"), 0x1122334455667000,
	   "libfdt: preserved-memory-map");
	is(fdt_first_subnode(blob, 0), (uint64_t)-FDT_ERR_NOTFOUND,
	   "libfdt: no child");

	add_child(&in, "kexec-metadata", 0x1000, 73, 3);
	add_child(&in, "kho-objects", 0xfedcba9876543000, 64, 3);
	add_child(&in, "other", 0x2000, 0, 1);
	add_child(&in, "bare", 0, 0, 0);
	in.abi = KHO_ABI_V3;
	len = kho_fdt_write(blob, PAGE, &in);
	is(fdt_check_full(blob, len), 0, "write: children: libfdt finds no fault");
	is(fdt_node_check_compatible(blob, 0, "kho-v3"), 0, "libfdt: kho-v3");
	child = fdt_subnode_offset(blob, 0, "kexec-metadata");
	is(get_u64(blob, child, "preserved-data"), 0x1000, "libfdt: its data");
	is(get_u64(blob, child, "blob-size"), 73, "libfdt: its size");
	child = fdt_subnode_offset(blob, 0, "kho-objects");
	is(get_u64(blob, child, "preserved-data"), 0xfedcba9876543000,
	   "libfdt: its data");
	is(get_u64(blob, child, "blob-size"), 64, "libfdt: its size");
	child = fdt_subnode_offset(blob, 0, "other");
	is(get_u64(blob, child, "preserved-data"), 0x2000, "libfdt: its data");
	ok(!fdt_getprop(blob, child, "blob-size", NULL), "libfdt: has no size");
	child = fdt_subnode_offset(blob, 0, "bare");
	ok(child > 0 && fdt_first_property_offset(blob, child) < 0,
	   "libfdt: has nothing");

	/* And back, from an odd address. */
	is_str(read_exact(blob, len), NULL, "write, read: fine");
	is(out.abi, 3, "write, read: abi");
	is(out.root, in.root, "write, read: root");
	is(out.nr, 4, "write, read: children");
	for (i = 0; i < out.nr; i++)
		ok(!strcmp(out.child[i].name, in.child[i].name) &&
		   out.child[i].addr == in.child[i].addr &&
		   out.child[i].size == in.child[i].size &&
		   out.child[i].has == in.child[i].has,
		   "write, read: child %u", i);
	memcpy(blob + PAGE, blob, len);
	is(kho_fdt_write(blob, PAGE, &out), len, "write, read, write: length");
	ok(!memcmp(blob, blob + PAGE, len), "write, read, write: the same bytes");
}

static void test_write_room(void)
{
	struct kho_fdt in = { .abi = KHO_ABI_V4, .root = 0x1000 };
	unsigned int len, want, wrong = 0, i;
	char name[KHO_FDT_NAME_SIZE + 1];
	char *room;

	add_child(&in, "a", 1, 2, 3);
	want = kho_fdt_write(blob, PAGE, &in);
	/* 172 as above; child 4 + 4 + 2 * 20 + 4. */
	is(want, 224, "room: what a child takes");
	for (len = 0; len < want; len++) {
		room = malloc(len ? len : 1);
		must(room, "no memory");
		wrong += kho_fdt_write(room, len, &in) != 0;
		free(room);
	}
	is(wrong, 0, "room: each length that is too small gives 0");
	is(kho_fdt_write(blob, want, &in), want, "room: just enough");
	is(fdt_check_full(blob, want), 0, "room: libfdt finds no fault");

	/*
	 * 64 children with names of 31 bytes take 4 + 32 + 40 + 4 = 80 each:
	 * 172 + 5120 is more than a page.
	 */
	in.nr = 0;
	for (i = 0; i < KHO_FDT_MAX_CHILDREN; i++) {
		snprintf(name, sizeof(name), "%031u", i);
		add_child(&in, name, i, i, 3);
	}
	is(kho_fdt_write(blob, PAGE, &in), 0, "room: a page is not enough");
	is(kho_fdt_write(blob, 2 * PAGE, &in), 172 + 5120, "room: two are");
	is(fdt_check_full(blob, 2 * PAGE), 0, "room: libfdt finds no fault");
	is_str(read_exact(blob, 172 + 5120), NULL, "room: and it can be read");
	is(out.nr, 64, "room: with all children");
	is_str(out.child[63].name, "0000000000000000000000000000063",
	       "room: and their names");
}

/* ---- What libfdt writes ---- */

/* For calls of libfdt that must return 0. */
#define did(call) must(!(call), "libfdt: %s", #call)

static void begin(void)
{
	memset(blob, 0, sizeof(blob));
	did(fdt_create(blob, sizeof(blob)));
}

static void begin_root(void)
{
	begin();
	did(fdt_finish_reservemap(blob));
	did(fdt_begin_node(blob, ""));
}

static void begin_good(void)
{
	const uint64_t root = 0xabcdef000;

	begin_root();
	did(fdt_property_string(blob, "compatible", "kho-v4"));
	did(fdt_property(blob, "preserved-memory-map", &root, 8));
}

static void finish(void)
{
	did(fdt_end_node(blob));
	did(fdt_finish(blob));
	must(!fdt_check_full(blob, sizeof(blob)), "libfdt rejects its own work");
}

static const char *read_blob(void)
{
	return read_exact(blob, fdt_totalsize(blob));
}

static void test_read(void)
{
	const uint64_t root = 0x8877665544332000, a = 0x1111000, n = 77;
	uint32_t cell;
	int child;

	begin();
	did(fdt_add_reservemap_entry(blob, 0x1000, 0x2000));
	did(fdt_add_reservemap_entry(blob, 0x8000, 0x9000));
	did(fdt_finish_reservemap(blob));
	did(fdt_begin_node(blob, ""));
	did(fdt_property_string(blob, "model", "x"));
	did(fdt_property(blob, "gone", "12345", 5));
	did(fdt_property_string(blob, "compatible", "kho-v3"));
	/* Changes whether what follows is aligned to 8 bytes, or only to 4. */
	did(fdt_property(blob, "empty", NULL, 0));
	did(fdt_property(blob, "preserved-memory-map", &root, 8));
	did(fdt_begin_node(blob, "first@12"));
	did(fdt_property(blob, "preserved-data", &a, 8));
	did(fdt_begin_node(blob, "grandchild"));
	/* The same names have no meaning one level down. */
	did(fdt_property(blob, "preserved-data", &n, 8));
	did(fdt_property_string(blob, "compatible", "kho-v1"));
	did(fdt_begin_node(blob, ""));
	did(fdt_property(blob, "blob-size", "x", 1));
	did(fdt_end_node(blob));
	did(fdt_end_node(blob));
	did(fdt_end_node(blob));
	did(fdt_begin_node(blob, "second"));
	did(fdt_property(blob, "blob-size", &n, 8));
	did(fdt_property_u32(blob, "#cells", 2));
	did(fdt_property(blob, "preserved-data", &root, 8));
	did(fdt_end_node(blob));
	did(fdt_begin_node(blob, "gone-too"));
	did(fdt_end_node(blob));
	did(fdt_begin_node(blob, "1234567890123456789012345678901"));
	did(fdt_end_node(blob));
	finish();

	is_str(read_blob(), NULL, "read: fine");
	is(out.abi, 3, "read: kho-v3");
	is(out.root, root, "read: map");
	is(out.nr, 4, "read: children");
	is_str(out.child[0].name, "first@12", "read: first: name");
	is(out.child[0].has, 1, "read: first: has an address");
	is(out.child[0].addr, a, "read: first: which is not the grandchild's");
	is(out.child[0].size, 0, "read: first: size is 0 then");
	is_str(out.child[1].name, "second", "read: second: name");
	is(out.child[1].has, 3, "read: second: has both");
	is(out.child[1].addr, root, "read: second: address");
	is(out.child[1].size, n, "read: second: size");
	is_str(out.child[2].name, "gone-too", "read: third: name");
	is(out.child[2].has, 0, "read: third: has nothing");
	is_str(out.child[3].name, "1234567890123456789012345678901",
	       "read: a name of 31 bytes");

	/* Replace a property and a node by NOPs. */
	did(fdt_nop_property(blob, 0, "gone"));
	did(fdt_nop_node(blob, fdt_subnode_offset(blob, 0, "gone-too")));
	is_str(read_blob(), NULL, "read: NOPs: fine");
	is(out.nr, 3, "read: NOPs: a child less");
	is(out.root, root, "read: NOPs: map");
	child = fdt_subnode_offset(blob, 0, "second");
	did(fdt_nop_property(blob, child, "preserved-data"));
	is_str(read_blob(), NULL, "read: more NOPs: fine");
	is(out.child[1].has, 2, "read: more NOPs: second has a size only");

	/* Packed, and with its blocks in other places. */
	did(fdt_pack(blob));
	is_str(read_blob(), NULL, "read: packed: fine");
	is(out.root, root, "read: packed: map");
	did(fdt_open_into(blob, blob, PAGE));
	is_str(read_exact(blob, PAGE), NULL, "read: opened: fine");
	is(out.root, root, "read: opened: map");

	/* A u64 at an address that is not a multiple of 8. */
	begin_good();
	finish();
	cell = fdt_totalsize(blob);
	is_str(read_blob(), NULL, "read: kho-v4: fine");
	is(out.abi, 4, "read: kho-v4");
	is(out.root, 0xabcdef000, "read: kho-v4: map");
	is(out.nr, 0, "read: kho-v4: no child");
	is_str(read_exact(blob, cell + 100), NULL, "read: bytes after it");

	/* Another string after the first: "kho-v4", "anything". */
	begin_root();
	did(fdt_property(blob, "compatible", "kho-v4\0anything", 16));
	did(fdt_property(blob, "preserved-memory-map", &root, 8));
	finish();
	is_str(read_blob(), NULL, "read: a list of strings: fine");
	is(out.abi, 4, "read: a list of strings: the first counts");
}

/* ---- FDTs that are refused, and why ---- */

static void refused_root(const char *compatible, int len, const char *why)
{
	const uint64_t root = 0x1000;

	begin_root();
	if (compatible)
		did(fdt_property(blob, "compatible", compatible, len));
	did(fdt_property(blob, "preserved-memory-map", &root, 8));
	finish();
	is_str(read_blob(), why, "compatible %s", compatible ? compatible : "none");
}

static void refused_map(const void *map, int len, const char *why)
{
	begin_root();
	did(fdt_property_string(blob, "compatible", "kho-v4"));
	if (map)
		did(fdt_property(blob, "preserved-memory-map", map, len));
	finish();
	is_str(read_blob(), why, "map of %d bytes", len);
}

static void refused_child(const char *prop, int len, const char *why)
{
	static const char zeros[16];

	begin_good();
	did(fdt_begin_node(blob, "child"));
	did(fdt_property(blob, prop, zeros, len));
	did(fdt_end_node(blob));
	finish();
	is_str(read_blob(), why, "%s of %d bytes", prop, len);
}

static void test_refused_content(void)
{
	const char *neither = "compatible string is neither kho-v3 nor kho-v4";
	const char *no_map = "FDT has no preserved-memory-map";
	const char *bad_map = "preserved-memory-map is not 8 bytes long";
	uint64_t v[2] = { 0x1000, 0x2000 };
	char name[64];
	int i;

	refused_root(NULL, 0, "FDT has no compatible string");
	refused_root("kho-v1", 7,
		     "the handover is kho-v1 (Linux 6.16 to 7.0), not kho-v3 or kho-v4");
	refused_root("kho-v2", 7, "the handover is kho-v2, not kho-v3 or kho-v4");
	refused_root("kho-v5", 7, neither);
	refused_root("kho-v44", 8, neither);
	refused_root("kho-v", 6, neither);
	refused_root("", 1, neither);
	refused_root("other\0kho-v4", 13, neither);
	refused_root("kho-v4", 6, "compatible string without an end");
	refused_root("", 0, "compatible string without an end");

	refused_map(NULL, 0, no_map);
	refused_map(v, 0, bad_map);
	refused_map(v, 4, bad_map);
	refused_map(v, 7, bad_map);
	refused_map(v, 9, bad_map);
	refused_map(v, 16, bad_map);
	v[0] = 0;
	refused_map(v, 8, no_map);
	v[0] = 0x1000;

	refused_child("preserved-data", 0, "preserved-data is not 8 bytes long");
	refused_child("preserved-data", 4, "preserved-data is not 8 bytes long");
	refused_child("preserved-data", 16, "preserved-data is not 8 bytes long");
	refused_child("blob-size", 0, "blob-size is not 8 bytes long");
	refused_child("blob-size", 4, "blob-size is not 8 bytes long");
	refused_child("blob-size", 9, "blob-size is not 8 bytes long");
	refused_child("compatible", 0, NULL);

	/* The root's properties in a child do not count. */
	begin_root();
	did(fdt_begin_node(blob, "child"));
	did(fdt_property_string(blob, "compatible", "kho-v4"));
	did(fdt_property(blob, "preserved-memory-map", v, 8));
	did(fdt_end_node(blob));
	finish();
	is_str(read_blob(), "FDT has no compatible string", "properties of a child");

	begin_good();
	for (i = 0; i < KHO_FDT_MAX_CHILDREN; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		did(fdt_begin_node(blob, name));
		did(fdt_end_node(blob));
	}
	did(fdt_end_node(blob));
	did(fdt_finish(blob));
	is_str(read_blob(), NULL, "64 children");
	is(out.nr, 64, "64 children: all of them");

	begin_good();
	for (i = 0; i <= KHO_FDT_MAX_CHILDREN; i++) {
		did(fdt_begin_node(blob, "c"));
		did(fdt_end_node(blob));
	}
	finish();
	is_str(read_blob(), "FDT has too many nodes", "65 children");

	begin_good();
	did(fdt_begin_node(blob, "12345678901234567890123456789012"));
	did(fdt_end_node(blob));
	finish();
	is_str(read_blob(), "FDT node name is empty or too long",
	       "a name of 32 bytes");
	begin_good();
	did(fdt_begin_node(blob, ""));
	did(fdt_end_node(blob));
	finish();
	is_str(read_blob(), "FDT node name is empty or too long", "no name");

	/* libfdt takes the first of two, and none that follow a child. */
	begin_good();
	did(fdt_property(blob, "preserved-memory-map", v, 8));
	finish();
	is_str(read_blob(), "FDT property is there twice", "two maps");
	begin_good();
	did(fdt_property_string(blob, "compatible", "kho-v4"));
	finish();
	is_str(read_blob(), "FDT property is there twice", "two compatible strings");
	begin_good();
	did(fdt_begin_node(blob, "c"));
	did(fdt_property(blob, "preserved-data", v, 8));
	did(fdt_property(blob, "preserved-data", v + 1, 8));
	did(fdt_end_node(blob));
	finish();
	is_str(read_blob(), "FDT property is there twice", "two preserved-data");
	begin_good();
	did(fdt_begin_node(blob, "c"));
	did(fdt_property(blob, "blob-size", v, 8));
	did(fdt_property(blob, "blob-size", v, 8));
	did(fdt_end_node(blob));
	finish();
	is_str(read_blob(), "FDT property is there twice", "two blob-size");

	begin_root();
	did(fdt_property_string(blob, "compatible", "kho-v4"));
	did(fdt_begin_node(blob, "c"));
	did(fdt_end_node(blob));
	did(fdt_property(blob, "preserved-memory-map", v, 8));
	did(fdt_end_node(blob));
	did(fdt_finish(blob));
	is_str(read_blob(), "FDT property follows a node", "map after a child");
	begin_good();
	did(fdt_begin_node(blob, "c"));
	did(fdt_begin_node(blob, "d"));
	did(fdt_end_node(blob));
	did(fdt_property(blob, "gone", "1", 2));
	did(fdt_property(blob, "blob-size", v, 8));
	did(fdt_end_node(blob));
	did(fdt_end_node(blob));
	did(fdt_finish(blob));
	is_str(read_blob(), "FDT property follows a node",
	       "property after a grandchild");
}

static void put(unsigned int at, uint32_t v)
{
	kho_fdt_put32(blob + at, v);
}

static uint32_t get(unsigned int at)
{
	return kho_fdt_get32(blob + at);
}

static unsigned int good(void)
{
	const uint64_t addr = 0x5000;

	begin_good();
	did(fdt_begin_node(blob, "child"));
	did(fdt_property(blob, "preserved-data", &addr, 8));
	did(fdt_property(blob, "blob-size", &addr, 8));
	did(fdt_end_node(blob));
	finish();
	return fdt_totalsize(blob);
}

static void test_refused_header(void)
{
	const char *magic = "FDT magic is wrong";
	const char *version = "FDT version is not 17";
	const char *blocks = "FDT blocks are outside the FDT";
	unsigned int len = good();
	uint32_t structs = get(8), strs = get(12);

	is_str(read_exact(blob, len), NULL, "header: good as it is");
	is_str(read_exact(blob, 0), magic, "header: nothing");
	is_str(read_exact(blob, 39), magic, "header: 39 bytes");
	put(0, 0xd00dfeee);
	is_str(read_exact(blob, len), magic, "header: magic off by one");
	put(0, 0xedfe0dd0);
	is_str(read_exact(blob, len), magic, "header: magic the other way round");
	put(0, 0);
	is_str(read_exact(blob, len), magic, "header: no magic");

	len = good();
	is_str(read_exact(blob, len - 1), "FDT is longer than its page",
	       "header: a byte too few");
	put(4, PAGE + 1);
	is_str(read_exact(blob, PAGE), "FDT is longer than its page",
	       "header: totalsize of a page and a byte");
	put(4, ~0U);
	is_str(read_exact(blob, PAGE), "FDT is longer than its page",
	       "header: totalsize of 2^32 - 1");
	put(4, 0);
	is_str(read_exact(blob, len), blocks, "header: totalsize of 0");

	len = good();
	put(20, 16);
	is_str(read_exact(blob, len), version, "header: version 16");
	put(20, 0);
	is_str(read_exact(blob, len), version, "header: version 0");
	put(20, 18);
	is_str(read_exact(blob, len), NULL, "header: version 18, readable by 16");
	put(24, 18);
	is_str(read_exact(blob, len), version, "header: readable by 18 only");

	len = good();
	put(8, structs + 2);
	is_str(read_exact(blob, len), blocks, "header: structure misaligned");
	put(8, len + 4);
	is_str(read_exact(blob, len), blocks, "header: structure behind the end");
	put(8, ~0U - 3);
	is_str(read_exact(blob, len), blocks, "header: structure at 2^32 - 4");
	put(8, structs);
	put(36, len - structs + 1);
	is_str(read_exact(blob, len), blocks, "header: structure too long");
	put(36, ~0U);
	is_str(read_exact(blob, len), blocks, "header: structure of 2^32 - 1");
	len = good();
	put(12, len + 1);
	is_str(read_exact(blob, len), blocks, "header: strings behind the end");
	put(12, ~0U);
	is_str(read_exact(blob, len), blocks, "header: strings at 2^32 - 1");
	put(12, strs);
	put(32, len - strs + 1);
	is_str(read_exact(blob, len), blocks, "header: strings too long");
	put(32, ~0U);
	is_str(read_exact(blob, len), blocks, "header: strings of 2^32 - 1");
}

static void test_refused_structure(void)
{
	const char *no_end = "FDT structure has no end";
	unsigned int len = good();
	uint32_t s = get(8);		/* BEGIN_NODE of the root */
	uint32_t p = s + 8;		/* PROP compatible */
	uint32_t size = get(36);

	must(get(s) == 1 && get(p) == 3 && get(p + 4) == 7, "not what was written");

	put(s, 0x12345678);
	is_str(read_exact(blob, len), "FDT has an unknown tag", "tag: unknown");
	put(s, 0);
	is_str(read_exact(blob, len), "FDT has an unknown tag", "tag: 0");
	put(s, 2);
	is_str(read_exact(blob, len), "FDT node ends that did not begin",
	       "tag: END_NODE first");
	put(s, 9);
	is_str(read_exact(blob, len), "FDT ends inside a node", "tag: END first");
	put(s, 3);
	is_str(read_exact(blob, len), "FDT property is outside a node",
	       "tag: PROP first");
	len = good();
	put(p, 9);
	is_str(read_exact(blob, len), "FDT ends inside a node",
	       "tag: END in the root node");
	len = good();
	memcpy(blob + s + 4, "root", 4);
	is_str(read_exact(blob, len), "FDT has no single root node",
	       "root: has a name");

	/* Two roots: END_NODE of the root, BEGIN_NODE "", END_NODE, END. */
	len = good();
	must(get(s + size - 8) == 2 && get(s + size - 4) == 9, "the end");
	memmove(blob + get(12) + 12, blob + get(12), get(32));
	put(12, get(12) + 12);
	put(s + size - 4, 1);
	put(s + size, 0);
	put(s + size + 4, 2);
	put(s + size + 8, 9);
	put(36, size + 12);
	put(4, len + 12);
	is_str(read_exact(blob, len + 12), "FDT has no single root node",
	       "root: there are two");

	len = good();
	put(36, size - 4);
	is_str(read_exact(blob, len), no_end, "structure: without END");
	put(36, size - 3);
	is_str(read_exact(blob, len), no_end, "structure: with a byte of END");
	put(36, 0);
	is_str(read_exact(blob, len), no_end, "structure: empty");
	put(36, 3);
	is_str(read_exact(blob, len), no_end, "structure: 3 bytes");
	put(36, 4);
	is_str(read_exact(blob, len), "FDT node name has no end",
	       "structure: ends before the name");
	put(36, 5);
	is_str(read_exact(blob, len), no_end,
	       "structure: ends before the name's padding");
	put(36, 12);
	is_str(read_exact(blob, len), "FDT property is outside a node",
	       "structure: ends before a property's length");

	len = good();
	put(p + 4, size);
	is_str(read_exact(blob, len), "FDT property is longer than the FDT",
	       "property: as long as all");
	put(p + 4, ~0U);
	is_str(read_exact(blob, len), "FDT property is longer than the FDT",
	       "property: 2^32 - 1");
	put(p + 4, ~0U - 3);
	is_str(read_exact(blob, len), "FDT property is longer than the FDT",
	       "property: 2^32 - 4");
	len = good();
	put(p + 8, get(32));
	is_str(read_exact(blob, len), "FDT property name is outside the FDT",
	       "property: name behind the strings");
	put(p + 8, ~0U);
	is_str(read_exact(blob, len), "FDT property name is outside the FDT",
	       "property: name at 2^32 - 1");
	len = good();
	blob[get(12) + get(32) - 1] = 'x';
	is_str(read_exact(blob, len), "FDT property name is outside the FDT",
	       "property: name without an end");
}

/* ---- Any input gives an error, or the same as libfdt ---- */

static void test_truncated(void)
{
	unsigned int len = good(), n, wrong = 0, accepted = 0;
	uint32_t total = get(4), size = get(36), strs = get(32);

	for (n = 0; n < len; n++)
		wrong += !read_exact(blob, n);
	is(wrong, 0, "truncated: none of %u is accepted", len);

	/* It is refused even if its totalsize says the same. */
	for (n = 40; n < len; n++) {
		put(4, n);
		wrong += !read_exact(blob, n);
	}
	put(4, total);
	is(wrong, 0, "truncated, totalsize adapted: none is accepted");
	for (n = 0; n < size; n++) {
		put(36, n);
		wrong += !read_exact(blob, len);
	}
	put(36, size);
	is(wrong, 0, "structure truncated: none is accepted");
	for (n = 0; n < strs; n++) {
		put(32, n);
		wrong += !read_exact(blob, len);
	}
	put(32, strs);
	is(wrong, 0, "strings truncated: none is accepted");

	/* With each single bit inverted. */
	for (n = 0; n < 8 * len; n++) {
		blob[n / 8] ^= 1 << n % 8;
		if (!read_exact(blob, len)) {
			accepted++;
			must(out.abi == 3 || out.abi == 4, "bit %u: abi", n);
			must(out.root && out.nr <= KHO_FDT_MAX_CHILDREN,
			     "bit %u: root or children", n);
		}
		blob[n / 8] ^= 1 << n % 8;
	}
	/* The values themselves are 24 bytes, and any of them is accepted. */
	ok(accepted >= 8 * 24, "bits turned over: %u of %u do no harm", accepted,
	   8 * len);
	ok(accepted < 8 * len / 2, "bits turned over: the others are refused");
}

int main(void)
{
	tap_start();
	test_write();
	test_write_room();
	test_read();
	test_refused_content();
	test_refused_header();
	test_refused_structure();
	test_truncated();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/kho/abi.h against values worked out by hand.
 *
 * Each literal has its working beside it, and none was computed by the code under
 * test.
 */
#include <kho/abi.h>

#include "tap.h"

static const unsigned int shifts[] = { 12, 14, 16 };

/* ---- Constants of each page size ---- */

static void test_constants(void)
{
	static const struct {
		unsigned int shift;
		unsigned int width, table, leaf, depth, order;
		unsigned long long chunk;
	} want[] = {
		/*
		 * Width: 64 - shift + 1.  A table has 2^shift / 8 entries, a
		 * leaf 2^shift * 8 bits.  Depth: the bits above the leaf's,
		 * shared out over tables and rounded up, and the leaf.  Largest
		 * order: 2^63 bytes.  A chunk has 8 bytes of header.
		 *
		 * 4K: 53 - 15 = 38 bits, 38 / 9 -> 5, depth 6.  4088 / 8 = 511.
		 */
		{ 12, 53, 9, 15, 6, 51, 511 },
		/* 51 - 17 = 34 bits, 34 / 11 -> 4, depth 5.  16376 / 8. */
		{ 14, 51, 11, 17, 5, 49, 2047 },
		/* 49 - 19 = 30 bits, 30 / 13 -> 3, depth 4.  65528 / 8. */
		{ 16, 49, 13, 19, 4, 47, 8191 },
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		unsigned int shift = want[i].shift;

		is(KHO_KEY_WIDTH(shift), want[i].width, "%u: key width", shift);
		is(KHO_TABLE_BITS(shift), want[i].table, "%u: table", shift);
		is(KHO_LEAF_BITS(shift), want[i].leaf, "%u: leaf", shift);
		is(KHO_TREE_DEPTH(shift), want[i].depth, "%u: depth", shift);
		is(KHO_MAX_ORDER(shift), want[i].order, "%u: order", shift);
		is(KHO_VMALLOC_CHUNK_ENTRIES(shift), want[i].chunk,
		   "%u: addresses per vmalloc chunk", shift);
	}
	is(KHO_TREE_DEPTH_MAX, 6, "the deepest tree is that of 4K pages");
}

/* ---- Keys ---- */

/*
 * key = 1 << (64 - shift - order) | phys >> (shift + order)
 *
 * In hex, a shift of 12 takes three digits off an address, and bit 52 is a 1
 * with 13 digits behind it.
 */
static const struct {
	unsigned int shift;
	unsigned long long phys;
	unsigned int order;
	unsigned long long key;
	/* Slot per level, the leaf first. */
	unsigned int index[6];
} keys[] = {
	/* 4K, order 0: bit 52.  Level 5 is bits 51-59, so that is its bit 1. */
	{ 12, 0, 0, 0x10000000000000, { 0, 0, 0, 0, 0, 2 } },
	{ 12, 0x1000, 0, 0x10000000000001, { 1, 0, 0, 0, 0, 2 } },
	/* 0x123456 & 0x7fff = 0x3456; 0x123456 >> 15 = 0x24. */
	{ 12, 0x123456000, 0, 0x10000000123456, { 0x3456, 0x24, 0, 0, 0, 2 } },
	/*
	 * The last page: all 52 bits below the marker.  Leaf 15 bits, then
	 * four times 9, then bit 51 and the marker: 3.
	 */
	{ 12, 0xfffffffffffff000, 0, 0x1fffffffffffff,
	  { 0x7fff, 0x1ff, 0x1ff, 0x1ff, 0x1ff, 3 } },
	/*
	 * Order 1: bit 51; 0x2468ac000 >> 13 = 0x2468ac000 / 0x2000 = 0x123456.
	 */
	{ 12, 0x2468ac000, 1, 0x8000000123456, { 0x3456, 0x24, 0, 0, 0, 1 } },
	/*
	 * Order 9, 2 MiB: bit 43, which is bit 1 of level 4 (42-50).  1 GiB is
	 * 512 = 0x200 of them.
	 */
	{ 12, 0x40000000, 9, 0x80000000200, { 0x200, 0, 0, 0, 2, 0 } },
	/* Order 18, 1 GiB: bit 34, bit 1 of level 3 (33-41).  5 GiB. */
	{ 12, 0x140000000, 18, 0x400000005, { 5, 0, 0, 2, 0, 0 } },
	/* Order 27: bit 25, bit 1 of level 2 (24-32).  1 TiB is two of 2^39. */
	{ 12, 0x10000000000, 27, 0x2000002, { 2, 0, 2, 0, 0, 0 } },
	/* Order 36: bit 16, bit 1 of level 1 (15-23).  2^49 is two of 2^48. */
	{ 12, 0x2000000000000, 36, 0x10002, { 2, 2, 0, 0, 0, 0 } },
	/* Order 38: bit 14, the highest that is in the first leaf. */
	{ 12, 0x4000000000000, 38, 0x4001, { 0x4001, 0, 0, 0, 0, 0 } },
	/* Order 51: bit 1, blocks of 2^63 bytes, of which there are two. */
	{ 12, 0, 51, 2, { 2, 0, 0, 0, 0, 0 } },
	{ 12, 0x8000000000000000, 51, 3, { 3, 0, 0, 0, 0, 0 } },

	/* 16K, order 0: bit 50, bit 0 of level 4 (50-60). */
	{ 14, 0, 0, 0x4000000000000, { 0, 0, 0, 0, 1 } },
	{ 14, 0x4000, 0, 0x4000000000001, { 1, 0, 0, 0, 1 } },
	/*
	 * 0x123454000 >> 14 = 0x48d15; & 0x1ffff = 0x8d15; >> 17 = 2.
	 */
	{ 14, 0x123454000, 0, 0x4000000048d15, { 0x8d15, 2, 0, 0, 1 } },
	{ 14, 0xffffffffffffc000, 0, 0x7ffffffffffff,
	  { 0x1ffff, 0x7ff, 0x7ff, 0x7ff, 1 } },
	/* Order 11, 32 MiB: bit 39, bit 0 of level 3 (39-49).  1 GiB: 32. */
	{ 14, 0x40000000, 11, 0x8000000020, { 0x20, 0, 0, 1, 0 } },
	/* Order 22, 64 GiB = 2^36: bit 28, bit 0 of level 2.  192 GiB: 3. */
	{ 14, 0x3000000000, 22, 0x10000003, { 3, 0, 1, 0, 0 } },
	/* Order 33: bit 17, bit 0 of level 1.  Blocks of 2^47. */
	{ 14, 0x800000000000, 33, 0x20001, { 1, 1, 0, 0, 0 } },
	{ 14, 0x8000000000000000, 49, 3, { 3, 0, 0, 0, 0 } },

	/* 64K, order 0: bit 48, bit 3 of level 3 (45-57). */
	{ 16, 0, 0, 0x1000000000000, { 0, 0, 0, 8 } },
	{ 16, 0x10000, 0, 0x1000000000001, { 1, 0, 0, 8 } },
	/* 0x91234 & 0x7ffff = 0x11234; 0x91234 >> 19 = 1. */
	{ 16, 0x912340000, 0, 0x1000000091234, { 0x11234, 1, 0, 8 } },
	/* 48 bits: 19, 13, 13 and three below the marker. */
	{ 16, 0xffffffffffff0000, 0, 0x1ffffffffffff,
	  { 0x7ffff, 0x1fff, 0x1fff, 15 } },
	/* Order 13, 512 MiB: bit 35, bit 3 of level 2 (32-44).  1 GiB: 2. */
	{ 16, 0x40000000, 13, 0x800000002, { 2, 0, 8, 0 } },
	/* Order 26: bit 22, bit 3 of level 1 (19-31).  2^42, two of them. */
	{ 16, 0x80000000000, 26, 0x400002, { 2, 8, 0, 0 } },
	{ 16, 0x8000000000000000, 47, 3, { 3, 0, 0, 0 } },
};

static void test_keys(void)
{
	static const unsigned int depth[] = { 6, 5, 4 };
	unsigned int i, level;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		unsigned int shift = keys[i].shift;
		unsigned long long key = keys[i].key;

		is(kho_key_encode(shift, keys[i].phys, keys[i].order), key,
		   "%u: key of 0x%llx order %u", shift, keys[i].phys,
		   keys[i].order);
		is(kho_key_order(shift, key), keys[i].order,
		   "%u: order of 0x%llx", shift, key);
		is(kho_key_phys(shift, key, keys[i].order), keys[i].phys,
		   "%u: address of 0x%llx", shift, key);
		ok(kho_key_valid(shift, keys[i].phys, keys[i].order),
		   "%u: 0x%llx order %u is valid", shift, keys[i].phys,
		   keys[i].order);
		for (level = 0; level < depth[(shift - 12) / 2]; level++)
			is(kho_key_index(shift, key, level),
			   keys[i].index[level], "%u: 0x%llx: slot at level %u",
			   shift, key, level);
	}
}

/* A larger order has smaller keys, whatever the addresses. */
static void test_sorting(void)
{
	/* The last page at order 1 is bit 51 with 51 ones: 0xfffffffffffff. */
	is(kho_key_encode(12, 0xffffffffffffe000, 1), 0xfffffffffffff,
	   "12: the last key of order 1");
	ok(kho_key_encode(12, 0xffffffffffffe000, 1) < kho_key_encode(12, 0, 0),
	   "12: is before the first of order 0");
	/* 16K, order 1: bit 49 with 49 ones.  64K: bit 47 with 47 ones. */
	is(kho_key_encode(14, 0xffffffffffff8000, 1), 0x3ffffffffffff,
	   "14: the last key of order 1");
	is(kho_key_encode(16, 0xfffffffffffe0000, 1), 0xffffffffffff,
	   "16: the last key of order 1");
}

/* ---- Invalid keys ---- */

static void test_bad_keys(void)
{
	/* The first key that is too wide: 1 << KEY_WIDTH. */
	static const unsigned long long wide[] = {
		0x20000000000000,	/* 1 << 53 */
		0x8000000000000,	/* 1 << 51 */
		0x2000000000000,	/* 1 << 49 */
	};
	/* The largest order, by hand: 63 - shift. */
	static const unsigned int order[] = { 51, 49, 47 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		unsigned int s = shifts[i], o = order[i];

		is(kho_key_order(s, 0), -1, "%u: 0 is no key", s);
		/* Bit 0 as the marker: blocks of 2^64 bytes. */
		is(kho_key_order(s, 1), -1, "%u: 1 is no key", s);
		is(kho_key_order(s, 2), o, "%u: 2 is the smallest key", s);
		is(kho_key_order(s, 3), o, "%u: 3 is of the same order", s);
		is(kho_key_order(s, 4), o - 1, "%u: 4 is of the next order", s);
		is(kho_key_order(s, wide[i] - 1), 0,
		   "%u: the last key is of order 0", s);
		is(kho_key_order(s, wide[i]), -1, "%u: one more is none", s);
		is(kho_key_order(s, wide[i] | 1), -1, "%u: nor is that", s);
		is(kho_key_order(s, 1ULL << 63), -1, "%u: nor bit 63", s);
		is(kho_key_order(s, ~0ULL), -1, "%u: nor all ones", s);

		ok(kho_key_valid(s, 0, 0), "%u: address 0", s);
		ok(kho_key_valid(s, 0, o), "%u: address 0, largest order", s);
		ok(!kho_key_valid(s, 0, o + 1), "%u: an order more", s);
		/* shift + order is the width of the type, or more. */
		ok(!kho_key_valid(s, 0, 64 - s), "%u: 2^64 bytes", s);
		ok(!kho_key_valid(s, 0, 64), "%u: order 64", s);
		ok(!kho_key_valid(s, 0, ~0U), "%u: order 2^32 - 1", s);
		ok(kho_key_valid(s, 1ULL << 63, o), "%u: 2^63, largest order", s);
		ok(!kho_key_valid(s, 1ULL << 62, o), "%u: 2^62, largest order", s);
		ok(kho_key_valid(s, 1ULL << 62, o - 1), "%u: 2^62, order less", s);
		ok(!kho_key_valid(s, 1, 0), "%u: address 1", s);
		ok(!kho_key_valid(s, (1ULL << s) - 1, 0), "%u: end of a page", s);
		ok(kho_key_valid(s, 1ULL << s, 0), "%u: page 1", s);
		ok(!kho_key_valid(s, 1ULL << s, 1), "%u: page 1, order 1", s);
		ok(kho_key_valid(s, 2ULL << s, 1), "%u: page 2, order 1", s);
	}
}

/* ---- 16K pages with a level too few ---- */

/*
 * Up to 7.1-rc5 a tree of 16K pages had four levels: leaf 17 bits, tables 3 *
 * 11 bits, together 50, which are bits 0 to 49.  The marker of order 0 is bit
 * 50, so a path in such a tree stands for the key without that bit.
 */
static unsigned long long four_levels(unsigned long long key)
{
	return kho_key_index(14, key, 0) |
	       (unsigned long long)kho_key_index(14, key, 1) << 17 |
	       (unsigned long long)kho_key_index(14, key, 2) << 28 |
	       (unsigned long long)kho_key_index(14, key, 3) << 39;
}

static void test_16k(void)
{
	unsigned long long key = 0x4000000048d15;	/* 0x123454000 order 0 */
	unsigned long long alias = four_levels(key);

	is(alias, 0x48d15, "16K: four levels lose bit 50");
	/*
	 * The highest bit of 0x48d15 is 18, so it looks like order 50 - 18 =
	 * 32, 2^46 bytes.  0x48d15 - 0x40000 = 0x8d15 of them: 0x8d15 << 46 =
	 * 0x23454 << 44.
	 */
	is(kho_key_order(14, alias), 32, "16K: it passes for order 32");
	is(kho_key_phys(14, alias, 32), 0x2345400000000000,
	   "16K: at 0x2345400000000000");
	/* It is the same as the real key of that block. */
	is(kho_key_encode(14, 0x2345400000000000, 32), alias,
	   "16K: which has just that key");

	/* 4 GiB is page 0x40000: bit 18 and nothing below, address 0. */
	alias = four_levels(0x4000000040000);
	is(kho_key_order(14, alias), 32, "16K: 4 GiB passes for order 32");
	is(kho_key_phys(14, alias, 32), 0, "16K: at address 0");
	/* Page 0 has no key at all then. */
	is(four_levels(0x4000000000000), 0, "16K: page 0 turns into key 0");
	is(kho_key_order(14, four_levels(0x4000000000000)), -1,
	   "16K: which is none");
	/* Order 1 (bit 49) still fits, which is why nobody noticed. */
	is(four_levels(0x2000000000123), 0x2000000000123,
	   "16K: order 1 is not affected");
	/* The fifth level holds bit 50. */
	is(kho_key_index(14, key, 4), 1, "16K: the fifth level has the bit");
	/* 4K: 15 + 5 * 9 = 60 bits of 53; 64K: 19 + 3 * 13 = 58 of 49. */
	is(kho_key_index(12, 0x10000000000000, 5), 2, "4K: six levels do");
	is(kho_key_index(16, 0x1000000000000, 3), 8, "64K: four levels do");
}

/* ---- Structs and strings ---- */

#define offset(type, member) __builtin_offsetof(type, member)

static void test_structs(void)
{
	struct kho_vmalloc v = { 0 };

	/* u32, 65 bytes, u32, packed: 4 + 65 + 4. */
	is(sizeof(struct kho_metadata), 73, "kho_metadata: size");
	is(offset(struct kho_metadata, version), 0, "kho_metadata: version");
	is(offset(struct kho_metadata, previous_release), 4,
	   "kho_metadata: previous_release");
	is(offset(struct kho_metadata, kexec_count), 69,
	   "kho_metadata: kexec_count");
	is(KHO_METADATA_VERSION, 1, "kho_metadata: version 1");

	is(sizeof(struct kho_scratch), 16, "kho_scratch: size");
	is(offset(struct kho_scratch, addr), 0, "kho_scratch: addr");
	is(offset(struct kho_scratch, size), 8, "kho_scratch: size");

	is(sizeof(struct kho_data), 32, "kho_data: size");
	is(offset(struct kho_data, fdt_addr), 0, "kho_data: fdt_addr");
	is(offset(struct kho_data, fdt_size), 8, "kho_data: fdt_size");
	is(offset(struct kho_data, scratch_addr), 16, "kho_data: scratch_addr");
	is(offset(struct kho_data, scratch_size), 24, "kho_data: scratch_size");

	/* struct setup_data: u64 next, u32 type, u32 len, then the data. */
	is(sizeof(struct kho_setup_node), 16, "kho_setup_node: size");
	is(offset(struct kho_setup_node, next), 0, "kho_setup_node: next");
	is(offset(struct kho_setup_node, type), 8, "kho_setup_node: type");
	is(offset(struct kho_setup_node, len), 12, "kho_setup_node: len");
	is(SETUP_KEXEC_KHO, 10, "setup_data type 10");
	is(KHO_SETUP_DATA_OFFSET, 0x250, "hdr.setup_data of a bzImage");
	is(KHO_SETUP_INDIRECT, 0x80000000, "SETUP_INDIRECT");

	is(sizeof(struct kho_vmalloc), 16, "kho_vmalloc: size");
	is(offset(struct kho_vmalloc, first), 0, "kho_vmalloc: first");
	is(offset(struct kho_vmalloc, total_pages), 8, "kho_vmalloc: total_pages");
	is(offset(struct kho_vmalloc, flags), 12, "kho_vmalloc: flags");
	is(offset(struct kho_vmalloc, order), 14, "kho_vmalloc: order");
	is(sizeof(v.total_pages), 4, "kho_vmalloc: u32 pages");
	is(sizeof(v.flags) + sizeof(v.order), 4, "kho_vmalloc: u16, u16");
	is(KHO_VMALLOC_ALLOC | KHO_VMALLOC_HUGE, 3, "kho_vmalloc: flags 1 and 2");
	is(offset(struct kho_vmalloc_chunk, next), 0, "kho_vmalloc_chunk: next");
	is(offset(struct kho_vmalloc_chunk, phys), 8, "kho_vmalloc_chunk: phys");
	is(offset(struct kho_vmalloc_chunk, phys[511]), 4096,
	   "kho_vmalloc_chunk: 511 addresses end with a 4K page");

	is_str(KHO_COMPATIBLE_V1, "kho-v1", "kho-v1");
	is_str(KHO_COMPATIBLE_V2, "kho-v2", "kho-v2");
	is_str(KHO_COMPATIBLE_V3, "kho-v3", "kho-v3");
	is_str(KHO_COMPATIBLE_V4, "kho-v4", "kho-v4");
	is(KHO_ABI_DEFAULT, 4, "kho-v4 is the default");
	is_str(KHO_PROP_COMPATIBLE, "compatible", "compatible");
	is_str(KHO_PROP_MEMORY_MAP, "preserved-memory-map", "preserved-memory-map");
	is_str(KHO_PROP_DATA, "preserved-data", "preserved-data");
	is_str(KHO_PROP_BLOB_SIZE, "blob-size", "blob-size");
	is_str(KHO_METADATA_NODE, "kexec-metadata", "kexec-metadata");
	is_str(KHO_CHOSEN_FDT, "linux,kho-fdt", "linux,kho-fdt");
	is_str(KHO_CHOSEN_SCRATCH, "linux,kho-scratch", "linux,kho-scratch");
}

int main(void)
{
	tap_start();
	test_constants();
	test_keys();
	test_sorting();
	test_bad_keys();
	test_16k();
	test_structs();
	return tap_done();
}

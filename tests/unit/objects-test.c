// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/kho/objects.h and boot_info.h against sizes worked out by hand.
 */
#include <string.h>

#include <kho/boot_info.h>
#include <kho/objects.h>

#include "tap.h"

#define offset(type, member) __builtin_offsetof(type, member)

static void test_sizes(void)
{
	/* 16 bytes, two u32, u64, u64, three u64: 16 + 8 + 16 + 24 = 64. */
	is(sizeof(struct kho_objs_head), 64, "head: size");
	is(offset(struct kho_objs_head, compatible), 0, "head: compatible");
	is(offset(struct kho_objs_head, page_shift), 16, "head: page_shift");
	is(offset(struct kho_objs_head, record_size), 20, "head: record_size");
	is(offset(struct kho_objs_head, nr_objects), 24, "head: nr_objects");
	is(offset(struct kho_objs_head, first), 32, "head: first");
	is(offset(struct kho_objs_head, reserved), 40, "head: reserved");

	is(sizeof(struct kho_objs_extent), 16, "extent: size");
	is(offset(struct kho_objs_extent, addr), 0, "extent: addr");
	is(offset(struct kho_objs_extent, nr_pages), 8, "extent: nr_pages");

	/*
	 * 64 of name, four u64 = 32, six u32 = 24, four u64 = 32, 16 and 72 of
	 * names, five extents = 80: 64 + 32 + 24 + 32 + 16 + 72 + 80 = 320.
	 */
	is(sizeof(struct kho_objs_record), 320, "record: size");
	is(offset(struct kho_objs_record, name), 0, "record: name");
	is(offset(struct kho_objs_record, size), 64, "record: size");
	is(offset(struct kho_objs_record, nr_extents), 72, "record: nr_extents");
	is(offset(struct kho_objs_record, more), 80, "record: more");
	is(offset(struct kho_objs_record, created), 88, "record: created");
	is(offset(struct kho_objs_record, generation), 96, "record: generation");
	is(offset(struct kho_objs_record, idle), 100, "record: idle");
	is(offset(struct kho_objs_record, flags), 104, "record: flags");
	is(offset(struct kho_objs_record, uid), 108, "record: uid");
	is(offset(struct kho_objs_record, gid), 112, "record: gid");
	is(offset(struct kho_objs_record, mode), 116, "record: mode");
	is(offset(struct kho_objs_record, sums), 120, "record: sums");
	is(offset(struct kho_objs_record, data), 128, "record: data");
	is(offset(struct kho_objs_record, reserved), 136, "record: reserved");
	is(offset(struct kho_objs_record, comm), 152, "record: comm");
	is(offset(struct kho_objs_record, release), 168, "record: release");
	is(offset(struct kho_objs_record, extents), 240, "record: extents");
	is(offset(struct kho_objs_record, extents[4].nr_pages), 312,
	   "record: the last extent ends with it");

	/* u64 and seven u64. */
	is(sizeof(struct kho_objs_page), 64, "record page: header");
	is(offset(struct kho_objs_page, next), 0, "record page: next");
	is(offset(struct kho_objs_page, records), 64, "record page: records");

	is(sizeof(struct kho_objs_extents), 16, "extent page: header");
	is(offset(struct kho_objs_extents, next), 0, "extent page: next");
	is(offset(struct kho_objs_extents, extents), 16, "extent page: extents");

	is(sizeof(struct kho_objs_sums), 8, "sum page: header");
	is(offset(struct kho_objs_sums, sums), 8, "sum page: sums");

	is(sizeof(struct kho_objs_data), 16, "data page: header");
	is(offset(struct kho_objs_data, bytes), 8, "data page: bytes");
	is(offset(struct kho_objs_data, data), 16, "data page: data");
}

static void test_per_page(void)
{
	/* (4096 - 64) / 320 = 4032 / 320 = 12.6 */
	is(KHO_OBJS_PER_PAGE(12), 12, "4K: records per page");
	/* (16384 - 64) / 320 = 16320 / 320 = 51 */
	is(KHO_OBJS_PER_PAGE(14), 51, "16K: records per page");
	/* (65536 - 64) / 320 = 65472 / 320 = 204.6 */
	is(KHO_OBJS_PER_PAGE(16), 204, "64K: records per page");
	/* (4096 - 16) / 16 = 256 - 1 */
	is(KHO_OBJS_EXTENTS_PER_PAGE(12), 255, "4K: extents per page");
	is(KHO_OBJS_EXTENTS_PER_PAGE(14), 1023, "16K: extents per page");
	is(KHO_OBJS_EXTENTS_PER_PAGE(16), 4095, "64K: extents per page");
	/* (4096 - 8) / 8 = 512 - 1 */
	is(KHO_OBJS_SUMS_PER_PAGE(12), 511, "4K: sums per page");
	is(KHO_OBJS_SUMS_PER_PAGE(16), 8191, "64K: sums per page");
	is(KHO_OBJS_DATA_PER_PAGE(12), 4080, "4K: data per page");
	is(KHO_OBJS_DATA_PER_PAGE(16), 65520, "64K: data per page");
	/* 64 + 12 * 320 = 3904: 192 bytes of a 4K page are left. */
	is(offset(struct kho_objs_page, records[12]), 3904,
	   "4K: the last record ends in the page");
	is(offset(struct kho_objs_extents, extents[255]), 4096,
	   "4K: the last extent ends with the page");
}

/* A page of 1 GiB is not marked by a single key: mainline could not retrieve it. */
static void test_orders(void)
{
	is(KHO_OBJS_KEY_ORDER(0), 0, "order 0 is marked as a range");
	is(KHO_OBJS_KEY_ORDER(4), 4, "order 4 as it is");
	is(KHO_OBJS_KEY_ORDER(9), 9, "2 MiB as it is");
	is(KHO_OBJS_KEY_ORDER(18), 9, "1 GiB as pages of 2 MiB");
	ok(KHO_OBJS_ORDER_MASK < 4096, "an order fits below an address");
}

static void test_strings(void)
{
	struct kho_objs_head head;

	is_str(KHO_OBJS_NODE, "kho-objects", "node");
	is_str(KHO_OBJS_COMPATIBLE, "kho-objects-v2", "compatible");
	ok(sizeof(KHO_OBJS_COMPATIBLE) <= sizeof(head.compatible),
	   "compatible fits with its NUL");
	is(KHO_OBJS_NAME_SIZE, 64, "names have up to 63 bytes");
	is(KHO_OBJS_INLINE, 5, "extents in a record");
}

static void test_boot_info(void)
{
	/* Two u32, eight u64, 128 bytes: 8 + 64 + 128 = 200. */
	is(sizeof(struct kho_boot_info), 200, "boot_info: size");
	is(offset(struct kho_boot_info, version), 0, "boot_info: version");
	is(offset(struct kho_boot_info, state), 4, "boot_info: state");
	is(offset(struct kho_boot_info, fdt_addr), 8, "boot_info: fdt_addr");
	is(offset(struct kho_boot_info, fdt_size), 16, "boot_info: fdt_size");
	is(offset(struct kho_boot_info, scratch_addr), 24,
	   "boot_info: scratch_addr");
	is(offset(struct kho_boot_info, scratch_size), 32,
	   "boot_info: scratch_size");
	is(offset(struct kho_boot_info, pages), 40, "boot_info: pages");
	is(offset(struct kho_boot_info, nodes), 48, "boot_info: nodes");
	is(offset(struct kho_boot_info, extents), 56, "boot_info: extents");
	is(offset(struct kho_boot_info, usecs), 64, "boot_info: usecs");
	is(offset(struct kho_boot_info, error), 72, "boot_info: error");
	is(KHO_BOOT_NONE, 0, "boot_info: an empty one says that nothing came");
	is(KHO_BOOT_KEPT, 1, "boot_info: kept");
	is(KHO_BOOT_REFUSED, 2, "boot_info: refused");
	is(KHO_BOOT_OFF, 3, "boot_info: off");
	is(KHO_BOOT_TAKEN, 4, "boot_info: taken");
}

int main(void)
{
	tap_start();
	test_sizes();
	test_per_page();
	test_orders();
	test_strings();
	test_boot_info();
	return tap_done();
}

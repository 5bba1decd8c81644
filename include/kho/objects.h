/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Named memory objects: how the module describes them to the next kernel.
 *
 * This format is ours, not mainline's.  The root FDT refers to it by the child
 * "kho-objects", whose preserved-data is the address of a struct
 * kho_objs_head.  From there:
 *
 *	head -> record page -> record page ...
 *	            |- record: name, size, owner, the first extents
 *	                  |-> extent page -> extent page ...
 *	                  |-> sum page -> sum page ...
 *	                  '-> data page -> data page ...
 *
 * All pages named here, including the head's own, are order-0 keys of the tree.
 * The pages of an object are keys as well.  An extent of order 0 is one range, in
 * keys of the largest orders that its alignment allows.  An extent of a higher
 * order is in keys of order KHO_OBJS_KEY_ORDER() of it, so that it is
 * restored as pages of that order.  All reserved fields are 0.
 *
 * A reader that meets another compatible string leaves the objects alone.
 */
#ifndef KHO_OBJECTS_H
#define KHO_OBJECTS_H

#include "abi.h"

#define KHO_OBJS_NODE		"kho-objects"
#define KHO_OBJS_COMPATIBLE	"kho-objects-v2"
#define KHO_OBJS_NAME_SIZE	64		/* with the final NUL */
#define KHO_OBJS_INLINE		5
#define KHO_OBJS_COMM		16
#define KHO_OBJS_RELEASE	72
#define KHO_OBJS_DATA_MAX	65536		/* bytes */

struct kho_objs_head {
	__u8 compatible[16];
	__u32 page_shift;
	__u32 record_size;		/* of struct kho_objs_record */
	__u64 nr_objects;
	__u64 first;			/* the first record page, or 0 */
	__u64 reserved[3];
};

/*
 * The order is that of the pages the memory was allocated in.  It is in the low
 * bits of addr, below page_shift.  Both ends of the extent are multiples of that
 * page size.
 */
struct kho_objs_extent {
	__u64 addr;			/* of the first page, | order */
	__u64 nr_pages;			/* base pages, at least 1 */
};

#define KHO_OBJS_ORDER_MASK	0x3fULL

/* Mainline restores no page of an order that the page allocator does not have. */
#define KHO_OBJS_KEY_ORDER_MAX	9
#define KHO_OBJS_KEY_ORDER(order) \
	((order) < KHO_OBJS_KEY_ORDER_MAX ? (order) : KHO_OBJS_KEY_ORDER_MAX)

#define KHO_OBJS_UNCOMMITTED	0x1	/* the reader frees it */
#define KHO_OBJS_SEALED		0x2
#define KHO_OBJS_SUM_AT_JUMP	0x4
#define KHO_OBJS_SUMMED		0x8	/* the sums are those of the content */
#define KHO_OBJS_FLAGS		0xf

struct kho_objs_record {
	__u8 name[KHO_OBJS_NAME_SIZE];	/* NUL-padded; all NUL: slot is free */
	__u64 size;			/* bytes; the last page is padded with 0 */
	__u64 nr_extents;		/* in total, here and in extent pages */
	__u64 more;			/* first extent page, or 0 */
	__u64 created;			/* seconds since 1970, UTC */
	__u32 generation;		/* handovers it has been through */
	__u32 idle;			/* handovers since somebody opened it */
	__u32 flags;			/* KHO_OBJS_* */
	__u32 uid;
	__u32 gid;
	__u32 mode;			/* 0 to 0666 */
	__u64 sums;			/* first sum page, or 0: one u64 per page */
	__u64 data;			/* first data page, or 0 */
	__u64 reserved[2];
	__u8 comm[KHO_OBJS_COMM];	/* of its creator, NUL-padded */
	__u8 release[KHO_OBJS_RELEASE];	/* of the creator's kernel, NUL-padded */
	struct kho_objs_extent extents[KHO_OBJS_INLINE];
};

struct kho_objs_page {
	__u64 next;			/* record page, or 0 */
	__u64 reserved[7];
	struct kho_objs_record records[];
};

#define KHO_OBJS_PER_PAGE(shift) \
	((((__u64)1 << (shift)) - sizeof(struct kho_objs_page)) / \
	 sizeof(struct kho_objs_record))

struct kho_objs_extents {
	__u64 next;			/* extent page, or 0 */
	__u64 reserved;
	struct kho_objs_extent extents[];
};

#define KHO_OBJS_EXTENTS_PER_PAGE(shift) \
	((((__u64)1 << (shift)) - sizeof(struct kho_objs_extents)) / \
	 sizeof(struct kho_objs_extent))

/* xxh64 of each base page with seed 0, for the last page including its padding. */
struct kho_objs_sums {
	__u64 next;			/* sum page, or 0 */
	__u64 sums[];
};

#define KHO_OBJS_SUMS_PER_PAGE(shift) \
	((((__u64)1 << (shift)) - sizeof(struct kho_objs_sums)) / sizeof(__u64))

/* All data pages except the last are full. */
struct kho_objs_data {
	__u64 next;			/* data page, or 0 */
	__u32 bytes;			/* in this page, at least 1 */
	__u32 reserved;
	__u8 data[];
};

#define KHO_OBJS_DATA_PER_PAGE(shift) \
	(((__u64)1 << (shift)) - sizeof(struct kho_objs_data))

KHO_ABI_SIZE(struct kho_objs_head, 64);
KHO_ABI_OFFSET(struct kho_objs_head, compatible, 0);
KHO_ABI_OFFSET(struct kho_objs_head, page_shift, 16);
KHO_ABI_OFFSET(struct kho_objs_head, record_size, 20);
KHO_ABI_OFFSET(struct kho_objs_head, nr_objects, 24);
KHO_ABI_OFFSET(struct kho_objs_head, first, 32);
KHO_ABI_OFFSET(struct kho_objs_head, reserved, 40);

KHO_ABI_SIZE(struct kho_objs_extent, 16);
KHO_ABI_OFFSET(struct kho_objs_extent, addr, 0);
KHO_ABI_OFFSET(struct kho_objs_extent, nr_pages, 8);

KHO_ABI_SIZE(struct kho_objs_record, 320);
KHO_ABI_OFFSET(struct kho_objs_record, name, 0);
KHO_ABI_OFFSET(struct kho_objs_record, size, 64);
KHO_ABI_OFFSET(struct kho_objs_record, nr_extents, 72);
KHO_ABI_OFFSET(struct kho_objs_record, more, 80);
KHO_ABI_OFFSET(struct kho_objs_record, created, 88);
KHO_ABI_OFFSET(struct kho_objs_record, generation, 96);
KHO_ABI_OFFSET(struct kho_objs_record, idle, 100);
KHO_ABI_OFFSET(struct kho_objs_record, flags, 104);
KHO_ABI_OFFSET(struct kho_objs_record, uid, 108);
KHO_ABI_OFFSET(struct kho_objs_record, gid, 112);
KHO_ABI_OFFSET(struct kho_objs_record, mode, 116);
KHO_ABI_OFFSET(struct kho_objs_record, sums, 120);
KHO_ABI_OFFSET(struct kho_objs_record, data, 128);
KHO_ABI_OFFSET(struct kho_objs_record, reserved, 136);
KHO_ABI_OFFSET(struct kho_objs_record, comm, 152);
KHO_ABI_OFFSET(struct kho_objs_record, release, 168);
KHO_ABI_OFFSET(struct kho_objs_record, extents, 240);

KHO_ABI_SIZE(struct kho_objs_page, 64);
KHO_ABI_OFFSET(struct kho_objs_page, next, 0);
KHO_ABI_OFFSET(struct kho_objs_page, records, 64);

KHO_ABI_SIZE(struct kho_objs_extents, 16);
KHO_ABI_OFFSET(struct kho_objs_extents, next, 0);
KHO_ABI_OFFSET(struct kho_objs_extents, extents, 16);

KHO_ABI_SIZE(struct kho_objs_sums, 8);
KHO_ABI_OFFSET(struct kho_objs_sums, next, 0);
KHO_ABI_OFFSET(struct kho_objs_sums, sums, 8);

KHO_ABI_SIZE(struct kho_objs_data, 16);
KHO_ABI_OFFSET(struct kho_objs_data, next, 0);
KHO_ABI_OFFSET(struct kho_objs_data, bytes, 8);
KHO_ABI_OFFSET(struct kho_objs_data, data, 16);

#endif /* KHO_OBJECTS_H */

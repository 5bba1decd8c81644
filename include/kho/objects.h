/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Named memory objects: how the module describes them to its successor.
 *
 * This format is ours, not mainline's.  It hangs on the root FDT as the child
 * "kho-objects", whose preserved-data is the address of a struct
 * kho_objs_head.  From there:
 *
 *	head -> record page -> record page ...
 *	            |- record: name, size, the first extents
 *	                  '-> extent page -> extent page ...
 *
 * All pages named here, the head's own among them, are order-0 keys of the
 * tree.  The pages of an object are keys as well, of the largest orders that
 * the alignment of each extent allows.  Anything reserved is 0.
 *
 * A reader that meets another compatible string leaves the objects alone.
 */
#ifndef KHO_OBJECTS_H
#define KHO_OBJECTS_H

#include "abi.h"

#define KHO_OBJS_NODE		"kho-objects"
#define KHO_OBJS_COMPATIBLE	"kho-objects-v1"
#define KHO_OBJS_NAME_SIZE	64		/* with the final NUL */
#define KHO_OBJS_INLINE		5

struct kho_objs_head {
	__u8 compatible[16];
	__u32 page_shift;
	__u32 record_size;		/* of struct kho_objs_record */
	__u64 nr_objects;
	__u64 first;			/* the first record page, or 0 */
	__u64 reserved[3];
};

struct kho_objs_extent {
	__u64 addr;			/* of the first page */
	__u64 nr_pages;			/* at least 1 */
};

struct kho_objs_record {
	__u8 name[KHO_OBJS_NAME_SIZE];	/* NUL-padded; all NUL: slot is free */
	__u64 size;			/* bytes; the last page is padded with 0 */
	__u64 nr_extents;		/* all of them, here and in pages */
	__u64 more;			/* first extent page, or 0 */
	__u64 created;			/* seconds since 1970, UTC */
	__u64 generation;		/* handovers it has been through */
	__u64 reserved[9];
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

KHO_ABI_SIZE(struct kho_objs_record, 256);
KHO_ABI_OFFSET(struct kho_objs_record, name, 0);
KHO_ABI_OFFSET(struct kho_objs_record, size, 64);
KHO_ABI_OFFSET(struct kho_objs_record, nr_extents, 72);
KHO_ABI_OFFSET(struct kho_objs_record, more, 80);
KHO_ABI_OFFSET(struct kho_objs_record, created, 88);
KHO_ABI_OFFSET(struct kho_objs_record, generation, 96);
KHO_ABI_OFFSET(struct kho_objs_record, reserved, 104);
KHO_ABI_OFFSET(struct kho_objs_record, extents, 176);

KHO_ABI_SIZE(struct kho_objs_page, 64);
KHO_ABI_OFFSET(struct kho_objs_page, next, 0);
KHO_ABI_OFFSET(struct kho_objs_page, records, 64);

KHO_ABI_SIZE(struct kho_objs_extents, 16);
KHO_ABI_OFFSET(struct kho_objs_extents, next, 0);
KHO_ABI_OFFSET(struct kho_objs_extents, extents, 16);

#endif /* KHO_OBJECTS_H */

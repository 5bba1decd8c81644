/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a module leaves to the next one in the same kernel: the record of an upgrade.
 *
 * It is one page.  The next module finds it by an entry in the kernel's table of
 * resources (/proc/iomem), which the page contains as well.  Everything else that it
 * leads to is what the next kernel would read: setup page, FDT, tree, objects.
 *
 * A later version appends members, and a reader takes those that are missing as zero.
 * What a reader must not ignore gets a bit in @must: a reader that does not know the bit
 * leaves the record alone and does not load.
 */
#ifndef KHO_LEFT_H
#define KHO_LEFT_H

#include "abi.h"

/* Its name in /proc/iomem, and the type of its resource ("khol"). */
#define KHO_LEFT_NAME		"kho: left for the next kho.ko"
#define KHO_LEFT_DESC		0x6b686f6c

#define KHO_LEFT_MAGIC		0x7466656c2d6f686bULL	/* "kho-left" */
#define KHO_LEFT_VERSION	1
#define KHO_LEFT_MUST		0ULL			/* bits that are known */

/* Beyond @size, from this offset on, the page has the resource and its name. */
#define KHO_LEFT_RESOURCE	2048
#define KHO_LEFT_TEXT		3072

/* @flags */
#define KHO_LEFT_SHOWN		1U	/* an image may have the setup page's address */
#define KHO_LEFT_IMAGE		2U	/* a kernel is loaded: see @image */

struct kho_left {
	__u64 magic;
	__u32 version;
	/* Of this struct, in the module that wrote it. */
	__u32 size;
	/* Of the first @size bytes, with 0 here. */
	__u64 sum;
	__u64 must;
	/* Version of that module, for people. */
	__u8 by[32];
	__u32 page_shift;
	__u32 flags;

	/* The announcement: its page, and that of the FDT it leads to */
	__u64 setup;
	__u64 fdt;
	__u32 abi;
	__u32 handoff;

	/* Scratch in pages, and a chain of a bit per page that is set aside; 0: all are. */
	__u64 scratch_pfn;
	__u64 scratch_pages;
	__u64 scratch_held;

	/* Trees that only the module reads: pages by number, and the boot tree */
	__u64 raw_root;
	__u64 boot_root;

	/* Chain of the addresses of those records whose pages are pinned, and their number */
	__u64 pinned;
	__u64 nr_pinned;

	/* Chain of the pieces of RAM (first page, end) of the loaded kernel; their number */
	__u64 image;
	__u64 nr_image;
	__u64 image_limit;

	__u64 changes;
	__u64 released;

	/* What arrived when this kernel was started, as struct kho_query has it */
	__u32 arrival;
	__u32 arrival_kind;
	__u32 generation;
	__u32 release;
	__u64 release_pages;
	__u64 release_done;
	__u64 stub_pages;
	__u64 stub_extents;
	__u64 stub_usecs;
	__u8 arrival_error[128];
	__u8 previous_release[72];
};

/* One page of a chain */
struct kho_left_chain {
	__u64 next;
	__u64 bytes;
	__u8 data[];
};

/* FNV-1a: finds damage, and is no protection against intent. */
static inline __u64 kho_left_sum(const struct kho_left *left, __u32 size)
{
	const __u8 *bytes = (const __u8 *)left;
	__u64 sum = 0xcbf29ce484222325ULL;
	__u32 i, at = __builtin_offsetof(struct kho_left, sum);

	for (i = 0; i < size; i++) {
		sum ^= i - at < sizeof(left->sum) ? 0 : bytes[i];
		sum *= 0x100000001b3ULL;
	}
	return sum;
}

KHO_ABI_OFFSET(struct kho_left, sum, 16);
KHO_ABI_OFFSET(struct kho_left, must, 24);
KHO_ABI_OFFSET(struct kho_left, setup, 72);
KHO_ABI_OFFSET(struct kho_left, changes, 176);
KHO_ABI_OFFSET(struct kho_left, arrival_error, 248);
KHO_ABI_SIZE(struct kho_left, 448);
KHO_ABI_SIZE(struct kho_left_chain, 16);

/* Returns NULL, or why this module can't read the record. */
static inline const char *kho_left_check(const struct kho_left *left, __u32 page_shift)
{
	if (left->magic != KHO_LEFT_MAGIC)
		return "it is not a record";
	if (left->version != KHO_LEFT_VERSION)
		return "it has another version";
	if (left->size < __builtin_offsetof(struct kho_left, setup) ||
	    left->size > KHO_LEFT_RESOURCE || left->size % 8)
		return "it has an impossible size";
	if (left->sum != kho_left_sum(left, left->size))
		return "it is damaged";
	if (left->must & ~KHO_LEFT_MUST)
		return "it says things that only a newer module knows";
	if (left->page_shift != page_shift)
		return "it has another page size";
	return KHO_NULL;
}

#endif /* KHO_LEFT_H */

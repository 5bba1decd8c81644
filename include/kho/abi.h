/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Kexec Handover: what one kernel leaves in memory for the next one to read.
 *
 * This is mainline Linux's KHO ABI, "kho-v4" (7.2 and later) and "kho-v3"
 * (7.1).  In what this header describes, the two differ only in the string.
 * The ABI is a contract between kernels that may be years apart.  Nothing here may
 * change unless the compatible string changes too.
 *
 * The module, the boot stub, the tools and the tests all include this header,
 * so it depends only on fixed-width types.  Everything that depends on the page
 * size is a macro or function of the page shift, so that one program can handle
 * all three sizes.
 *
 * Numbers inside FDT properties are native-endian and may be misaligned.
 * Addresses are physical addresses in bytes, 0 meaning "none".
 */
#ifndef KHO_ABI_H
#define KHO_ABI_H

#include <linux/types.h>

/* Headers in this directory use no library. */
#define KHO_NULL		((void *)0)

/* ---- The root FDT: one page ---- */

#define KHO_ABI_V3		3
#define KHO_ABI_V4		4
#define KHO_ABI_DEFAULT		KHO_ABI_V4
#define KHO_COMPATIBLE_V1	"kho-v1"	/* 6.16 to 7.0: recognised, refused */
#define KHO_COMPATIBLE_V2	"kho-v2"	/* in no release: recognised, refused */
#define KHO_COMPATIBLE_V3	"kho-v3"
#define KHO_COMPATIBLE_V4	"kho-v4"

#define KHO_PROP_COMPATIBLE	"compatible"
/* Property of the root node, u64: physical address of the tree's root. */
#define KHO_PROP_MEMORY_MAP	"preserved-memory-map"
/* Properties of a child of the root, u64 each: its data's address and size in bytes. */
#define KHO_PROP_DATA		"preserved-data"
#define KHO_PROP_BLOB_SIZE	"blob-size"

/* ---- Child "kexec-metadata": which kernel this came from ---- */

#define KHO_METADATA_NODE	"kexec-metadata"
#define KHO_METADATA_VERSION	1
#define KHO_METADATA_RELEASE	65		/* bytes, with the final NUL */

struct kho_metadata {
	__u32 version;
	__u8 previous_release[KHO_METADATA_RELEASE];
	__u32 kexec_count;
} __attribute__((__packed__));

/* ---- The radix tree of preserved pages ---- */

/*
 * A key stands for 2^order pages at a physical address that is a multiple of the
 * block's size:
 *
 *	key = 1 << (64 - shift - order) | phys >> (shift + order)
 *
 * The single bit set above the address encodes the order, so that keys of all
 * orders share one tree, and a larger order has smaller keys.  An in-order walk
 * visits the highest order first.
 *
 * Interior nodes (levels depth-1 to 1) are pages of u64 physical addresses.  Leaves
 * (level 0) are pages of bits; bit n is in word n/64, with value 1 << n%64.  Nodes
 * are not keys of their own tree.
 */
#define KHO_KEY_WIDTH(shift)	(64 - (shift) + 1)
#define KHO_TABLE_BITS(shift)	((shift) - 3)
#define KHO_LEAF_BITS(shift)	((shift) + 3)
#define KHO_TREE_DEPTH(shift) \
	((KHO_KEY_WIDTH(shift) - KHO_LEAF_BITS(shift) + \
	  KHO_TABLE_BITS(shift) - 1) / KHO_TABLE_BITS(shift) + 1)
/* The largest order whose block size fits into 64 bits. */
#define KHO_MAX_ORDER(shift)	(63 - (shift))
/* The largest depth for any page size, which bounds the recursion of a walk. */
#define KHO_TREE_DEPTH_MAX	KHO_TREE_DEPTH(12)

_Static_assert(KHO_TREE_DEPTH(12) == 6, "4K pages: six levels");
/*
 * With keys one bit narrower, four levels would be enough for 16K pages.  7.1-rc1
 * to rc5 had four, and lost the order-0 marker (fixed by d64b0372760e "kho: fix
 * KHO_TREE_MAX_DEPTH for non-4KB page sizes").
 */
_Static_assert(KHO_TREE_DEPTH(14) == 5, "16K pages: five levels");
_Static_assert(KHO_TREE_DEPTH(16) == 4, "64K pages: four levels");

/*
 * Nodes as C types, for code with a single page size.  Such code defines
 * KHO_PAGE_SHIFT before it includes this header.
 */
#ifdef KHO_PAGE_SHIFT
struct kho_radix_node {
	__u64 table[1 << KHO_TABLE_BITS(KHO_PAGE_SHIFT)];
};

struct kho_radix_leaf {
	__u64 bitmap[1 << (KHO_LEAF_BITS(KHO_PAGE_SHIFT) - 6)];
};

_Static_assert(sizeof(struct kho_radix_node) == (1 << KHO_PAGE_SHIFT),
	       "a node is a page");
_Static_assert(sizeof(struct kho_radix_leaf) == (1 << KHO_PAGE_SHIFT),
	       "a leaf is a page");
#endif

/**
 * kho_key_valid() - is (@phys, @order) a possible key?
 * @shift: page shift, 12, 14 or 16
 * @phys: physical address in bytes
 * @order: log2 of the number of pages
 *
 * Return: 1 if @order exists and @phys is a multiple of the block's size.
 */
static inline int kho_key_valid(unsigned int shift, __u64 phys,
				unsigned int order)
{
	return order <= KHO_MAX_ORDER(shift) &&
	       !(phys & (((__u64)1 << (shift + order)) - 1));
}

/**
 * kho_key_encode() - the key of a block of pages
 * @shift: page shift
 * @phys: physical address in bytes, a multiple of the block's size
 * @order: log2 of the number of pages, at most KHO_MAX_ORDER(@shift)
 *
 * Return: the key.
 */
static inline __u64 kho_key_encode(unsigned int shift, __u64 phys,
				   unsigned int order)
{
	return (__u64)1 << (64 - shift - order) | phys >> (shift + order);
}

/**
 * kho_key_order() - the order that a key encodes
 * @shift: page shift
 * @key: the key
 *
 * Return: the order, or -1 for a key that stands for no block: 0, one wider
 * than KHO_KEY_WIDTH(@shift), or one of an order above KHO_MAX_ORDER(@shift).
 */
static inline int kho_key_order(unsigned int shift, __u64 key)
{
	int bit;

	if (!key)
		return -1;
	bit = 63 - __builtin_clzll(key);
	if (bit > 64 - (int)shift || bit < 1)
		return -1;
	return 64 - (int)shift - bit;
}

/**
 * kho_key_phys() - the address that a key stands for
 * @shift: page shift
 * @key: the key
 * @order: the result of kho_key_order() for @key, not -1
 *
 * Return: the physical address in bytes.
 */
static inline __u64 kho_key_phys(unsigned int shift, __u64 key,
				 unsigned int order)
{
	/* The bit that encodes the order is shifted out at the top. */
	return key << (shift + order);
}

/**
 * kho_key_index() - the slot in a node that leads to a key
 * @shift: page shift
 * @key: the key
 * @level: level of the node, 0 for leaves
 *
 * Return: index into the node's table, or the number of the bit in the leaf.
 */
static inline unsigned int kho_key_index(unsigned int shift, __u64 key,
					 unsigned int level)
{
	if (!level)
		return key & (((__u64)1 << KHO_LEAF_BITS(shift)) - 1);
	key >>= KHO_LEAF_BITS(shift) + (level - 1) * KHO_TABLE_BITS(shift);
	return key & (((__u64)1 << KHO_TABLE_BITS(shift)) - 1);
}

/* ---- Scratch: where the next kernel and its early memory may lie ---- */

/*
 * The kernel has this too since 6.16, in one of two headers.  If you need both, include
 * the kernel's first.
 */
#if !defined(LINUX_KEXEC_HANDOVER_H) && !defined(__ASM_GENERIC_KEXEC_HANDOVER_H)
struct kho_scratch {
	__u64 addr;
	__u64 size;
};
#endif

/* ---- x86: the setup_data node that leads to all this ---- */

/*
 * The kernel's own header defines these since 6.16.  If you need both headers,
 * include the kernel's first.
 */
#ifndef SETUP_KEXEC_KHO
#define SETUP_KEXEC_KHO		10

struct kho_data {
	__u64 fdt_addr;
	__u64 fdt_size;
	__u64 scratch_addr;		/* an array of struct kho_scratch */
	__u64 scratch_size;		/* the array's size in bytes */
} __attribute__((__packed__));
#endif

/* struct setup_data of the boot protocol, without its flexible member. */
struct kho_setup_node {
	__u64 next;
	__u32 type;
	__u32 len;			/* of what follows */
};

#define KHO_SETUP_NONE		0		/* SETUP_NONE: skipped by all */
#define KHO_SETUP_INDIRECT	0x80000000U	/* SETUP_INDIRECT */
#define KHO_SETUP_DATA_OFFSET	0x250		/* of hdr.setup_data in a bzImage */

/* ---- x86: envelopes, for kernels that know nothing of all this ---- */

/*
 * After the node of type SETUP_KEXEC_KHO come nodes of type SETUP_INDIRECT.  Every
 * kernel since about 5.6 keeps KASLR and its page allocator away from the range
 * that such a node points to.  Our nodes point to envelopes: few and large ranges
 * that contain all preserved pages, tree nodes and blobs, and much else, but no
 * scratch.
 *
 * The inner type identifies a node as ours.  Once the envelopes have been read, the
 * outer type is changed, because sysfs shows the content of SETUP_INDIRECT ranges.
 */
struct kho_setup_indirect {
	__u32 type;			/* KHO_SETUP_ENVELOPE */
	__u32 reserved;			/* 0 */
	__u64 len;
	__u64 addr;
};

#define KHO_SETUP_ENVELOPE	0x4b484f45U	/* inside: "KHOE" */
#define KHO_SETUP_SEALED	0x4b484f53U	/* outside, once read: "KHOS" */
#define KHO_SETUP_TAKEN		0x4b484f54U	/* was SETUP_KEXEC_KHO: "KHOT" */

/**
 * kho_setup_seal() - stop sysfs from showing the content of an envelope
 * @setup: a setup_data node of type SETUP_INDIRECT, writable in full
 *
 * Return: 1 if it was an envelope and is now sealed, 0 if it is none.
 */
static inline int kho_setup_seal(void *setup)
{
	struct kho_setup_node *node = (struct kho_setup_node *)setup;
	struct kho_setup_indirect *inner = (struct kho_setup_indirect *)(node + 1);

	if (node->len < sizeof(*inner) || inner->type != KHO_SETUP_ENVELOPE)
		return 0;
	node->type = KHO_SETUP_SEALED;
	return 1;
}

/*
 * The kernel can reserve only 128 ranges that early, needs some of them for itself,
 * and does not report a failure.
 */
#define KHO_ENVELOPES_MAX	64
/* Envelopes begin and end at multiples of this size, or where RAM does. */
#define KHO_ENVELOPE_SHIFT	21

/* ---- Device tree: properties of /chosen, <address size> each ---- */

#define KHO_CHOSEN_FDT		"linux,kho-fdt"
#define KHO_CHOSEN_SCRATCH	"linux,kho-scratch"

/* ---- A preserved vmalloc area ---- */

#define KHO_VMALLOC_ALLOC	0x0001		/* VM_ALLOC */
#define KHO_VMALLOC_HUGE	0x0002		/* VM_ALLOW_HUGE_VMAP */

struct kho_vmalloc {
	__u64 first;			/* physical address of the first chunk */
	__u32 total_pages;
	__u16 flags;
	__u16 order;			/* each address is 2^order pages */
};

/* One page.  Its addresses end at the first 0 or at the end of the page. */
struct kho_vmalloc_chunk {
	__u64 next;
	__u64 phys[];
};

#define KHO_VMALLOC_CHUNK_ENTRIES(shift) \
	((((__u64)1 << (shift)) - 8) / 8)

/* ---- What every reader may rely on ---- */

#define KHO_ABI_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), #type " has another size")
#define KHO_ABI_OFFSET(type, member, bytes) \
	_Static_assert(__builtin_offsetof(type, member) == (bytes), \
		       #type "." #member " has moved")

KHO_ABI_SIZE(struct kho_metadata, 73);
KHO_ABI_OFFSET(struct kho_metadata, version, 0);
KHO_ABI_OFFSET(struct kho_metadata, previous_release, 4);
KHO_ABI_OFFSET(struct kho_metadata, kexec_count, 69);

KHO_ABI_SIZE(struct kho_scratch, 16);
KHO_ABI_OFFSET(struct kho_scratch, addr, 0);
KHO_ABI_OFFSET(struct kho_scratch, size, 8);

KHO_ABI_SIZE(struct kho_data, 32);
KHO_ABI_OFFSET(struct kho_data, fdt_addr, 0);
KHO_ABI_OFFSET(struct kho_data, fdt_size, 8);
KHO_ABI_OFFSET(struct kho_data, scratch_addr, 16);
KHO_ABI_OFFSET(struct kho_data, scratch_size, 24);

KHO_ABI_SIZE(struct kho_setup_node, 16);
KHO_ABI_OFFSET(struct kho_setup_node, next, 0);
KHO_ABI_OFFSET(struct kho_setup_node, type, 8);
KHO_ABI_OFFSET(struct kho_setup_node, len, 12);

KHO_ABI_SIZE(struct kho_setup_indirect, 24);
KHO_ABI_OFFSET(struct kho_setup_indirect, type, 0);
KHO_ABI_OFFSET(struct kho_setup_indirect, reserved, 4);
KHO_ABI_OFFSET(struct kho_setup_indirect, len, 8);
KHO_ABI_OFFSET(struct kho_setup_indirect, addr, 16);

KHO_ABI_SIZE(struct kho_vmalloc, 16);
KHO_ABI_OFFSET(struct kho_vmalloc, first, 0);
KHO_ABI_OFFSET(struct kho_vmalloc, total_pages, 8);
KHO_ABI_OFFSET(struct kho_vmalloc, flags, 12);
KHO_ABI_OFFSET(struct kho_vmalloc, order, 14);

KHO_ABI_SIZE(struct kho_vmalloc_chunk, 8);
KHO_ABI_OFFSET(struct kho_vmalloc_chunk, phys, 8);

#endif /* KHO_ABI_H */

/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/kho: preserving memory across kexec, for userspace.
 *
 * Every command takes a pointer to a struct whose first member is its size in
 * bytes, set by the caller.  A caller older than the kernel passes a shorter
 * struct and gets what it knows; a newer one passes a longer struct, and the
 * unknown tail has to be zero.  Reserved members and unknown flags have to be
 * zero as well.  The structs are the same for 32-bit callers.
 *
 * Commands that list things share a convention: first is the index of the
 * first entry wanted, count the room in entries, and on return count is the
 * number of entries filled and total how many there are.  Lists may change
 * between two calls; struct kho_query tells by its "changes".
 *
 * A command fails with -1 and one of these in errno:
 *
 *	ENOTTY		no such command
 *	E2BIG		the struct is newer than the kernel: non-zero tail
 *	EINVAL		a member has a value it can't have, is misaligned, or
 *			the struct is too short
 *	EOPNOTSUPP	a flag or reserved member is not zero
 *	EFAULT		a pointer can't be read or written
 *	EPERM		the caller lacks CAP_SYS_ADMIN, or the kernel is locked
 *			down so that the handover could never happen
 *	ENXIO		no such page: a hole, offline, or no RAM
 *	EADDRNOTAVAIL	the page is free, reserved, poisoned, or the last of RAM
 *	EBUSY		the page is in scratch, overlaps a preserved page, or
 *			belongs to an object; the object is open
 *	EEXIST		that page is preserved already; the name is taken
 *	ENOENT		that page is not preserved; no such object
 *	ERANGE		the page number has more bits than an address
 *	ENAMETOOLONG	the name has more than 63 bytes
 *	ENOMEM		not enough memory; nothing has changed
 *	EINTR		a fatal signal came; nothing has changed
 *	ESHUTDOWN	the machine is going down: nothing may change any more
 *
 * Whatever the error, nothing that was preserved is lost and nothing half-done
 * stays behind.  The kernel log names the member and the value.
 */
#ifndef _UAPI_LINUX_KHO_H
#define _UAPI_LINUX_KHO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KHO_IOCTL_TYPE		0xBB
#define KHO_UAPI_VERSION	1
#define KHO_NAME_SIZE		64	/* with the final NUL */

enum {
	KHO_CMD_BASE = 0x40,
	KHO_CMD_QUERY = KHO_CMD_BASE,
	KHO_CMD_PAGE_ADD,
	KHO_CMD_PAGE_DEL,
	KHO_CMD_BATCH_ADD,
	KHO_CMD_BATCH_DEL,
	KHO_CMD_PAGE_OPEN,
	KHO_CMD_PAGE_LIST,
	KHO_CMD_OBJ_CREATE,
	KHO_CMD_OBJ_OPEN,
	KHO_CMD_OBJ_REMOVE,
	KHO_CMD_OBJ_LIST,
	KHO_CMD_META_READ,
	KHO_CMD_ENVELOPE_LIST,
	KHO_CMD_SUBTREE_LIST,
};

/* Features: bits of kho_query.features */
#define KHO_FEATURE_PAGES	(1ULL << 0)	/* PAGE_* and BATCH_* */
#define KHO_FEATURE_OBJECTS	(1ULL << 1)	/* OBJ_* */
#define KHO_FEATURE_META	(1ULL << 2)	/* META_READ */
#define KHO_FEATURE_ENVELOPES	(1ULL << 3)	/* ENVELOPE_LIST; unpatched successors */
#define KHO_FEATURE_SUBTREES	(1ULL << 4)	/* SUBTREE_LIST */

/* What became of a handover from the kernel before: kho_query.arrival */
enum {
	KHO_ARRIVAL_NONE = 0,		/* nothing was sent */
	KHO_ARRIVAL_TAKEN = 1,		/* arrived and taken over */
	KHO_ARRIVAL_REFUSED = 2,	/* refused: see arrival_error */
	KHO_ARRIVAL_OFF = 3,		/* turned off by kho=off or in kdump */
};

/* How what arrived was kept until the module came: kho_query.arrival_kind */
enum {
	KHO_KIND_NONE = 0,		/* nothing arrived */
	KHO_KIND_STUB = 1,		/* page by page, by the boot stub */
	KHO_KIND_ENVELOPES = 2,		/* in envelopes, by a kernel without KHO */
	KHO_KIND_KERNEL = 3,		/* by the kernel's own KHO */
};

/* Whose tree holds what is preserved: kho_query.backend */
enum {
	KHO_BACKEND_MODULE = 0,		/* the module's, by khoctl load */
	KHO_BACKEND_KERNEL = 1,		/* that of the kernel's own KHO, by kexec -s */
};

/*
 * What became of the pages in the envelopes that arrived which are not
 * preserved: kho_query.release
 */
enum {
	KHO_RELEASE_NONE = 0,		/* there were no envelopes */
	KHO_RELEASE_RUNNING = 1,	/* they are being given back */
	KHO_RELEASE_DONE = 2,		/* all have been given back */
	KHO_RELEASE_KEPT = 3,		/* kept: the handover was refused */
};

/**
 * struct kho_query - ioctl(KHO_QUERY)
 */
struct kho_query {
	/** @size: sizeof(struct kho_query). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @uapi_version: out: KHO_UAPI_VERSION of the module. */
	__u32 uapi_version;
	/** @abi: out: KHO ABI that the successor must speak: 3 or 4. */
	__u32 abi;
	/** @features: out: KHO_FEATURE_* bits. */
	__aligned_u64 features;
	/** @page_size: out: bytes. */
	__u32 page_size;
	/** @frozen: out: 1 once the machine is going down. */
	__u32 frozen;
	/** @changes: out: grows with each change to what is preserved. */
	__aligned_u64 changes;

	/** @setup_addr: out: physical address of the setup_data node, 0: none. */
	__aligned_u64 setup_addr;
	/** @fdt_addr: out: physical address of the root FDT. */
	__aligned_u64 fdt_addr;
	/** @fdt_size: out: bytes. */
	__aligned_u64 fdt_size;
	/** @root_addr: out: physical address of the tree's root node. */
	__aligned_u64 root_addr;
	/** @scratch_addr: out: physical address of the scratch area. */
	__aligned_u64 scratch_addr;
	/** @scratch_size: out: bytes. */
	__aligned_u64 scratch_size;

	/** @preserved_pages: out: base pages marked in the tree, all owners. */
	__aligned_u64 preserved_pages;
	/** @raw_pages: out: of these, base pages that PAGE_ADD marked here. */
	__aligned_u64 raw_pages;
	/** @arrived_pages: out: of these, base pages that arrived by PAGE_ADD. */
	__aligned_u64 arrived_pages;
	/** @objects: out: named objects. */
	__aligned_u64 objects;
	/** @object_pages: out: their base pages, without metadata. */
	__aligned_u64 object_pages;
	/** @arrived_objects: out: of the objects, those that arrived. */
	__aligned_u64 arrived_objects;
	/** @meta_pages: out: pages used for the tree, the FDT and records. */
	__aligned_u64 meta_pages;
	/** @released_pages: out: base pages given back since the module loaded. */
	__aligned_u64 released_pages;

	/** @arrival: out: KHO_ARRIVAL_*. */
	__u32 arrival;
	/** @generation: out: handovers that led to this kernel. */
	__u32 generation;
	/** @stub_pages: out: base pages that the boot stub kept. */
	__aligned_u64 stub_pages;
	/** @stub_extents: out: physically contiguous pieces of these. */
	__aligned_u64 stub_extents;
	/** @stub_usecs: out: microseconds that the boot stub took. */
	__aligned_u64 stub_usecs;
	/** @arrival_error: out: why it was refused, else empty. */
	__u8 arrival_error[128];
	/** @previous_release: out: release of the kernel before, or empty. */
	__u8 previous_release[72];

	/** @arrival_kind: out: KHO_KIND_*. */
	__u32 arrival_kind;
	/** @backend: out: KHO_BACKEND_*. */
	__u32 backend;
	/** @release: out: KHO_RELEASE_*. */
	__u32 release;
	/** @envelopes: out: how many there are for the next kernel. */
	__u32 envelopes;
	/** @envelope_pages: out: base pages of RAM inside them. */
	__aligned_u64 envelope_pages;
	/** @ram_pages: out: base pages of RAM that the machine has. */
	__aligned_u64 ram_pages;
	/** @release_pages: out: base pages to be given back after arrival. */
	__aligned_u64 release_pages;
	/** @release_done: out: of these, how many have been. */
	__aligned_u64 release_done;
};
#define KHO_QUERY _IO(KHO_IOCTL_TYPE, KHO_CMD_QUERY)

/**
 * struct kho_page - ioctl(KHO_PAGE_ADD, KHO_PAGE_DEL)
 *
 * ADD preserves 2^order pages.  Each of them has to be RAM that is online and
 * in use, and no part of scratch.  They keep a reference until DEL or until
 * the next kernel, so they can be neither freed nor moved.
 *
 * DEL gives up exactly what one ADD preserved, in this kernel or one before.
 * Pages of objects are not DEL's to give up.
 */
struct kho_page {
	/** @size: sizeof(struct kho_page). */
	__u32 size;
	/** @order: log2 of the number of pages. */
	__u32 order;
	/** @pfn: number of the first page, a multiple of 2^order. */
	__aligned_u64 pfn;
};
#define KHO_PAGE_ADD _IO(KHO_IOCTL_TYPE, KHO_CMD_PAGE_ADD)
#define KHO_PAGE_DEL _IO(KHO_IOCTL_TYPE, KHO_CMD_PAGE_DEL)

#define KHO_PAGE_ARRIVED	(1U << 0)	/* came from the kernel before */

/**
 * struct kho_page_entry - one element of a batch or a list
 */
struct kho_page_entry {
	/** @pfn: number of the first page. */
	__aligned_u64 pfn;
	/** @order: log2 of the number of pages. */
	__u32 order;
	/** @flags: 0 in a batch; KHO_PAGE_ARRIVED in a list. */
	__u32 flags;
};

#define KHO_BATCH_MAX		(1U << 20)

/**
 * struct kho_batch - ioctl(KHO_BATCH_ADD, KHO_BATCH_DEL)
 *
 * All or nothing: if one element fails, none is added or deleted.
 */
struct kho_batch {
	/** @size: sizeof(struct kho_batch). */
	__u32 size;
	/** @count: number of elements, 1 to KHO_BATCH_MAX. */
	__u32 count;
	/** @entries: pointer to count of struct kho_page_entry. */
	__aligned_u64 entries;
	/** @failed: out: index of the first that failed, or count. */
	__u32 failed;
	/** @reserved: must be 0. */
	__u32 reserved;
};
#define KHO_BATCH_ADD _IO(KHO_IOCTL_TYPE, KHO_CMD_BATCH_ADD)
#define KHO_BATCH_DEL _IO(KHO_IOCTL_TYPE, KHO_CMD_BATCH_DEL)

/**
 * struct kho_page_open - ioctl(KHO_PAGE_OPEN)
 *
 * Opens pages that arrived by KHO_PAGE_ADD in a kernel before, for read,
 * write and mmap without a copy.  What was added in this kernel can't be
 * opened: it has an owner already.  The file keeps the pages even past DEL.
 */
struct kho_page_open {
	/** @size: sizeof(struct kho_page_open). */
	__u32 size;
	/** @order: log2 of the number of pages, as it was added. */
	__u32 order;
	/** @pfn: number of the first page. */
	__aligned_u64 pfn;
	/** @flags: must be 0. */
	__u32 flags;
	/** @fd: out: file descriptor, close-on-exec. */
	__s32 fd;
};
#define KHO_PAGE_OPEN _IO(KHO_IOCTL_TYPE, KHO_CMD_PAGE_OPEN)

/**
 * struct kho_page_list - ioctl(KHO_PAGE_LIST)
 *
 * Lists what KHO_PAGE_ADD preserved here and in kernels before.
 */
struct kho_page_list {
	/** @size: sizeof(struct kho_page_list). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @first: index of the first entry wanted. */
	__aligned_u64 first;
	/** @entries: pointer to count of struct kho_page_entry. */
	__aligned_u64 entries;
	/** @count: in: room; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: entries that there are. */
	__aligned_u64 total;
};
#define KHO_PAGE_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_PAGE_LIST)

/**
 * struct kho_obj_create - ioctl(KHO_OBJ_CREATE)
 *
 * Makes a named object of zeroed memory that outlives its maker.  The file is
 * for read, write and mmap; its size is fixed.
 */
struct kho_obj_create {
	/** @size: sizeof(struct kho_obj_create). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @bytes: size of the object, at least 1. */
	__aligned_u64 bytes;
	/** @name: 1 to 63 bytes without '/' and control characters, NUL-padded. */
	__u8 name[KHO_NAME_SIZE];
	/** @fd: out: file descriptor, close-on-exec. */
	__s32 fd;
	/** @reserved: must be 0. */
	__u32 reserved;
};
#define KHO_OBJ_CREATE _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_CREATE)

/**
 * struct kho_obj_name - ioctl(KHO_OBJ_OPEN, KHO_OBJ_REMOVE)
 *
 * REMOVE gives the pages back to the page allocator at once; it is refused
 * with EBUSY while the object is open or mapped anywhere.
 */
struct kho_obj_name {
	/** @size: sizeof(struct kho_obj_name). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @name: of the object, NUL-padded. */
	__u8 name[KHO_NAME_SIZE];
	/** @bytes: out: size of the object. */
	__aligned_u64 bytes;
	/** @fd: out, OBJ_OPEN only: file descriptor, close-on-exec. */
	__s32 fd;
	/** @reserved: must be 0. */
	__u32 reserved;
};
#define KHO_OBJ_OPEN _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_OPEN)
#define KHO_OBJ_REMOVE _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_REMOVE)

#define KHO_OBJ_ARRIVED		(1U << 0)	/* came from the kernel before */
#define KHO_OBJ_BUSY		(1U << 1)	/* is open or mapped */

/**
 * struct kho_obj_entry - one element of KHO_OBJ_LIST
 */
struct kho_obj_entry {
	/** @name: NUL-padded. */
	__u8 name[KHO_NAME_SIZE];
	/** @bytes: size of the object. */
	__aligned_u64 bytes;
	/** @pages: base pages. */
	__aligned_u64 pages;
	/** @extents: physically contiguous pieces. */
	__aligned_u64 extents;
	/** @created: seconds since 1970, UTC. */
	__aligned_u64 created;
	/** @generation: handovers it has been through. */
	__u32 generation;
	/** @flags: KHO_OBJ_*. */
	__u32 flags;
};

/**
 * struct kho_obj_list - ioctl(KHO_OBJ_LIST)
 *
 * Lists the objects, oldest first.
 */
struct kho_obj_list {
	/** @size: sizeof(struct kho_obj_list). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @first: index of the first entry wanted. */
	__aligned_u64 first;
	/** @entries: pointer to count of struct kho_obj_entry. */
	__aligned_u64 entries;
	/** @count: in: room; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: entries that there are. */
	__aligned_u64 total;
};
#define KHO_OBJ_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_LIST)

/* Kinds of metadata pages */
enum {
	KHO_META_SETUP = 1,		/* setup_data node and scratch array */
	KHO_META_FDT = 2,		/* root FDT */
	KHO_META_NODE = 3,		/* node of the tree */
	KHO_META_BLOB = 4,		/* what a child of the root FDT leads to */
};

/**
 * struct kho_meta_entry - one element of KHO_META_READ
 */
struct kho_meta_entry {
	/** @addr: physical address of the page. */
	__aligned_u64 addr;
	/** @kind: KHO_META_*. */
	__u32 kind;
	/** @level: of a node; 0 is a leaf. */
	__u32 level;
};

/**
 * struct kho_meta_read - ioctl(KHO_META_READ)
 *
 * Copies the pages that describe what is preserved, as the next kernel would
 * read them.  None of what is preserved is in them.
 */
struct kho_meta_read {
	/** @size: sizeof(struct kho_meta_read). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @first: index of the first entry wanted. */
	__aligned_u64 first;
	/** @entries: pointer to count of struct kho_meta_entry. */
	__aligned_u64 entries;
	/** @count: in: room; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: entries that there are. */
	__aligned_u64 total;
	/** @pages: pointer to count pages of kho_query.page_size bytes. */
	__aligned_u64 pages;
};
#define KHO_META_READ _IO(KHO_IOCTL_TYPE, KHO_CMD_META_READ)

#define KHO_ENVELOPE_ARRIVED	(1U << 0)

/**
 * struct kho_envelope_entry - one element of KHO_ENVELOPE_LIST
 */
struct kho_envelope_entry {
	/** @addr: physical address. */
	__aligned_u64 addr;
	/** @bytes: how long it is. */
	__aligned_u64 bytes;
};

/**
 * struct kho_envelope_list - ioctl(KHO_ENVELOPE_LIST)
 *
 * An unpatched kernel keeps all memory inside the envelopes until its module
 * has taken over what is preserved in them.  They rise by address and have
 * gaps between them.
 */
struct kho_envelope_list {
	/** @size: sizeof(struct kho_envelope_list). */
	__u32 size;
	/** @flags: KHO_ENVELOPE_ARRIVED: those that arrived; 0: those to be sent. */
	__u32 flags;
	/** @first: index of the first entry wanted. */
	__aligned_u64 first;
	/** @entries: pointer to count of struct kho_envelope_entry. */
	__aligned_u64 entries;
	/** @count: in: room; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: entries that there are. */
	__aligned_u64 total;
};
#define KHO_ENVELOPE_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_ENVELOPE_LIST)

#define KHO_SUBTREE_OWN		(1U << 0)	/* the module's own */
#define KHO_SUBTREE_CARRIED	(1U << 1)	/* arrived, and is carried on */

/**
 * struct kho_subtree_entry - one element of KHO_SUBTREE_LIST
 */
struct kho_subtree_entry {
	/** @name: NUL-padded. */
	__u8 name[32];
	/** @addr: physical address of its data. */
	__aligned_u64 addr;
	/** @bytes: of the data. */
	__aligned_u64 bytes;
	/** @flags: KHO_SUBTREE_*. */
	__u32 flags;
	/** @reserved: 0. */
	__u32 reserved;
};

/**
 * struct kho_subtree_list - ioctl(KHO_SUBTREE_LIST)
 *
 * What the next kernel finds by name: children of the root FDT.  What arrived
 * and means nothing to the module is carried on untouched.
 */
struct kho_subtree_list {
	/** @size: sizeof(struct kho_subtree_list). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @first: index of the first entry wanted. */
	__aligned_u64 first;
	/** @entries: pointer to count of struct kho_subtree_entry. */
	__aligned_u64 entries;
	/** @count: in: room; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: entries that there are. */
	__aligned_u64 total;
};
#define KHO_SUBTREE_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_SUBTREE_LIST)

#endif /* _UAPI_LINUX_KHO_H */

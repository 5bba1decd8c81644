/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/kho: preserving memory across kexec, for userspace.
 *
 * Everybody who may open the device may use objects, within the limits of each object's
 * owner, group and mode.  For a caller that may neither read nor write an object, it does
 * not exist, unless the caller owns it.  PAGE_*, BATCH_*, META_READ, ENVELOPE_LIST,
 * SUBTREE_LIST, HANDOFF, SCRATCH, IMAGE and UPGRADE, and the addresses in struct
 * kho_query, require CAP_SYS_ADMIN.
 *
 * The commands from OBJ_COMMIT to OBJ_VERIFY are for the file of an object, all others
 * are for the device.
 *
 * Every command takes a pointer to a struct.  The caller sets its first member to the
 * size of the struct in bytes.  A caller older than the module passes a shorter struct
 * and gets the members that it knows.  A newer caller passes a longer struct; all bytes
 * that the module does not know must be zero.  Reserved members and unknown flags must be
 * zero as well.  The structs are the same for 32-bit callers.
 *
 * Commands that list things share a convention: first is the index of the first entry
 * wanted, and count the number of entries that there is room for.  On return, count is
 * the number of entries filled, and total the length of the list.  Lists may change
 * between two calls; if so, kho_query.changes has changed too.
 *
 * A command fails with -1 and one of these in errno:
 *
 *	ENOTTY		no such command
 *	E2BIG		the struct is newer than the module: non-zero tail
 *	EINVAL		a member has an invalid value, or the struct is too short
 *	EOPNOTSUPP	an unknown flag or a reserved member is not zero
 *	EFAULT		a pointer can't be read or written
 *	EPERM		no CAP_SYS_ADMIN, not the owner, sealed, or locked down
 *	ENXIO		no such page: a hole, offline, or not RAM
 *	EADDRNOTAVAIL	the page is free, reserved, poisoned, the last of RAM, or
 *			below 2 MiB; or the kernel that is loaded will not have it
 *	EREMOTE		a driver has added the memory: virtio-mem, CXL and the like
 *	EBUSY		the page is in scratch, preserved, or leads to what is; the object
 *			is open; SCRATCH: a kernel is loaded
 *	EEXIST		that page is preserved already; the name is in use
 *	ENOENT		that page is not preserved; no such object; IMAGE: nothing is
 *			handed over to what was loaded
 *	ERANGE		the page number has more bits than an address
 *	ENAMETOOLONG	the name has more than 63 bytes
 *	ENOMEM		not enough memory, or the memory cgroup's limit was reached;
 *			nothing has changed
 *	EINTR		a fatal signal arrived; nothing has changed
 *	ESHUTDOWN	the machine is going down, or about to resume from hibernation:
 *			nothing may change any more
 *	EACCES		the object's mode, or the memory's mapping, does not allow it
 *	EBADF		the object's file is not open for writing
 *	EDQUOT		more than the caller's RLIMIT_MEMLOCK allows
 *	ENODATA		the object has no checksum, or has been open for writing since
 *	ENODEV		the memory is a device's
 *	EMEDIUMTYPE	the memory is a file system's page cache
 *	EXDEV		the memory is a file's on a DAX device
 *	EKEYREJECTED	the memory is secret: of memfd_secret() or guest_memfd
 *	ESTALE		the memory was mapped or truncated during the call; IMAGE:
 *			memory was added or removed
 *	EIO		the data lies in a poisoned page
 *
 * An error never loses anything that was preserved, and leaves nothing half done.
 * The kernel log names the member and its value.
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
	KHO_CMD_OBJ_PRESERVE,
	KHO_CMD_OBJ_COMMIT,
	KHO_CMD_OBJ_SEAL,
	KHO_CMD_OBJ_RESIZE,
	KHO_CMD_OBJ_SET_DATA,
	KHO_CMD_OBJ_GET_DATA,
	KHO_CMD_OBJ_SET_OWNER,
	KHO_CMD_OBJ_INFO,
	KHO_CMD_OBJ_VERIFY,
	KHO_CMD_OBJ_INFO_LIST,
	KHO_CMD_HANDOFF,
	KHO_CMD_SCRATCH,
	KHO_CMD_IMAGE,
	KHO_CMD_UPGRADE = KHO_CMD_BASE + 0x20,
};

/* Features: bits of kho_query.features */
#define KHO_FEATURE_PAGES	(1ULL << 0)	/* PAGE_* and BATCH_* */
#define KHO_FEATURE_OBJECTS	(1ULL << 1)	/* OBJ_* */
#define KHO_FEATURE_META	(1ULL << 2)	/* META_READ */
#define KHO_FEATURE_ENVELOPES	(1ULL << 3)	/* ENVELOPE_LIST; unpatched next kernels */
#define KHO_FEATURE_SUBTREES	(1ULL << 4)	/* SUBTREE_LIST */
#define KHO_FEATURE_AGENTS	(1ULL << 5)	/* OBJ_PRESERVE to OBJ_INFO_LIST */
#define KHO_FEATURE_HANDOFF	(1ULL << 6)	/* HANDOFF */
#define KHO_FEATURE_SCRATCH	(1ULL << 7)	/* SCRATCH */
#define KHO_FEATURE_IMAGE	(1ULL << 8)	/* IMAGE */
#define KHO_FEATURE_GROW	(1ULL << 9)	/* SCRATCH makes scratch larger */
/* Private memory stays the object's whatever mprotect() and fork() do: kernels from 5.19 on */
#define KHO_FEATURE_PRIVATE	(1ULL << 10)
#define KHO_FEATURE_UPGRADE	(1ULL << 16)	/* UPGRADE; poll() on the device */
#define KHO_FEATURE_FILE_LOAD	(1ULL << 17)	/* KHO_IMAGE_BY_FILE */

/* What became of a handover from the previous kernel: kho_query.arrival */
enum {
	KHO_ARRIVAL_NONE = 0,		/* nothing was sent */
	KHO_ARRIVAL_TAKEN = 1,		/* arrived and taken over */
	KHO_ARRIVAL_REFUSED = 2,	/* refused: see arrival_error */
	KHO_ARRIVAL_OFF = 3,		/* turned off by kho=off or in kdump */
};

/* How what arrived was kept until the module was loaded: kho_query.arrival_kind */
enum {
	KHO_KIND_NONE = 0,		/* nothing arrived */
	KHO_KIND_STUB = 1,		/* page by page, by the boot stub */
	KHO_KIND_ENVELOPES = 2,		/* in envelopes, by a kernel without KHO */
	KHO_KIND_KERNEL = 3,		/* by in-kernel KHO */
};

/* Who hands over what is preserved: kho_query.backend */
enum {
	KHO_BACKEND_MODULE = 0,		/* the module; load a kernel with khoctl load */
	KHO_BACKEND_KERNEL = 1,		/* in-kernel KHO; load a kernel with kexec -s */
};

/*
 * State of the pages in incoming envelopes that are not preserved and are trimmed:
 * kho_query.release
 */
enum {
	KHO_RELEASE_NONE = 0,		/* there were no envelopes */
	KHO_RELEASE_RUNNING = 1,	/* they are being freed */
	KHO_RELEASE_DONE = 2,		/* all have been freed */
	KHO_RELEASE_KEPT = 3,		/* kept: the handover was refused */
};

/* What the next kernel itself is told: kho_handoff.how and kho_query.handoff */
enum {
	KHO_HANDOFF_EXACT = 0,		/* each page */
	KHO_HANDOFF_ENVELOPES = 1,	/* the envelopes; its module is told each page */
};

/* The kernel that kexec has loaded: kho_image.state and kho_query.image */
enum {
	KHO_IMAGE_NONE = 0,		/* none, as far as IMAGE has said */
	KHO_IMAGE_BEGUN = 1,		/* one is about to be loaded */
	KHO_IMAGE_LOADED = 2,		/* one is loaded */
	KHO_IMAGE_STALE = 3,		/* memory was added or removed since: load it again */
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
	/** @abi: out: KHO ABI version that the next kernel must support: 3 or 4. */
	__u32 abi;
	/** @features: out: KHO_FEATURE_* bits. */
	__aligned_u64 features;
	/** @page_size: out: bytes. */
	__u32 page_size;
	/** @frozen: out: 1 once the machine is going down. */
	__u32 frozen;
	/** @changes: out: grows with each change to what is preserved. */
	__aligned_u64 changes;

	/** @setup_addr: out: physical address of the setup_data node, or 0. */
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

	/** @preserved_pages: out: base pages that are preserved, of all owners. */
	__aligned_u64 preserved_pages;
	/** @raw_pages: out: of these, base pages preserved by PAGE_ADD in this kernel. */
	__aligned_u64 raw_pages;
	/** @arrived_pages: out: base pages that arrived and belong to no object. */
	__aligned_u64 arrived_pages;
	/** @objects: out: number of objects. */
	__aligned_u64 objects;
	/** @object_pages: out: base pages of objects, without metadata. */
	__aligned_u64 object_pages;
	/** @arrived_objects: out: of the objects, those that arrived. */
	__aligned_u64 arrived_objects;
	/** @meta_pages: out: pages used for the tree, the FDT and records. */
	__aligned_u64 meta_pages;
	/** @released_pages: out: base pages given up since the module was loaded. */
	__aligned_u64 released_pages;

	/** @arrival: out: KHO_ARRIVAL_*. */
	__u32 arrival;
	/** @generation: out: number of handovers that led to this kernel. */
	__u32 generation;
	/** @stub_pages: out: base pages that the boot stub reserved. */
	__aligned_u64 stub_pages;
	/** @stub_extents: out: physically contiguous pieces of these. */
	__aligned_u64 stub_extents;
	/** @stub_usecs: out: microseconds that the boot stub took. */
	__aligned_u64 stub_usecs;
	/**
	 * @arrival_error: out: why the handover was refused; if it was taken over, which
	 * of its objects were refused, and why; or empty.  Without CAP_SYS_ADMIN, a text
	 * without details.
	 */
	__u8 arrival_error[128];
	/** @previous_release: out: release of the previous kernel, or empty. */
	__u8 previous_release[72];

	/** @arrival_kind: out: KHO_KIND_*. */
	__u32 arrival_kind;
	/** @backend: out: KHO_BACKEND_*. */
	__u32 backend;
	/** @release: out: KHO_RELEASE_*. */
	__u32 release;
	/** @envelopes: out: number of envelopes for the next kernel. */
	__u32 envelopes;
	/** @envelope_pages: out: base pages of RAM inside them. */
	__aligned_u64 envelope_pages;
	/** @ram_pages: out: base pages of RAM in the machine. */
	__aligned_u64 ram_pages;
	/** @release_pages: out: base pages to be freed from incoming envelopes. */
	__aligned_u64 release_pages;
	/** @release_done: out: of these, how many have been freed. */
	__aligned_u64 release_done;

	/**
	 * @freeing_pages: out: base pages of removed or shrunk objects that are freed in
	 * the background (deferred free).  When all are freed, it keeps its value until
	 * the next deferred free.
	 */
	__aligned_u64 freeing_pages;
	/** @freeing_done: out: of these, how many have been freed. */
	__aligned_u64 freeing_done;

	/** @keys: out: number of keys in the full tree. */
	__aligned_u64 keys;
	/** @lean_keys: out: number of keys in the boot tree. */
	__aligned_u64 lean_keys;
	/** @handoff: out: KHO_HANDOFF_*. */
	__u32 handoff;
	/** @image: out: KHO_IMAGE_*; 0 from modules without KHO_IMAGE. */
	__u32 image;
};
#define KHO_QUERY _IO(KHO_IOCTL_TYPE, KHO_CMD_QUERY)

/**
 * struct kho_page - ioctl(KHO_PAGE_ADD, KHO_PAGE_DEL)
 *
 * ADD preserves 2^order pages.  Each of them must be RAM that is online and in use, and
 * must not be part of scratch.  The module holds a reference to each page until DEL or
 * until the next kernel, so the pages can be neither freed nor moved.
 *
 * DEL gives up exactly what one ADD preserved, in this kernel or in an earlier one.  It
 * can't give up pages of objects.
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

#define KHO_PAGE_ARRIVED	(1U << 0)	/* came from the previous kernel */
#define KHO_PAGE_POISONED	(1U << 1)	/* at least one of them is poisoned */

/**
 * struct kho_page_entry - one element of a batch or a list
 */
struct kho_page_entry {
	/** @pfn: number of the first page. */
	__aligned_u64 pfn;
	/** @order: log2 of the number of pages. */
	__u32 order;
	/** @flags: 0 in a batch; KHO_PAGE_* in a list. */
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
	/** @failed: out: index of the element that failed, or count. */
	__u32 failed;
	/** @reserved: must be 0. */
	__u32 reserved;
};
#define KHO_BATCH_ADD _IO(KHO_IOCTL_TYPE, KHO_CMD_BATCH_ADD)
#define KHO_BATCH_DEL _IO(KHO_IOCTL_TYPE, KHO_CMD_BATCH_DEL)

/**
 * struct kho_page_open - ioctl(KHO_PAGE_OPEN)
 *
 * Opens pages that KHO_PAGE_ADD preserved in an earlier kernel, for read, write and mmap
 * without a copy.  Pages that were added in this kernel can't be opened: they have an
 * owner already.  The file keeps the pages even after DEL.
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
 * Lists what KHO_PAGE_ADD preserved in this kernel and in earlier ones.
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
	/** @count: in: room in entries; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: length of the list. */
	__aligned_u64 total;
};
#define KHO_PAGE_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_PAGE_LIST)

#define KHO_CREATE_UNCOMMITTED	(1U << 0)	/* undone unless committed: see OBJ_COMMIT */
#define KHO_CREATE_HUGE		(1U << 1)	/* of huge pages of the PMD's size */
#define KHO_CREATE_NODE		(1U << 2)	/* only on the given NUMA node */
#define KHO_CREATE_SUM		(1U << 3)	/* take a checksum at the jump */

/**
 * struct kho_obj_create - ioctl(KHO_OBJ_CREATE)
 *
 * Makes an object of zeroed memory that outlives the process.  The file is for read,
 * write and mmap.  The object belongs to the caller's user and group, and has mode 0600.
 * Its pages count towards the user's RLIMIT_MEMLOCK, unless the caller has CAP_IPC_LOCK
 * in the initial user namespace.  If the caller is in another user namespace, they count
 * for the user who created the outermost such namespace.  The memory is charged to the
 * caller's memory cgroup.
 */
struct kho_obj_create {
	/** @size: sizeof(struct kho_obj_create). */
	__u32 size;
	/** @flags: KHO_CREATE_*. */
	__u32 flags;
	/**
	 * @bytes: size of the object, at least 1; with KHO_CREATE_HUGE a
	 * multiple of the huge page's size (2 MiB on x86).
	 */
	__aligned_u64 bytes;
	/**
	 * @name: 1 to 63 bytes, NUL-padded, without '/' and control characters (those
	 * of ASCII, and C1 as single bytes or in UTF-8).
	 */
	__u8 name[KHO_NAME_SIZE];
	/** @fd: out: file descriptor, close-on-exec. */
	__s32 fd;
	union {
		/** @node: with KHO_CREATE_NODE: NUMA node, else 0. */
		__u32 node;
		/** @reserved: former name of @node. */
		__u32 reserved;
	};
};
#define KHO_OBJ_CREATE _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_CREATE)

#define KHO_OPEN_READ		(1U << 0)	/* only for reading */
#define KHO_OPEN_LARGEST	(1U << 1)	/* map with the largest possible pages */

/**
 * struct kho_obj_name - ioctl(KHO_OBJ_OPEN, KHO_OBJ_REMOVE)
 *
 * OPEN returns a file for read, write and mmap, or only for reading if the object is
 * sealed.  A mapping is ordinary memory, in pages of up to the PMD's size (2 MiB): direct
 * I/O, io_uring, vhost and KVM work on it.  With KHO_OPEN_LARGEST, pages of 1 GiB are
 * mapped as such, and these do not work on them.  Memory is shared with other mappings in
 * either case.
 *
 * REMOVE removes the object at once: the name is free, and nothing of the object will be
 * handed over.  Its pages are freed, those of a large object in the background: see
 * kho_query.freeing_pages.  Calls that make objects wait for these pages if memory is
 * short.  REMOVE fails with EBUSY while the object is open or mapped anywhere.
 */
struct kho_obj_name {
	/** @size: sizeof(struct kho_obj_name). */
	__u32 size;
	/** @flags: OBJ_OPEN: KHO_OPEN_*; OBJ_REMOVE: must be 0. */
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

#define KHO_OBJ_ARRIVED		(1U << 0)	/* came from the previous kernel */
#define KHO_OBJ_BUSY		(1U << 1)	/* is open or mapped */
#define KHO_OBJ_CLAIMED		(1U << 2)	/* has been opened since it arrived, or is new */
#define KHO_OBJ_SEALED		(1U << 3)	/* can't be written any more */
#define KHO_OBJ_UNCOMMITTED	(1U << 4)	/* is removed with its last file */
#define KHO_OBJ_SUM_AT_JUMP	(1U << 5)	/* a checksum is taken at the jump */
#define KHO_OBJ_SUMMED		(1U << 6)	/* has a checksum that can be verified */
#define KHO_OBJ_PINNED		(1U << 7)	/* memory of a process: see OBJ_PRESERVE */

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
	/** @generation: number of handovers it has been through. */
	__u32 generation;
	/** @flags: KHO_OBJ_ARRIVED and KHO_OBJ_BUSY; more in struct kho_obj_info. */
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
	/** @count: in: room in entries; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: length of the list. */
	__aligned_u64 total;
};
#define KHO_OBJ_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_LIST)

/* Kinds of metadata pages */
enum {
	KHO_META_SETUP = 1,		/* setup_data node and scratch array */
	KHO_META_FDT = 2,		/* root FDT */
	KHO_META_NODE = 3,		/* node of the tree */
	KHO_META_BLOB = 4,		/* what a child of the root FDT leads to */
	KHO_META_LEAN = 5,		/* node of the boot tree: KHO_HANDOFF_ENVELOPES */
};

/**
 * struct kho_meta_entry - one element of KHO_META_READ
 */
struct kho_meta_entry {
	/** @addr: physical address of the page. */
	__aligned_u64 addr;
	/** @kind: KHO_META_*. */
	__u32 kind;
	/** @level: level of a node; 0 is a leaf. */
	__u32 level;
};

/**
 * struct kho_meta_read - ioctl(KHO_META_READ)
 *
 * Copies the pages that describe what is preserved, as the next kernel would read them.
 * They contain no preserved data.
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
	/** @count: in: room in entries; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: length of the list. */
	__aligned_u64 total;
	/** @pages: pointer to count times kho_query.page_size bytes. */
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
	/** @bytes: its size. */
	__aligned_u64 bytes;
};

/**
 * struct kho_envelope_list - ioctl(KHO_ENVELOPE_LIST)
 *
 * An unpatched kernel keeps all memory inside the envelopes until its module has taken
 * over what is preserved in them.  They are in ascending order, with gaps between them.
 */
struct kho_envelope_list {
	/** @size: sizeof(struct kho_envelope_list). */
	__u32 size;
	/** @flags: KHO_ENVELOPE_ARRIVED: incoming envelopes; 0: outgoing ones. */
	__u32 flags;
	/** @first: index of the first entry wanted. */
	__aligned_u64 first;
	/** @entries: pointer to count of struct kho_envelope_entry. */
	__aligned_u64 entries;
	/** @count: in: room in entries; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: length of the list. */
	__aligned_u64 total;
};
#define KHO_ENVELOPE_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_ENVELOPE_LIST)

#define KHO_SUBTREE_OWN		(1U << 0)	/* the module's own */
#define KHO_SUBTREE_CARRIED	(1U << 1)	/* arrived, and is handed on */

/**
 * struct kho_subtree_entry - one element of KHO_SUBTREE_LIST
 */
struct kho_subtree_entry {
	/** @name: NUL-padded. */
	__u8 name[32];
	/** @addr: physical address of its data. */
	__aligned_u64 addr;
	/** @bytes: size of the data. */
	__aligned_u64 bytes;
	/** @flags: KHO_SUBTREE_*. */
	__u32 flags;
	/** @reserved: 0. */
	__u32 reserved;
};

/**
 * struct kho_subtree_list - ioctl(KHO_SUBTREE_LIST)
 *
 * Lists what the next kernel finds by name: children of the root FDT.  Incoming subtrees
 * that mean nothing to the module are handed on unchanged.
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
	/** @count: in: room in entries; out: entries filled. */
	__u32 count;
	/** @reserved: must be 0. */
	__u32 reserved;
	/** @total: out: length of the list. */
	__aligned_u64 total;
};
#define KHO_SUBTREE_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_SUBTREE_LIST)

/* Why memory can't be preserved: kho_obj_preserve.why, with the errno for it */
enum {
	KHO_WHY_NONE = 0,
	KHO_WHY_UNMAPPED = 1,		/* EFAULT: nothing is mapped there */
	KHO_WHY_PROTECTED = 2,		/* EACCES: no access, or no write access */
	KHO_WHY_DEVICE = 3,		/* ENODEV: device memory */
	KHO_WHY_FILE = 4,		/* EMEDIUMTYPE: a file system's page cache */
	KHO_WHY_DAX = 5,		/* EXDEV: a file on a DAX device */
	KHO_WHY_SECRET = 6,		/* EKEYREJECTED: memfd_secret, guest_memfd */
	KHO_WHY_TAKEN = 7,		/* EEXIST or EBUSY: preserved already */
	KHO_WHY_PLACE = 8,		/* EADDRNOTAVAIL: pages there can't be preserved */
	KHO_WHY_LIMIT = 9,		/* EDQUOT: RLIMIT_MEMLOCK */
	KHO_WHY_CHANGED = 10,		/* ESTALE: it changed during the call */
	KHO_WHY_DRIVER = 11,		/* EREMOTE: a driver has added the memory */
};

#define KHO_PRESERVE_UNCOMMITTED	(1U << 0)	/* undone unless committed */
#define KHO_PRESERVE_SUM		(1U << 3)	/* take a checksum at the jump */

/**
 * struct kho_obj_preserve - ioctl(KHO_OBJ_PRESERVE)
 *
 * Makes an object of memory that the caller has mapped already: anonymous memory, memfd,
 * tmpfs, System V shared memory, or hugetlb.  The pages are pinned as they are, without a
 * copy, and stay even if the caller unmaps them or exits.  The next kernel finds what was
 * last written to them before the jump.  If a private mapping loses a page
 * (MADV_DONTNEED), or a file does (truncation), the page remains part of the object, but
 * the mapping no longer shows it.
 *
 * The range may span several mappings, but no hole.  Memory that the caller can't make
 * writable (a shared mapping of a file that is open only for reading) is refused, because
 * the object is writable.
 *
 * While the memory belongs to a process, mappings of the object's file must be shared,
 * and get_user_pages() does not work on them.  It does work on the process's own mapping.
 */
struct kho_obj_preserve {
	/** @size: sizeof(struct kho_obj_preserve). */
	__u32 size;
	/** @flags: KHO_PRESERVE_*. */
	__u32 flags;
	/** @addr: address of the memory, a multiple of the page size. */
	__aligned_u64 addr;
	/** @bytes: how much, a multiple of the page size. */
	__aligned_u64 bytes;
	/** @name: as in struct kho_obj_create. */
	__u8 name[KHO_NAME_SIZE];
	/** @fd: out: file descriptor of the object, close-on-exec. */
	__s32 fd;
	/** @why: out, also after an error: KHO_WHY_*. */
	__u32 why;
	/** @bad_addr: out, also after an error: address that can't be preserved, or 0. */
	__aligned_u64 bad_addr;
};
#define KHO_OBJ_PRESERVE _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_PRESERVE)

#define KHO_SEAL_SUM		(1U << 0)	/* take a checksum now */

/**
 * struct kho_obj_plain - ioctl(KHO_OBJ_COMMIT, KHO_OBJ_SEAL)
 *
 * An uncommitted object is removed when its last file is closed, and does not outlive a
 * jump.  COMMIT makes it permanent; committing it again does nothing.
 *
 * SEAL ends all writing for good.  EBUSY: the object is mapped for writing, or in use by
 * direct I/O.  A process that made it with OBJ_PRESERVE can still write by its mapping.
 */
struct kho_obj_plain {
	/** @size: sizeof(struct kho_obj_plain). */
	__u32 size;
	/** @flags: OBJ_SEAL: KHO_SEAL_*; OBJ_COMMIT: must be 0. */
	__u32 flags;
};
#define KHO_OBJ_COMMIT _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_COMMIT)
#define KHO_OBJ_SEAL _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_SEAL)

/**
 * struct kho_obj_resize - ioctl(KHO_OBJ_RESIZE)
 *
 * Works like ftruncate().  An object with KHO_OBJ_PINNED has a fixed size (EINVAL); the
 * size of an object of huge pages is a multiple of their size.
 */
struct kho_obj_resize {
	/** @size: sizeof(struct kho_obj_resize). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @bytes: new size of the object, at least 1. */
	__aligned_u64 bytes;
};
#define KHO_OBJ_RESIZE _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_RESIZE)

#define KHO_DATA_MAX		65536

/**
 * struct kho_obj_data - ioctl(KHO_OBJ_SET_DATA, KHO_OBJ_GET_DATA)
 *
 * Up to 64 KiB of data for the agent's own use.  SET replaces all of it at once.
 */
struct kho_obj_data {
	/** @size: sizeof(struct kho_obj_data). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @data: pointer to the bytes. */
	__aligned_u64 data;
	/** @bytes: SET: size of the data; GET: in: room, out: size of the data. */
	__u32 bytes;
	/** @reserved: must be 0. */
	__u32 reserved;
};
#define KHO_OBJ_SET_DATA _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_SET_DATA)
#define KHO_OBJ_GET_DATA _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_GET_DATA)

#define KHO_OWNER_UID		(1U << 0)
#define KHO_OWNER_GID		(1U << 1)
#define KHO_OWNER_MODE		(1U << 2)

/**
 * struct kho_obj_owner - ioctl(KHO_OBJ_SET_OWNER)
 *
 * Only CAP_SYS_ADMIN may set another user, or a group that the caller is not in.
 */
struct kho_obj_owner {
	/** @size: sizeof(struct kho_obj_owner). */
	__u32 size;
	/** @flags: KHO_OWNER_*: which of the following to set. */
	__u32 flags;
	/** @uid: user, as in the initial user namespace. */
	__u32 uid;
	/** @gid: group, as in the initial user namespace. */
	__u32 gid;
	/** @mode: read and write bits, 0 to 0666. */
	__u32 mode;
	/** @reserved: must be 0. */
	__u32 reserved;
};
#define KHO_OBJ_SET_OWNER _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_SET_OWNER)

/**
 * struct kho_obj_info - ioctl(KHO_OBJ_INFO), and an element of KHO_OBJ_INFO_LIST
 */
struct kho_obj_info {
	/** @size: sizeof(struct kho_obj_info). */
	__u32 size;
	/** @flags: in: 0; out: KHO_OBJ_*. */
	__u32 flags;
	/** @name: NUL-padded. */
	__u8 name[KHO_NAME_SIZE];
	/** @bytes: out: size of the object. */
	__aligned_u64 bytes;
	/** @pages: out: base pages. */
	__aligned_u64 pages;
	/** @extents: out: physically contiguous pieces. */
	__aligned_u64 extents;
	/** @pmd_pages: out: huge pages of the PMD's size (2 MiB). */
	__aligned_u64 pmd_pages;
	/** @pud_pages: out: huge pages of the PUD's size (1 GiB). */
	__aligned_u64 pud_pages;
	/** @created: out: seconds since 1970, UTC. */
	__aligned_u64 created;
	/** @generation: out: number of handovers it has been through. */
	__u32 generation;
	/** @idle: out: number of handovers since it was last opened. */
	__u32 idle;
	/** @uid: out: owner, as in the initial user namespace. */
	__u32 uid;
	/** @gid: out: group, as in the initial user namespace. */
	__u32 gid;
	/** @mode: out: read and write bits. */
	__u32 mode;
	/** @data_bytes: out: size of the data set with OBJ_SET_DATA. */
	__u32 data_bytes;
	/** @comm: out: name of the process that made it, NUL-padded. */
	__u8 comm[16];
	/** @release: out: release of the kernel it was made in, NUL-padded. */
	__u8 release[72];
	/** @poisoned_pages: out: base pages with memory errors; their content is lost. */
	__aligned_u64 poisoned_pages;
};
#define KHO_OBJ_INFO _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_INFO)

/**
 * struct kho_obj_verify - ioctl(KHO_OBJ_VERIFY)
 *
 * Compares pages with the object's checksums, one per base page.  A poisoned page is not
 * read; it is counted separately, neither as good nor as bad.
 */
struct kho_obj_verify {
	/** @size: sizeof(struct kho_obj_verify). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @first: number of the first base page within the object. */
	__aligned_u64 first;
	/** @count: in: how many pages to compare; out: how many were looked at. */
	__aligned_u64 count;
	/** @bad: out: how many of them differ. */
	__aligned_u64 bad;
	/** @first_bad: out: number of the first page that differs, if any does. */
	__aligned_u64 first_bad;
	/** @poisoned: out: how many of them are poisoned. */
	__aligned_u64 poisoned;
	/** @first_poisoned: out: number of the first poisoned page, if there is any. */
	__aligned_u64 first_poisoned;
};
#define KHO_OBJ_VERIFY _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_VERIFY)

/**
 * struct kho_obj_info_list - ioctl(KHO_OBJ_INFO_LIST)
 *
 * Lists the objects that the caller may read or write, oldest first.
 */
struct kho_obj_info_list {
	/** @size: sizeof(struct kho_obj_info_list). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @first: index of the first entry wanted. */
	__aligned_u64 first;
	/** @entries: pointer to count of struct kho_obj_info. */
	__aligned_u64 entries;
	/** @count: in: room in entries; out: entries filled. */
	__u32 count;
	/**
	 * @entry_size: sizeof(struct kho_obj_info): the distance between entries.
	 * Members that the module does not know are left alone.
	 */
	__u32 entry_size;
	/** @total: out: length of the list. */
	__aligned_u64 total;
};
#define KHO_OBJ_INFO_LIST _IO(KHO_IOCTL_TYPE, KHO_CMD_OBJ_INFO_LIST)

/**
 * struct kho_handoff - ioctl(KHO_HANDOFF)
 *
 * The boot time of a kernel with in-kernel KHO grows with the square of the number of
 * keys that it gets.  With KHO_HANDOFF_ENVELOPES it gets only the keys of other modules
 * and of metadata.  It keeps all else in envelopes until the module is loaded there.  A
 * kernel without KHO accepts either mode, if its module knows it.  A kernel with the boot
 * stub accepts only KHO_HANDOFF_EXACT.  So the mode has to fit the kernel that is loaded;
 * "khoctl load" sets it.
 *
 * EOPNOTSUPP on a kernel with in-kernel KHO.
 */
struct kho_handoff {
	/** @size: sizeof(struct kho_handoff). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @how: KHO_HANDOFF_*. */
	__u32 how;
	/** @reserved: must be 0. */
	__u32 reserved;
};
#define KHO_HANDOFF _IO(KHO_IOCTL_TYPE, KHO_CMD_HANDOFF)

/**
 * struct kho_scratch_take - ioctl(KHO_SCRATCH)
 *
 * Scratch is where the next kernel is loaded.  Without scratch, kho_query.scratch_size is
 * 0 and nothing can be handed on, for example because much of the memory is preserved.
 * This command looks for scratch again, and moves pages out of the way where possible.
 * If there is enough scratch already, nothing changes.
 *
 * If there is less than that, and the module has KHO_FEATURE_GROW, scratch grows where it
 * is, or moves to a place with more room.  kho_query has its new address.  What is
 * preserved stays where it is.  A kernel that is loaded lies in scratch, so the command
 * fails with EBUSY while one is loaded, or is being loaded according to IMAGE.  A loader
 * has to read the address of scratch after it has said KHO_IMAGE_BEGUN.
 *
 * After an error, scratch is what it was.  ENOMEM if there is no such piece of memory;
 * EINVAL for more than the machine has; EOPNOTSUPP on a kernel with in-kernel KHO; EEXIST
 * from modules without KHO_FEATURE_GROW if there is some, but less.
 */
struct kho_scratch_take {
	/** @size: sizeof(struct kho_scratch_take). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/**
	 * @bytes: in: size wanted, or 0 for the default size, or less if necessary;
	 * out: size of scratch.
	 */
	__aligned_u64 bytes;
	/** @held: out: how much of that is set aside; this kernel uses the rest. */
	__aligned_u64 held;
};
#define KHO_SCRATCH _IO(KHO_IOCTL_TYPE, KHO_CMD_SCRATCH)

/**
 * struct kho_image - ioctl(KHO_IMAGE)
 *
 * A kernel's memory map is fixed when it is loaded.  The loader sets BEGUN before it
 * loads a kernel, LOADED afterwards, and NONE after unloading it.  From LOADED on, no
 * page is preserved that is not in that kernel's RAM.  LOADED fails with ESTALE if memory
 * was added or removed since BEGUN: then the kernel has to be loaded again.
 *
 * With BY_FILE, the calling process or a child of it is about to call kexec_file_load(),
 * which has no argument by which to announce a handover.  The module does that, and places
 * the kernel in scratch, at the next such call of theirs, and only then.  It sees by itself
 * when that kernel is loaded, replaced or unloaded, so LOADED is a question: it fails with
 * ENOENT if nothing is handed over to what was loaded, and the log says why.
 *
 * EOPNOTSUPP on a kernel with in-kernel KHO, and with BY_FILE on one without kprobes.
 */
struct kho_image {
	/** @size: sizeof(struct kho_image). */
	__u32 size;
	/** @flags: 0, or KHO_IMAGE_BY_FILE with BEGUN. */
	__u32 flags;
	/** @state: KHO_IMAGE_*. */
	__u32 state;
	/** @reserved: must be 0. */
	__u32 reserved;
	/**
	 * @limit: with BEGUN: the physical address at which that kernel's memory ends,
	 * by mem= on its command line; or 0 for no limit.
	 */
	__aligned_u64 limit;
};
/* kho_image.flags: it is loaded by kexec_file_load() */
#define KHO_IMAGE_BY_FILE	(1U << 0)
#define KHO_IMAGE _IO(KHO_IOCTL_TYPE, KHO_CMD_IMAGE)

/* Replacing the module: kho_upgrade.state */
enum {
	KHO_UPGRADE_NONE = 0,		/* nobody has to make way any more */
	KHO_UPGRADE_ASK = 1,		/* ask all agents to make way */
	KHO_UPGRADE_LEAVE = 2,		/* let the module be unloaded */
};

/**
 * struct kho_upgrade - ioctl(KHO_UPGRADE)
 *
 * The module can be replaced while it holds something.  The next module in the same kernel
 * then takes over objects and pages, like from a previous kernel; what is announced to the
 * next kernel stays valid all the time.
 *
 * For this, nobody else may have the device or an object open or mapped.  With ASK, poll()
 * and epoll report POLLPRI for all files of the device, until the caller sets NONE or
 * closes its file.  An agent should then unmap and close everything, wait until it can
 * open the device again, and open its objects by name.
 *
 * With LEAVE the module may be unloaded (rmmod), once the caller has closed its file, and
 * leaves everything to the next one.  That ends with the next command of anybody.
 *
 * LEAVE fails with EBUSY if others use the module, which sets @others, or if another
 * kernel module has preserved pages; EOPNOTSUPP on a kernel with in-kernel KHO.
 */
struct kho_upgrade {
	/** @size: sizeof(struct kho_upgrade). */
	__u32 size;
	/** @flags: must be 0. */
	__u32 flags;
	/** @state: KHO_UPGRADE_*. */
	__u32 state;
	/** @others: out: with LEAVE, how many other references to the module there are. */
	__u32 others;
};
#define KHO_UPGRADE _IO(KHO_IOCTL_TYPE, KHO_CMD_UPGRADE)

#endif /* _UAPI_LINUX_KHO_H */

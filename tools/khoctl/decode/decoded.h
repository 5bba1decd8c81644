/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Decoded metadata, and queries about it.
 */
#ifndef KHOCTL_DECODED_H
#define KHOCTL_DECODED_H

#include <stdbool.h>
#include <stddef.h>

#include <kho/abi.h>
#include <kho/fdt.h>

#include "base/defs.h"
#include "base/ranges.h"
#include "decode/dumpfile.h"

#define MAX_PROBLEMS	64
#define MAX_ORDERS	(KHO_MAX_ORDER(12) + 1)

/* Adjacent blocks of one order, each with its own key */
struct run {
	__u64 addr;
	__u64 nr;
	__u32 order;
};

/* Part of an object that consists of pages of one order */
struct extent {
	struct range range;
	__u32 order;
};

struct object {
	char *name;			/* printable, as comm and release are */
	char *comm;
	char *release;
	__u64 size;
	__u64 created;
	__u32 generation;
	__u32 idle;
	__u32 flags;			/* KHO_OBJS_* */
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u64 pages;			/* base pages in the extents */
	__u64 sum_pages;		/* pages that hold checksums */
	__u64 data_bytes;		/* of user data */
	struct extent *extents;
	size_t nr_extents;
	size_t room;
};

/**
 * struct decoded - decoded metadata
 */
struct decoded {
	bool own_kho;			/* in-kernel KHO: there are only tree and blobs */
	bool has_setup;
	struct kho_setup_node node;
	struct kho_data data;
	struct range *scratch;
	size_t nr_scratch;

	const void *fdt;		/* NULL: none, or an invalid one */
	__u64 fdt_addr;
	size_t fdt_room;
	bool fdt_ok;			/* libfdt accepts it */
	bool root_ok;			/* the next kernel accepts it: root is valid */
	struct kho_fdt root;
	__u64 lean_root;		/* root of the kernel's own tree, or 0 */

	bool has_metadata;
	struct kho_metadata metadata;

	bool walked;			/* the whole tree was read */
	__u64 nodes[KHO_TREE_DEPTH_MAX];
	__u64 keys[MAX_ORDERS];
	__u64 pages;
	struct run *runs;
	size_t nr_runs;
	size_t room_runs;
	size_t first_run[MAX_ORDERS];	/* index of the first run of an order */
	size_t order_runs[MAX_ORDERS];	/* number of its runs, sorted by address */
	struct range *extents;		/* preserved memory, sorted and merged */
	size_t nr_extents;

	bool has_objects;
	struct object *objects;
	size_t nr_objects;
	size_t room_objects;

	char *problems[MAX_PROBLEMS];
	size_t nr_problems;		/* including those that were dropped */
};

/* Records a problem; decoding goes on. */
void decode_err(struct decoded *d, const char *fmt, ...) PRINTF(2, 3);
/* Index of the first extent that ends above @addr, or nr_extents */
size_t find_extent(const struct decoded *d, __u64 addr);
/* True if all of [@addr, @end) is preserved */
bool is_preserved(const struct decoded *d, __u64 addr, __u64 end);
/* True if blocks of @order preserve all of [@addr, @end), a multiple of their size */
bool has_keys(const struct meta *m, const struct decoded *d, __u64 addr,
	      __u64 end, unsigned int order);
void decoded_free(struct decoded *d);

#endif /* KHOCTL_DECODED_H */

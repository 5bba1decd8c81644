/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a set of metadata pages says, and what to ask of it.
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

/* Blocks of one order that lie side by side, each with a key of its own */
struct run {
	__u64 addr;
	__u64 nr;
	__u32 order;
};

/* A piece of an object, made of pages of that order */
struct extent {
	struct range range;
	__u32 order;
};

struct object {
	char *name;			/* these three are printable */
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
	__u64 pages;			/* base pages in its extents */
	__u64 sum_pages;		/* pages of checksums */
	__u64 data_bytes;		/* of user data */
	struct extent *extents;
	size_t nr_extents;
	size_t room;
};

/**
 * struct decoded - the result
 */
struct decoded {
	bool own_kho;			/* all but tree and blobs is the kernel's */
	bool has_setup;
	struct kho_setup_node node;
	struct kho_data data;
	struct range *scratch;
	size_t nr_scratch;

	const void *fdt;		/* NULL: none, or none that is sound */
	__u64 fdt_addr;
	size_t fdt_room;
	bool fdt_ok;			/* libfdt finds it sound */
	bool root_ok;			/* so does a successor: root is valid */
	struct kho_fdt root;
	__u64 lean_root;		/* of the kernel's own tree, or 0 */

	bool has_metadata;
	struct kho_metadata metadata;

	bool walked;			/* to the end of the tree */
	__u64 nodes[KHO_TREE_DEPTH_MAX];
	__u64 keys[MAX_ORDERS];
	__u64 pages;
	struct run *runs;
	size_t nr_runs;
	size_t room_runs;
	size_t first_run[MAX_ORDERS];	/* runs of an order are neighbours */
	size_t order_runs[MAX_ORDERS];	/* and rise by address: so many */
	struct range *extents;		/* of preserved pages, sorted, merged */
	size_t nr_extents;

	bool has_objects;
	struct object *objects;
	size_t nr_objects;
	size_t room_objects;

	char *problems[MAX_PROBLEMS];
	size_t nr_problems;		/* may be more than are kept */
};

/* Notes a problem, with the rest of it to be decoded all the same. */
void decode_err(struct decoded *d, const char *fmt, ...) PRINTF(2, 3);
/* The first extent that ends above @addr, or nr_extents */
size_t find_extent(const struct decoded *d, __u64 addr);
/* True if all of it is preserved */
bool is_preserved(const struct decoded *d, __u64 addr, __u64 end);
/* True if all of it is preserved in blocks of that order, whose size it has */
bool has_keys(const struct meta *m, const struct decoded *d, __u64 addr,
	      __u64 end, unsigned int order);
void decoded_free(struct decoded *d);

#endif /* KHOCTL_DECODED_H */

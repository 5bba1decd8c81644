/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KHO radix tree, for kernel code: mainline's names and semantics, with
 * what mainline leaves out.
 *
 * DOC: what differs from mainline 7.1
 *
 * - kho_radix_add_page() says -EEXIST for a page that is marked already,
 *   kho_radix_del_page() returns an error, and -ENOENT for one that is not.
 *   Neither changes anything then.
 * - A page can't be marked under two orders at a time.
 * - Nodes that become empty are freed.
 * - There are forms for ranges, runs and batches.
 * - Readers take no lock, and marks of base pages that are of different leaves
 *   are set side by side.
 *
 * Lock order: tree->lock, then the lock of a region of base pages; both are
 * inside all others.  Nothing is taken under them, apart from what the page
 * allocator takes under tree->lock, and what the watch takes.
 */
#ifndef _LINUX_KHO_RADIX_TREE_H
#define _LINUX_KHO_RADIX_TREE_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/types.h>

#ifndef KHO_PAGE_SHIFT
#define KHO_PAGE_SHIFT PAGE_SHIFT
#endif
/* Kernel code has struct kho_vmalloc from linux/kho/abi/kexec_handover.h. */
#define kho_vmalloc kho_abi_vmalloc
#define kho_vmalloc_chunk kho_abi_vmalloc_chunk
#include <kho/abi.h>
#undef kho_vmalloc
#undef kho_vmalloc_chunk

#define KHO_TREE_MAX_DEPTH	KHO_TREE_DEPTH(KHO_PAGE_SHIFT)
#define KHO_NR_ORDERS		(KHO_MAX_ORDER(KHO_PAGE_SHIFT) + 1)

struct kho_radix_tree;
struct kho_radix_region;

/**
 * typedef kho_radix_watch_t - told of what a tree keeps, as it changes
 * @tree: the tree; it must not be changed
 * @pfn: number of the first page: of pages that are marked, or of a node
 * @nr_pages: how many: side by side, or all of the same 2^KHO_ENVELOPE_SHIFT
 * bytes
 * @kept: they are from now on; false: no more
 *
 * Context: may not sleep; may be called on several CPUs at a time.
 */
typedef void (*kho_radix_watch_t)(struct kho_radix_tree *tree, unsigned long pfn,
				  unsigned long nr_pages, bool kept);

/**
 * struct kho_radix_tree - a tree and what is known of it
 */
struct kho_radix_tree {
	/** @root: the root node, never freed before the tree is. */
	struct kho_radix_node *root;
	/** @lock: protects which nodes there are, and keys of orders above 0. */
	struct mutex lock;
	/** @region: locks and numbers of the keys of order 0. */
	struct kho_radix_region *region;
	/** @nr_nodes: nodes, the root among them. */
	u64 nr_nodes;
	/** @orders: a bit for each order above 0 that has keys. */
	u64 orders;
	/** @nr_keys: keys of each order above 0; see kho_radix_nr_keys(). */
	u64 nr_keys[KHO_NR_ORDERS];
	/** @watch: set by the owner, or NULL. */
	kho_radix_watch_t watch;
};

/* A result other than 0 ends the walk and is its result. */
typedef int (*kho_radix_tree_walk_callback_t)(phys_addr_t phys,
					      unsigned int order);
typedef int (*kho_radix_range_callback_t)(phys_addr_t phys, unsigned int order,
					  void *data);

int kho_radix_init_tree(struct kho_radix_tree *tree);
void kho_radix_destroy_tree(struct kho_radix_tree *tree);

int kho_radix_add_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order);
int kho_radix_del_page(struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order);
bool kho_radix_has_page(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned int order);
int kho_radix_walk_tree(struct kho_radix_tree *tree,
			kho_radix_tree_walk_callback_t cb);

int kho_radix_add_run(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order, unsigned long nr);
int kho_radix_del_run(struct kho_radix_tree *tree, unsigned long pfn,
		      unsigned int order, unsigned long nr);
int kho_radix_add_batch(struct kho_radix_tree *tree, const unsigned long *pfn,
			unsigned long nr, unsigned int order, unsigned long *done);
int kho_radix_del_batch(struct kho_radix_tree *tree, const unsigned long *pfn,
			unsigned long nr, unsigned int order, unsigned long *done);
u64 kho_radix_nr_keys(const struct kho_radix_tree *tree, unsigned int order);
u64 kho_radix_nr_pages(const struct kho_radix_tree *tree);

int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages);
int kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages);
int kho_radix_walk_range(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned long nr_pages, kho_radix_range_callback_t cb,
			 void *data);

#endif /* _LINUX_KHO_RADIX_TREE_H */

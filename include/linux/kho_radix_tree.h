/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KHO radix tree, for kernel code: mainline's names and semantics, and some
 * additions.
 *
 * DOC: differences from mainline 7.1
 *
 * - kho_radix_add_page() returns -EEXIST for a page that is already marked.
 *   kho_radix_del_page() returns an error, -ENOENT for a page that is not
 *   marked.  Neither of them changes anything in that case.
 * - A page can't be marked under two orders at the same time.
 * - Nodes that become empty are freed.
 * - There are variants for ranges, runs and batches.
 * - Readers take no lock, and pages of different regions can be marked concurrently.
 *
 * Lock order: tree->lock, then the lock of a region; both nest
 * inside all others.  No lock is taken under them, apart from those of the page
 * allocator (under tree->lock) and those of the watch callback.
 */
#ifndef _LINUX_KHO_RADIX_TREE_H
#define _LINUX_KHO_RADIX_TREE_H

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/types.h>

/* kho/abi.h needs to know what the kernel defines of setup_data nodes. */
#ifdef CONFIG_X86
#include <asm/bootparam.h>
#endif

#ifndef KHO_PAGE_SHIFT
#define KHO_PAGE_SHIFT PAGE_SHIFT
#endif
/* Kernel code gets struct kho_vmalloc from linux/kho/abi/kexec_handover.h. */
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
 * typedef kho_radix_watch_t - called when the set of pages that a tree keeps changes
 * @tree: the tree; the callback must not change it
 * @pfn: number of the first page: of marked pages, or of a node
 * @nr_pages: number of pages; they are adjacent, or all in the same
 * 2^KHO_ENVELOPE_SHIFT bytes
 * @kept: true if the tree keeps them from now on, false if no longer
 *
 * Context: must not sleep; may be called on several CPUs at the same time.
 */
typedef void (*kho_radix_watch_t)(struct kho_radix_tree *tree, unsigned long pfn,
				  unsigned long nr_pages, bool kept);

/**
 * struct kho_radix_tree - a tree and its bookkeeping
 */
struct kho_radix_tree {
	/** @root: the root node; it lives as long as the tree. */
	struct kho_radix_node *root;
	/** @lock: protects the set of nodes, and keys of orders that are not small. */
	struct mutex lock;
	/** @region: locks and counts for keys of small orders: see module/tree/mark.c. */
	struct kho_radix_region *region;
	/** @nr_nodes: number of nodes, including the root. */
	u64 nr_nodes;
	/** @pruning: a leaf of blocks of a small order is about to be removed. */
	bool pruning;
	/** @orders: a bit for each order that has keys and is not small. */
	u64 orders;
	/** @nr_keys: number of keys of each of these orders; see kho_radix_nr_keys(). */
	u64 nr_keys[KHO_NR_ORDERS];
	/** @watch: set by the owner, or NULL. */
	kho_radix_watch_t watch;
};

/* A return value other than 0 ends the walk and becomes its result. */
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

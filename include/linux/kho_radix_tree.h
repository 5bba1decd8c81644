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
 * - There are range forms.
 *
 * Lock order: tree->lock is a leaf.  Nothing else is taken under it, apart
 * from what the page allocator takes.
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

/**
 * typedef kho_radix_watch_t - told of what a tree keeps, as it changes
 * @tree: the tree; its lock is held, and it must not be changed
 * @pfn: number of the first page: of pages that are marked, or of a node
 * @nr_pages: how many
 * @kept: they are from now on; false: no more
 */
typedef void (*kho_radix_watch_t)(struct kho_radix_tree *tree, unsigned long pfn,
				  unsigned long nr_pages, bool kept);

/**
 * struct kho_radix_tree - a tree and what is known of it
 */
struct kho_radix_tree {
	/** @root: the root node, never freed before the tree is. */
	struct kho_radix_node *root;
	/** @lock: protects the nodes and the counters. */
	struct mutex lock;
	/** @nr_nodes: nodes, the root among them. */
	u64 nr_nodes;
	/** @nr_pages: base pages that are marked. */
	u64 nr_pages;
	/** @nr_keys: keys of each order. */
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

int kho_radix_add_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages);
int kho_radix_del_range(struct kho_radix_tree *tree, unsigned long pfn,
			unsigned long nr_pages);
int kho_radix_walk_range(struct kho_radix_tree *tree, unsigned long pfn,
			 unsigned long nr_pages, kho_radix_range_callback_t cb,
			 void *data);

#endif /* _LINUX_KHO_RADIX_TREE_H */

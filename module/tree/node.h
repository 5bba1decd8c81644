/* SPDX-License-Identifier: GPL-2.0-only */
/* The nodes of the tree; private to this folder. */
#ifndef KHO_RADIX_NODE_H
#define KHO_RADIX_NODE_H

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/spinlock.h>

#include "tree.h"

/* A kernel with in-kernel KHO exports some of these names itself. */
#ifdef CONFIG_KEXEC_HANDOVER
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(name)
#endif

#define KEY_END		(2ULL << (64 - PAGE_SHIFT))
#define LEAF_BITS	KHO_LEAF_BITS(PAGE_SHIFT)
#define TABLE_BITS	KHO_TABLE_BITS(PAGE_SHIFT)
#define TOP_LEVEL	(KHO_TREE_MAX_DEPTH - 1)

/* Number of region locks; several regions may share one. */
#define LOCK_BITS	6
#define NR_LOCKS	BIT(LOCK_BITS)

/**
 * struct kho_radix_region - a lock for base pages, and the data that it protects
 */
struct kho_radix_region {
	/** @lock: protects marks of order 0 in its regions; see mark.c. */
	spinlock_t lock;
	/** @nr_keys: keys of order 0, added less deleted; see kho_radix_nr_keys(). */
	u64 nr_keys;
	/** @leaf: the leaf of order 0 that was found last, or NULL. */
	struct kho_radix_node *leaf;
	/** @number: number of the region that @leaf belongs to. */
	unsigned long number;
} ____cacheline_aligned_in_smp;

static __always_inline struct kho_radix_region *
region_of(const struct kho_radix_tree *tree, unsigned long pfn)
{
	return &tree->region[hash_64((u64)pfn >> LEAF_BITS, LOCK_BITS)];
}

/* The word of a leaf that contains @key's bit. */
static __always_inline u64 *leaf_word(struct kho_radix_node *leaf, u64 key)
{
	return &leaf->table[(key & (BIT(LEAF_BITS) - 1)) / 64];
}

static __always_inline struct kho_radix_node *
node_child(const struct kho_radix_node *node, unsigned int i)
{
	u64 phys = READ_ONCE(node->table[i]);

	return phys ? phys_to_virt(phys) : NULL;
}

static __always_inline u64 key_of(unsigned long pfn, unsigned int order)
{
	return kho_key_encode(PAGE_SHIFT, (u64)pfn << PAGE_SHIFT, order);
}

static __always_inline int check_page(const struct kho_radix_tree *tree,
				      unsigned long pfn, unsigned int order)
{
	if (!tree->root || order > KHO_MAX_ORDER(PAGE_SHIFT))
		return -EINVAL;
	if ((u64)pfn >> (64 - PAGE_SHIFT))
		return -ERANGE;
	if ((u64)pfn & ((1ULL << order) - 1))
		return -EINVAL;
	return 0;
}

/* The leaf of @key, or NULL. */
static inline struct kho_radix_node *
find_leaf(const struct kho_radix_tree *tree, u64 key)
{
	unsigned int shift = LEAF_BITS + TOP_LEVEL * TABLE_BITS;
	struct kho_radix_node *node = tree->root;

	do {
		shift -= TABLE_BITS;
		node = node_child(node, key >> shift & (BIT(TABLE_BITS) - 1));
	} while (node && shift > LEAF_BITS);
	return node;
}

struct kho_radix_node *kho_radix_node_alloc(void);
void kho_radix_node_free(struct kho_radix_node *node);
int kho_radix_grow(struct kho_radix_tree *tree, u64 key);
void kho_radix_prune(struct kho_radix_tree *tree, u64 key, unsigned long pfn);
int kho_radix_change_block(struct kho_radix_tree *tree, unsigned long pfn,
			   unsigned int order, bool add, bool *leaf_empty);
void kho_radix_sync_regions(struct kho_radix_tree *tree);
bool kho_radix_has_run(const struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order, unsigned long nr);
u64 kho_radix_next_key(const struct kho_radix_tree *tree, u64 key, u64 end);

#endif /* KHO_RADIX_NODE_H */

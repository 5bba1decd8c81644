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

/* Leaves of base pages that each lock remembers */
#define SLOT_BITS	3
#define NR_SLOTS	BIT(SLOT_BITS)

/*
 * The orders from 0 on whose 64 blocks in a word all lie in one region.  So the lock of
 * the region protects the word.
 */
#define NR_SMALL_ORDERS	(LEAF_BITS - 6 + 1)

/* No leaf has this number. */
#define NO_LEAF		(~0ULL)

/**
 * struct kho_radix_slot - a leaf that was found, so as not to search for it again
 */
struct kho_radix_slot {
	/** @number: its keys divided by the number of keys in a leaf, or NO_LEAF. */
	u64 number;
	/** @leaf: the leaf. */
	struct kho_radix_node *leaf;
};

/**
 * struct kho_radix_region - a lock for marks of small orders, and the data that it protects
 */
struct kho_radix_region {
	/** @lock: protects marks of small orders in its regions; see mark.c. */
	spinlock_t lock;
	/** @orders: a bit for each small order above 0 that has keys in its regions. */
	u32 orders;
	/** @nr_keys: number of keys of each small order in its regions. */
	u64 nr_keys[NR_SMALL_ORDERS];
	/** @base: leaves of base pages. */
	struct kho_radix_slot base[NR_SLOTS];
	/** @block: the leaf of another small order that was found last. */
	struct kho_radix_slot block;
} ____cacheline_aligned_in_smp;

static __always_inline bool is_small(unsigned int order)
{
	return order < NR_SMALL_ORDERS;
}

/* Tells where a page's region has its lock, and its leaf a slot. */
static __always_inline unsigned int slot_of(unsigned long pfn)
{
	return hash_64((u64)pfn >> LEAF_BITS, LOCK_BITS + SLOT_BITS);
}

static __always_inline struct kho_radix_region *
region_at(const struct kho_radix_tree *tree, unsigned int slot)
{
	return &tree->region[slot >> SLOT_BITS];
}

static __always_inline struct kho_radix_region *
region_of(const struct kho_radix_tree *tree, unsigned long pfn)
{
	return region_at(tree, slot_of(pfn));
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
void kho_radix_prune(struct kho_radix_tree *tree, unsigned long pfn, unsigned int order);
int kho_radix_change_block(struct kho_radix_tree *tree, unsigned long pfn,
			   unsigned int order, bool add, bool *leaf_empty);
void kho_radix_sync_regions(struct kho_radix_tree *tree);
bool kho_radix_has_run(const struct kho_radix_tree *tree, unsigned long pfn,
		       unsigned int order, unsigned long nr);
u64 kho_radix_orders(const struct kho_radix_tree *tree, unsigned long pfn, u64 nr_pages);

#endif /* KHO_RADIX_NODE_H */

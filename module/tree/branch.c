// SPDX-License-Identifier: GPL-2.0-only
/*
 * The KHO radix tree: adding and removing nodes.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "node.h"
#include "word.h"

static void free_node_rcu(struct rcu_head *head)
{
	kho_radix_node_free(page_address(container_of(head, struct page, rcu_head)));
}

/* Readers may still be in the node. */
static void node_free_later(struct kho_radix_node *node)
{
	call_rcu(&virt_to_page(node)->rcu_head, free_node_rcu);
}

static void watch_node(struct kho_radix_tree *tree,
		       const struct kho_radix_node *node, bool kept)
{
	watch(tree, PHYS_PFN(virt_to_phys((void *)node)), 1, kept);
}

/**
 * kho_radix_grow() - make sure that a key has a leaf, and all nodes on the way to it
 * @tree: the tree
 * @key: the key
 *
 * A new branch is complete before it is linked in.
 *
 * Context: may sleep; tree->lock held.
 * Return: 0, or -ENOMEM, in which case nothing has changed.
 */
int kho_radix_grow(struct kho_radix_tree *tree, u64 key)
{
	struct kho_radix_node *node = tree->root, *child = NULL;
	struct kho_radix_node *branch[KHO_TREE_MAX_DEPTH];
	unsigned int level, depth;

	lockdep_assert_held(&tree->lock);

	for (level = TOP_LEVEL; level; level--) {
		child = node_child(node, kho_key_index(PAGE_SHIFT, key, level));
		if (!child)
			break;
		node = child;
	}
	if (!level)
		return 0;

	for (depth = 0; depth < level; depth++) {
		branch[depth] = kho_radix_node_alloc();
		if (!branch[depth])
			goto err_free_branch;
		if (depth)
			branch[depth]->table[kho_key_index(PAGE_SHIFT, key, depth)] =
				virt_to_phys(branch[depth - 1]);
	}
	words_note(branch[0], 0);
	/* Readers that see the branch must see all of it. */
	smp_store_release(&node->table[kho_key_index(PAGE_SHIFT, key, level)],
			  virt_to_phys(branch[level - 1]));
	tree->nr_nodes += level;
	for (depth = 0; depth < level; depth++)
		watch_node(tree, branch[depth], true);
	return 0;

err_free_branch:
	while (depth--)
		kho_radix_node_free(branch[depth]);
	return -ENOMEM;
}

/*
 * Lets nobody use a leaf of blocks any more who does not hold tree->lock.  Its words are
 * protected by many regions' locks.  Once each lock was taken and released, all others
 * have either made their change or come back with tree->lock.
 */
static void shut_out(struct kho_radix_tree *tree, const struct kho_radix_node *leaf)
{
	unsigned int i;

	WRITE_ONCE(tree->pruning, true);
	for (i = 0; i < NR_LOCKS; i++) {
		struct kho_radix_region *region = &tree->region[i];

		spin_lock(&region->lock);
		if (region->block.leaf == leaf)
			region->block.number = NO_LEAF;
		spin_unlock(&region->lock);
	}
}

/**
 * kho_radix_prune() - remove a leaf if it is empty, and nodes that lead only to it
 * @tree: the tree
 * @pfn: number of the first page of a block whose mark the leaf has, or had
 * @order: order of the block
 *
 * Context: tree->lock held.
 */
void kho_radix_prune(struct kho_radix_tree *tree, unsigned long pfn, unsigned int order)
{
	struct kho_radix_region *region = region_of(tree, pfn);
	struct kho_radix_slot *slot = &region->base[slot_of(pfn) % NR_SLOTS];
	struct kho_radix_node *path[KHO_TREE_MAX_DEPTH];
	bool blocks = order && is_small(order);
	unsigned int level, empty = 0;
	u64 key = key_of(pfn, order);

	lockdep_assert_held(&tree->lock);

	path[TOP_LEVEL] = tree->root;
	for (level = TOP_LEVEL; level; level--) {
		path[level - 1] = node_child(path[level],
					     kho_key_index(PAGE_SHIFT, key, level));
		if (!path[level - 1])
			return;
	}

	/* Whoever empties it later will be back. */
	if (blocks && !node_empty(path[0]))
		return;

	if (blocks)
		shut_out(tree, path[0]);
	/* The lock keeps out new marks; once it is unlinked, nobody finds the leaf. */
	spin_lock(&region->lock);
	for (level = 0; level < TOP_LEVEL &&
	     (level || order ? node_empty(path[level]) : words_empty(path[0])); level++)
		WRITE_ONCE(path[level + 1]->table[kho_key_index(PAGE_SHIFT, key,
								level + 1)], 0);
	empty = level;
	if (empty && slot->leaf == path[0])
		slot->number = NO_LEAF;
	spin_unlock(&region->lock);
	if (blocks)
		/* Whoever sees that it is over must not find the leaf any more. */
		smp_store_release(&tree->pruning, false);

	tree->nr_nodes -= empty;
	for (level = 0; level < empty; level++) {
		watch_node(tree, path[level], false);
		node_free_later(path[level]);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Showing userspace the metadata as the next kernel would read it.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "internal.h"

/* Where the copying is. */
struct meta_copy {
	struct kho_meta_entry *entry;
	char *pages;
	u64 first;
	u64 index;
	u32 room;
	u32 filled;
	u32 kind;		/* of nodes */
};

static void copy_one(struct meta_copy *copy, u64 addr, u32 kind, u32 level)
{
	struct kho_meta_entry *entry;

	if (copy->index++ < copy->first || copy->filled == copy->room)
		return;
	entry = &copy->entry[copy->filled];
	entry->addr = addr;
	entry->kind = kind;
	entry->level = level;
	if (kho_blob_poisoned(phys_to_virt(addr)))
		memset(copy->pages + ((size_t)copy->filled << PAGE_SHIFT), 0,
		       PAGE_SIZE);
	else
		memcpy(copy->pages + ((size_t)copy->filled << PAGE_SHIFT),
		       phys_to_virt(addr), PAGE_SIZE);
	copy->filled++;
}

static const void *node_map(void *ctx, __u64 phys)
{
	return phys_to_virt(phys);
}

static int copy_node(void *ctx, __u64 phys, unsigned int level)
{
	struct meta_copy *copy = ctx;

	copy_one(copy, phys, copy->kind, level);
	/* The rest is counted already: no need to look for it. */
	return copy->filled == copy->room;
}

/**
 * kho_meta_copy() - copy pages of metadata out
 * @first: number of the first one wanted
 * @room: for how many there is room
 * @entry: told what they are
 * @pages: told what is in them
 * @filled: set to how many were copied
 * @total: set to how many there are
 *
 * Context: may sleep.
 */
void kho_meta_copy(u64 first, u32 room, struct kho_meta_entry *entry,
		   void *pages, u32 *filled, u64 *total)
{
	static const struct kho_walk_ops ops = {
		.map = node_map,
		.node = copy_node,
	};
	struct meta_copy copy = {
		.entry = entry,
		.pages = pages,
		.first = first,
		.room = room,
	};
	struct kho_walk walk = {
		.ops = &ops,
		.ctx = &copy,
		.shift = PAGE_SHIFT,
		.end = kho_end_of_memory(),
	};
	struct page *page;

	mutex_lock(&kho.lock);
	/* Neither is there if the kernel has KHO of its own. */
	if (kho.setup) {
		kho.setup_shown = true;
		copy_one(&copy, virt_to_phys(kho.setup), KHO_META_SETUP, 0);
		copy_one(&copy, virt_to_phys(kho.fdt), KHO_META_FDT, 0);
	}
	mutex_lock(&kho.blobs_lock);
	list_for_each_entry(page, &kho.blobs, lru)
		if (!kho.fdt || page != virt_to_page(kho.fdt))
			copy_one(&copy, page_to_phys(page), KHO_META_BLOB, 0);
	*total = kho.nr_blobs;
	mutex_unlock(&kho.blobs_lock);
	copy.kind = KHO_META_NODE;
	/* No node goes away meanwhile. */
	mutex_lock(&kho.tree.lock);
	kho_walk_tree(&walk, virt_to_phys(kho.tree.root));
	mutex_unlock(&kho.tree.lock);
	copy.kind = KHO_META_LEAN;
	if (kho.lean.root && copy.filled < room)
		kho_walk_tree(&walk, virt_to_phys(kho.lean.root));
	*filled = copy.filled;
	*total += !!kho.setup + kho.tree.nr_nodes + kho.lean.nr_nodes;
	mutex_unlock(&kho.lock);
}

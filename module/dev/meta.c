// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows userspace the metadata as the next kernel would read it.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/metapage.h"
#include "core/preserve.h"
#include "dev.h"
#include "mm/poison.h"

#include <kho/walk.h>
#include <linux/kho.h>

/* The state of one kho_meta_copy() */
struct meta_copy {
	struct kho_meta_entry *entry;
	char *pages;
	u64 first;
	u64 index;
	u32 room;
	u32 filled;
	u32 kind;		/* of nodes */
	void *fdt;
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
	if (kho_metapage_poisoned(phys_to_virt(addr)))
		memset(copy->pages + ((size_t)copy->filled << PAGE_SHIFT), 0,
		       PAGE_SIZE);
	else
		memcpy(copy->pages + ((size_t)copy->filled << PAGE_SHIFT),
		       phys_to_virt(addr), PAGE_SIZE);
	copy->filled++;
}

static void copy_metapage(struct page *page, void *data)
{
	struct meta_copy *copy = data;

	if (!copy->fdt || page != virt_to_page(copy->fdt))
		copy_one(copy, page_to_phys(page), KHO_META_BLOB, 0);
}

static int copy_node(void *ctx, __u64 phys, unsigned int level)
{
	struct meta_copy *copy = ctx;

	copy_one(copy, phys, copy->kind, level);
	/* The total is known without a walk over the rest. */
	return copy->filled == copy->room;
}

/**
 * kho_meta_copy() - copy pages of metadata out
 * @first: index of the first one wanted
 * @room: capacity of @entry and @pages
 * @entry: filled in with what the pages are
 * @pages: filled in with their content
 * @filled: set to the number of pages copied
 * @total: set to the number of metadata pages
 *
 * Context: may sleep.
 */
void kho_meta_copy(u64 first, u32 room, struct kho_meta_entry *entry,
		   void *pages, u32 *filled, u64 *total)
{
	static const struct kho_walk_ops ops = {
		.node = copy_node,
	};
	struct meta_copy copy = {
		.entry = entry,
		.pages = pages,
		.first = first,
		.room = room,
	};
	void *setup;

	mutex_lock(&kho.lock);
	/* With in-kernel KHO there is neither. */
	setup = kho_backend_setup_page();
	copy.fdt = kho_backend_fdt_page();
	if (setup)
		copy_one(&copy, virt_to_phys(setup), KHO_META_SETUP, 0);
	if (copy.fdt)
		copy_one(&copy, virt_to_phys(copy.fdt), KHO_META_FDT, 0);
	*total = kho_metapages_each(copy_metapage, &copy);
	copy.kind = KHO_META_NODE;
	kho_preserved_walk_nodes(&ops, &copy);
	copy.kind = KHO_META_LEAN;
	*total += kho_backend_walk_boot_tree(&ops, &copy);
	*filled = copy.filled;
	*total += !!setup + kho_preserved_nodes();
	mutex_unlock(&kho.lock);
}

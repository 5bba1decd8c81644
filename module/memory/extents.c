// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the extents of an object are stored.
 *
 * If memory is scattered, each page is an extent: 268 million of 32 bytes for 1 TiB,
 * more than kvmalloc() allocates at once (INT_MAX bytes).  So extents are stored in
 * chunks of a page, and an array leads to the chunks: 16 MiB for that object.  An
 * object with few extents has a smaller first chunk.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core/core.h"
#include "memory.h"

#define FIRST_ROOM	8ULL
#define FIRST_CHUNKS	4ULL

/* Charged to whoever makes an object; what arrived is charged to nobody. */
#define GFP_EXTENTS	(kho.committed ? KHO_GFP_CHARGED : GFP_KERNEL)

/* Allocates the first chunk, or makes it larger. */
static int grow_first(struct kho_mem *mem)
{
	u64 room = min_t(u64, max(2 * mem->room, FIRST_ROOM), KHO_CHUNK);
	struct kho_extent *chunk;

	chunk = krealloc(mem->room ? mem->chunk[0] : NULL, room * sizeof(*chunk),
			 GFP_EXTENTS);
	if (!chunk)
		return -ENOMEM;
	mem->chunk[0] = chunk;
	mem->room = room;
	return 0;
}

static int grow_array(struct kho_mem *mem)
{
	u64 chunks = max(2 * mem->chunks, FIRST_CHUNKS);
	struct kho_extent **chunk;

	chunk = kvmalloc_array(chunks, sizeof(*chunk), GFP_EXTENTS);
	if (!chunk)
		return -ENOMEM;
	if (mem->chunks)
		memcpy(chunk, mem->chunk, mem->chunks * sizeof(*chunk));
	kvfree(mem->chunk);
	mem->chunk = chunk;
	mem->chunks = chunks;
	return 0;
}

/**
 * kho_extents_add_room() - make room for one more extent
 * @mem: the memory
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kho_extents_add_room(struct kho_mem *mem)
{
	struct kho_extent *chunk;
	int ret = 0;

	if (mem->nr_extents < mem->room)
		return 0;
	if (mem->room == mem->chunks * KHO_CHUNK)
		ret = grow_array(mem);
	if (ret)
		return ret;
	if (mem->room < KHO_CHUNK)
		return grow_first(mem);
	chunk = kmalloc_array(KHO_CHUNK, sizeof(*chunk), GFP_EXTENTS);
	if (!chunk)
		return -ENOMEM;
	mem->chunk[mem->room / KHO_CHUNK] = chunk;
	mem->room += KHO_CHUNK;
	return 0;
}

/**
 * kho_extents_free() - free all extents, but not their pages
 * @mem: the memory
 *
 * Context: may sleep.
 */
void kho_extents_free(struct kho_mem *mem)
{
	u64 i;

	for (i = 0; i < mem->room; i += KHO_CHUNK) {
		kfree(mem->chunk[i / KHO_CHUNK]);
		cond_resched();
	}
	kvfree(mem->chunk);
	mem->chunk = NULL;
	mem->chunks = 0;
	mem->room = 0;
	mem->nr_extents = 0;
}

/**
 * kho_extents_swap() - exchange the extents of two memories
 * @mem: one
 * @to: the other
 *
 * Context: any; the caller makes sure that nobody reads them.
 */
void kho_extents_swap(struct kho_mem *mem, struct kho_mem *to)
{
	swap(mem->chunk, to->chunk);
	swap(mem->chunks, to->chunks);
	swap(mem->room, to->room);
	swap(mem->nr_extents, to->nr_extents);
	swap(mem->nr_pages, to->nr_pages);
	swap(mem->pmd_pages, to->pmd_pages);
	swap(mem->pud_pages, to->pud_pages);
}

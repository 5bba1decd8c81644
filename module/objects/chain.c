// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metapages that an object's record leads to: extents, checksums, the agent's data.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "core/metapage.h"
#include "memory/memory.h"
#include "object.h"

#include <kho/objects.h>

#define PER_CHUNK	KHO_OBJS_EXTENTS_PER_PAGE(PAGE_SHIFT)

/**
 * kho_write_extent() - write an extent for the next kernel
 * @to: where the next kernel reads it
 * @from: the extent
 */
void kho_write_extent(struct kho_objs_extent *to,
		      const struct kho_extent *from)
{
	to->addr = from->pfn << PAGE_SHIFT | from->order;
	to->nr_pages = from->nr_pages;
}

static void free_more(u64 more)
{
	while (more) {
		struct kho_objs_extents *chunk = phys_to_virt(more);

		more = chunk->next;
		kho_metapage_free(chunk);
		cond_resched();
	}
}

/* Writes the extents that do not fit into a record. */
static int alloc_more(const struct kho_mem *mem, u64 *more)
{
	u64 i, *link = more;

	*more = 0;
	for (i = KHO_OBJS_INLINE; i < mem->nr_extents; ) {
		struct kho_objs_extents *chunk = kho_metapage_alloc_charged();
		unsigned int n;

		if (!chunk) {
			free_more(*more);
			*more = 0;
			return -ENOMEM;
		}
		*link = virt_to_phys(chunk);
		link = &chunk->next;
		for (n = 0; n < PER_CHUNK && i < mem->nr_extents; n++, i++)
			kho_write_extent(&chunk->extents[n], kho_extent_at(mem, i));
		cond_resched();
	}
	return 0;
}

/**
 * kho_chains_free() - free metapages that no record leads to
 * @chains: the metapages; empty afterwards
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_chains_free(struct kho_chains *chains)
{
	free_more(chains->more);
	kho_sums_free(chains->sums);
	kho_data_free(chains->data);
	memset(chains, 0, sizeof(*chains));
}

/**
 * kho_chains_alloc() - write the metapages that a record will lead to
 * @mem: the memory with the extents
 * @with_sums: make room for checksums, too
 * @chains: set to what was written
 *
 * Context: may sleep; kho.gate held, kho.lock not.
 * Return: 0, or as kho_sums_alloc(), and then @chains is empty.
 */
int kho_chains_alloc(const struct kho_mem *mem, bool with_sums,
		     struct kho_chains *chains)
{
	int ret;

	memset(chains, 0, sizeof(*chains));
	ret = alloc_more(mem, &chains->more);
	if (!ret && with_sums)
		ret = kho_sums_alloc(mem->nr_pages, &chains->sums);
	if (ret)
		kho_chains_free(chains);
	return ret;
}

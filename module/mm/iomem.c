// SPDX-License-Identifier: GPL-2.0-only
/*
 * What RAM the machine has.
 */
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>

#include "compat/compat.h"
#include "iomem.h"

/**
 * kho_end_of_memory() - find the end of memory
 *
 * Return: physical address of the first byte beyond the pages of all nodes.
 */
u64 kho_end_of_memory(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, pgdat_end_pfn(NODE_DATA(nid)));
	return (u64)end << PAGE_SHIFT;
}

static int count_whole_pages(u64 addr, u64 bytes, void *data)
{
	unsigned long pfn = PFN_UP(addr), end = PHYS_PFN(addr + bytes);

	if (end > pfn)
		*(u64 *)data += end - pfn;
	return 0;
}

/**
 * kho_ram_pages() - count the RAM in a range
 * @addr: physical address of the range in bytes
 * @bytes: its length
 *
 * Return: number of whole base pages of RAM.
 */
u64 kho_ram_pages(u64 addr, u64 bytes)
{
	u64 pages = 0;

	kho_walk_ram(addr, bytes, count_whole_pages, &pages);
	return pages;
}

/* Merges adjacent resources. */
struct ram_walk {
	kho_range_fn_t fn;
	void *data;
	u64 addr;
	u64 bytes;
};

static int walk_ram(struct resource *res, void *data)
{
	struct ram_walk *walk = data;
	int ret = 0;

	if (res->flags & IORESOURCE_SYSRAM_DRIVER_MANAGED)
		return 0;
	if (walk->bytes && walk->addr + walk->bytes == res->start) {
		walk->bytes += resource_size(res);
		return 0;
	}
	if (walk->bytes)
		ret = walk->fn(walk->addr, walk->bytes, walk->data);
	walk->addr = res->start;
	walk->bytes = resource_size(res);
	return ret;
}

/**
 * kho_walk_ram() - call a function for each piece of RAM in a range
 * @addr: physical address of the range in bytes
 * @bytes: its length
 * @fn: called for each piece; a result other than 0 ends the walk
 * @data: for @fn
 *
 * Skips memory of firmware and devices, although there may be struct pages for it, and
 * RAM that a driver added, which the next kernel lacks until a driver there adds it.
 * Adjacent entries of /proc/iomem are merged, as the setup_data of this kernel splits
 * them anywhere.
 *
 * Context: may sleep.
 * Return: 0, or the result of @fn that ended it.
 */
int kho_walk_ram(u64 addr, u64 bytes, kho_range_fn_t fn, void *data)
{
	struct ram_walk walk = {
		.fn = fn,
		.data = data,
	};
	int ret;

	ret = walk_iomem_res_desc(IORES_DESC_NONE,
				  IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
				  addr, addr + bytes - 1, &walk, walk_ram);
	/* @ret is -EINVAL if there is no RAM. */
	if (!walk.bytes)
		return 0;
	return ret ?: fn(walk.addr, walk.bytes, data);
}

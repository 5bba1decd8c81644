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
 * kho_end_of_memory() - physical address above which there is no page
 *
 * Return: the address in bytes.
 */
u64 kho_end_of_memory(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, pgdat_end_pfn(NODE_DATA(nid)));
	return (u64)end << PAGE_SHIFT;
}

static int count_covered(u64 addr, u64 bytes, void *data)
{
	unsigned long pfn = PFN_UP(addr), end = PHYS_PFN(addr + bytes);

	if (end > pfn)
		*(u64 *)data += end - pfn;
	return 0;
}

/**
 * kho_ram_pages() - how much RAM there is in a range
 * @addr: physical address in bytes
 * @bytes: its length
 *
 * Return: whole base pages of RAM.
 */
u64 kho_ram_pages(u64 addr, u64 bytes)
{
	u64 pages = 0;

	kho_walk_ram(addr, bytes, count_covered, &pages);
	return pages;
}

/* Puts together what lies side by side. */
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
 * @addr: physical address in bytes
 * @bytes: its length
 * @fn: told of the piece; a result other than 0 ends it
 * @data: for @fn
 *
 * What firmware and devices have in between is left out, although there may be
 * struct pages for it; and so is RAM that a driver has brought, which the next kernel
 * does not have until a driver there does.  A piece of RAM is as long as it can be:
 * what setup_data the kernel was started with cuts the entries of /proc/iomem anywhere.
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
	/* Without any RAM that is -EINVAL. */
	if (!walk.bytes)
		return 0;
	return ret ?: fn(walk.addr, walk.bytes, data);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scratch that this kernel was started in: can it be scratch again?
 *
 * The sender promises that nothing in it is preserved.  This is checked here; if it is
 * not true, this kernel has to find other scratch.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "core/core.h"
#include "core/preserve.h"
#include "incoming/incoming.h"
#include "mm/iomem.h"
#include "own.h"

#include <kho/abi.h>

/* Finds the incoming scratch array.  The only check is that it can be read. */
static const struct kho_scratch *find_array(unsigned int *nr)
{
	const struct kho_incoming *in = kho_incoming();
	u64 addr = in->list.data.scratch_addr, size = in->list.data.scratch_size;
	struct page *page;

	if (in->boot.state == KHO_BOOT_KEPT || in->boot.state == KHO_BOOT_TAKEN) {
		addr = in->boot.scratch_addr;
		size = in->boot.scratch_size;
	} else if (in->list.announcements != 1 ||
		   in->list.len != sizeof(in->list.data) || !in->list.data.fdt_addr) {
		return NULL;
	}
	if (!size || size % sizeof(struct kho_scratch) || addr % sizeof(u64) ||
	    size > PAGE_SIZE || offset_in_page(addr) + size > PAGE_SIZE)
		return NULL;
	page = pfn_to_online_page(PHYS_PFN(addr));
	if (!page || !PageReserved(page))
		return NULL;
	*nr = size / sizeof(struct kho_scratch);
	return phys_to_virt(addr);
}

/* The range to check, in bytes */
struct span {
	u64 addr;
	u64 end;
};

static int overlaps(u64 addr, u64 bytes, void *data)
{
	const struct span *span = data;

	return addr < span->end && span->addr < addr + bytes;
}

static const char *check(struct span *span)
{
	const struct kho_incoming *in = kho_incoming();
	unsigned int i, nr = min_t(unsigned int, in->list.nr, KHO_ENVELOPES_MAX);
	u64 nr_pages = PHYS_PFN(span->end - span->addr);

	if (kho_ram_pages(span->addr, span->end - span->addr) != nr_pages)
		return "not all of it is RAM";
	for (i = 0; i < nr; i++)
		if (overlaps(in->list.envelope[i].addr, in->list.envelope[i].bytes, span))
			return "an envelope overlaps it";
	if (kho_arch_each_reserved(overlaps, span))
		return "firmware data lies in it";
	if (kho_preserved_lies_in(PHYS_PFN(span->addr), nr_pages) ||
	    (in->boot.state == KHO_BOOT_KEPT &&
	     overlaps(in->boot.fdt_addr, PAGE_SIZE, span)))
		return "something in it is preserved";
	return NULL;
}

/**
 * kho_scratch_previous() - find scratch of the previous kernel that can be scratch again
 * @align: alignment of both ends, in pages
 * @least: minimum size, in pages
 * @pfn: set to the number of the first page
 * @nr_pages: set to the number of pages
 *
 * If there are several ranges, it finds the largest: a loader knows only one.
 *
 * Context: may sleep; kho.lock held.
 * Return: true if there is any.
 */
bool kho_scratch_previous(unsigned long align, unsigned long least,
			  unsigned long *pfn, unsigned long *nr_pages)
{
	const struct kho_scratch *scratch;
	u64 bytes = PFN_PHYS((u64)align), end = kho_end_of_memory();
	unsigned int i, nr;

	lockdep_assert_held(&kho.lock);

	*nr_pages = 0;
	scratch = find_array(&nr);
	for (i = 0; scratch && i < nr; i++) {
		/* Read once: others may be able to write to this page. */
		u64 addr = READ_ONCE(scratch[i].addr);
		u64 size = READ_ONCE(scratch[i].size);
		struct span span;
		const char *why;

		if (addr >= end || size > end - addr)
			continue;
		span.addr = ALIGN(addr, bytes);
		span.end = ALIGN_DOWN(addr + size, bytes);
		if (span.addr >= span.end ||
		    PHYS_PFN(span.end - span.addr) < max(least, *nr_pages + 1))
			continue;
		why = check(&span);
		if (why) {
			pr_warn("the previous kernel's scratch, 0x%llx bytes at 0x%llx, can't be reused: %s\n",
				size, addr, why);
			continue;
		}
		*pfn = PHYS_PFN(span.addr);
		*nr_pages = PHYS_PFN(span.end - span.addr);
	}
	return *nr_pages;
}

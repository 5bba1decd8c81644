// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checking the setup_data list that a kernel without the boot stub was started
 * with.  Such a kernel reserves whatever the list says without checking it.  The
 * module takes over and frees these pages, so it must check.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "arch/envelope.h"
#include "internal.h"
#include "mm/iomem.h"

#include <kho/abi.h>
#include <kho/fdt.h>
#include <linux/kho.h>

#define GRANULE_BYTES	BIT_ULL(KHO_ENVELOPE_SHIFT)
#define SCRATCH_MAX	(PAGE_SIZE / sizeof(struct kho_scratch))

/**
 * kho_list_covers() - do these pages lie in an incoming envelope?
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Only valid after kho_list_check() has found the envelopes valid.
 *
 * Return: true if they all lie in the same envelope.
 */
bool kho_list_covers(u64 pfn, u64 nr_pages)
{
	const struct kho_boot_list *list = &incoming.list;
	unsigned int low = 0, high = list->nr;
	u64 addr = PFN_PHYS(pfn);

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct kho_envelope *envelope = &list->envelope[middle];

		if (addr < envelope->addr)
			high = middle;
		else if (addr - envelope->addr >= envelope->bytes)
			low = middle + 1;
		else
			return PFN_PHYS(nr_pages) <=
			       envelope->bytes - (addr - envelope->addr);
	}
	return false;
}

static bool overlaps(const struct kho_envelope *envelope, u64 addr, u64 bytes)
{
	return addr < envelope->addr + envelope->bytes &&
	       envelope->addr < addr + bytes;
}

static int found(struct resource *res, void *data)
{
	return 1;
}

static const char *check_envelope(const struct kho_envelope *envelope)
{
	u64 addr = envelope->addr, end = kho_end_of_memory();

	if (!envelope->bytes || !PAGE_ALIGNED(envelope->bytes) ||
	    (addr != KHO_ENVELOPE_LOWEST && !IS_ALIGNED(addr, GRANULE_BYTES)))
		return "an envelope is empty or misaligned";
	if (addr >= end || envelope->bytes >= end - addr)
		return "an envelope reaches to the end of memory, or beyond";
	if (walk_iomem_res_desc(IORES_DESC_CRASH_KERNEL, IORESOURCE_SYSTEM_RAM,
				addr, addr + envelope->bytes - 1, NULL,
				found) == 1)
		return "an envelope overlaps the crash kernel";
	for (addr = ALIGN_DOWN(addr, GRANULE_BYTES); addr < envelope->addr + envelope->bytes;
	     addr += GRANULE_BYTES)
		if (kho_arch_holds_kernel(addr))
			return "an envelope overlaps this kernel";
	return NULL;
}

/**
 * kho_list_check_envelopes() - check the incoming envelopes
 * @where: set to the address that the result refers to
 * @value: set to the value that the result refers to
 *
 * Context: may sleep.
 * Return: NULL, or what is wrong.
 */
const char *kho_list_check_envelopes(u64 *where, u64 *value)
{
	const struct kho_boot_list *list = &incoming.list;
	unsigned int i;

	*where = list->node;
	*value = list->nr;
	if (!list->nr)
		return "there are no envelopes: this needs a kernel with KHO or the boot stub";
	if (list->nr > KHO_ENVELOPES_MAX)
		return "there are too many envelopes";
	for (i = 0; i < list->nr; i++) {
		const struct kho_envelope *envelope = &list->envelope[i];
		const char *why = check_envelope(envelope);

		*where = envelope->addr;
		*value = envelope->bytes;
		if (why)
			return why;
		if (i && envelope->addr <= envelope[-1].addr + envelope[-1].bytes)
			return "envelopes overlap, touch or are not in order";
	}
	return NULL;
}

/* Checks the scratch array, and that no envelope overlaps scratch. */
static const char *check_scratch(u64 *where, u64 *value)
{
	const struct kho_data *data = &incoming.list.data;
	const struct kho_scratch *scratch;
	unsigned int i, j;
	struct page *page;

	*where = data->scratch_addr;
	*value = data->scratch_size;
	if (!data->scratch_size || data->scratch_size % sizeof(*scratch) ||
	    data->scratch_size > SCRATCH_MAX * sizeof(*scratch))
		return "the scratch array has an impossible size";
	page = pfn_to_online_page(PHYS_PFN(data->scratch_addr));
	if (!page || !PageReserved(page) || data->scratch_addr % sizeof(u64) ||
	    offset_in_page(data->scratch_addr) + data->scratch_size > PAGE_SIZE)
		return "the scratch array has an impossible address";

	scratch = phys_to_virt(data->scratch_addr);
	for (i = 0; i < data->scratch_size / sizeof(*scratch); i++) {
		u64 addr = scratch[i].addr, size = scratch[i].size;

		*where = addr;
		*value = size;
		if (!size || !PAGE_ALIGNED(addr) || !PAGE_ALIGNED(size))
			return "a scratch range is empty or not page-aligned";
		if (addr + size < addr ||
		    kho_ram_pages(addr, size) != PHYS_PFN(size))
			return "a scratch range is no RAM";
		for (j = 0; j < incoming.list.nr; j++)
			if (overlaps(&incoming.list.envelope[j], addr, size))
				return "an envelope overlaps scratch";
	}
	return NULL;
}

/**
 * kho_list_check() - check the incoming list
 * @where: set to the address that the result refers to
 * @value: set to the value that the result refers to
 *
 * Context: may sleep.
 * Return: NULL, or what is wrong.
 */
const char *kho_list_check(u64 *where, u64 *value)
{
	const struct kho_boot_list *list = &incoming.list;
	const char *why;

	*where = list->node;
	*value = list->announcements;
	if (list->cut_off)
		return "the setup_data list can't be read or trusted to its end";
	if (list->announcements > 1)
		return "the handover is announced more than once";
	*value = list->len;
	if (list->len != sizeof(list->data))
		return "the announcement has a wrong length";
	why = kho_list_check_envelopes(where, value) ?: check_scratch(where, value);
	if (why)
		return why;

	*where = list->data.fdt_addr;
	*value = list->data.fdt_size;
	if (!PAGE_ALIGNED(list->data.fdt_addr) ||
	    list->data.fdt_size < KHO_FDT_HEADER ||
	    list->data.fdt_size > PAGE_SIZE)
		return "the FDT has an impossible address or size";
	if (!kho_list_covers(PHYS_PFN(list->data.fdt_addr), 1))
		return "the FDT lies in no envelope";
	return NULL;
}

/**
 * kho_envelope_entries() - describe envelopes
 * @envelope: the envelopes by rising address
 * @nr: number of envelopes
 * @first: index of the first envelope wanted
 * @capacity: size of @entry in entries
 * @entry: filled in
 *
 * Return: number of entries filled in.
 */
u32 kho_envelope_entries(const struct kho_envelope *envelope, unsigned int nr, u64 first,
			 u32 capacity, struct kho_envelope_entry *entry)
{
	u32 filled = 0;
	u64 i;

	for (i = first; i < nr && filled < capacity; i++, filled++) {
		entry[filled].addr = envelope[i].addr;
		entry[filled].bytes = envelope[i].bytes;
	}
	return filled;
}

/**
 * kho_list_envelopes() - describe the incoming envelopes
 * @first: index of the first envelope wanted
 * @capacity: size of @entries in entries
 * @entries: array of struct kho_envelope_entry, filled in
 * @filled: set to the number of entries filled in
 * @total: set to the number of envelopes
 *
 * Context: any.
 */
void kho_list_envelopes(u64 first, u32 capacity, void *entries, u32 *filled, u64 *total)
{
	*total = min_t(unsigned int, incoming.list.nr, KHO_ENVELOPES_MAX);
	*filled = kho_envelope_entries(incoming.list.envelope, *total, first, capacity, entries);
}

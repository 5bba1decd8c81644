// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: announcing a handover to a kernel that kexec_file_load() is loading.
 *
 * The loader builds boot_params and the setup_data nodes of its own in one buffer, which
 * becomes a segment of the image.  Our node is linked behind these.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/kexec.h>
#include <linux/mm.h>
#include <asm/bootparam.h>

#include "compat/compat.h"
#include "arch/arch.h"

#include <kho/abi.h>

#define HEADER_MAGIC	0x53726448	/* "HdrS" */

/* No loader makes as many nodes; more of them are a loop. */
#define NODES_MAX	64

/* Types of entries of the table of memory: RAM, and RAM that setup_data lies in. */
#define RAM		1
#define RAM_SETUP_DATA	128

/*
 * The first member of struct bzimage64_data, which only the loader knows.  So this is just a
 * guess, which find_segment() and find_params() verify.
 */
static const void *guess_params(const struct kimage *image)
{
	const void *data = image->image_loader_data;

	return data ? *(void * const *)data : NULL;
}

static const struct kexec_segment *find_segment(const struct kimage *image)
{
	const void *params = guess_params(image);
	unsigned long i;

	for (i = 0; params && i < image->nr_segments; i++)
		if (image->segment[i].kbuf == params &&
		    image->segment[i].bufsz >= sizeof(struct boot_params))
			return &image->segment[i];
	return NULL;
}

static bool is_ram(const struct boot_e820_entry *entry)
{
	return entry->type == RAM || entry->type == RAM_SETUP_DATA;
}

static unsigned int nr_entries(const struct boot_params *params)
{
	return min_t(unsigned int, params->e820_entries, E820_MAX_ENTRIES_ZEROPAGE);
}

/*
 * In the table for its successor, a 6.1 kernel notes where its own setup_data and envelopes
 * lie: see e820__reserve_setup_data(), which does not do so any more in 6.12.  They mean
 * nothing to the successor, and in a long chain there would be more and more of them, up to
 * the end of the table.
 */
static void merge_ram(struct boot_params *params)
{
	struct boot_e820_entry *entry = params->e820_table;
	unsigned int i, nr = nr_entries(params), kept = 0;

	for (i = 0; i < nr; i++) {
		struct boot_e820_entry *last = kept ? &entry[kept - 1] : NULL;

		if (last && is_ram(last) && is_ram(&entry[i]) &&
		    last->addr + last->size == entry[i].addr)
			last->size += entry[i].size;
		else
			entry[kept++] = entry[i];
		if (is_ram(&entry[kept - 1]))
			entry[kept - 1].type = RAM;
	}
	params->e820_entries = kept;
}

/* Finds the end of the RAM that is told of from @addr on. */
static u64 end_of_ram(const struct boot_params *params, u64 addr)
{
	unsigned int i, nr = nr_entries(params);

	for (i = 0; i < nr; i++) {
		const struct boot_e820_entry *entry = &params->e820_table[i];

		if (is_ram(entry) && addr >= entry->addr && addr - entry->addr < entry->size)
			return entry->addr + entry->size;
	}
	return 0;
}

/**
 * kho_arch_image_has() - will the kernel that is being loaded have this RAM?
 * @image: the image
 * @addr: physical address of the RAM in bytes
 * @end: that of its end
 *
 * Context: any; kexec_file_load() is about to use its buffers.
 */
bool kho_arch_image_has(const struct kimage *image, u64 addr, u64 end)
{
	const struct kexec_segment *segment = find_segment(image);

	while (segment && addr < end) {
		addr = end_of_ram(segment->kbuf, addr);
		if (!addr)
			return false;
	}
	return segment;
}

/**
 * kho_arch_image_announce() - announce a handover to the kernel that is being loaded
 * @image: the image
 * @addr: physical address of the page that was passed to kho_arch_publish()
 *
 * Context: any; kexec_file_load() is about to use its buffers.
 * Return: NULL, or why that is not possible; nothing has changed then.
 */
const char *kho_arch_image_announce(struct kimage *image, u64 addr)
{
	const struct kexec_segment *segment = find_segment(image);
	struct boot_params *params;
	struct kho_setup_node *node;
	unsigned int nr;
	__u64 next, at;

	if (!segment)
		return "this kernel's loader works in a way that is not known";
	params = segment->kbuf;
	if (params->hdr.header != HEADER_MAGIC)
		return "the image has no header of the boot protocol";
	next = params->hdr.setup_data;
	node = NULL;
	for (nr = 0; next && next != addr; nr++) {
		at = next - segment->mem;
		if (next < segment->mem || at > segment->bufsz - sizeof(*node) ||
		    nr == NODES_MAX)
			return "its setup_data list leads out of the loader's buffer";
		node = (void *)params + at;
		next = node->next;
	}
	merge_ram(params);
	/* khoctl may have written the address into the image already. */
	if (next)
		return NULL;
	if (node)
		node->next = addr;
	else
		params->hdr.setup_data = addr;
	return NULL;
}

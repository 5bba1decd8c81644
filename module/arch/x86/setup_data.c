// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: announcing a handover, and finding an incoming one.
 *
 * The announcement is a list of setup_data nodes of the boot protocol.  khoctl
 * writes the address of the first node into the header of the image that it
 * loads.  From then on the next kernel may read the list at any moment.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/kallsyms.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/page_types.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "arch/envelope.h"
#include "base/read-file.h"
#include "firmware.h"
#include "mm/iomem.h"

#include <kho/abi.h>
#include <kho/boot_info.h>

/* No list has this many nodes; one that seems to have more is a loop. */
#define LIST_MAX	4096

/* Offset of the boot loader's type in boot_params, and the type of kexec */
#define LOADER_OFFSET	0x210
#define LOADER_KEXEC	0xd

/* The setup page: our node, the scratch array, and the nodes of the envelopes */
struct setup_page {
	struct kho_setup_node node;
	struct kho_data data;
	struct kho_scratch scratch[1];
	struct {
		struct kho_setup_node node;
		struct kho_setup_indirect inner;
	} envelope[KHO_ENVELOPES_MAX];
};

static_assert(sizeof(struct setup_page) <= PAGE_SIZE);

/**
 * kho_arch_publish() - announce a handover, without envelopes
 * @page: page for the announcement
 * @fdt_addr: physical address of the root FDT
 * @scratch: the scratch range
 */
void kho_arch_publish(void *page, u64 fdt_addr, const struct kho_scratch *scratch)
{
	struct setup_page *setup = page;

	setup->scratch[0] = *scratch;
	setup->data.fdt_addr = fdt_addr;
	setup->data.fdt_size = PAGE_SIZE;
	setup->data.scratch_addr = virt_to_phys(setup->scratch);
	setup->data.scratch_size = sizeof(setup->scratch);
	setup->node.next = 0;
	setup->node.type = SETUP_KEXEC_KHO;
	setup->node.len = sizeof(setup->data);
}

/**
 * kho_arch_announce() - announce the envelopes
 * @page: the page that was passed to kho_arch_publish()
 * @envelope: the envelopes by rising address
 * @nr: number of envelopes, at most KHO_ENVELOPES_MAX
 */
void kho_arch_announce(void *page, const struct kho_envelope *envelope,
		       unsigned int nr)
{
	struct setup_page *setup = page;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		setup->envelope[i].inner.type = KHO_SETUP_ENVELOPE;
		setup->envelope[i].inner.reserved = 0;
		setup->envelope[i].inner.addr = envelope[i].addr;
		setup->envelope[i].inner.len = envelope[i].bytes;
		setup->envelope[i].node.type = KHO_SETUP_INDIRECT;
		setup->envelope[i].node.len = sizeof(setup->envelope[i].inner);
		setup->envelope[i].node.next = i + 1 < nr ?
			virt_to_phys(&setup->envelope[i + 1]) : 0;
	}
	setup->node.next = nr ? virt_to_phys(&setup->envelope[0]) : 0;
}

/**
 * kho_arch_retire() - withdraw an announcement
 * @page: the page that was passed to kho_arch_publish()
 *
 * The page stays a valid, empty node, as a loaded image may have its address.
 */
void kho_arch_retire(void *page)
{
	struct setup_page *setup = page;

	memset(setup, 0, sizeof(*setup));
	setup->node.type = KHO_SETUP_NONE;
}

/**
 * kho_arch_boot_info_get() - get the boot stub's report of the incoming handover
 *
 * Return: the report, to be released by kho_arch_boot_info_put(), or NULL if
 * this kernel has no stub.
 */
struct kho_boot_info *kho_arch_boot_info_get(void)
{
	return symbol_get(kho_boot_info);
}

/**
 * kho_arch_boot_info_put() - release the boot stub's report
 */
void kho_arch_boot_info_put(void)
{
	symbol_put(kho_boot_info);
}

static void note_envelope(struct kho_boot_list *list, u64 addr,
			  const struct kho_setup_indirect *inner)
{
	if (list->nr < KHO_ENVELOPES_MAX) {
		list->envelope[list->nr].addr = inner->addr;
		list->envelope[list->nr].bytes = inner->len;
	}
	list->nr++;
	list->last_node = max(list->last_node, addr);
	list->first_node = min(list->first_node, addr);
}

/* Reads a node; the node of an envelope is hidden, so that sysfs does not show it. */
static void read_node(struct kho_boot_list *list, u64 addr, void *at)
{
	struct kho_setup_node *node = at;
	struct kho_setup_indirect *inner = (void *)(node + 1);

	switch (node->type) {
	case SETUP_KEXEC_KHO:
	case KHO_SETUP_TAKEN:
		list->announcements++;
		list->node = addr;
		list->len = node->len;
		list->taken = node->type == KHO_SETUP_TAKEN;
		if (node->len == sizeof(list->data))
			memcpy(&list->data, node + 1, sizeof(list->data));
		break;
	case KHO_SETUP_INDIRECT:
		if (kho_setup_seal(node))
			note_envelope(list, addr, inner);
		break;
	case KHO_SETUP_SEALED:
		/* Hidden by the module when it was loaded earlier. */
		if (node->len >= sizeof(*inner))
			note_envelope(list, addr, inner);
		break;
	}
}

/*
 * Is this part of a node as boot has left it?  Boot has reserved all of the list.  What it
 * did not find in RAM, by memmap= on the command line, may have been a device since, and
 * root may have written to that, even under lockdown.  Without lockdown root needs no such
 * way.
 */
static bool is_kept(u64 addr, u64 bytes)
{
	u64 first = PHYS_PFN(addr), nr = PHYS_PFN(addr + bytes - 1) + 1 - first, i;

	if (kho_ram_pages(PFN_PHYS(first), PFN_PHYS(nr)) != nr)
		return false;
	for (i = 0; i < nr; i++) {
		struct page *page = pfn_to_online_page(first + i);

		if (!page || !PageReserved(page))
			return false;
	}
	return true;
}

/**
 * kho_arch_find() - find the setup_data list that this kernel was started with
 * @list: filled in
 * @strict: refuse what boot has not reserved in RAM
 *
 * Hides the nodes of envelopes: otherwise sysfs would show the envelopes' content to
 * everybody.
 *
 * Context: may sleep; no locks held.
 * Return: NULL, or why the list can't be read, or not be trusted, to its end.
 */
const char *kho_arch_find(struct kho_boot_list *list, bool strict)
{
	unsigned int nr = 0;
	u64 addr;

	memset(list, 0, sizeof(*list));
	list->first_node = U64_MAX;
	if (kho_read_file("sysfs", "kernel/boot_params/data", NULL, &addr,
			  sizeof(addr), KHO_SETUP_DATA_OFFSET) != sizeof(addr))
		return "sysfs has no boot_params";

	while (addr) {
		struct kho_setup_node *node;
		u64 next;
		u32 len;

		if (nr++ == LIST_MAX)
			return "the setup_data list has no end";
		if (strict && !is_kept(addr, sizeof(*node)))
			return "a setup_data node does not lie in reserved RAM";
		node = memremap(addr, sizeof(*node), MEMREMAP_WB);
		if (!node)
			return "a setup_data node can't be read";
		next = node->next;
		len = node->len;
		memunmap(node);

		/* Only the type of foreign nodes matters, so not all of them is mapped. */
		len = min_t(u32, len, sizeof(list->data)) + sizeof(*node);
		if (strict && !is_kept(addr, len))
			return "a setup_data node does not lie in reserved RAM";
		node = memremap(addr, len, MEMREMAP_WB);
		if (!node)
			return "a setup_data node can't be read";
		read_node(list, addr, node);
		memunmap(node);
		addr = next;
	}
	return NULL;
}

/**
 * kho_arch_by_kexec() - was this kernel started by kexec?
 *
 * Context: may sleep; no locks held.
 * Return: false only if it certainly was not.
 */
bool kho_arch_by_kexec(void)
{
	u8 loader;

	return kho_read_file("sysfs", "kernel/boot_params/data", NULL, &loader,
			     sizeof(loader), LOADER_OFFSET) != sizeof(loader) ||
	       loader >> 4 == LOADER_KEXEC;
}

/* Our nodes are small, and contain nothing that sysfs must not show. */
static bool is_ours(const struct kho_setup_node *node)
{
	return node->type == SETUP_KEXEC_KHO || node->type == KHO_SETUP_TAKEN ||
	       node->type == KHO_SETUP_SEALED;
}

static int each_part(u64 addr, const struct kho_setup_node *node, kho_range_fn_t fn,
		     kho_range_fn_t others, void *data)
{
	const struct kho_setup_indirect *inner = (const void *)(node + 1);
	int ret = fn(addr, sizeof(*node), data);

	if (ret || !node->len)
		return ret;
	if (is_ours(node))
		return fn(addr + sizeof(*node),
			  min_t(u32, node->len, sizeof(struct kho_data)), data);
	ret = others(addr + sizeof(*node), node->len, data);
	/* The data that an indirect node points to; envelopes are not part of the list. */
	if (ret || node->type != KHO_SETUP_INDIRECT || node->len < sizeof(*inner) ||
	    inner->type == KHO_SETUP_ENVELOPE || !inner->len)
		return ret;
	return others(inner->addr, inner->len, data);
}

/**
 * kho_arch_each_setup() - walk the memory of the list that this kernel was started with
 * @fn: called for the header of each node, and for the data of our own nodes
 * @others: called for the data of foreign nodes, and for data that they point to
 * @data: for both; a result other than 0 ends the walk
 *
 * Context: that of @fn; may sleep.
 * Return: the last result of @fn or @others; 0; -ENOMEM; -E2BIG if the list has no end;
 * or another errno if the kernel does not show where the list is.
 */
int kho_arch_each_setup(kho_range_fn_t fn, kho_range_fn_t others, void *data)
{
	unsigned int nr = 0;
	ssize_t len;
	int ret = 0;
	u64 addr;

	len = kho_read_file("sysfs", "kernel/boot_params/data", NULL, &addr,
			    sizeof(addr), KHO_SETUP_DATA_OFFSET);
	if (len != sizeof(addr))
		return len < 0 ? len : -EIO;
	while (addr && !ret) {
		size_t size = sizeof(struct kho_setup_node) +
			      sizeof(struct kho_setup_indirect);
		struct kho_setup_node *node;

		if (nr++ == LIST_MAX)
			return -E2BIG;
		node = memremap(addr, size, MEMREMAP_WB);
		if (!node)
			return -ENOMEM;
		ret = each_part(addr, node, fn, others, data);
		addr = node->next;
		memunmap(node);
	}
	return ret;
}

/**
 * kho_arch_taken() - mark the incoming handover as taken over
 * @list: the list that kho_arch_find() filled in
 *
 * The mark is for the module when it is loaded again.
 */
void kho_arch_taken(const struct kho_boot_list *list)
{
	struct kho_setup_node *node = memremap(list->node, sizeof(*node),
					       MEMREMAP_WB);

	if (!node)
		return;
	node->type = KHO_SETUP_TAKEN;
	memunmap(node);
}

/**
 * kho_arch_holds_kernel() - does this kernel itself lie in a granule?
 * @addr: physical address of the granule's first byte
 *
 * The kernel begins at a multiple of 2 MiB, so if any of it lies in a granule, some
 * of it lies at the granule's first byte.
 *
 * Return: true if so, as far as kallsyms can tell.
 */
bool kho_arch_holds_kernel(u64 addr)
{
	char symbol[KSYM_SYMBOL_LEN];

	/* phys_base may be negative, that is, wrap around. */
	addr -= phys_base;
	if (addr >= KERNEL_IMAGE_SIZE)
		return false;
	sprint_symbol(symbol, __START_KERNEL_map + addr);
	return strncmp(symbol, "0x", 2);
}

/* Pages that the graphics of Sandy Bridge may write to: see trim_snb_memory() */
static const u64 snb_pages[] = {
	0x20050000, 0x20110000, 0x20130000, 0x20138000, 0x40004000,
};

/**
 * kho_arch_each_reserved() - call a function for each range that firmware left in RAM
 * @fn: called for each range; a result other than 0 ends the walk
 * @data: for @fn
 *
 * Each kernel reserves these ranges at boot.  Inside an envelope their pages look as if
 * they were reserved only because of the envelope.
 *
 * Context: may sleep.
 * Return: the last result of @fn, or 0.
 */
int kho_arch_each_reserved(kho_range_fn_t fn, void *data)
{
	/* x86 reserves all of the first MiB. */
	return fn(0, SZ_1M, data) ?: kho_firmware_each(fn, data);
}

/**
 * kho_arch_each_doubtful() - the same for ranges that may be reserved for other reasons
 * @fn: called for each range; a result other than 0 ends the walk
 * @data: for @fn
 *
 * Context: may sleep.
 * Return: the last result of @fn, 0, or an errno if /proc/iomem can't be read.
 */
int kho_arch_each_doubtful(kho_range_fn_t fn, void *data)
{
	unsigned int i;
	int ret = 0;

	/* There are few of them, so keep them whatever the processor is. */
	for (i = 0; i < ARRAY_SIZE(snb_pages) && !ret; i++)
		ret = fn(snb_pages[i], PAGE_SIZE, data);
	return ret ?: kho_firmware_each_doubtful(fn, data) ?: kho_claimed_each(fn, data);
}

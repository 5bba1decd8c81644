// SPDX-License-Identifier: GPL-2.0-only
/*
 * x86: how a handover is announced, and how one that came is found.
 *
 * The announcement is a setup_data node of the boot protocol.  khoctl writes
 * its address into the header of the image that it loads; from there on the
 * node is live memory, read by the next kernel.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "internal.h"

/* The setup page: the node, and behind it the scratch array. */
struct setup_page {
	struct kho_setup_node node;
	struct kho_data data;
	struct kho_scratch scratch[1];
};

/**
 * kho_arch_publish() - announce what there is to hand over
 * @page: page for the announcement
 * @fdt_addr: physical address of the root FDT
 */
void kho_arch_publish(void *page, u64 fdt_addr)
{
	struct setup_page *setup = page;

	setup->scratch[0].addr = PFN_PHYS(kho.scratch_pfn);
	setup->scratch[0].size = PFN_PHYS(kho.scratch_pages);
	setup->data.fdt_addr = fdt_addr;
	setup->data.fdt_size = PAGE_SIZE;
	setup->data.scratch_addr = virt_to_phys(setup->scratch);
	setup->data.scratch_size = sizeof(setup->scratch);
	setup->node.next = 0;
	setup->node.type = SETUP_KEXEC_KHO;
	setup->node.len = sizeof(setup->data);
}

/**
 * kho_arch_retire() - make an announcement say nothing
 * @page: the page that kho_arch_publish() was given
 *
 * The node stays a valid one, for an image that was loaded with its address.
 */
void kho_arch_retire(void *page)
{
	struct setup_page *setup = page;

	memset(setup, 0, sizeof(*setup));
	setup->node.type = KHO_SETUP_NONE;
}

/**
 * kho_arch_boot_info_get() - ask the boot stub what came
 *
 * Return: its answer, to be given back by kho_arch_boot_info_put(), or NULL if
 * this kernel has no stub.
 */
struct kho_boot_info *kho_arch_boot_info_get(void)
{
	return symbol_get(kho_boot_info);
}

/**
 * kho_arch_boot_info_put() - done with the boot stub's answer
 */
void kho_arch_boot_info_put(void)
{
	symbol_put(kho_boot_info);
}

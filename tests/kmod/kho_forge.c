// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forges a handover that the next kernel must refuse: the page of its FDT is also a leaf
 * of its tree.  Read as a leaf, the FDT marks some 300 pages.  All of them lie in an
 * envelope, and so do the nodes.
 */
#define pr_fmt(fmt) "kho_forge: " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <kho/abi.h>
#include <kho/fdt.h>

#define LEVELS		6
#define LEAF_SPAN	SZ_128M		/* memory that the bits of a leaf stand for */
#define FDT_SPAN	SZ_16M		/* the part of it that an FDT may mark */
#define TRIES		10000

static unsigned long long setup;
module_param(setup, ullong, 0444);
MODULE_PARM_DESC(setup, "Physical address of kho's page of setup_data");

/* The layout that module/arch/x86/setup_data.c uses, for two envelopes. */
struct setup_page {
	struct kho_setup_node node;
	struct kho_data data;
	struct kho_scratch scratch[1];
	struct {
		struct kho_setup_node node;
		struct kho_setup_indirect inner;
	} envelope[2];
};

struct span {
	u64 addr;
	u64 bytes;
};

static bool apart(struct span a, struct span b)
{
	return a.addr + a.bytes <= b.addr || b.addr + b.bytes <= a.addr;
}

/* Finds memory for the marks: at the start of a leaf's span, in RAM, not in scratch. */
static int find_marks(struct span scratch, struct span *marks)
{
	marks->bytes = FDT_SPAN;
	for (marks->addr = 2 * LEAF_SPAN; marks->addr < SZ_1G;
	     marks->addr += LEAF_SPAN)
		if (apart(*marks, scratch) &&
		    pfn_to_online_page(PHYS_PFN(marks->addr + FDT_SPAN - 1)))
			return 0;
	return -ENOMEM;
}

/* Allocates pages for nodes, in 2 MiB apart from scratch and the marks. */
static struct page *find_nodes(struct span scratch, struct span marks,
			       struct span *nodes)
{
	struct page *page, *next, *found = NULL;
	LIST_HEAD(unfit);
	int i;

	scratch.bytes += SZ_2M;
	marks.addr -= SZ_2M;
	marks.bytes += 2 * SZ_2M;
	for (i = 0; i < TRIES; i++) {
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO, 3);
		if (!page)
			break;
		nodes->addr = ALIGN_DOWN(page_to_phys(page), SZ_2M);
		nodes->bytes = SZ_2M;
		if (nodes->addr >= SZ_16M && apart(*nodes, scratch) &&
		    apart(*nodes, marks)) {
			found = page;
			break;
		}
		list_add(&page->lru, &unfit);
	}
	list_for_each_entry_safe(page, next, &unfit, lru)
		__free_pages(page, 3);
	return found;
}

static void announce(struct setup_page *page, unsigned int i, struct span span,
		     u64 next)
{
	page->envelope[i].node = (struct kho_setup_node) {
		.next = next,
		.type = KHO_SETUP_INDIRECT,
		.len = sizeof(page->envelope[i].inner),
	};
	page->envelope[i].inner = (struct kho_setup_indirect) {
		.type = KHO_SETUP_ENVELOPE,
		.addr = span.addr,
		.len = span.bytes,
	};
}

static int forge(void)
{
	struct setup_page *page = phys_to_virt(setup);
	struct span scratch = { page->scratch[0].addr, page->scratch[0].size };
	struct span marks, nodes;
	struct kho_fdt *fdt;
	struct page *first;
	u64 key, phys;
	int i, len;

	if (find_marks(scratch, &marks))
		return -ENOMEM;
	first = find_nodes(scratch, marks, &nodes);
	fdt = kzalloc(sizeof(*fdt), GFP_KERNEL);
	if (!first || !fdt)
		return -ENOMEM;
	phys = page_to_phys(first);
	key = kho_key_encode(PAGE_SHIFT, marks.addr, 0);
	for (i = LEVELS - 1; i; i--)
		((u64 *)page_address(first + i))[kho_key_index(PAGE_SHIFT, key, i)] =
			phys + PFN_PHYS(i - 1);
	fdt->abi = KHO_ABI_V4;
	fdt->root = phys + PFN_PHYS(LEVELS - 1);
	len = kho_fdt_write(page_address(first), PAGE_SIZE, fdt);
	kfree(fdt);
	if (len <= 0)
		return -EINVAL;

	page->data.fdt_addr = phys;
	page->data.fdt_size = PAGE_SIZE;
	announce(page, 0, nodes.addr < marks.addr ? nodes : marks,
		 virt_to_phys(&page->envelope[1]));
	announce(page, 1, nodes.addr < marks.addr ? marks : nodes, 0);
	page->node.next = virt_to_phys(&page->envelope[0]);
	pr_info("an FDT of %d bytes is a leaf\n", len);
	return 0;
}

static int __init forge_init(void)
{
	return forge();
}

/* What was forged stays until the jump. */
static void __exit forge_exit(void)
{
}

module_init(forge_init);
module_exit(forge_exit);

MODULE_DESCRIPTION("A handover whose FDT is a node of its tree");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");

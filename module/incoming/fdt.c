// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root FDT of a handover with two trees, which kernels with and without in-kernel
 * KHO can receive: the FDT leads to the boot tree, and a child of it leads to the full
 * tree.  See include/kho/exact.h.
 *
 * On a kernel without in-kernel KHO, the module takes over the full tree.  It needs the
 * boot tree only to know which pages belong to users of in-kernel KHO.  On a kernel with
 * in-kernel KHO, that keeps the pages of the boot tree until they are retrieved.  The
 * other pages were reserved with their envelopes; only the module knows them, and it
 * owns them at once.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "core/core.h"
#include "core/walk.h"
#include "internal.h"

#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/walk.h>

/**
 * kho_incoming_alloc_fdt() - allocate incoming.fdt
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_incoming_alloc_fdt(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.fdt = kzalloc(sizeof(*incoming.fdt), GFP_KERNEL);
	return incoming.fdt ? 0 : -ENOMEM;
}

/**
 * kho_incoming_free_fdt() - free incoming.fdt
 *
 * Context: kho.lock held.
 */
void kho_incoming_free_fdt(void)
{
	lockdep_assert_held(&kho.lock);

	kfree(incoming.fdt);
	incoming.fdt = NULL;
}

/**
 * kho_incoming_read_fdt() - read the incoming root FDT
 * @fdt: the FDT
 * @size: number of readable bytes, at most a page
 *
 * Fills in incoming.fdt, and sets incoming.two_trees if a child leads to the full tree.
 *
 * Context: may sleep; kho.lock held.
 * Return: NULL, or what is wrong with it.
 */
const char *kho_incoming_read_fdt(const void *fdt, u32 size)
{
	const char *why;
	void *plain;

	lockdep_assert_held(&kho.lock);

	incoming.two_trees = false;
	plain = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!plain)
		return "no memory to read the FDT";
	if (kho_exact_unwrap(fdt, size, plain)) {
		why = kho_fdt_read(plain, size, incoming.fdt);
		incoming.two_trees = !why;
	} else {
		why = kho_fdt_read(fdt, size, incoming.fdt);
	}
	incoming.root = incoming.fdt->root;
	kfree(plain);
	return why;
}

/* Nodes must be pages that nobody but readers of the tree knows. */
static int check_node(void *data, u64 phys, unsigned int level)
{
	return kho_incoming_page_waits(PHYS_PFN(phys)) ? 0 : -EINVAL;
}

/**
 * kho_incoming_find_root() - find the root of the tree of everything that arrived
 *
 * Sets incoming.root.  Also checks the nodes of the boot tree, if there is one, but not
 * the pages marked in it.
 *
 * Context: may sleep; kho.lock held; kho_incoming_read_fdt() has read the FDT.
 * Return: 0, or -EINVAL after refusing the handover.
 */
int kho_incoming_find_root(void)
{
	static const struct kho_walk_ops ops = {
		.node = check_node,
	};
	const struct kho_fdt_child *child;
	struct kho_exact exact;
	struct kho_walk walk;
	const char *why;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (!incoming.two_trees)
		return 0;
	child = kho_incoming_child(KHO_EXACT_NODE);
	if (!child || child->size != sizeof(exact) || !PAGE_ALIGNED(child->addr)) {
		kho_incoming_refuse("the FDT has no /kho-exact, or an impossible one",
				    incoming.boot.fdt_addr, child ? child->addr : 0);
		return -EINVAL;
	}
	if (!kho_incoming_page_waits(PHYS_PFN(child->addr))) {
		kho_incoming_refuse("the data of /kho-exact is not reserved",
				    incoming.boot.fdt_addr, child->addr);
		return -EINVAL;
	}
	memcpy(&exact, phys_to_virt(child->addr), sizeof(exact));
	why = kho_exact_check(&exact, PAGE_SHIFT);
	if (why) {
		kho_incoming_refuse(why, child->addr, exact.root);
		return -EINVAL;
	}
	ret = kho_walk(incoming.fdt->root, &ops, NULL, &walk);
	if (ret == KHO_WALK_BAD) {
		kho_incoming_refuse(walk.why, walk.where, walk.value);
		return -EINVAL;
	}
	if (ret) {
		kho_incoming_refuse("a node of the boot tree is not reserved",
				    incoming.fdt->root, 0);
		return -EINVAL;
	}
	incoming.root = exact.root;
	return 0;
}

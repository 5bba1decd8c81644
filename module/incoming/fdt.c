// SPDX-License-Identifier: GPL-2.0-only
/*
 * What arrives by envelopes although the kernel could have had KHO of its own:
 * the root FDT leads to a lean tree, and a child of it to the tree of all that is
 * preserved.  See include/kho/exact.h.
 *
 * A kernel without KHO, or the module of one, takes that one, and needs the lean
 * tree only to tell what is to go on to the kernel's own users.  A kernel with KHO
 * has kept what the lean tree has, for whoever asks; the rest has been reserved
 * with its envelopes, is known to nobody but us, and is ours at once.
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
 * kho_incoming_alloc_fdt() - have room for what the root FDT says
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
 * kho_incoming_free_fdt() - forget what it says
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
 * kho_incoming_read_fdt() - read the root FDT that arrived
 * @fdt: the FDT, readable for @size bytes
 * @size: at most a page
 *
 * Fills in incoming.fdt, and sets incoming.two_trees if
 * there is a child that leads to the full tree.
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

/* The nodes of both trees are known to nobody but those who read the trees. */
static int check_node(void *data, u64 phys, unsigned int level)
{
	return kho_incoming_page_waits(PHYS_PFN(phys)) ? 0 : -EINVAL;
}

/**
 * kho_incoming_find_root() - find the tree of all that arrived
 *
 * Sets incoming.root.  The lean tree, if there is one, is found sound; what is in
 * it is for others to judge.
 *
 * Context: may sleep; kho.lock held; kho_incoming_read_fdt() has read the FDT.
 * Return: 0, or -EINVAL if the handover has been refused for it.
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
		kho_incoming_refuse("what /kho-exact leads to is not reserved",
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
		kho_incoming_refuse("a node of the kernel's own tree is not reserved",
				    incoming.fdt->root, 0);
		return -EINVAL;
	}
	incoming.root = exact.root;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes over what arrived in a kernel with in-kernel KHO.
 *
 * The kernel has walked the tree, and keeps every marked page until its user retrieves
 * it.  The module retrieves the pages of its objects at once.  Pages by number can't be
 * told from those of other users of in-kernel KHO, so they stay unretrieved until
 * somebody asks for them by number.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/preserve.h"
#include "core/walk.h"
#include "incoming/incoming.h"
#include "kernel.h"
#include "mm/folio.h"
#include "mm/iomem.h"
#include "mm/reserved.h"
#include "native.h"
#include "tree/tree.h"

#include <kho/boot_info.h>
#include <kho/walk.h>

/* What the kernel keeps until somebody retrieves it. */
static struct kho_radix_tree unretrieved;

/*
 * Does the kernel keep these pages, and may they be retrieved?  Pages that lead to the
 * handover may not, even if they are marked: the kernel goes on reading them.
 */
static bool retrievable(u64 pfn, unsigned int order)
{
	return !kho_announcement_has(pfn, 1ULL << order) &&
	       !kho_announcement_has_others(pfn, 1ULL << order) &&
	       kho_native_keeps(pfn, order);
}

/* The kernel has freed the nodes, unless they lie in envelopes and are still reserved. */
static int check_node(void *ctx, __u64 phys, unsigned int level)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(phys));

	return page && PageReserved(page) &&
	       kho_list_covers(PHYS_PFN(phys), 1) ? 0 : -EINVAL;
}

static int list_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 i, pfn = PHYS_PFN(phys);
	int ret;

	for (i = 0; i < nr; i++, pfn += 1ULL << order) {
		/* Other users may have retrieved their pages already, at boot. */
		if (!retrievable(pfn, order))
			continue;
		ret = kho_radix_add_page(&unretrieved, pfn, order);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* Pages that a child of the FDT leads to are not retrieved by number. */
static void unlist(u64 addr)
{
	kho_radix_del_page(&unretrieved, PHYS_PFN(addr), 0);
}

/* Lists unretrieved pages.  Without envelopes they can't be listed, only retrieved. */
static int list_unretrieved(void)
{
	static const struct kho_walk_ops ops = {
		.node = check_node,
		.run = list_run,
	};
	const struct kho_incoming *in = kho_incoming();
	struct kho_walk walk;
	u64 where, value;
	const char *why;
	unsigned int i;
	int ret;

	if (!in->list.nr && !in->two_trees)
		return 0;
	why = kho_list_check(&where, &value);
	if (why) {
		kho_incoming_refuse(why, where, value);
		return 0;
	}
	ret = kho_walk(in->fdt->root, &ops, NULL, &walk);
	if (ret == KHO_WALK_BAD) {
		kho_incoming_refuse(walk.why, walk.where, walk.value);
		return 0;
	}
	if (ret == -ENOMEM)
		return ret;
	if (ret) {
		kho_incoming_refuse("a tree node is not in an envelope",
				    in->fdt->root, 0);
		return 0;
	}
	unlist(in->boot.fdt_addr);
	for (i = 0; i < in->fdt->nr; i++)
		if (in->fdt->child[i].has == 3)
			unlist(in->fdt->child[i].addr);
	return 0;
}

static int read_fdt(void)
{
	const struct kho_boot_list *list = &kho_incoming()->list;
	struct kho_boot_info boot = {
		.fdt_addr = list->data.fdt_addr,
		.fdt_size = PAGE_SIZE,
		.scratch_addr = list->data.scratch_addr,
		.scratch_size = list->data.scratch_size,
	};
	const char *why;
	int ret;

	if (list->announcements != 1 || list->len != sizeof(list->data) ||
	    !PAGE_ALIGNED(boot.fdt_addr) ||
	    !pfn_to_online_page(PHYS_PFN(boot.fdt_addr))) {
		kho_incoming_refuse("the announcement that the kernel found is missing or bad",
				    list->node, boot.fdt_addr);
		return 0;
	}
	kho_incoming_set_boot(&boot);
	ret = kho_announcement_read();
	if (ret || kho_incoming_refused())
		return ret;
	ret = kho_incoming_alloc_fdt();
	if (ret)
		return ret;
	why = kho_incoming_read_fdt(phys_to_virt(boot.fdt_addr), PAGE_SIZE);
	if (why)
		kho_incoming_refuse(why, boot.fdt_addr, 0);
	return 0;
}

static int unmark_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++)
		kho_native_unpreserve(PHYS_PFN(phys) + (i << order),
				      1ULL << order);
	return 0;
}

static int restore_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++) {
		u64 pfn = PHYS_PFN(phys) + (i << order);

		/* Pages that this module allocated are neither kept nor reserved. */
		if (kho_native_keeps(pfn, order))
			WARN_ON_ONCE(kho_native_restore(pfn, 1ULL << order));
		else if (PageReserved(pfn_to_page(pfn)))
			kho_unreserve(pfn, 1ULL << order);
	}
	return 0;
}

/* Unpreserves all incoming pages; the kernel still keeps them. */
static int start_anew(void)
{
	static const struct kho_walk_ops ops = {
		.run = unmark_run,
	};

	kho_preserved_walk(&ops, NULL);
	kho_preserved_destroy();
	return kho_preserved_init() ?: kho_unclaimed_init();
}

/**
 * kho_backend_incoming_reset() - list all pages as unclaimed again, after bad objects
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_backend_incoming_reset(void)
{
	return start_anew() ?: kho_enveloped_list();
}

/**
 * kho_backend_incoming_find() - find incoming data by name
 * @name: the name
 * @addr: set to its physical address
 * @size: set to its size in bytes
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOENT.
 */
int kho_backend_incoming_find(const char *name, u64 *addr, u64 *size)
{
	return kho_native_retrieve(name, addr, size) ? -ENOENT : 0;
}

/**
 * kho_backend_incoming_has() - can the page at this address be read?
 * @addr: physical address of any byte of the page, taken from a child of the FDT
 */
bool kho_backend_incoming_has(u64 addr)
{
	return pfn_to_online_page(PHYS_PFN(addr));
}

/**
 * kho_backend_incoming_get() - claim incoming pages, for an object or as metadata
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * The pages are preserved again now, and are restored when nothing can fail any more.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, -ENOENT if the kernel has no such pages, -EEXIST or -EBUSY if they were
 * claimed already, or -ENOMEM.
 */
int kho_backend_incoming_get(u64 pfn, u64 nr_pages)
{
	u64 done, end = PHYS_PFN(kho_end_of_memory());
	int ret;

	if (!nr_pages || pfn >= end || nr_pages > end - pfn)
		return -ENOENT;
	ret = kho_enveloped_get(pfn, nr_pages);
	if (ret != -ENOENT)
		return ret;
	for (done = 0; done < nr_pages; ) {
		unsigned int order = kho_radix_range_order(pfn + done,
							   nr_pages - done);

		if (!retrievable(pfn + done, order))
			return -ENOENT;
		done += 1ULL << order;
	}
	ret = kho_mark_range(pfn, nr_pages);
	if (ret)
		return ret;
	kho_radix_del_range(&unretrieved, pfn, nr_pages);
	return 0;
}

/**
 * kho_backend_incoming_put() - the opposite of kho_backend_incoming_get()
 * @pfn: number of the first page
 * @nr_pages: how many, as they were claimed
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_backend_incoming_put(u64 pfn, u64 nr_pages)
{
	WARN_ON_ONCE(kho_unmark_range(pfn, nr_pages));
	if (!kho_native_keeps(pfn, kho_radix_range_order(pfn, nr_pages)))
		return kho_unclaimed_add(pfn, nr_pages);
	/* As list_unretrieved() lists them. */
	if (!kho_incoming()->list.nr && !kho_incoming()->two_trees)
		return 0;
	return kho_radix_add_range(&unretrieved, pfn, nr_pages);
}

/**
 * kho_backend_may_retrieve() - can these pages be retrieved by number?
 * @pfn: number of the first page
 * @order: log2 of how many, as they were preserved
 *
 * Context: may sleep; kho.lock held.
 */
bool kho_backend_may_retrieve(u64 pfn, unsigned int order)
{
	return kho_incoming_taken() && retrievable(pfn, order);
}

/**
 * kho_backend_retrieve() - retrieve pages by number
 * @pfn: number of the first page
 * @order: log2 of how many, as they were preserved
 *
 * The pages are preserved again from now on.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, -ENOENT if they are not unretrieved, -ESHUTDOWN, or -ENOMEM.
 */
int kho_backend_retrieve(u64 pfn, unsigned int order)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	if (!kho_backend_may_retrieve(pfn, order))
		return -ENOENT;
	if (kho.frozen)
		return -ESHUTDOWN;
	ret = kho_unclaimed_add(pfn, 1ULL << order);
	if (ret)
		return ret;
	ret = kho_mark_page(pfn, order);
	if (ret)
		goto err_unlist;
	if (WARN_ON_ONCE(kho_native_restore(pfn, 1ULL << order))) {
		ret = -ENOENT;
		goto err_unmark;
	}
	kho_radix_del_page(&unretrieved, pfn, order);
	kho_changed();
	return 0;

err_unmark:
	kho_unmark_page(pfn, order);
err_unlist:
	kho_unclaimed_del(pfn, 1ULL << order);
	return ret;
}

/**
 * kho_backend_drop() - free unretrieved pages
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * Context: may sleep; kho.lock held; kho_backend_may_retrieve() was true.
 */
void kho_backend_drop(u64 pfn, unsigned int order)
{
	lockdep_assert_held(&kho.lock);

	if (WARN_ON_ONCE(kho_native_restore(pfn, 1ULL << order)))
		return;
	kho_radix_del_page(&unretrieved, pfn, order);
	kho_put_pages(pfn, 1UL << order);
}

/**
 * kho_backend_unretrieved() - does the kernel keep this block, not retrieved yet?
 * @pfn: number of the first page
 * @order: log2 of how many, as they were preserved
 *
 * Context: any.
 */
bool kho_backend_unretrieved(u64 pfn, unsigned int order)
{
	return kho_native_keeps(pfn, order);
}

/**
 * kho_backend_unretrieved_pages() - get the number of listed unretrieved base pages
 */
u64 kho_backend_unretrieved_pages(void)
{
	return kho_radix_nr_pages(&unretrieved);
}

/**
 * kho_backend_unretrieved_list() - call a function for each unretrieved block
 * @skip: how many to skip; decremented for each that was skipped
 * @cb: called for each block; a result other than 0 ends the walk
 * @data: for @cb
 *
 * Context: that of @cb; takes no lock.
 * Return: number of blocks.
 */
u64 kho_backend_unretrieved_list(u64 *skip, kho_radix_range_callback_t cb, void *data)
{
	kho_radix_walk_from(&unretrieved, skip, cb, data);
	return kho_tree_keys(&unretrieved);
}

/**
 * kho_backend_incoming_read() - find out what the kernel has kept
 *
 * Makes the trees of preserved, unclaimed and unretrieved pages.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.  A refused handover is no error.
 */
int kho_backend_incoming_read(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = kho_preserved_init() ?: kho_unclaimed_init() ?:
	      kho_radix_init_tree(&unretrieved);
	if (ret)
		return ret;
	if (!kho_native_booted() || kho_incoming()->list.taken)
		return 0;

	kho_incoming_set_kind(KHO_KIND_KERNEL);
	ret = read_fdt();
	if (ret || kho_incoming_refused())
		return ret;
	ret = list_unretrieved();
	if (ret || kho_incoming_refused())
		return ret;
	return kho_enveloped_list();
}

/**
 * kho_backend_incoming_keep() - preserve what is left, and find out what can be trimmed
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, or an error of kho_mark_page() or kho_trim_prepare().
 */
int kho_backend_incoming_keep(void)
{
	const struct kho_incoming *in = kho_incoming();
	/* The incoming tree was the kernel's; its nodes are of no use any more. */
	int ret = kho_enveloped_mark() ?:
		  kho_trim_prepare(in->list.nr ? in->root : 0, false);

	if (!ret && !kho_native_enabled())
		pr_warn("in-kernel KHO is off: what arrived can't be handed on; boot with kho=on\n");
	return ret;
}

/**
 * kho_backend_incoming_commit() - take over for good what arrived
 *
 * Context: may sleep; kho.lock held.
 */
void kho_backend_incoming_commit(void)
{
	static const struct kho_walk_ops ops = {
		.run = restore_run,
	};

	lockdep_assert_held(&kho.lock);

	kho_arch_taken(&kho_incoming()->list);
	kho_preserved_walk(&ops, NULL);
}

/**
 * kho_backend_incoming_finish() - free what only the previous kernel needed
 *
 * Context: may sleep; kho.lock held; poisoned incoming pages are marked as such.
 */
void kho_backend_incoming_finish(void)
{
	kho_enveloped_commit();
}

/**
 * kho_backend_incoming_exit() - release what arrived
 *
 * Context: may sleep; kho.lock held.
 */
void kho_backend_incoming_exit(void)
{
	lockdep_assert_held(&kho.lock);

	if (!kho.committed)
		start_anew();
	kho_radix_destroy_tree(&unretrieved);
	kho_unclaimed_destroy();
	kho_preserved_destroy();
	kho_incoming_free_fdt();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what the previous kernel left.
 *
 * The boot stub has checked the handover and reserved its pages.  A kernel without the
 * stub has reserved envelopes around them and checked nothing.  The module trusts
 * neither: it reads the same bytes with the same code, and checks that each page is as
 * boot reserved it, before it changes anything.  After that the takeover can still be
 * undone, which puts every page back into that state.  So if loading the module fails,
 * it can be loaded again.
 *
 * All that arrived stays preserved, in the same tree, until somebody gives it up.
 * Otherwise the next kernel gets it too.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "core/walk.h"
#include "incoming/incoming.h"
#include "mm/folio.h"
#include "mm/reserved.h"
#include "own.h"
#include "tree/tree.h"

#include <kho/abi.h>
#include <kho/boot_info.h>
#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/walk.h>
#include <linux/kho.h>

static struct kho_boot_info *boot_info;
/* The incoming tree has become ours. */
static bool adopted;
/* Its pages are no longer reserved. */
static bool unreserved;

/* The address that made the check of the incoming tree fail. */
struct incoming_check {
	u64 bad;
};

static int check_node(void *data, u64 phys, unsigned int level)
{
	struct incoming_check *check = data;

	if (kho_announcement_allows_node(PHYS_PFN(phys)))
		return 0;
	check->bad = phys;
	return -EINVAL;
}

static int check_run(void *data, u64 phys, unsigned int order, u64 nr)
{
	struct incoming_check *check = data;
	u64 pfn = PHYS_PFN(phys), end = pfn + (nr << order);

	for (; pfn < end; pfn++) {
		if (!kho_announcement_allows_mark(pfn)) {
			check->bad = PFN_PHYS(pfn);
			return -EINVAL;
		}
		cond_resched();
	}
	return 0;
}

static int list_node(void *ctx, __u64 phys, unsigned int level)
{
	return kho_unclaimed_add(PHYS_PFN(phys), 1);
}

static int unlist_node(void *ctx, __u64 phys, unsigned int level)
{
	return kho_unclaimed_del(PHYS_PFN(phys), 1);
}

static int list_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	return kho_unclaimed_add_run(PHYS_PFN(phys), order, nr);
}

static u64 fdt_pfn(void)
{
	return PHYS_PFN(kho_incoming()->boot.fdt_addr);
}

/* We and mainline mark the FDT's page, but a sender need not do so. */
static int list_fdt(void)
{
	if (kho_preserved_has(fdt_pfn(), 1))
		return 0;
	return kho_unclaimed_add(fdt_pfn(), 1) ?: kho_unclaimed_del(fdt_pfn(), 1);
}

static int list_left_node(void *ctx, __u64 phys, unsigned int level)
{
	if (!kho_left_page(PHYS_PFN(phys)))
		return -EEXIST;
	return kho_unclaimed_add(PHYS_PFN(phys), 1);
}

/* Calls @fn for the setup page and for nodes of trees that only a module reads. */
static int each_left(int (*fn)(void *ctx, __u64 phys, unsigned int level))
{
	const struct kho_walk_ops ops = { .node = fn };
	const struct kho_left *left = kho_left();

	if (!left)
		return 0;
	return (PAGE_ALIGNED(left->setup) ? fn(NULL, left->setup, 0) : -EEXIST) ?:
	       kho_walk(left->raw_root, &ops, NULL, NULL) ?:
	       kho_walk(left->boot_root, &ops, NULL, NULL);
}

/*
 * Lists every marked page as unclaimed.  Meanwhile the nodes are listed as well, so
 * -EEXIST or -EBUSY means that a page is two nodes, a node and marked, marked twice, or
 * a node and the FDT's, which will be freed.
 */
static int list_all(void)
{
	static const struct kho_walk_ops list_ops = {
		.node = list_node,
		.run = list_run,
	};
	static const struct kho_walk_ops unlist_ops = {
		.node = unlist_node,
	};

	return kho_unclaimed_init() ?: kho_preserved_walk(&list_ops, NULL) ?:
	       list_fdt() ?: each_left(list_left_node) ?: each_left(unlist_node) ?:
	       kho_preserved_walk(&unlist_ops, NULL) ?: kho_announcement_unlist();
}

static int unreserve_node(void *ctx, __u64 phys, unsigned int level)
{
	kho_unreserve(PHYS_PFN(phys), 1);
	kho_own_page(PHYS_PFN(phys));
	return 0;
}

/* Calls @fn for a run, without those keys that contain pages leading to the handover. */
static void each_of_run(u64 pfn, unsigned int order, u64 nr,
			void (*fn)(u64 pfn, u64 nr_pages))
{
	if (!kho_announcement_has(pfn, nr << order)) {
		fn(pfn, nr << order);
		return;
	}
	for (; nr; nr--, pfn += 1ULL << order) {
		if (!kho_announcement_has(pfn, 1ULL << order))
			fn(pfn, 1ULL << order);
		cond_resched();
	}
}

static int unreserve_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	each_of_run(PHYS_PFN(phys), order, nr, kho_unreserve);
	return 0;
}

static int reserve_node(void *ctx, __u64 phys, unsigned int level)
{
	kho_disown_page(PHYS_PFN(phys));
	kho_reserve(PHYS_PFN(phys), 1);
	return 0;
}

static int reserve_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	each_of_run(PHYS_PFN(phys), order, nr, kho_reserve);
	return 0;
}

/* Checks all that arrived, and adopts its tree. */
static int read_tree(void)
{
	const struct kho_incoming *in = kho_incoming();
	struct incoming_check check = {};
	struct kho_radix_adopt adopt = {
		.node = check_node,
		.run = check_run,
		.data = &check,
	};
	const char *why;
	int ret = 0;

	if (in->boot.fdt_addr & ~PAGE_MASK || in->boot.fdt_size > PAGE_SIZE ||
	    !kho_incoming_page_waits(fdt_pfn())) {
		kho_incoming_refuse("the FDT's page is not reserved",
				    in->boot.fdt_addr, in->boot.fdt_size);
		return 0;
	}
	/* If nothing was sent when this kernel was started, there is no list to respect. */
	if (!in->left || in->list.announcements)
		ret = kho_announcement_read();
	if (ret || kho_incoming_refused())
		return ret;
	if (kho_announcement_has(fdt_pfn(), 1))
		why = "the FDT overlaps the pages that lead to it";
	else
		why = kho_incoming_read_fdt(phys_to_virt(in->boot.fdt_addr),
					    in->boot.fdt_size);
	if (!why)
		why = kho_outgoing_check(in->fdt);
	if (why) {
		kho_incoming_refuse(why, in->boot.fdt_addr, 0);
		return 0;
	}
	if (kho_incoming_find_root())
		return 0;

	ret = kho_preserved_adopt(&adopt, in->root);
	if (ret == KHO_WALK_BAD) {
		kho_incoming_refuse(adopt.walk.why, adopt.walk.where, adopt.walk.value);
		return 0;
	}
	if (ret == -ENOMEM)
		return ret;
	if (ret) {
		kho_incoming_refuse("a page is not reserved", check.bad, 0);
		return 0;
	}

	ret = list_all();
	if (ret == -EBUSY || ret == -EEXIST || ret == KHO_WALK_BAD) {
		kho_incoming_refuse("a page is marked twice, or is a node of the tree and something else as well",
				    in->root, 0);
		ret = 0;
		goto err_forget;
	}
	if (ret)
		goto err_forget;
	adopted = true;
	kho_scratch_find();
	return 0;

err_forget:
	kho_unclaimed_destroy();
	kho_preserved_forget();
	return ret;
}

/*
 * Without the stub, derives from setup_data what the stub would have reported.  A
 * handover that has been taken over already is ignored.
 */
static void from_list(void)
{
	const struct kho_boot_list *list = &kho_incoming()->list;
	struct kho_boot_info boot = { .state = KHO_BOOT_KEPT };
	u64 where = list->node, value = 0;
	const char *why;

	if (!list->announcements || list->taken ||
	    (list->announcements == 1 && list->len == sizeof(list->data) &&
	     !list->data.fdt_addr))
		return;
	why = kho_list_check(&where, &value);
	if (why) {
		kho_incoming_refuse(why, where, value);
		return;
	}
	boot.fdt_addr = list->data.fdt_addr;
	boot.fdt_size = list->data.fdt_size;
	boot.scratch_addr = list->data.scratch_addr;
	boot.scratch_size = list->data.scratch_size;
	kho_incoming_set_kind(KHO_KIND_ENVELOPES);
	kho_incoming_set_boot(&boot);
}

/* Reads what another module has left in this kernel, like what was sent to it. */
static int read_left(void)
{
	const struct kho_left *left = kho_left();
	const struct kho_boot_info boot = {
		.state = KHO_BOOT_KEPT,
		.fdt_addr = left->fdt,
		.fdt_size = PAGE_SIZE,
		.pages = left->stub_pages,
		.extents = left->stub_extents,
		.usecs = left->stub_usecs,
	};
	int ret;

	if ((left->abi != KHO_ABI_V3 && left->abi != KHO_ABI_V4) ||
	    left->handoff > KHO_HANDOFF_ENVELOPES) {
		kho_left_refuse("the loaded kernel is told of it in a way that this module does not know",
				left->abi);
		return -EINVAL;
	}
	kho_incoming_set_left();
	kho_incoming_set_boot(&boot);
	ret = kho_scratch_left() ?: kho_incoming_alloc_fdt() ?: read_tree();
	if (!ret && adopted &&
	    kho_preserved_lies_in(left->scratch_pfn, left->scratch_pages))
		kho_incoming_refuse("something in scratch is preserved",
				    PFN_PHYS(left->scratch_pfn), 0);
	return ret;
}

/**
 * kho_backend_incoming_read() - find out what arrived
 *
 * Makes the trees of preserved and of unclaimed pages, from what arrived or empty.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM; -EINVAL for scratch of another module that can't be taken over.  A
 * refused handover is no error: the reason is logged and
 * kept for KHO_QUERY, and the trees are empty.
 */
int kho_backend_incoming_read(void)
{
	int ret = 0;

	lockdep_assert_held(&kho.lock);

	if (kho_left()) {
		ret = read_left();
		goto out;
	}
	boot_info = kho_arch_boot_info_get();
	if (boot_info && boot_info->version == KHO_BOOT_INFO_VERSION)
		kho_incoming_set_boot(boot_info);
	else
		from_list();

	switch (kho_incoming()->boot.state) {
	case KHO_BOOT_KEPT:
		if (boot_info)
			kho_incoming_set_kind(KHO_KIND_STUB);
		ret = kho_incoming_alloc_fdt() ?: read_tree();
		break;
	case KHO_BOOT_REFUSED:
		kho_incoming_refused_at_boot();
		break;
	case KHO_BOOT_OFF:
		kho_incoming_off();
		break;
	default:
		break;
	}
out:
	if (ret || adopted)
		return ret;

	/* Nothing arrived, or it was refused. */
	kho_incoming_free_fdt();
	kho_scratch_find();
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
	return list_all();
}

/**
 * kho_backend_incoming_find() - find incoming data by name
 * @name: the name
 * @addr: set to its physical address
 * @size: set to its size in bytes
 *
 * Context: kho.lock held.
 * Return: 0 or -ENOENT.
 */
int kho_backend_incoming_find(const char *name, u64 *addr, u64 *size)
{
	const struct kho_fdt_child *child = kho_incoming_child(name);

	if (!child)
		return -ENOENT;
	*addr = child->addr;
	*size = child->size;
	return 0;
}

/**
 * kho_backend_incoming_has() - is the page at this address an incoming, unclaimed one?
 * @addr: physical address of any of its bytes
 *
 * Context: kho.lock held.
 */
bool kho_backend_incoming_has(u64 addr)
{
	return kho_unclaimed_has(PHYS_PFN(addr), 0);
}

/**
 * kho_backend_incoming_get() - claim incoming pages, for an object or as metadata
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, or -ENOENT if they are not preserved or claimed already.
 */
int kho_backend_incoming_get(u64 pfn, u64 nr_pages)
{
	lockdep_assert_held(&kho.lock);

	return kho_unclaimed_del(pfn, nr_pages);
}

/**
 * kho_backend_incoming_put() - the opposite of kho_backend_incoming_get()
 * @pfn: number of the first page
 * @nr_pages: how many, as they were claimed
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM; after that the takeover has to be undone.
 */
int kho_backend_incoming_put(u64 pfn, u64 nr_pages)
{
	lockdep_assert_held(&kho.lock);

	return kho_unclaimed_add(pfn, nr_pages);
}

/**
 * kho_backend_incoming_keep() - make incoming pages ordinary pages of this kernel
 *
 * Which pages can be trimmed is found out first: afterwards they look like any others.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, or an error of kho_trim_prepare(), after which nothing has changed.
 */
int kho_backend_incoming_keep(void)
{
	static const struct kho_walk_ops ops = {
		.node = unreserve_node,
		.run = unreserve_run,
	};
	int ret;

	/* What another module has left is this kernel's already. */
	if (kho_left())
		return 0;
	/* The nodes are this kernel's tree from now on. */
	ret = kho_trim_prepare(kho_incoming()->root, true);
	if (ret)
		return ret;
	kho_preserved_walk(&ops, NULL);
	if (!kho_preserved_has(fdt_pfn(), 1))
		kho_unreserve(fdt_pfn(), 1);
	unreserved = true;
	return 0;
}

/* Frees a page that only the previous kernel needed. */
static void free_old_page(u64 addr)
{
	if (!kho_unclaimed_del(PHYS_PFN(addr), 1)) {
		kho_backend_boot_del(PHYS_PFN(addr), 1);
		kho_unmark_page(PHYS_PFN(addr), 0);
	} else if (kho_preserved_has(PHYS_PFN(addr), 1)) {
		return;
	}
	kho_put_pages(PHYS_PFN(addr), 1);
}

static void free_old_child(const char *name)
{
	const struct kho_fdt_child *child = kho_incoming_child(name);

	if (child && PHYS_PFN(child->addr) != fdt_pfn() &&
	    kho_unclaimed_has(PHYS_PFN(child->addr), 0))
		free_old_page(child->addr);
}

/**
 * kho_backend_incoming_commit() - take over for good what arrived
 *
 * Context: may sleep; kho.lock held.
 */
void kho_backend_incoming_commit(void)
{
	lockdep_assert_held(&kho.lock);

	if (kho_left())
		kho_outgoing_take_over();
	else if (boot_info)
		boot_info->state = KHO_BOOT_TAKEN;
	else
		kho_arch_taken(&kho_incoming()->list);
}

/**
 * kho_backend_incoming_finish() - free what only the previous kernel needed
 *
 * Context: may sleep; kho.lock held; poisoned incoming pages are marked as such.
 */
void kho_backend_incoming_finish(void)
{
	lockdep_assert_held(&kho.lock);

	kho_announcement_forget();
	free_old_child(KHO_METADATA_NODE);
	if (kho_incoming()->two_trees)
		free_old_child(KHO_EXACT_NODE);
	free_old_page(kho_incoming()->boot.fdt_addr);
	if (kho_left())
		kho_boot_tree_drop_left();
}

/**
 * kho_backend_incoming_exit() - release what arrived
 *
 * Before kho_backend_incoming_commit() this undoes the takeover.  After it, nothing is
 * left that arrived, or the module could not be unloaded.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_backend_incoming_exit(void)
{
	static const struct kho_walk_ops ops = {
		.node = reserve_node,
		.run = reserve_run,
	};

	lockdep_assert_held(&kho.lock);

	if (unreserved && !kho.committed) {
		if (!kho_preserved_has(fdt_pfn(), 1))
			kho_reserve(fdt_pfn(), 1);
		kho_preserved_walk(&ops, NULL);
	}
	if (adopted && !kho.committed)
		kho_preserved_forget();
	kho_unclaimed_destroy();
	kho_preserved_destroy();
	kho_incoming_free_fdt();
	if (boot_info)
		kho_arch_boot_info_put();
	boot_info = NULL;
}

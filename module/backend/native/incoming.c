// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking over what arrived in a kernel that has KHO of its own.
 *
 * The kernel has walked the tree and keeps every marked page, for whoever knows
 * it.  The module knows its objects, and takes these at once.  Pages that were
 * preserved by number may as well be another user's of the kernel's KHO: they
 * wait until somebody asks for them by number.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

static const void *map_node(void *ctx, __u64 phys)
{
	return phys_to_virt(phys);
}

/*
 * Does the kernel keep these pages, for whoever asks for them?  Those that lead to the
 * handover it goes on reading itself, whatever was marked.
 */
static bool waits(u64 pfn, unsigned int order)
{
	return !kho_sender_has(pfn, 1ULL << order) &&
	       !kho_sender_has_others(pfn, 1ULL << order) &&
	       kho_native_waits(pfn, order);
}

/* The kernel has freed the nodes, unless they lie in envelopes. */
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
		/* Some of the kernel's users take theirs back while it boots. */
		if (!waits(pfn, order))
			continue;
		ret = kho_radix_add_page(&kho.waiting, pfn, order);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/* What a child of the FDT leads to is not what anybody would ask for. */
static void unlist(u64 addr)
{
	kho_radix_del_page(&kho.waiting, PHYS_PFN(addr), 0);
}

/* Lists what waits.  Without envelopes it can't be known, but still be asked for. */
static int list_waiting(void)
{
	static const struct kho_walk_ops ops = {
		.map = map_node,
		.node = check_node,
		.run = list_run,
	};
	struct kho_walk walk = {
		.ops = &ops,
		.shift = PAGE_SHIFT,
		.end = kho_end_of_memory(),
	};
	u64 where, value;
	const char *why;
	unsigned int i;
	int ret;

	if (!kho.list.nr && !kho.in_lean)
		return 0;
	why = kho_list_check(&where, &value);
	if (why) {
		kho_arrival_refuse(why, where, value);
		return 0;
	}
	ret = kho_walk_tree(&walk, kho.in->root);
	if (ret == KHO_WALK_BAD) {
		kho_arrival_refuse(walk.why, walk.where, walk.value);
		return 0;
	}
	if (ret == -ENOMEM)
		return ret;
	if (ret) {
		kho_arrival_refuse("the tree is not all in envelopes",
				   kho.in->root, 0);
		return 0;
	}
	unlist(kho.boot.fdt_addr);
	for (i = 0; i < kho.in->nr; i++)
		if (kho.in->child[i].has == 3)
			unlist(kho.in->child[i].addr);
	return 0;
}

static int read_fdt(void)
{
	u64 addr = kho.list.data.fdt_addr;
	const char *why;
	int ret;

	if (kho.list.announcements != 1 ||
	    kho.list.len != sizeof(kho.list.data) || !PAGE_ALIGNED(addr) ||
	    !pfn_to_online_page(PHYS_PFN(addr))) {
		kho_arrival_refuse("the hand-off that the kernel found is not there",
				   kho.list.node, addr);
		return 0;
	}
	kho.boot.fdt_addr = addr;
	kho.boot.fdt_size = PAGE_SIZE;
	kho.boot.scratch_addr = kho.list.data.scratch_addr;
	kho.boot.scratch_size = kho.list.data.scratch_size;
	ret = kho_sender_read();
	if (ret || kho.arrival == KHO_ARRIVAL_REFUSED)
		return ret;
	kho.in = kzalloc(sizeof(*kho.in), GFP_KERNEL);
	if (!kho.in)
		return -ENOMEM;
	why = kho_exact_read_fdt(phys_to_virt(addr), PAGE_SIZE);
	if (why)
		kho_arrival_refuse(why, addr, 0);
	return 0;
}

static void read_metadata(void)
{
	const struct kho_metadata *metadata;
	u64 addr, size;

	kho.generation = 1;
	if (kho_native_retrieve(KHO_METADATA_NODE, &addr, &size) ||
	    size != sizeof(*metadata) ||
	    offset_in_page(addr) > PAGE_SIZE - sizeof(*metadata) ||
	    !pfn_to_online_page(PHYS_PFN(addr)))
		return;
	metadata = phys_to_virt(addr);
	if (metadata->version != KHO_METADATA_VERSION)
		return;
	memcpy(kho.previous_release, metadata->previous_release,
	       sizeof(kho.previous_release) - 1);
	kho_text_clean(kho.previous_release, sizeof(kho.previous_release));
	kho.generation = metadata->kexec_count;
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

		/* What the module has allocated itself waits for nobody. */
		if (kho_native_waits(pfn, order))
			WARN_ON_ONCE(kho_native_restore(pfn, 1ULL << order));
		else if (PageReserved(pfn_to_page(pfn)))
			kho_unreserve(pfn, 1ULL << order);
	}
	return 0;
}

static void each_marked(int (*run)(void *ctx, __u64 phys, unsigned int order,
				   __u64 nr))
{
	const struct kho_walk_ops ops = {
		.map = map_node,
		.run = run,
	};
	struct kho_walk walk = {
		.ops = &ops,
		.shift = PAGE_SHIFT,
		.end = kho_end_of_memory(),
	};

	if (kho.tree.root)
		kho_walk_tree(&walk, virt_to_phys(kho.tree.root));
}

/* Forgets what was taken for objects; the kernel still keeps it. */
static int forget(void)
{
	struct page *page, *next;

	kho_object_drop_all();
	kho_records_forget();
	kho_poison_forget();
	list_for_each_entry_safe(page, next, &kho.blobs, lru)
		list_del_init(&page->lru);
	kho.nr_blobs = 0;
	kho.head = NULL;
	each_marked(unmark_run);
	kho_radix_destroy_tree(&kho.tree);
	kho_radix_destroy_tree(&kho.arrived);
	return kho_radix_init_tree(&kho.tree) ?:
	       kho_radix_init_tree(&kho.arrived);
}

static int read_objects(void)
{
	u64 addr, size;
	int ret;

	if (kho_native_retrieve(KHO_OBJS_NODE, &addr, &size))
		return 0;
	ret = kho_records_read(addr, size);
	if (ret != -EINVAL)
		return ret;
	return forget() ?: kho_native_exact_list();
}

/**
 * kho_arrival_native_take() - take pages that arrived, for an object
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * They are preserved again, and are restored once nothing can fail any more.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, or -ENOENT if the kernel has no such pages, or -EEXIST or -EBUSY
 * if they have been taken.
 */
int kho_arrival_native_take(u64 pfn, u64 nr_pages)
{
	u64 done, end = PHYS_PFN(kho_end_of_memory());
	int ret;

	if (!nr_pages || pfn >= end || nr_pages > end - pfn)
		return -ENOENT;
	ret = kho_native_exact_take(pfn, nr_pages);
	if (ret != -ENOENT)
		return ret;
	for (done = 0; done < nr_pages; ) {
		unsigned int order = kho_radix_range_order(pfn + done,
							   nr_pages - done);

		if (!waits(pfn + done, order))
			return -ENOENT;
		done += 1ULL << order;
	}
	ret = kho_mark_range(pfn, nr_pages);
	if (ret)
		return ret;
	kho_radix_del_range(&kho.waiting, pfn, nr_pages);
	return 0;
}

/**
 * kho_arrival_native_give_back() - the opposite of kho_arrival_native_take()
 * @pfn: number of the first page
 * @nr_pages: how many, as they were taken
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_arrival_native_give_back(u64 pfn, u64 nr_pages)
{
	WARN_ON_ONCE(kho_unmark_range(pfn, nr_pages));
	if (!kho_native_waits(pfn, kho_radix_range_order(pfn, nr_pages)))
		return kho_radix_add_range(&kho.arrived, pfn, nr_pages);
	/* As list_waiting() lists them. */
	if (!kho.list.nr && !kho.in_lean)
		return 0;
	return kho_radix_add_range(&kho.waiting, pfn, nr_pages);
}

/**
 * kho_arrival_native_waits() - do these pages wait to be asked for?
 * @pfn: number of the first page
 * @order: log2 of how many, as they were preserved
 *
 * Context: may sleep; kho.lock held.
 */
bool kho_arrival_native_waits(u64 pfn, unsigned int order)
{
	return kho.arrival == KHO_ARRIVAL_TAKEN && waits(pfn, order);
}

/**
 * kho_arrival_native_open() - take pages that wait, by number
 * @pfn: number of the first page
 * @order: log2 of how many, as they were preserved
 *
 * From now on they are preserved again.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, -ENOENT if none wait there, -ESHUTDOWN, or -ENOMEM.
 */
int kho_arrival_native_open(u64 pfn, unsigned int order)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	if (!kho_arrival_native_waits(pfn, order))
		return -ENOENT;
	if (kho.frozen)
		return -ESHUTDOWN;
	ret = kho_radix_add_page(&kho.arrived, pfn, order);
	if (ret)
		return ret;
	ret = kho_mark_page(pfn, order);
	if (ret)
		goto err_unlist;
	if (WARN_ON_ONCE(kho_native_restore(pfn, 1ULL << order))) {
		ret = -ENOENT;
		goto err_unmark;
	}
	kho_radix_del_page(&kho.waiting, pfn, order);
	kho_changed();
	return 0;

err_unmark:
	kho_unmark_page(pfn, order);
err_unlist:
	kho_radix_del_page(&kho.arrived, pfn, order);
	return ret;
}

/**
 * kho_arrival_native_drop() - give up pages that wait
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * Context: may sleep; kho.lock held; kho_arrival_native_waits() was true.
 */
void kho_arrival_native_drop(u64 pfn, unsigned int order)
{
	lockdep_assert_held(&kho.lock);

	if (WARN_ON_ONCE(kho_native_restore(pfn, 1ULL << order)))
		return;
	kho_radix_del_page(&kho.waiting, pfn, order);
	kho_put_pages(pfn, 1UL << order);
}

/**
 * kho_arrival_from_kernel() - find out what the kernel has kept
 *
 * Makes kho.tree, kho.arrived and kho.waiting.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.  As for kho_arrival_init(), to be refused is no error.
 */
int kho_arrival_from_kernel(void)
{
	int ret;

	ret = kho_radix_init_tree(&kho.tree) ?:
	      kho_radix_init_tree(&kho.arrived) ?:
	      kho_radix_init_tree(&kho.waiting);
	if (ret)
		goto err_destroy;
	if (!kho_native_booted() || kho.list.taken)
		return 0;

	kho.arrival_kind = KHO_KIND_KERNEL;
	ret = read_fdt();
	if (ret)
		goto err_destroy;
	if (kho.arrival == KHO_ARRIVAL_REFUSED)
		return 0;
	read_metadata();
	ret = list_waiting();
	if (!ret && kho.arrival != KHO_ARRIVAL_REFUSED)
		ret = kho_native_exact_list();
	if (ret)
		goto err_destroy;
	if (kho.arrival == KHO_ARRIVAL_REFUSED)
		return 0;
	ret = read_objects();
	if (ret)
		goto err_destroy;
	kho_poison_arrived();
	ret = kho_native_exact_mark() ?:
	      kho_release_prepare(kho.list.nr ? kho.in_root : 0);
	if (ret)
		goto err_destroy;
	kho.arrival = KHO_ARRIVAL_TAKEN;
	if (!kho_native_enabled())
		pr_warn("the kernel's own KHO is off: nothing of this goes on to the next kernel; boot with kho=on\n");
	return 0;

err_destroy:
	kho_arrival_native_exit();
	return ret;
}

/**
 * kho_arrival_native_commit() - take what was found, for good
 *
 * Context: may sleep; kho.lock held.
 */
void kho_arrival_native_commit(void)
{
	each_marked(restore_run);
	kho_native_exact_commit();
}

/**
 * kho_arrival_native_exit() - let go of what came
 *
 * Context: may sleep; kho.lock held.
 */
void kho_arrival_native_exit(void)
{
	if (!kho.committed && kho.tree.root)
		forget();
	kho_radix_destroy_tree(&kho.waiting);
	kho_radix_destroy_tree(&kho.arrived);
	kho_radix_destroy_tree(&kho.tree);
	kfree(kho.in);
	kho.in = NULL;
}

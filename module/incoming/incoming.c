// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking over what the kernel before left.
 *
 * The boot stub has checked the handover and reserved its pages; a kernel that
 * has none has reserved envelopes around them and checked nothing.  The module
 * believes neither blindly: it reads the same bytes with the same code, checks
 * that each page is as a reserved one is after boot, and only then begins to
 * change anything.  From there on the takeover can still be called off, which
 * puts every page back into that state, so a module that could not load can be
 * loaded again.
 *
 * All that arrived stays preserved, in the very tree that it came with, until
 * somebody gives it up: if nobody does, the next kernel gets it too.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

static struct kho_boot_info *boot_info;

/**
 * kho_arrival_refuse() - refuse what arrived; it stays reserved, out of reach
 * @why: what is wrong, for people
 * @where: physical address at which it was found
 * @value: what was found there
 */
void kho_arrival_refuse(const char *why, u64 where, u64 value)
{
	kho.arrival = KHO_ARRIVAL_REFUSED;
	snprintf(kho.arrival_error, sizeof(kho.arrival_error),
		 "%s (at 0x%llx, value 0x%llx)", why, where, value);
	pr_err("handover refused: %s\n", kho.arrival_error);
}

/**
 * kho_arrival_page_waits() - is this page as a reserved one is after boot?
 * @pfn: its number
 *
 * If envelopes are why, it has to be in one: much else is reserved, and is
 * somebody's.
 */
bool kho_arrival_page_waits(u64 pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if ((kho.arrival_kind == KHO_KIND_ENVELOPES || kho.in_lean) &&
	    !kho_list_covers(pfn, 1))
		return false;
	return kho_page_reserved(page);
}

/* What the walk over the tree that arrived found wrong with a page. */
struct arrival_check {
	u64 bad;
};

static int check_node(void *data, u64 phys, unsigned int level)
{
	struct arrival_check *check = data;

	if (kho_sender_allows_node(PHYS_PFN(phys)))
		return 0;
	check->bad = phys;
	return -EINVAL;
}

static int check_run(void *data, u64 phys, unsigned int order, u64 nr)
{
	struct arrival_check *check = data;
	u64 pfn = PHYS_PFN(phys), end = pfn + (nr << order);

	for (; pfn < end; pfn++) {
		if (!kho_sender_allows_mark(pfn)) {
			check->bad = PFN_PHYS(pfn);
			return -EINVAL;
		}
		cond_resched();
	}
	return 0;
}

/* For walks over the tree after it has been found sound. */
static const void *sound_map(void *ctx, __u64 phys)
{
	return phys_to_virt(phys);
}

static int sound_walk(const struct kho_walk_ops *ops)
{
	struct kho_walk walk = {
		.ops = ops,
		.shift = PAGE_SHIFT,
		.end = kho_end_of_memory(),
	};

	return kho_walk_tree(&walk, virt_to_phys(kho.tree.root));
}

static int list_node(void *ctx, __u64 phys, unsigned int level)
{
	return kho_radix_add_page(&kho.arrived, PHYS_PFN(phys), 0);
}

static int unlist_node(void *ctx, __u64 phys, unsigned int level)
{
	return kho_radix_del_page(&kho.arrived, PHYS_PFN(phys), 0);
}

static int list_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	return kho_radix_add_run(&kho.arrived, PHYS_PFN(phys), order, nr);
}

static int any_key(phys_addr_t phys, unsigned int order, void *data)
{
	return 1;
}

/* Is this page marked, whatever the order? */
static bool is_marked(u64 addr)
{
	return kho_radix_walk_range(&kho.tree, PHYS_PFN(addr), 1, any_key,
				    NULL) == 1;
}

/* The FDT's page is a key in what we and mainline send, but need not be. */
static int list_fdt(void)
{
	u64 pfn = PHYS_PFN(kho.boot.fdt_addr);

	if (is_marked(kho.boot.fdt_addr))
		return 0;
	return kho_radix_add_page(&kho.arrived, pfn, 0) ?:
	       kho_radix_del_page(&kho.arrived, pfn, 0);
}

/*
 * Everything that is marked, as if none of it belonged to an object.  The nodes
 * are listed too for as long as it takes, so that -EEXIST or -EBUSY tells of a
 * page that is a node twice, a node and marked, or marked twice; or a node and the
 * FDT's, which is freed.
 */
static int list_all(void)
{
	static const struct kho_walk_ops list_ops = {
		.map = sound_map,
		.node = list_node,
		.run = list_run,
	};
	static const struct kho_walk_ops unlist_ops = {
		.map = sound_map,
		.node = unlist_node,
	};

	kho_radix_destroy_tree(&kho.arrived);
	return kho_radix_init_tree(&kho.arrived) ?: sound_walk(&list_ops) ?:
	       list_fdt() ?: sound_walk(&unlist_ops) ?: kho_sender_unlist();
}

static int claim_node(void *ctx, __u64 phys, unsigned int level)
{
	kho_unreserve(PHYS_PFN(phys), 1);
	return 0;
}

/* All of a run but the keys with pages that lead to the handover. */
static void each_claimed(u64 pfn, unsigned int order, u64 nr,
			 void (*fn)(u64 pfn, u64 nr_pages))
{
	if (!kho_sender_has(pfn, nr << order)) {
		fn(pfn, nr << order);
		return;
	}
	for (; nr; nr--, pfn += 1ULL << order) {
		if (!kho_sender_has(pfn, 1ULL << order))
			fn(pfn, 1ULL << order);
		cond_resched();
	}
}

static int claim_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	each_claimed(PHYS_PFN(phys), order, nr, kho_unreserve);
	return 0;
}

static int unclaim_node(void *ctx, __u64 phys, unsigned int level)
{
	kho_reserve(PHYS_PFN(phys), 1);
	return 0;
}

static int unclaim_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	each_claimed(PHYS_PFN(phys), order, nr, kho_reserve);
	return 0;
}

static const struct kho_walk_ops claim_ops = {
	.map = sound_map,
	.node = claim_node,
	.run = claim_run,
};

static const struct kho_walk_ops unclaim_ops = {
	.map = sound_map,
	.node = unclaim_node,
	.run = unclaim_run,
};

/**
 * kho_arrival_child() - find a child of the root FDT that arrived
 * @name: its name
 *
 * Return: the child, with address and size, or NULL.
 */
const struct kho_fdt_child *kho_arrival_child(const char *name)
{
	unsigned int i;

	for (i = 0; kho.in && i < kho.in->nr; i++)
		if (!strcmp(kho.in->child[i].name, name) &&
		    kho.in->child[i].has == 3)
			return &kho.in->child[i];
	return NULL;
}

/* Which kernel was before, if it said so in a page that is preserved. */
static void read_metadata(void)
{
	const struct kho_fdt_child *child = kho_arrival_child(KHO_METADATA_NODE);
	const struct kho_metadata *metadata;

	kho.generation = 1;
	if (!child || child->size != sizeof(*metadata) ||
	    offset_in_page(child->addr) > PAGE_SIZE - sizeof(*metadata) ||
	    !kho_radix_has_page(&kho.arrived, PHYS_PFN(child->addr), 0))
		return;
	metadata = phys_to_virt(child->addr);
	if (metadata->version != KHO_METADATA_VERSION)
		return;
	memcpy(kho.previous_release, metadata->previous_release,
	       sizeof(kho.previous_release) - 1);
	kho_text_clean(kho.previous_release, sizeof(kho.previous_release));
	kho.generation = metadata->kexec_count;
}

/**
 * kho_arrived_take() - take pages that arrived, for an object or as metadata
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, or -ENOENT if they are not preserved or somebody has taken them.
 */
int kho_arrived_take(u64 pfn, u64 nr_pages)
{
	lockdep_assert_held(&kho.lock);

	if (kho_native())
		return kho_arrival_native_take(pfn, nr_pages);
	return kho_radix_del_range(&kho.arrived, pfn, nr_pages);
}

/**
 * kho_arrived_give_back() - the opposite of kho_arrived_take()
 * @pfn: number of the first page
 * @nr_pages: how many, as they were taken
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM, and then the takeover has to be called off.
 */
int kho_arrived_give_back(u64 pfn, u64 nr_pages)
{
	lockdep_assert_held(&kho.lock);

	if (kho_native())
		return kho_arrival_native_give_back(pfn, nr_pages);
	return kho_radix_add_range(&kho.arrived, pfn, nr_pages);
}

/* Forgets the metadata pages that were found, and leaves them as they are. */
static void forget_blobs(void)
{
	struct page *page, *next;

	kho_records_forget();
	kho_poison_forget();
	list_for_each_entry_safe(page, next, &kho.blobs, lru)
		list_del_init(&page->lru);
	kho.nr_blobs = 0;
}

static int read_objects(void)
{
	const struct kho_fdt_child *child = kho_arrival_child(KHO_OBJS_NODE);
	int ret;

	if (!child)
		return 0;
	ret = kho_records_read(child->addr, child->size);
	if (ret != -EINVAL)
		return ret;
	kho_object_drop_all();
	forget_blobs();
	return list_all();
}

static int take_over(void)
{
	struct arrival_check check = {};
	struct kho_radix_adopt adopt = {
		.tree = &kho.tree,
		.walk.end = kho_end_of_memory(),
		.node = check_node,
		.run = check_run,
		.data = &check,
	};
	const char *why;
	int ret;

	if (kho.boot.fdt_addr & ~PAGE_MASK || kho.boot.fdt_size > PAGE_SIZE ||
	    !kho_arrival_page_waits(PHYS_PFN(kho.boot.fdt_addr))) {
		kho_arrival_refuse("the FDT's page is not reserved",
				   kho.boot.fdt_addr, kho.boot.fdt_size);
		return 0;
	}
	ret = kho_sender_read();
	if (ret || kho.arrival == KHO_ARRIVAL_REFUSED)
		return ret;
	if (kho_sender_has(PHYS_PFN(kho.boot.fdt_addr), 1))
		why = "the FDT lies on what leads to it";
	else
		why = kho_exact_read_fdt(phys_to_virt(kho.boot.fdt_addr),
					 kho.boot.fdt_size);
	if (!why)
		why = kho_handoff_judge(kho.in);
	if (why) {
		kho_arrival_refuse(why, kho.boot.fdt_addr, 0);
		return 0;
	}
	if (kho_exact_find_root())
		return 0;

	ret = kho_radix_adopt_tree(&adopt, kho.in_root);
	if (ret == KHO_WALK_BAD) {
		kho_arrival_refuse(adopt.walk.why, adopt.walk.where, adopt.walk.value);
		return 0;
	}
	if (ret == -ENOMEM)
		return ret;
	if (ret) {
		kho_arrival_refuse("a page is not reserved", check.bad, 0);
		return 0;
	}

	ret = list_all();
	if (ret == -EBUSY || ret == -EEXIST) {
		kho_arrival_refuse("a page is marked twice, or is a node of the tree and something else as well",
				   kho.in_root, 0);
		goto err_forget;
	}
	if (ret)
		goto err_forget;
	kho_scratch_find();
	read_metadata();
	ret = read_objects();
	if (ret)
		goto err_forget;
	kho_poison_arrived();
	ret = kho_release_prepare(kho.in_root);
	if (ret)
		goto err_forget;

	sound_walk(&claim_ops);
	if (!is_marked(kho.boot.fdt_addr))
		kho_unreserve(PHYS_PFN(kho.boot.fdt_addr), 1);
	kho.arrival = KHO_ARRIVAL_TAKEN;
	return 0;

err_forget:
	kho_object_drop_all();
	forget_blobs();
	kho_radix_destroy_tree(&kho.arrived);
	kho_radix_forget_tree(&kho.tree);
	return kho.arrival == KHO_ARRIVAL_REFUSED ? 0 : ret;
}

/*
 * A kernel without the stub: what the stub would have said.  A handover that has
 * been taken is none any more.
 */
static void from_list(void)
{
	const struct kho_list *list = &kho.list;
	u64 where = list->node, value = 0;
	const char *why;

	if (!list->announcements || list->taken ||
	    (list->announcements == 1 && list->len == sizeof(list->data) &&
	     !list->data.fdt_addr))
		return;
	why = kho_list_check(&where, &value);
	if (why) {
		kho_arrival_refuse(why, where, value);
		return;
	}
	kho.arrival_kind = KHO_KIND_ENVELOPES;
	kho.boot.state = KHO_BOOT_KEPT;
	kho.boot.fdt_addr = list->data.fdt_addr;
	kho.boot.fdt_size = list->data.fdt_size;
	kho.boot.scratch_addr = list->data.scratch_addr;
	kho.boot.scratch_size = list->data.scratch_size;
}

/**
 * kho_arrival_init() - find out what came, and prepare to own it
 *
 * Makes kho.tree and kho.arrived, of what came or empty.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.  A handover that is refused is no error: the reason is
 * logged, kept for KHO_QUERY, and the trees are empty.
 */
int kho_arrival_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	if (kho_native())
		return kho_arrival_from_kernel();

	boot_info = kho_arch_boot_info_get();
	if (boot_info && boot_info->version == KHO_BOOT_INFO_VERSION)
		kho.boot = *boot_info;
	else
		from_list();

	switch (kho.boot.state) {
	case KHO_BOOT_KEPT:
		if (boot_info)
			kho.arrival_kind = KHO_KIND_STUB;
		kho.in = kzalloc(sizeof(*kho.in), GFP_KERNEL);
		ret = kho.in ? take_over() : -ENOMEM;
		if (ret)
			goto err_put;
		break;
	case KHO_BOOT_REFUSED:
		kho.arrival = KHO_ARRIVAL_REFUSED;
		strscpy(kho.arrival_error, kho.boot.error,
			sizeof(kho.arrival_error));
		kho_text_clean(kho.arrival_error, sizeof(kho.arrival_error));
		break;
	case KHO_BOOT_OFF:
		kho.arrival = KHO_ARRIVAL_OFF;
		break;
	default:
		break;
	}

	if (kho.arrival == KHO_ARRIVAL_TAKEN)
		return 0;
	kfree(kho.in);
	kho.in = NULL;
	kho_scratch_find();
	ret = kho_radix_init_tree(&kho.tree) ?: kho_radix_init_tree(&kho.arrived);
	if (!ret)
		return 0;
	kho_radix_destroy_tree(&kho.tree);
err_put:
	kfree(kho.in);
	kho.in = NULL;
	if (boot_info)
		kho_arch_boot_info_put();
	return ret;
}

/* Frees a page that only the kernel before needed. */
static void free_old_page(u64 addr)
{
	if (!kho_radix_del_page(&kho.arrived, PHYS_PFN(addr), 0)) {
		kho_lean_del(PHYS_PFN(addr), 1);
		kho_unmark_page(PHYS_PFN(addr), 0);
	} else if (is_marked(addr)) {
		return;
	}
	kho_put_pages(PHYS_PFN(addr), 1);
}

static void free_old_child(const char *name)
{
	const struct kho_fdt_child *child = kho_arrival_child(name);

	if (child && PHYS_PFN(child->addr) != PHYS_PFN(kho.boot.fdt_addr) &&
	    kho_radix_has_page(&kho.arrived, PHYS_PFN(child->addr), 0))
		free_old_page(child->addr);
}

/**
 * kho_arrival_commit() - own what came, for good
 *
 * Nothing can fail any more.  What only the kernel before needed is freed.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_arrival_commit(void)
{
	lockdep_assert_held(&kho.lock);

	kho.committed = true;
	if (kho.arrival != KHO_ARRIVAL_TAKEN) {
		kho_release_refused();
		return;
	}
	if (boot_info)
		boot_info->state = KHO_BOOT_TAKEN;
	else
		kho_arch_taken(&kho.list);
	if (kho_native()) {
		kho_arrival_native_commit();
		kho_poison_commit();
		goto out;
	}

	kho_poison_commit();
	kho_sender_forget();
	free_old_child(KHO_METADATA_NODE);
	if (kho.in_lean)
		free_old_child(KHO_EXACT_NODE);
	free_old_page(kho.boot.fdt_addr);
out:
	kho_records_commit();
	kho_object_arrivals();
	kho_changed();
	kho_release_start();
}

/**
 * kho_arrival_exit() - let go of what came
 *
 * Before kho_arrival_commit() that calls the takeover off; after it everything
 * has been given up already, or the module could not be unloaded.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_arrival_exit(void)
{
	lockdep_assert_held(&kho.lock);

	kho_release_exit();
	if (kho_native()) {
		kho_arrival_native_exit();
		return;
	}
	if (kho.arrival == KHO_ARRIVAL_TAKEN && !kho.committed) {
		kho_object_drop_all();
		forget_blobs();
		if (!is_marked(kho.boot.fdt_addr))
			kho_reserve(PHYS_PFN(kho.boot.fdt_addr), 1);
		sound_walk(&unclaim_ops);
		kho_radix_forget_tree(&kho.tree);
	}
	kho_radix_destroy_tree(&kho.arrived);
	kho_radix_destroy_tree(&kho.tree);
	if (boot_info)
		kho_arch_boot_info_put();
	kfree(kho.in);
	kho.in = NULL;
}

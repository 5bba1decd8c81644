// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that userspace preserves by number.
 *
 * Whoever asks for this knows what the page is; we see to it that there is a
 * page, that somebody uses it, and that it stays: each has a reference of ours
 * until it is given up or the machine jumps.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "internal.h"

/* Says which page of which request was wrong, and why. */
static int refuse_page(const struct kho_page_entry *entry, u64 pfn, int err)
{
	const char *why = "";

	switch (err) {
	case -EINVAL:
		why = "the order does not exist, or the page number is no multiple of the block";
		break;
	case -ERANGE:
		why = "the page number has more bits than an address";
		break;
	case -ENXIO:
		why = "there is no RAM online";
		break;
	case -EADDRNOTAVAIL:
		why = "the page is free, reserved or poisoned";
		break;
	case -EBUSY:
		why = "it is in scratch, overlaps a preserved page, or belongs to an object";
		break;
	case -EEXIST:
		why = "it is preserved already";
		break;
	case -ENOENT:
		why = "it is not preserved";
		break;
	default:
		return err;
	}
	return kho_refuse(err, "pfn 0x%llx order %u: at 0x%llx, %s",
			  entry->pfn, entry->order, pfn, why);
}

/* An order above this can't be of any machine, and 1UL << order would not do. */
static int check_entry(const struct kho_page_entry *entry)
{
	u64 end = PHYS_PFN(kho_end_of_memory());

	if (entry->order > KHO_MAX_ORDER(PAGE_SHIFT) ||
	    entry->pfn & ((1ULL << entry->order) - 1))
		return -EINVAL;
	if (entry->pfn >> (64 - PAGE_SHIFT))
		return -ERANGE;
	if (entry->pfn >= end || (1ULL << entry->order) > end - entry->pfn)
		return -ENXIO;
	if (kho_in_scratch(entry->pfn, 1ULL << entry->order))
		return -EBUSY;
	return 0;
}

/* Without knowing where scratch is, a page can't be told to stay out of it. */
static int check_scratch_known(void)
{
	if (kho_native_knows_scratch())
		return 0;
	return kho_refuse(-EOPNOTSUPP, "the kernel does not say where its scratch is (CONFIG_KEXEC_HANDOVER_DEBUGFS)");
}

static int add_one(const struct kho_page_entry *entry)
{
	u64 i, nr_pages;
	int ret;

	ret = check_entry(entry);
	if (ret)
		return refuse_page(entry, entry->pfn, ret);
	nr_pages = 1ULL << entry->order;

	for (i = 0; i < nr_pages; i++) {
		ret = kho_take_page(entry->pfn + i);
		if (ret) {
			refuse_page(entry, entry->pfn + i, ret);
			goto err_put;
		}
		cond_resched();
	}
	ret = kho_mark_page(entry->pfn, entry->order);
	if (ret) {
		refuse_page(entry, entry->pfn, ret);
		goto err_put;
	}
	ret = kho_radix_add_page(&kho.raw, entry->pfn, entry->order);
	if (ret)
		goto err_del;
	return 0;

err_del:
	kho_unmark_page(entry->pfn, entry->order);
err_put:
	kho_put_pages(entry->pfn, i);
	return ret;
}

/* Gives up a page that is known to be listed in @owner. */
static void del_one(struct kho_radix_tree *owner,
		    const struct kho_page_entry *entry)
{
	WARN_ON_ONCE(kho_radix_del_page(owner, entry->pfn, entry->order));
	kho_unmark_page(entry->pfn, entry->order);
	kho_put_pages(entry->pfn, 1ULL << entry->order);
}

/**
 * kho_pages_add() - preserve pages, all of them or none
 * @entry: which
 * @nr: how many entries
 * @failed: set to the number of the first that failed, or @nr
 *
 * Context: may sleep.
 * Return: 0 or the errno of KHO_PAGE_ADD.
 */
int kho_pages_add(const struct kho_page_entry *entry, u32 nr, u32 *failed)
{
	u32 i;
	int ret;

	*failed = nr;
	mutex_lock(&kho.lock);
	ret = kho_may_change() ?: check_scratch_known();
	if (ret)
		goto out;
	for (i = 0; i < nr; i++) {
		ret = fatal_signal_pending(current) ? -EINTR : add_one(&entry[i]);
		if (ret)
			goto err_undo;
	}
	kho_changed();
	goto out;

err_undo:
	*failed = i;
	while (i--)
		del_one(&kho.raw, &entry[i]);
out:
	mutex_unlock(&kho.lock);
	return ret;
}

/* Which of the trees lists what userspace may give up, and has it. */
static struct kho_radix_tree *owner_of(const struct kho_page_entry *entry)
{
	if (kho_radix_has_page(&kho.raw, entry->pfn, entry->order))
		return &kho.raw;
	if (kho_radix_has_page(&kho.arrived, entry->pfn, entry->order))
		return &kho.arrived;
	return NULL;
}

static int any_key(phys_addr_t phys, unsigned int order, void *data)
{
	return -EBUSY;
}

static int check_del(const struct kho_page_entry *entry)
{
	int ret = check_entry(entry);

	/* Neither can be preserved, so what isn't there is all there is to say. */
	if (ret == -ENXIO || ret == -EBUSY)
		ret = -ENOENT;
	if (ret)
		return ret;
	if (owner_of(entry) ||
	    kho_arrival_native_waits(entry->pfn, entry->order))
		return 0;
	/* Preserved, but by somebody else or as part of something else? */
	return kho_radix_walk_range(&kho.tree, entry->pfn,
				    1ULL << entry->order, any_key, NULL) ?:
	       -ENOENT;
}

/**
 * kho_pages_del() - give pages up, all of them or none
 * @entry: which
 * @nr: how many entries
 * @failed: set to the number of the first that failed, or @nr
 *
 * Context: may sleep.
 * Return: 0 or the errno of KHO_PAGE_DEL.
 */
int kho_pages_del(const struct kho_page_entry *entry, u32 nr, u32 *failed)
{
	struct kho_radix_tree seen = {};
	u32 i;
	int ret = 0;

	*failed = nr;
	/* Giving up a single page takes no memory. */
	if (nr > 1)
		ret = kho_radix_init_tree(&seen);
	if (ret)
		return ret;

	mutex_lock(&kho.lock);
	if (kho.frozen) {
		ret = -ESHUTDOWN;
		goto out;
	}
	for (i = 0; i < nr; i++) {
		ret = check_del(&entry[i]);
		/* What is there once can be given up once. */
		if (!ret && kho_radix_has_page(&seen, entry[i].pfn,
					       entry[i].order))
			ret = -ENOENT;
		if (!ret && nr > 1)
			ret = kho_radix_add_page(&seen, entry[i].pfn,
						 entry[i].order);
		if (ret) {
			*failed = i;
			refuse_page(&entry[i], entry[i].pfn, ret);
			goto out;
		}
	}
	for (i = 0; i < nr; i++) {
		struct kho_radix_tree *owner = owner_of(&entry[i]);

		if (owner)
			del_one(owner, &entry[i]);
		else
			kho_arrival_native_drop(entry[i].pfn, entry[i].order);
		kho.released += 1ULL << entry[i].order;
	}
	kho_changed();
out:
	mutex_unlock(&kho.lock);
	kho_radix_destroy_tree(&seen);
	return ret;
}

/* Where a listing is. */
struct listing {
	struct kho_page_entry *entry;
	u64 skip;
	u32 room;
	u32 filled;
	u32 flags;
};

static int list_page(phys_addr_t phys, unsigned int order, void *data)
{
	struct listing *listing = data;
	struct kho_page_entry *entry;

	if (listing->skip) {
		listing->skip--;
		return 0;
	}
	if (listing->filled == listing->room)
		return 1;
	entry = &listing->entry[listing->filled++];
	entry->pfn = PHYS_PFN(phys);
	entry->order = order;
	entry->flags = listing->flags;
	return 0;
}

static u64 nr_keys(const struct kho_radix_tree *tree)
{
	unsigned int order;
	u64 nr = 0;

	for (order = 0; order < KHO_NR_ORDERS; order++)
		nr += kho_radix_nr_keys(tree, order);
	return nr;
}

/**
 * kho_pages_list() - describe what was preserved by number
 * @first: number of the first one wanted
 * @room: entries that there are
 * @entry: array of struct kho_page_entry, filled in
 * @filled: how many were
 * @total: how many there are
 *
 * Context: may sleep.
 */
void kho_pages_list(u64 first, u32 room, void *entry, u32 *filled, u64 *total)
{
	struct listing listing = {
		.entry = entry,
		.skip = first,
		.room = room,
		.flags = KHO_PAGE_ARRIVED,
	};
	u64 all = 1ULL << (63 - PAGE_SHIFT);

	mutex_lock(&kho.lock);
	kho_radix_walk_range(&kho.arrived, 0, all, list_page, &listing);
	if (kho_native())
		kho_radix_walk_range(&kho.waiting, 0, all, list_page, &listing);
	listing.flags = 0;
	kho_radix_walk_range(&kho.raw, 0, all, list_page, &listing);
	*total = nr_keys(&kho.arrived) + nr_keys(&kho.waiting) +
		 nr_keys(&kho.raw);
	mutex_unlock(&kho.lock);
	*filled = listing.filled;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that userspace preserves by number.
 *
 * The caller knows what the page is.  We make sure that it exists, that somebody uses
 * it, and that it stays: we hold a reference to each page until it is given up or the
 * machine jumps.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/left.h"
#include "core/lockdown.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "incoming/incoming.h"
#include "mm/folio.h"
#include "mm/iomem.h"
#include "mm/poison.h"
#include "pages.h"
#include "tree/tree.h"

#include <kho/abi.h>
#include <linux/kho.h>

/* Pages that KHO_PAGE_ADD marked in this kernel. */
static struct kho_radix_tree by_pfn;
/* Another module has left that tree. */
static bool was_left;

/* Logs which page of which entry is refused, and why. */
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
		why = "free, reserved, poisoned, RAM's last, below 2 MiB, or newer than the image";
		break;
	case -EREMOTE:
		why = "a driver added the memory: the next kernel has none there";
		break;
	case -EBUSY:
		why = "it is in scratch, overlaps a preserved page, or is an object's or our own";
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

/* A span of pages outside scratch, known for as long as the gate or the lock is held. */
struct clear {
	u64 pfn;
	u64 end;
};

static bool in_scratch(struct clear *clear, u64 pfn, u64 nr_pages)
{
	if (pfn < clear->pfn || pfn + nr_pages > clear->end) {
		clear->pfn = pfn;
		clear->end = kho_backend_next_scratch(pfn);
	}
	return pfn + nr_pages > clear->end;
}

/* No machine has a larger order, and 1UL << order would overflow. */
static int check_entry(const struct kho_page_entry *entry, u64 end, struct clear *clear)
{
	if (entry->order > KHO_MAX_ORDER(PAGE_SHIFT) ||
	    entry->pfn & ((1ULL << entry->order) - 1))
		return -EINVAL;
	if (entry->pfn >> (64 - PAGE_SHIFT))
		return -ERANGE;
	if (entry->pfn >= end || (1ULL << entry->order) > end - entry->pfn)
		return -ENXIO;
	if (in_scratch(clear, entry->pfn, 1ULL << entry->order))
		return -EBUSY;
	return 0;
}

/* As long as it is unknown where scratch is, pages can't be kept out of it. */
static int check_scratch_known(void)
{
	if (kho_backend_scratch_known())
		return 0;
	return kho_refuse(-EOPNOTSUPP, "the kernel does not say where its scratch is (CONFIG_KEXEC_HANDOVER_DEBUGFS)");
}

/**
 * kho_pages_check_lockdown() - may userspace have pages by number?
 *
 * Under lockdown root must get no access to memory by its address, here or in the next
 * kernel, and must not free what another module or the kernel is going to read.
 *
 * Context: any.
 * Return: 0, or -EPERM under lockdown.
 */
int kho_pages_check_lockdown(void)
{
	if (!kho_locked_pages())
		return 0;
	return kho_refuse(-EPERM, "the kernel is locked down, which forbids access to pages by number: use objects");
}

/* Entries that are changed at once: as many as page numbers fit into a page. */
#define PIECE	(PAGE_SIZE / sizeof(unsigned long))

/**
 * struct piece - entries of one order
 */
struct piece {
	/** @pfn: page numbers: a page of PIECE of them, or @one. */
	unsigned long *pfn;
	/** @one: the page number, if there is only one. */
	unsigned long one;
	/** @capacity: number of page numbers that fit. */
	u32 capacity;
};

static int piece_init(struct piece *piece, u32 nr)
{
	piece->pfn = &piece->one;
	piece->capacity = 1;
	/* A single entry needs no allocation. */
	if (nr == 1)
		return 0;
	piece->pfn = (unsigned long *)__get_free_page(GFP_KERNEL);
	piece->capacity = PIECE;
	return piece->pfn ? 0 : -ENOMEM;
}

static void piece_exit(struct piece *piece)
{
	if (piece->pfn != &piece->one)
		free_page((unsigned long)piece->pfn);
}

/* Fills a piece with the entries of one order that come first; returns how many. */
static u32 piece_of(struct piece *piece, const struct kho_page_entry *entry,
		    u32 nr)
{
	u32 i;

	for (i = 0; i < nr && i < piece->capacity; i++) {
		if (entry[i].order != entry->order)
			break;
		piece->pfn[i] = entry[i].pfn;
	}
	return i;
}

static void put_blocks(const unsigned long *pfn, unsigned long nr,
		       unsigned int order)
{
	while (nr--)
		kho_put_pages(*pfn++, 1UL << order);
}

static int get_block(const struct kho_page_entry *entry, u64 end, struct clear *clear)
{
	u64 i, nr_pages;
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	ret = check_entry(entry, end, clear);
	if (ret)
		return refuse_page(entry, entry->pfn, ret);

	nr_pages = 1ULL << entry->order;
	for (i = 0; i < nr_pages; i++) {
		ret = kho_get_page(entry->pfn + i);
		if (ret) {
			refuse_page(entry, entry->pfn + i, ret);
			goto err_put;
		}
		if (entry->order)
			cond_resched();
	}
	return 0;

err_put:
	kho_put_pages(entry->pfn, i);
	return ret;
}

/*
 * Preserves entries of one order until one fails; *@done says how many.  The error is
 * that of the entry that failed first.
 */
static int add_piece(const unsigned long *pfn, const struct kho_page_entry *entry,
		     u32 nr, u32 *done)
{
	u64 end = PHYS_PFN(kho_end_of_memory());
	unsigned long marked, listed;
	unsigned int order = entry->order;
	struct clear clear = {};
	int ret = 0, err;
	u32 got;

	for (got = 0; got < nr; got++) {
		ret = get_block(&entry[got], end, &clear);
		if (ret)
			break;
	}
	cond_resched();

	err = kho_mark_batch(pfn, got, order, &marked);
	if (err)
		ret = refuse_page(&entry[marked], entry[marked].pfn, err);
	err = kho_radix_add_batch(&by_pfn, pfn, marked, order, &listed);
	if (err)
		ret = err;
	kho_unmark_batch(pfn + listed, marked - listed, order);
	put_blocks(pfn + listed, got - listed, order);
	*done = listed;
	return ret;
}

/*
 * Gives up what KHO_PAGE_ADD has added.  Whoever removes a page from by_pfn also unmarks
 * it, so pages that somebody else has given up meanwhile are skipped.
 */
static void del_piece(const unsigned long *pfn, u32 nr, unsigned int order)
{
	unsigned long done;
	u32 at = 0;

	while (at < nr) {
		int ret = kho_radix_del_batch(&by_pfn, pfn + at, nr - at, order,
					      &done);

		kho_unmark_batch(pfn + at, done, order);
		put_blocks(pfn + at, done, order);
		at += done + !!ret;
	}
}

static void del_all(struct piece *piece, const struct kho_page_entry *entry,
		    u32 nr)
{
	u32 at, n;

	for (at = 0; at < nr; at += n) {
		n = piece_of(piece, entry + at, nr - at);
		del_piece(piece->pfn, n, entry[at].order);
		cond_resched();
	}
}

/**
 * kho_pages_add() - preserve pages, all of them or none
 * @entry: the entries
 * @nr: number of entries
 * @failed: set to the index of the first that failed, or @nr
 *
 * Entries of one order with rising page numbers are fastest.
 *
 * Context: may sleep; takes kho.gate, and kho.lock at the end.
 * Return: 0 or the errno of KHO_PAGE_ADD.
 */
int kho_pages_add(const struct kho_page_entry *entry, u32 nr, u32 *failed)
{
	struct piece piece;
	u32 at = 0, done;
	int ret;

	*failed = nr;
	ret = kho_pages_check_lockdown() ?: piece_init(&piece, nr);
	if (ret)
		return ret;

	kho_change_begin();
	ret = kho_may_change() ?: check_scratch_known();
	if (ret)
		goto out;
	while (!ret && at < nr) {
		u32 n = piece_of(&piece, entry + at, nr - at);

		kho_inject("add-piece");
		ret = add_piece(piece.pfn, entry + at, n, &done);
		at += done;
	}
	kho_inject("add-marked");
	if (ret) {
		*failed = at;
		del_all(&piece, entry, at);
	}
	/* Even if all was undone: envelopes and the module's reference have seen it. */
	mutex_lock(&kho.lock);
	kho_changed();
	mutex_unlock(&kho.lock);
out:
	kho_change_end();
	piece_exit(&piece);
	return ret;
}

static int check_del(const struct kho_page_entry *entry, u64 end, struct clear *clear)
{
	int ret = check_entry(entry, end, clear);

	/* Such pages can't be preserved, so all there is to say is that they are not. */
	if (ret == -ENXIO || ret == -EBUSY)
		ret = -ENOENT;
	if (ret)
		return ret;
	if (kho_radix_has_page(&by_pfn, entry->pfn, entry->order) ||
	    kho_unclaimed_has(entry->pfn, entry->order) ||
	    kho_backend_may_retrieve(entry->pfn, entry->order))
		return 0;
	/* Preserved, but by somebody else or as part of something else? */
	return kho_preserved_has(entry->pfn, 1ULL << entry->order) ? -EBUSY : -ENOENT;
}

/* Checks all entries, and changes nothing; *@failed is set to the first that is bad. */
static int check_all_del(struct piece *piece, const struct kho_page_entry *entry,
			 u32 nr, u32 *failed)
{
	u64 end = PHYS_PFN(kho_end_of_memory());
	struct kho_radix_tree seen = {};
	struct clear clear = {};
	unsigned long done;
	u32 i, at, n;
	int ret = 0;

	/* What is there once can be given up only once. */
	if (nr > 1)
		ret = kho_radix_init_tree(&seen);
	for (at = 0; at < nr && !ret; at += n) {
		n = piece_of(piece, entry + at, nr - at);
		for (i = at; i < at + n && !ret; i++)
			ret = check_del(&entry[i], end, &clear);
		if (ret)
			n = i - 1 - at;
		if (nr > 1) {
			int err = kho_radix_add_batch(&seen, piece->pfn, n,
						      entry[at].order, &done);

			if (err) {
				ret = err == -EEXIST ? -ENOENT : err;
				n = done;
			}
		}
		if (ret) {
			*failed = at + n;
			refuse_page(&entry[at + n], entry[at + n].pfn, ret);
		}
		cond_resched();
	}
	kho_radix_destroy_tree(&seen);
	return ret;
}

/* Has KHO_PAGE_ADD added all of them? */
static bool all_by_pfn(const struct kho_page_entry *entry, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (!kho_radix_has_page(&by_pfn, entry[i].pfn, entry[i].order))
			return false;
	return true;
}

/* Another module may restore what arrived at any time, so this is done under kho.lock. */
static int del_mixed(struct piece *piece, const struct kho_page_entry *entry,
		     u32 nr, u32 *failed)
{
	u32 i;
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = check_all_del(piece, entry, nr, failed);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++) {
		const struct kho_page_entry *e = &entry[i];

		if (!kho_unclaimed_del(e->pfn, 1ULL << e->order)) {
			kho_backend_boot_del(e->pfn, 1UL << e->order);
			kho_unmark_page(e->pfn, e->order);
			kho_put_pages(e->pfn, 1ULL << e->order);
		} else if (kho_backend_may_retrieve(e->pfn, e->order)) {
			kho_backend_drop(e->pfn, e->order);
		} else {
			del_all(piece, e, 1);
		}
	}
	return 0;
}

/**
 * kho_pages_del() - give pages up, all of them or none
 * @entry: the entries
 * @nr: number of entries
 * @failed: set to the index of the first that failed, or @nr
 *
 * Context: may sleep; takes kho.gate, and kho.lock for what arrived.
 * Return: 0 or the errno of KHO_PAGE_DEL.
 */
int kho_pages_del(const struct kho_page_entry *entry, u32 nr, u32 *failed)
{
	struct piece piece;
	bool plain;
	u32 i;
	int ret;

	*failed = nr;
	ret = piece_init(&piece, nr);
	if (ret)
		return ret;

	kho_change_begin();
	if (kho.frozen) {
		ret = -ESHUTDOWN;
		goto out;
	}
	plain = all_by_pfn(entry, nr);
	if (plain) {
		ret = check_all_del(&piece, entry, nr, failed);
		if (ret)
			goto out;
		kho_inject("del-checked");
		del_all(&piece, entry, nr);
		kho_inject("del-done");
	}
	mutex_lock(&kho.lock);
	if (!plain)
		ret = kho_pages_check_lockdown() ?:
		      del_mixed(&piece, entry, nr, failed);
	if (!ret) {
		for (i = 0; i < nr; i++)
			kho.released += 1ULL << entry[i].order;
		kho_changed();
	}
	mutex_unlock(&kho.lock);
out:
	kho_change_end();
	piece_exit(&piece);
	return ret;
}

/* State of a listing. */
struct listing {
	struct kho_page_entry *entry;
	u32 capacity;
	u32 filled;
	u32 flags;
};

static int list_page(phys_addr_t phys, unsigned int order, void *data)
{
	struct listing *listing = data;
	struct kho_page_entry *entry;

	if (listing->filled == listing->capacity)
		return 1;
	entry = &listing->entry[listing->filled++];
	entry->pfn = PHYS_PFN(phys);
	entry->order = order;
	entry->flags = listing->flags;
	if (kho_poison_known_in(entry->pfn, 1ULL << order))
		entry->flags |= KHO_PAGE_POISONED;
	return 0;
}

/**
 * kho_pages_list() - list what is preserved by number
 * @first: index of the first entry wanted
 * @capacity: number of entries that fit
 * @entry: array of struct kho_page_entry, filled in
 * @filled: set to the number of entries filled in
 * @total: set to the number of entries that there are
 *
 * Takes no lock: pages that come or go meanwhile may be listed or not.
 *
 * Context: may sleep.
 */
void kho_pages_list(u64 first, u32 capacity, void *entry, u32 *filled, u64 *total)
{
	struct listing listing = {
		.entry = entry,
		.capacity = capacity,
		.flags = KHO_PAGE_ARRIVED,
	};
	u64 skip = first;

	kho_unclaimed_each_from(&skip, list_page, &listing);
	*total = kho_backend_unretrieved_list(&skip, list_page, &listing);
	listing.flags = 0;
	kho_radix_walk_from(&by_pfn, &skip, list_page, &listing);
	*total += kho_unclaimed_keys() + kho_tree_keys(&by_pfn);
	*filled = listing.filled;
}

static bool holds(void)
{
	return kho_radix_nr_pages(&by_pfn);
}

static struct kho_owner pages_owner = {
	.holds = holds,
};

/**
 * kho_pages_init() - prepare for pages by number
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM.
 */
int kho_pages_init(void)
{
	kho_owner_add(&pages_owner);
	return kho_radix_init_tree(&by_pfn);
}

/**
 * kho_pages_exit() - the opposite of kho_pages_init()
 *
 * Context: may sleep; kho.lock held.
 */
void kho_pages_exit(void)
{
	/* Until the takeover is committed, its nodes are another module's. */
	if (was_left && !kho.committed)
		kho_radix_forget_tree(&by_pfn);
	kho_radix_destroy_tree(&by_pfn);
}

/**
 * kho_pages_leave() - leave these pages to the next module, and forget them
 * @left: the record
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_pages_leave(struct kho_left *left)
{
	left->raw_root = virt_to_phys(by_pfn.root);
	kho_radix_forget_tree(&by_pfn);
}

static int take_node(void *data, u64 phys, unsigned int level)
{
	return kho_left_page(PHYS_PFN(phys)) ? 0 : -EINVAL;
}

/* A page that is not unclaimed was not preserved, or belongs to somebody else. */
static int take_run(void *data, u64 phys, unsigned int order, u64 nr)
{
	u64 pfn = PHYS_PFN(phys);
	int ret = 0;

	for (; nr && !ret; nr--, pfn += 1ULL << order) {
		ret = kho_backend_incoming_get(pfn, 1ULL << order);
		cond_resched();
	}
	return ret;
}

/**
 * kho_pages_left() - take these pages over from the previous module
 *
 * Context: may sleep; kho.lock held; the objects have claimed theirs.
 * Return: 0; -EINVAL, which is logged; -ENOMEM.
 */
int kho_pages_left(void)
{
	struct kho_radix_adopt adopt = {
		.tree = &by_pfn,
		.walk.end = kho_end_of_memory(),
		.node = take_node,
		.run = take_run,
	};
	int ret;

	kho_radix_destroy_tree(&by_pfn);
	ret = kho_radix_adopt_tree(&adopt, kho_left()->raw_root);
	was_left = !ret;
	if (ret == -ENOMEM || !ret)
		return ret;
	kho_left_refuse(ret == KHO_WALK_BAD ? adopt.walk.why :
			"a page by number is not preserved, or belongs to an object",
			kho_left()->raw_root);
	return -EINVAL;
}

/**
 * kho_pages_query() - report the number of pages that were added here
 * @query: its member about them is set
 *
 * Context: kho.lock held.
 */
void kho_pages_query(struct kho_query *query)
{
	query->raw_pages = kho_radix_nr_pages(&by_pfn);
}

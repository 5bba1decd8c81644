// SPDX-License-Identifier: GPL-2.0-only
/*
 * The envelopes for the next kernel, kept current while pages come and go.
 *
 * The trees report each page and node that they keep or drop.  These are counted by
 * granule.  Most changes only change a count: other pages of the granule are preserved
 * too, or it lies inside an envelope.  The envelopes are computed anew only if the best
 * ones may have changed, and once per request.
 *
 * Many CPUs may mark pages at the same time, so the counts are atomic.  Only the first
 * page that comes to a granule, and the last that leaves it, take a lock.
 *
 * The list covers at least what is preserved whenever kho.gate and kho.lock are free.
 * A jump takes both, so it has nothing left to do.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "arch/envelope.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/preserve.h"
#include "core/ram.h"
#include "cover.h"
#include "incoming/incoming.h"
#include "mm/iomem.h"
#include "own.h"
#include "tree/tree.h"

#include <kho/abi.h>
#include <kho/walk.h>
#include <linux/kho.h>

/* What the envelopes have to cover. */
static struct kho_granules granules;
/* Memory was added or removed since the table was made. */
static bool granules_short;
/* The best envelopes may have changed; protected by granules.lock. */
static bool stale;

/* What is announced, by ascending address. */
static struct kho_envelope envelopes[KHO_ENVELOPES_MAX];
static unsigned int nr_envelopes;
/* Base pages of RAM in the envelopes. */
static u64 envelope_pages;
/* Granules of RAM in the smallest gap between envelopes, or 0. */
static u64 least_open;

/* How often to try to find envelopes while others may mark pages. */
#define FIND_TRIES	3

#define GRANULE_PAGES	(1UL << (KHO_ENVELOPE_SHIFT - PAGE_SHIFT))

/* Is the granule inside an announced envelope? */
static bool is_covered(unsigned long granule)
{
	u64 addr = max_t(u64, (u64)granule << KHO_ENVELOPE_SHIFT, KHO_ENVELOPE_LOWEST);
	unsigned int low = 0, high = nr_envelopes;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct kho_envelope *envelope = &envelopes[middle];

		if (addr < envelope->addr)
			high = middle;
		else if (addr - envelope->addr >= envelope->bytes)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* A covered granule is no longer used: could a better gap be opened there? */
static bool may_open(const struct kho_granules *table, unsigned long granule)
{
	unsigned long first, end;

	if (nr_envelopes < KHO_ENVELOPES_MAX)
		return true;
	first = find_last_bit(table->used, granule);
	if (first >= granule)
		return true;
	end = find_next_bit(table->used, table->nr, granule);
	if (end >= table->nr || !is_covered(first + 1) || !is_covered(end - 1))
		return true;
	return table->ram[end] - table->ram[first + 1] > least_open;
}

static void keep_granule(struct kho_granules *table, unsigned long granule,
			 unsigned int nr_pages)
{
	if (atomic_fetch_add(nr_pages, &table->pages[granule]))
		return;
	spin_lock(&table->lock);
	/* The count may have changed since; whoever locks last sees its final value. */
	if (atomic_read(&table->pages[granule])) {
		__set_bit(granule, table->used);
		table->changes++;
		if (!is_covered(granule))
			stale = true;
	}
	spin_unlock(&table->lock);
}

static void drop_granule(struct kho_granules *table, unsigned long granule,
			 unsigned int nr_pages)
{
	int left = atomic_sub_return(nr_pages, &table->pages[granule]);

	if (WARN_ON_ONCE(left < 0))
		atomic_add(-left, &table->pages[granule]);
	if (left > 0)
		return;
	spin_lock(&table->lock);
	if (!atomic_read(&table->pages[granule])) {
		__clear_bit(granule, table->used);
		if (!stale && may_open(table, granule))
			stale = true;
	}
	spin_unlock(&table->lock);
}

/* Called by the trees; see kho_radix_watch_t. */
static void count(struct kho_radix_tree *tree, unsigned long pfn,
		  unsigned long nr_pages, bool kept)
{
	struct kho_granules *table = &granules;

	while (nr_pages) {
		unsigned long granule = pfn / GRANULE_PAGES;
		unsigned long nr = min(nr_pages,
				       GRANULE_PAGES - pfn % GRANULE_PAGES);

		if (kept && kho_ram_last() - pfn < nr)
			pr_warn_once("the last page of RAM is preserved: an unpatched kernel would lose it\n");
		if (granule >= table->nr) {
			/* This memory was added after the table was made. */
			WRITE_ONCE(granules_short, true);
			return;
		}
		if (kept)
			keep_granule(table, granule, nr);
		else
			drop_granule(table, granule, nr);
		pfn += nr;
		nr_pages -= nr;
	}
}

static int add_ram(u64 addr, u64 bytes, void *data)
{
	struct kho_granules *table = data;
	u64 last = addr + bytes - 1;
	unsigned long granule, end;

	granule = addr >> KHO_ENVELOPE_SHIFT;
	end = min_t(u64, (last >> KHO_ENVELOPE_SHIFT) + 1, table->nr);
	for (; granule < end; granule++)
		table->ram[granule + 1] = 1;
	return 0;
}

/* Marks each granule that has RAM, and turns the marks into sums to weigh gaps by. */
static void sum_ram(struct kho_granules *table)
{
	unsigned long granule;

	kho_walk_ram(0, (u64)table->nr << KHO_ENVELOPE_SHIFT, add_ram, table);
	for (granule = 0; granule < table->nr; granule++)
		table->ram[granule + 1] += table->ram[granule];
}

static void table_free(struct kho_granules *table)
{
	kvfree(table->used);
	kvfree(table->pages);
	kvfree(table->ram);
	memset(table, 0, sizeof(*table));
	spin_lock_init(&table->lock);
}

/**
 * kho_envelopes_leave_open() - keep envelopes out of scratch
 * @pfn: number of the first page of scratch
 * @nr_pages: how many pages it has
 *
 * Context: kho.lock held, and kho.gate for writing once pages can be marked.
 */
void kho_envelopes_leave_open(unsigned long pfn, unsigned long nr_pages)
{
	/* A whole number of granules: see KHO_SCRATCH_ALIGN. */
	granules.open = pfn / GRANULE_PAGES;
	granules.nr_open = nr_pages / GRANULE_PAGES;
	stale = true;
}

/* Makes an empty table for all memory.  If that fails, the old table stays. */
static int table_alloc(struct kho_granules *table)
{
	unsigned long nr = DIV_ROUND_UP_ULL(kho_end_of_memory(),
					    1ULL << KHO_ENVELOPE_SHIFT);
	unsigned long *used = kvcalloc(BITS_TO_LONGS(nr), sizeof(long),
				       GFP_KERNEL);
	atomic_t *pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL);
	u32 *ram = kvcalloc(nr + 1, sizeof(*ram), GFP_KERNEL);

	if (!used || !pages || !ram) {
		kvfree(ram);
		kvfree(pages);
		kvfree(used);
		return -ENOMEM;
	}
	table_free(table);
	table->nr = nr;
	table->used = used;
	table->pages = pages;
	table->ram = ram;
	kho_envelopes_leave_open(kho_scratch_pfn(), kho_scratch_pages());
	sum_ram(table);
	return 0;
}

static int count_node(void *ctx, __u64 phys, unsigned int level)
{
	count(NULL, PHYS_PFN(phys), 1, true);
	return 0;
}

static int count_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	count(NULL, PHYS_PFN(phys), nr << order, true);
	cond_resched();
	return 0;
}

/* Makes the table from what the trees contain now. */
static int make_table(void)
{
	static const struct kho_walk_ops ops = {
		.node = count_node,
		.run = count_run,
	};
	int ret = table_alloc(&granules);

	if (ret)
		return ret;
	granules_short = false;
	stale = true;
	kho_preserved_walk(&ops, NULL);
	/* A page in both trees counts twice, here as well as in count(). */
	kho_boot_tree_walk(&ops, NULL);
	return 0;
}

/*
 * Until about 6.9, the kernel removes the envelopes from the map of RAM before it looks
 * for the end of memory, and it maps nothing beyond that end.  So the last page of RAM
 * belongs to no envelope; kho_spared_hold() makes sure that it needs none.
 */
static void spare_last_page(void)
{
	struct kho_envelope *last = &envelopes[nr_envelopes - 1];
	u64 end = PFN_PHYS((u64)kho_ram_last());

	if (nr_envelopes && last->addr + last->bytes > end)
		last->bytes = end - last->addr;
}

/*
 * Preserved pages in the first granule come from in-kernel KHO, which does not know our
 * rules.  The next kernel needs a page below 1 MiB to start its CPUs in, or it panics.
 */
static void spare_lowest(void)
{
	struct kho_envelope *first = &envelopes[0];

	if (nr_envelopes && !first->addr) {
		first->addr = KHO_ENVELOPE_LOWEST;
		first->bytes -= KHO_ENVELOPE_LOWEST;
	}
}

static void set_envelopes(const struct kho_envelope *envelope, unsigned int nr,
			  u64 smallest_gap)
{
	memcpy(envelopes, envelope, nr * sizeof(*envelope));
	nr_envelopes = nr;
	least_open = smallest_gap;
	spare_last_page();
	spare_lowest();
}

/*
 * Finds the best envelopes while others may mark pages.  That takes long on a machine
 * with much memory, so the lock is held meanwhile only after FIND_TRIES attempts during
 * each of which somebody marked pages.
 */
static void find_envelopes(struct kho_granules *table)
{
	static struct kho_envelope envelope[KHO_ENVELOPES_MAX];
	unsigned int nr, tries;
	u64 changes, smallest_gap;

	for (tries = 0; tries < FIND_TRIES; tries++) {
		spin_lock(&table->lock);
		stale = false;
		changes = table->changes;
		spin_unlock(&table->lock);

		nr = kho_envelopes_find(table, envelope, &smallest_gap);

		spin_lock(&table->lock);
		if (table->changes == changes) {
			set_envelopes(envelope, nr, smallest_gap);
			spin_unlock(&table->lock);
			return;
		}
		spin_unlock(&table->lock);
	}
	spin_lock(&table->lock);
	stale = false;
	nr = kho_envelopes_find(table, envelope, &smallest_gap);
	set_envelopes(envelope, nr, smallest_gap);
	spin_unlock(&table->lock);
}

/* Makes the table anew after memory was added or removed; no page is marked meanwhile. */
static int renew_table(void)
{
	int ret = make_table();

	if (ret)
		pr_err_once("not enough memory for envelopes in added memory: an unpatched kernel would lose what is preserved there\n");
	return ret;
}

static void settle(void);

static void renew(struct work_struct *work)
{
	kho_stop_changes();
	settle();
	kho_resume_changes();
}

static DECLARE_WORK(renew_work, renew);

/**
 * kho_envelopes_update() - announce the best envelopes for what is preserved
 *
 * Context: may sleep; kho.lock held.
 */
void kho_envelopes_update(void)
{
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	if (!granules.nr)
		return;
	/* Others may be marking pages now: a work item does it, with the gate closed. */
	if (READ_ONCE(granules_short))
		queue_work(system_unbound_wq, &renew_work);
	if (!READ_ONCE(stale))
		return;
	find_envelopes(&granules);
	envelope_pages = 0;
	for (i = 0; i < nr_envelopes; i++)
		envelope_pages += kho_ram_pages(envelopes[i].addr,
						    envelopes[i].bytes);
	kho_outgoing_announce(envelopes, nr_envelopes);
}

/* As kho_envelopes_update(), when nobody can mark anything: the table may be made anew. */
static void settle(void)
{
	lockdep_assert_held_write(&kho.gate);

	if (granules.nr && granules_short && renew_table())
		return;
	kho_envelopes_update();
}

/**
 * kho_envelopes_flush() - wait for the work item of kho_envelopes_update()
 *
 * Context: may sleep; takes kho.gate and kho.lock; after kho_envelopes_exit().
 */
void kho_envelopes_flush(void)
{
	flush_work(&renew_work);
}

/**
 * kho_envelopes_init() - begin to keep envelopes around what the tree has
 *
 * Context: may sleep; kho.lock held; after the trees and scratch were made.
 * Return: 0 or -ENOMEM.
 */
int kho_envelopes_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = make_table();
	if (ret)
		return ret;
	kho_preserved_watch(count);
	kho_boot_tree_watch(count);
	kho_spared_hold();
	return 0;
}

/**
 * kho_envelopes_exit() - stop keeping envelopes
 *
 * Context: kho.lock held.
 */
void kho_envelopes_exit(void)
{
	granules_short = false;
	kho_preserved_watch(NULL);
	kho_boot_tree_watch(NULL);
	kho_spared_drop();
	table_free(&granules);
	nr_envelopes = 0;
}

/**
 * kho_envelopes_query() - fill in how many envelopes there are
 * @query: its members about envelopes are set
 */
void kho_envelopes_query(struct kho_query *query)
{
	lockdep_assert_held(&kho.lock);

	query->envelopes = nr_envelopes;
	query->envelope_pages = envelope_pages;
}

/**
 * kho_backend_memory_changed() - memory was added or removed
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_backend_memory_changed(void)
{
	/* There are no envelopes before kho_envelopes_init(). */
	if (!granules.nr)
		return;
	granules_short = true;
	settle();
}

/**
 * kho_backend_image_changed() - a kernel was loaded or unloaded
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_backend_image_changed(void)
{
	/* The last page of RAM may have changed. */
	stale = true;
	kho_envelopes_update();
}

/**
 * kho_backend_changed() - what is preserved has changed
 *
 * Context: may sleep; kho.lock held.
 */
void kho_backend_changed(void)
{
	kho_envelopes_update();
}

/**
 * kho_backend_settle() - bring the envelopes up to date before the jump
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_backend_settle(void)
{
	settle();
}

/**
 * kho_backend_list_envelopes() - list the envelopes for the next kernel
 * @first: index of the first one wanted
 * @room: capacity of @entries
 * @entries: array of struct kho_envelope_entry, filled in
 * @filled: set to the number of entries filled in
 * @total: set to the number of envelopes
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_backend_list_envelopes(u64 first, u32 room, void *entries, u32 *filled,
				u64 *total)
{
	mutex_lock(&kho.lock);
	*total = nr_envelopes;
	*filled = kho_envelope_entries(envelopes, nr_envelopes, first, room, entries);
	mutex_unlock(&kho.lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The envelopes for the next kernel, kept current while pages come and go.
 *
 * The tree tells of each page and node that it keeps.  They are counted by
 * blocks; most changes are to blocks that have others in use, or lie inside an
 * envelope, and change nothing else.  Only if the best envelopes may be others
 * now are they found anew, once for each request.
 *
 * Many CPUs may mark pages at a time, so the numbers are atomic; only the first
 * page of a block, and the last that goes, take a lock.
 *
 * The list covers at least what is preserved whenever kho.gate and kho.lock are
 * free, and a jump takes both: there is nothing to be finished before it.
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

#include "internal.h"

/* How often envelopes are looked for without keeping others from marking pages. */
#define FIND_TRIES	3

#define BLOCK_PAGES	(1UL << (KHO_ENVELOPE_SHIFT - PAGE_SHIFT))

/* Is the block inside one of the envelopes that are announced? */
static bool is_covered(unsigned long block)
{
	u64 addr = max_t(u64, (u64)block << KHO_ENVELOPE_SHIFT, KHO_ENVELOPE_LOWEST);
	unsigned int low = 0, high = kho.nr_envelopes;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct kho_envelope *envelope = &kho.envelope[middle];

		if (addr < envelope->addr)
			high = middle;
		else if (addr - envelope->addr >= envelope->bytes)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* A covered block is in use no more: could a better gap be opened for it? */
static bool may_open(const struct kho_blocks *blocks, unsigned long block)
{
	unsigned long first, end;

	if (kho.nr_envelopes < KHO_ENVELOPES_MAX)
		return true;
	first = find_last_bit(blocks->used, block);
	if (first >= block)
		return true;
	end = find_next_bit(blocks->used, blocks->nr, block);
	if (end >= blocks->nr || !is_covered(first + 1) || !is_covered(end - 1))
		return true;
	return blocks->ram[end] - blocks->ram[first + 1] > kho.least_open;
}

static void keep_block(struct kho_blocks *blocks, unsigned long block,
		       unsigned int nr_pages)
{
	if (atomic_fetch_add(nr_pages, &blocks->pages[block]))
		return;
	spin_lock(&blocks->lock);
	/* Whoever is here last has seen what all others did. */
	if (atomic_read(&blocks->pages[block])) {
		__set_bit(block, blocks->used);
		blocks->changes++;
		if (!is_covered(block))
			kho.envelopes_stale = true;
	}
	spin_unlock(&blocks->lock);
}

static void drop_block(struct kho_blocks *blocks, unsigned long block,
		       unsigned int nr_pages)
{
	int left = atomic_sub_return(nr_pages, &blocks->pages[block]);

	if (WARN_ON_ONCE(left < 0))
		atomic_add(-left, &blocks->pages[block]);
	if (left > 0)
		return;
	spin_lock(&blocks->lock);
	if (!atomic_read(&blocks->pages[block])) {
		__clear_bit(block, blocks->used);
		if (!kho.envelopes_stale && may_open(blocks, block))
			kho.envelopes_stale = true;
	}
	spin_unlock(&blocks->lock);
}

/* What the tree calls; see kho_radix_watch_t. */
static void count(struct kho_radix_tree *tree, unsigned long pfn,
		  unsigned long nr_pages, bool kept)
{
	struct kho_blocks *blocks = &kho.blocks;

	while (nr_pages) {
		unsigned long block = pfn / BLOCK_PAGES;
		unsigned long nr = min(nr_pages,
				       BLOCK_PAGES - pfn % BLOCK_PAGES);

		if (kept && kho_ram_last() - pfn < nr)
			pr_warn_once("the last page of RAM is preserved: an unpatched kernel would lose it\n");
		if (block >= blocks->nr) {
			/* Memory that was not there when the table was made. */
			WRITE_ONCE(kho.blocks_short, true);
			return;
		}
		if (kept)
			keep_block(blocks, block, nr);
		else
			drop_block(blocks, block, nr);
		pfn += nr;
		nr_pages -= nr;
	}
}

static int add_ram(u64 addr, u64 bytes, void *data)
{
	struct kho_blocks *blocks = data;
	u64 last = addr + bytes - 1;
	unsigned long block, end;

	block = addr >> KHO_ENVELOPE_SHIFT;
	end = min_t(u64, (last >> KHO_ENVELOPE_SHIFT) + 1, blocks->nr);
	for (; block < end; block++)
		blocks->ram[block + 1] = 1;
	return 0;
}

/* From a mark on each block that has RAM to the sums that gaps are weighed by. */
static void sum_ram(struct kho_blocks *blocks)
{
	unsigned long block;

	kho_walk_ram(0, (u64)blocks->nr << KHO_ENVELOPE_SHIFT, add_ram, blocks);
	for (block = 0; block < blocks->nr; block++)
		blocks->ram[block + 1] += blocks->ram[block];
}

static void blocks_free(struct kho_blocks *blocks)
{
	kvfree(blocks->used);
	kvfree(blocks->pages);
	kvfree(blocks->ram);
	memset(blocks, 0, sizeof(*blocks));
	spin_lock_init(&blocks->lock);
}

/**
 * kho_envelopes_leave_open() - let no envelope have any of scratch in it
 * @pfn: number of its first page
 * @nr_pages: how many it has
 *
 * Context: kho.lock held, and kho.gate for writing once pages can be marked.
 */
void kho_envelopes_leave_open(unsigned long pfn, unsigned long nr_pages)
{
	/* A whole number of blocks: see SCRATCH_ALIGN. */
	kho.blocks.open = pfn / BLOCK_PAGES;
	kho.blocks.nr_open = nr_pages / BLOCK_PAGES;
	kho.envelopes_stale = true;
}

/* An empty table for all memory that there is; the old one stays if it fails. */
static int blocks_alloc(struct kho_blocks *blocks)
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
	blocks_free(blocks);
	blocks->nr = nr;
	blocks->used = used;
	blocks->pages = pages;
	blocks->ram = ram;
	kho_envelopes_leave_open(kho.scratch_pfn, kho.scratch_pages);
	sum_ram(blocks);
	return 0;
}

static const void *map_node(void *ctx, __u64 phys)
{
	return phys_to_virt(phys);
}

static int count_node(void *ctx, __u64 phys, unsigned int level)
{
	count(&kho.tree, PHYS_PFN(phys), 1, true);
	return 0;
}

static int count_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	count(&kho.tree, PHYS_PFN(phys), nr << order, true);
	cond_resched();
	return 0;
}

/* Makes the table, of what the tree has in it now. */
static int make_table(void)
{
	static const struct kho_walk_ops ops = {
		.map = map_node,
		.node = count_node,
		.run = count_run,
	};
	struct kho_walk walk = {
		.ops = &ops,
		.shift = PAGE_SHIFT,
		.end = kho_end_of_memory(),
	};
	int ret = blocks_alloc(&kho.blocks);

	if (ret)
		return ret;
	kho.blocks_short = false;
	kho.envelopes_stale = true;
	kho_walk_tree(&walk, virt_to_phys(kho.tree.root));
	/* What both have counts twice, here and when it comes and goes. */
	kho_walk_tree(&walk, virt_to_phys(kho.lean.root));
	return 0;
}

/*
 * Until 6.9 or so the kernel takes what an envelope covers out of the RAM that it
 * looks for the end of memory in, and maps nothing beyond that end.  So the last
 * page of RAM belongs to no envelope, and hold_last_page() sees to it that it
 * needs none.
 */
static void spare_last_page(void)
{
	struct kho_envelope *last = &kho.envelope[kho.nr_envelopes - 1];
	u64 end = PFN_PHYS((u64)kho_ram_last());

	if (kho.nr_envelopes && last->addr + last->bytes > end)
		last->bytes = end - last->addr;
}

/*
 * Pages of the first block come from a kernel with KHO, which knows nothing of this one's
 * rules.  The next kernel needs a page below 1 MiB to start its CPUs in, or it panics.
 */
static void spare_lowest(void)
{
	struct kho_envelope *first = &kho.envelope[0];

	if (kho.nr_envelopes && !first->addr) {
		first->addr = KHO_ENVELOPE_LOWEST;
		first->bytes -= KHO_ENVELOPE_LOWEST;
	}
}

/*
 * Has the page, unless it can't be preserved anyway or somebody else has it.  Only that
 * of the memory there is when the module is loaded: what comes later is to be able to
 * go again.
 */
static void hold_last_page(void)
{
	unsigned long pfn = kho_ram_last();
	struct page *page = pfn_to_online_page(pfn);

	if (!page || PageReserved(page))
		return;
	if (!alloc_contig_range(pfn, pfn + 1, ACR_FLAGS_NONE,
				GFP_KERNEL | __GFP_NOWARN))
		kho.held_pfn = pfn;
}

/* Pages below KHO_LOWEST_PFN that are ours, so that nobody has them who is refused then. */
static DECLARE_BITMAP(held_low, KHO_LOWEST_PFN);

static void hold_low(unsigned long pfn, unsigned long end)
{
	unsigned long middle = pfn + (end - pfn) / 2;

	if (!alloc_contig_range(pfn, end, ACR_FLAGS_NONE, GFP_KERNEL | __GFP_NOWARN)) {
		for (; pfn < end; pfn++)
			set_bit(pfn, held_low);
	} else if (end - pfn > 8) {
		hold_low(pfn, middle);
		hold_low(middle, end);
	}
}

static void hold_lowest(void)
{
	unsigned long pfn = PHYS_PFN(SZ_1M), end;

	/* Pieces that are all there; what is below 1 MiB the kernel keeps for itself. */
	for (; pfn < KHO_LOWEST_PFN; pfn = max(end, pfn + 1)) {
		for (end = pfn; end < KHO_LOWEST_PFN; end++) {
			struct page *page = pfn_to_online_page(end);

			if (!page || PageReserved(page))
				break;
		}
		if (end > pfn)
			hold_low(pfn, end);
	}
}

/**
 * kho_lowest_hold() - take out of use what the allocator has below KHO_LOWEST_PFN
 *
 * By their numbers pages can't be had if one of those beside them is in use for good.  So
 * they are asked for, as anybody does, for as long as it is them that come.
 *
 * Context: may sleep.
 */
void kho_lowest_hold(void)
{
	gfp_t gfp = GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN | __GFP_NORETRY |
		    __GFP_NOMEMALLOC;
	struct page *page = pfn_to_online_page(KHO_LOWEST_PFN - 1);
	unsigned int i;
	int nid;

	if (!page)
		return;
	nid = page_to_nid(page);
	for (i = 0; i < KHO_LOWEST_PFN; i++) {
		page = alloc_pages_node(nid, gfp, 0);
		if (!page)
			return;
		if (page_to_pfn(page) >= KHO_LOWEST_PFN) {
			__free_page(page);
			return;
		}
		set_bit(page_to_pfn(page), held_low);
	}
}

static void drop_lowest(void)
{
	unsigned long pfn;

	for_each_set_bit(pfn, held_low, KHO_LOWEST_PFN)
		free_contig_range(pfn, 1);
	bitmap_zero(held_low, KHO_LOWEST_PFN);
}

static void set_envelopes(const struct kho_envelope *envelope, unsigned int nr,
			  u64 least_open)
{
	memcpy(kho.envelope, envelope, nr * sizeof(*envelope));
	kho.nr_envelopes = nr;
	kho.least_open = least_open;
	spare_last_page();
	spare_lowest();
}

/*
 * Finds the best envelopes while blocks may come into use.  It takes a while if
 * there is much memory, so others are kept from marking pages only if they did
 * so all the time.
 */
static void find_envelopes(struct kho_blocks *blocks)
{
	static struct kho_envelope envelope[KHO_ENVELOPES_MAX];
	unsigned int nr, tries;
	u64 changes, least_open;

	for (tries = 0; tries < FIND_TRIES; tries++) {
		spin_lock(&blocks->lock);
		kho.envelopes_stale = false;
		changes = blocks->changes;
		spin_unlock(&blocks->lock);

		nr = kho_envelopes_find(blocks, envelope, &least_open);

		spin_lock(&blocks->lock);
		if (blocks->changes == changes) {
			set_envelopes(envelope, nr, least_open);
			spin_unlock(&blocks->lock);
			return;
		}
		spin_unlock(&blocks->lock);
	}
	spin_lock(&blocks->lock);
	kho.envelopes_stale = false;
	nr = kho_envelopes_find(blocks, envelope, &least_open);
	set_envelopes(envelope, nr, least_open);
	spin_unlock(&blocks->lock);
}

/* Nobody marks anything meanwhile: of other memory than there was. */
static int renew_table(void)
{
	int ret = make_table();

	if (ret)
		pr_err_once("no memory for the envelopes of memory that was added: an unpatched kernel would lose what lies there\n");
	return ret;
}

static void renew(struct work_struct *work)
{
	down_write(&kho.gate);
	mutex_lock(&kho.lock);
	kho_envelopes_settle();
	mutex_unlock(&kho.lock);
	up_write(&kho.gate);
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

	if (!kho.blocks.nr)
		return;
	/* Others may be about to mark pages: soon, with the gate closed. */
	if (READ_ONCE(kho.blocks_short))
		queue_work(system_unbound_wq, &renew_work);
	if (!READ_ONCE(kho.envelopes_stale))
		return;
	find_envelopes(&kho.blocks);
	kho.envelope_pages = 0;
	for (i = 0; i < kho.nr_envelopes; i++)
		kho.envelope_pages += kho_ram_pages(kho.envelope[i].addr,
						    kho.envelope[i].bytes);
	if (kho.setup)
		kho_arch_announce(kho.setup, kho.envelope, kho.nr_envelopes);
}

/**
 * kho_envelopes_flush() - wait for what kho_envelopes_update() has begun
 *
 * Context: may sleep; takes kho.gate and kho.lock; after kho_envelopes_exit().
 */
void kho_envelopes_flush(void)
{
	flush_work(&renew_work);
}

/**
 * kho_envelopes_settle() - the same, when nobody can mark anything
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_envelopes_settle(void)
{
	lockdep_assert_held_write(&kho.gate);

	if (kho.blocks.nr && kho.blocks_short && renew_table())
		return;
	kho_envelopes_update();
}

/**
 * kho_envelopes_init() - begin to keep envelopes around what the tree has
 *
 * Context: may sleep; kho.lock held; the tree and scratch are there.
 * Return: 0 or -ENOMEM.
 */
int kho_envelopes_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	/* The kernel's own KHO has a tree of its own, and knows no envelopes. */
	if (kho_native())
		return 0;
	ret = make_table();
	if (ret)
		return ret;
	kho.tree.watch = count;
	kho.lean.watch = count;
	hold_last_page();
	hold_lowest();
	return 0;
}

/**
 * kho_envelopes_exit() - end that
 *
 * Context: kho.lock held.
 */
void kho_envelopes_exit(void)
{
	kho.blocks_short = false;
	kho.tree.watch = NULL;
	kho.lean.watch = NULL;
	if (kho.held_pfn)
		free_contig_range(kho.held_pfn, 1);
	kho.held_pfn = 0;
	drop_lowest();
	blocks_free(&kho.blocks);
	kho.nr_envelopes = 0;
}

static void list_envelopes(const struct kho_envelope *envelope, unsigned int nr,
			   u64 first, u32 room, struct kho_envelope_entry *entry,
			   u32 *filled, u64 *total)
{
	u64 i;

	*filled = 0;
	for (i = first; i < nr && *filled < room; i++) {
		entry[*filled].addr = envelope[i].addr;
		entry[*filled].bytes = envelope[i].bytes;
		(*filled)++;
	}
	*total = nr;
}

/**
 * kho_envelopes_list() - describe the envelopes for the next kernel
 * @first: number of the first one wanted
 * @room: entries that there are
 * @entries: array of struct kho_envelope_entry, filled in
 * @filled: how many were
 * @total: how many there are
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_envelopes_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total)
{
	mutex_lock(&kho.lock);
	list_envelopes(kho.envelope, kho.nr_envelopes, first, room, entries,
		       filled, total);
	mutex_unlock(&kho.lock);
}

/**
 * kho_envelopes_list_arrived() - describe those that this kernel was given
 * @first: number of the first one wanted
 * @room: entries that there are
 * @entries: array of struct kho_envelope_entry, filled in
 * @filled: how many were
 * @total: how many there are
 */
void kho_envelopes_list_arrived(u64 first, u32 room, void *entries, u32 *filled,
				u64 *total)
{
	list_envelopes(kho.list.envelope,
		       min_t(unsigned int, kho.list.nr, KHO_ENVELOPES_MAX),
		       first, room, entries, filled, total);
}

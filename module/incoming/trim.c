// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trimming incoming envelopes: freeing the pages in them that are not preserved.
 *
 * Before anything is taken over, a bitmap for each envelope is made of the pages to
 * free: RAM that is not marked, and that neither firmware nor this kernel uses.
 * Later this could no longer be told: a page that was taken over and freed since may
 * be reserved again, by a driver that has allocated it.
 *
 * The pages are freed in the background, in blocks as large as possible: most of the
 * time goes into touching their struct pages.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "base/bits.h"
#include "core/core.h"
#include "core/walk.h"
#include "internal.h"
#include "mm/iomem.h"
#include "mm/reserved.h"

#include <kho/abi.h>
#include <kho/walk.h>
#include <linux/kho.h>

static void trim_all(struct work_struct *work);

/* Module parameter: free the envelopes of a refused handover. */
bool kho_drop;

static struct {
	/* For each envelope, a bit for each page that may be freed */
	unsigned long *freeable[KHO_ENVELOPES_MAX];
	unsigned int nr;
	u64 total;
	u64 done;		/* read without a lock */
	u64 freed;
	u32 state;		/* read without a lock */
	/* Called when everything has been freed. */
	void (*on_done)(void);
	struct work_struct work;
} trim = {
	.work = __WORK_INITIALIZER(trim.work, trim_all),
};

static unsigned long envelope_pfn(unsigned int i)
{
	return PHYS_PFN(incoming.list.envelope[i].addr);
}

static unsigned long envelope_pages(unsigned int i)
{
	return PHYS_PFN(incoming.list.envelope[i].bytes);
}

static int set_ram(u64 addr, u64 bytes, void *data)
{
	unsigned int i = *(unsigned int *)data;
	unsigned long pfn = PFN_UP(addr), end = PHYS_PFN(addr + bytes);

	if (end > pfn)
		kho_bits_set(trim.freeable[i], pfn - envelope_pfn(i), end - pfn);
	return 0;
}

/* Excludes pages from being freed. */
static void keep(u64 pfn, u64 nr_pages)
{
	u64 end = pfn + nr_pages;
	unsigned int i;

	for (i = 0; i < trim.nr; i++) {
		u64 first = max_t(u64, pfn, envelope_pfn(i));
		u64 last = min_t(u64, end, envelope_pfn(i) + envelope_pages(i));

		if (first < last)
			kho_bits_clear(trim.freeable[i], first - envelope_pfn(i),
				       last - first);
	}
}

static int keep_reserved(u64 addr, u64 bytes, void *data)
{
	u64 memory = kho_end_of_memory();

	/* A length in setup_data may be anything. */
	if (addr < memory)
		keep(PHYS_PFN(addr),
		     PFN_UP(addr + min(bytes, memory - addr)) - PHYS_PFN(addr));
	return 0;
}

static int keep_node(void *ctx, __u64 phys, unsigned int level)
{
	keep(PHYS_PFN(phys), 1);
	return 0;
}

static int keep_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	keep(PHYS_PFN(phys), nr << order);
	cond_resched();
	return 0;
}

static int keep_tree(u64 root, bool keep_nodes)
{
	const struct kho_walk_ops ops = {
		.node = keep_nodes ? keep_node : NULL,
		.run = keep_run,
	};

	return kho_walk(root, &ops, NULL, NULL) ? -EINVAL : 0;
}

/* sysfs may read the list, and mainline its scratch array, at any time. */
static void keep_list(void)
{
	const struct kho_boot_list *list = &incoming.list;
	u64 first = PHYS_PFN(list->first_node), last = PHYS_PFN(list->last_node);

	/* If the FDT is not marked, it is freed separately. */
	keep(PHYS_PFN(incoming.boot.fdt_addr), 1);
	keep(first, last - first + 1);
	/* The node of an envelope may extend into the next page. */
	keep(PHYS_PFN(list->last_node + sizeof(struct kho_setup_node) +
		      sizeof(struct kho_setup_indirect) - 1), 1);
	keep(PHYS_PFN(list->node), 1);
	keep(PHYS_PFN(list->node + sizeof(struct kho_setup_node) +
		      sizeof(struct kho_data) - 1), 1);
	keep(PHYS_PFN(list->data.scratch_addr), 1);
	if (list->data.scratch_size)
		keep(PHYS_PFN(list->data.scratch_addr +
			      min_t(u64, list->data.scratch_size, PAGE_SIZE) - 1), 1);
}

static void free_bitmaps(void)
{
	while (trim.nr) {
		trim.nr--;
		kvfree(trim.freeable[trim.nr]);
		trim.freeable[trim.nr] = NULL;
	}
}

/**
 * kho_trim_prepare() - find out which pages may be freed
 * @root: root of the incoming tree, which has been checked; 0 to keep nothing of it
 * @keep_nodes: keep the nodes of that tree, too, as this kernel will use them
 *
 * Context: may sleep; kho.lock held; before any page is taken over.
 * Return: 0, -ENOMEM, or as kho_arch_each_setup().
 */
int kho_trim_prepare(u64 root, bool keep_nodes)
{
	unsigned int i;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (incoming.kind == KHO_KIND_STUB)
		return 0;
	for (i = 0; i < incoming.list.nr; i++) {
		trim.freeable[i] = kvcalloc(BITS_TO_LONGS(envelope_pages(i)),
					    sizeof(long), GFP_KERNEL);
		if (!trim.freeable[i]) {
			ret = -ENOMEM;
			goto err_free;
		}
		trim.nr++;
		kho_walk_ram(incoming.list.envelope[i].addr,
			     incoming.list.envelope[i].bytes, set_ram, &i);
	}
	if (root) {
		ret = keep_tree(root, keep_nodes);
		if (ret)
			goto err_free;
	}
	keep_list();
	/* sysfs also shows foreign data in the list. */
	ret = kho_arch_each_setup(keep_reserved, keep_reserved, NULL);
	if (ret)
		goto err_free;
	kho_arch_each_reserved(keep_reserved, NULL);
	ret = kho_arch_each_doubtful(keep_reserved, NULL);
	if (ret)
		goto err_free;

	trim.total = 0;
	trim.done = 0;
	trim.freed = 0;
	for (i = 0; i < trim.nr; i++) {
		trim.total += kho_bits_weight(trim.freeable[i], envelope_pages(i));
		cond_resched();
	}
	return 0;

err_free:
	free_bitmaps();
	return ret;
}

static bool free_block(unsigned long pfn, unsigned int order)
{
	if (!kho_free_reserved(pfn, order))
		return false;
	trim.freed += 1UL << order;
	return true;
}

static void free_run(unsigned long pfn, unsigned long end)
{
	while (pfn < end) {
		unsigned int order = min_t(unsigned int, MAX_PAGE_ORDER,
					   ilog2(end - pfn));

		if (pfn)
			order = min_t(unsigned int, order, __ffs(pfn));
		while (!free_block(pfn, order) && order)
			order--;
		/* If not even a single page could be freed, it is in use. */
		pfn += 1UL << order;
		WRITE_ONCE(trim.done, trim.done + (1ULL << order));
		cond_resched();
	}
}

static void trim_all(struct work_struct *work)
{
	ktime_t start = ktime_get();
	unsigned int i;

	for (i = 0; i < trim.nr; i++) {
		unsigned long *freeable = trim.freeable[i];
		unsigned long pfn = envelope_pfn(i), nr = envelope_pages(i);
		unsigned long at, end = 0;

		for (;;) {
			at = find_next_bit(freeable, nr, end);
			if (at >= nr)
				break;
			end = find_next_zero_bit(freeable, nr, at);
			free_run(pfn + at, pfn + end);
		}
	}
	free_bitmaps();
	WRITE_ONCE(trim.state, KHO_RELEASE_DONE);
	pr_info("gave back %llu pages (%llu MiB) that envelopes had kept, in %lld ms\n",
		trim.freed, trim.freed >> (20 - PAGE_SHIFT),
		ktime_ms_delta(ktime_get(), start));
	if (trim.on_done)
		trim.on_done();
}

/**
 * kho_trim_start() - start freeing in the background
 *
 * Context: kho.lock held; preserved pages have been taken over.
 */
void kho_trim_start(void)
{
	lockdep_assert_held(&kho.lock);

	if (!trim.nr)
		return;
	WRITE_ONCE(trim.state, KHO_RELEASE_RUNNING);
	queue_work(system_unbound_wq, &trim.work);
}

/**
 * kho_trim_refused() - keep, or drop, the envelopes of a refused handover
 *
 * It is unknown what is preserved in them.  So they stay reserved, until somebody has
 * looked at them or reboots, unless the parameter drop=1 is set.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_trim_refused(void)
{
	u64 where, value, pages = 0;
	const char *why;
	unsigned int i;
	int ret;

	lockdep_assert_held(&kho.lock);

	/* The boot stub keeps no envelopes, so there is nothing to free. */
	if (!kho_incoming_refused() ||
	    incoming.boot.state == KHO_BOOT_REFUSED ||
	    incoming.kind == KHO_KIND_STUB || !incoming.list.nr)
		return;
	for (i = 0; i < min_t(unsigned int, incoming.list.nr, KHO_ENVELOPES_MAX); i++)
		pages += kho_ram_pages(incoming.list.envelope[i].addr,
				       incoming.list.envelope[i].bytes);
	trim.total = pages;
	trim.state = KHO_RELEASE_KEPT;
	if (!kho_drop) {
		pr_warn("%llu MiB stay reserved; to discard their content: rmmod kho; modprobe kho drop=1\n",
			pages >> (20 - PAGE_SHIFT));
		return;
	}
	why = kho_list_check_envelopes(&where, &value);
	if (why) {
		pr_warn("drop=1: %s (at 0x%llx, value 0x%llx), so the envelopes stay reserved\n",
			why, where, value);
		return;
	}
	ret = kho_trim_prepare(0, false);
	if (ret) {
		pr_warn("drop=1: can't find out what may be freed (error %d), so the envelopes stay reserved\n",
			ret);
		return;
	}
	pr_warn("drop=1: discarding the refused handover\n");
	kho_arch_taken(&incoming.list);
	kho_trim_start();
}

/**
 * kho_trim_exit() - wait until freeing is done, and free the bitmaps
 *
 * Context: may sleep.
 */
void kho_trim_exit(void)
{
	flush_work(&trim.work);
	free_bitmaps();
}

/**
 * kho_trim_on_done() - set a function to be called when everything has been freed
 * @done: the function; called in a context that may sleep
 */
void kho_trim_on_done(void (*done)(void))
{
	trim.on_done = done;
}

/**
 * kho_trim_restore() - note what another module in this kernel has trimmed
 * @state: KHO_RELEASE_*
 * @total: number of pages to be freed
 * @done: number of those that were
 */
void kho_trim_restore(u32 state, u64 total, u64 done)
{
	trim.state = state;
	trim.total = total;
	trim.done = done;
}

/**
 * kho_trim_query() - report the progress of trimming
 * @query: its members about that are set
 */
void kho_trim_query(struct kho_query *query)
{
	query->release = READ_ONCE(trim.state);
	query->release_pages = trim.total;
	query->release_done = READ_ONCE(trim.done);
}

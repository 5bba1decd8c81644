// SPDX-License-Identifier: GPL-2.0
/*
 * The boot stub: walks the tree and reserves the pages marked in it, either all or
 * none.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitmap.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <asm/early_ioremap.h>

#define KHO_FN static inline __init
#include "compat.h"
#include "intake.h"
#include <kho/gaps.h>
#include <kho/walk.h>

/*
 * Spare entries in the new array.  Until the direct map exists, the array could
 * only grow below 1 MiB, and nobody notices when memblock_reserve() fails.
 */
#define KHO_SLACK	1024

/*
 * The maximum number of ranges to reserve, not counting splits at RAM borders and
 * scratch.  memblock scans all ranges for each allocation during boot.
 */
#define KHO_RANGES	512

/* A bitmap in scratch with a bit for each page of RAM, and the counts taken from it. */
static struct {
	unsigned long *bits;
	unsigned long nr;
	u64 room, size;
	u64 pages, extents, nodes;
	bool late;		/* gaps are reserved too, until kho_release() */
} kho_map __initdata;

static struct kho_gap kho_gap[KHO_RANGES - 1] __initdata;

static const void * __init kho_map_node(void *ctx, __u64 phys)
{
	return early_memremap(phys, PAGE_SIZE);
}

static void __init kho_unmap_node(void *ctx, const void *node)
{
	early_memunmap((void *)node, PAGE_SIZE);
}

/*
 * The first walk sets the bits of the marked pages, so that they can be counted in
 * any order.  The second walk sets the bits of the tree nodes.
 */
struct kho_pass {
	bool nodes;
	struct kho_span page_span;
	struct kho_span node_span;
	u64 twice;			/* address of the page that was found twice */
};

/* Sets @nr bits.  Returns the first page whose bit was already set, or the end. */
static unsigned long __init kho_set(unsigned long pfn, unsigned long nr)
{
	unsigned long twice = find_next_bit(kho_map.bits, pfn + nr, pfn);

	bitmap_set(kho_map.bits, pfn, nr);
	return min(twice, pfn + nr);
}

static int __init kho_walk(const struct kho_walk_ops *ops, void *ctx)
{
	struct kho_walk w = {
		.ops = ops,
		.ctx = ctx,
		.shift = PAGE_SHIFT,
		.end = PFN_PHYS((u64)kho_map.nr),
	};
	int ret = kho_walk_tree(&w, kho_fdt.root);

	return ret == KHO_WALK_BAD ?
	       kho_refuse("tree has", w.why, w.where, w.value) : ret;
}

/* A search for the key that marks the page at @addr. */
struct kho_search {
	u64 addr;
	u64 base;
};

static int __init kho_search_run(void *ctx, __u64 phys, unsigned int order,
				 __u64 nr)
{
	struct kho_search *search = ctx;

	if (search->addr < phys ||
	    search->addr - phys >= nr << order << PAGE_SHIFT)
		return 0;
	search->base = phys;
	return 1;
}

static const struct kho_walk_ops kho_search_ops __initconst = {
	.map = kho_map_node,
	.unmap = kho_unmap_node,
	.run = kho_search_run,
};

/* Duplicates are reported after the walk, because the walk holds early mappings. */
#define KHO_TWICE	1

static int __init kho_node(void *ctx, __u64 phys, unsigned int level)
{
	struct kho_pass *pass = ctx;

	if (phys == kho_in.data.fdt_addr)
		return kho_refuse("tree node", "is the FDT page", phys, level);
	if (kho_check_place("tree node", phys, PAGE_SIZE, &pass->node_span))
		return -EINVAL;
	if (!pass->nodes)
		return 0;
	kho_map.nodes++;
	if (kho_set(PHYS_PFN(phys), 1) > PHYS_PFN(phys))
		return 0;
	pass->twice = phys;
	return KHO_TWICE;
}

static int __init kho_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	u64 pages = nr << order, size = pages << PAGE_SHIFT;
	struct kho_pass *pass = ctx;
	unsigned long twice;

	if (pass->nodes)
		return 0;
	if (kho_check_marked(phys, size, &pass->page_span))
		return -EINVAL;
	twice = kho_set(PHYS_PFN(phys), pages);
	if (twice == PHYS_PFN(phys) + pages)
		return 0;
	pass->twice = PFN_PHYS((u64)twice);
	return KHO_TWICE;
}

static const struct kho_walk_ops kho_ops __initconst = {
	.map = kho_map_node,
	.unmap = kho_unmap_node,
	.node = kho_node,
	.run = kho_run,
};

static int __init kho_refuse_twice(const struct kho_pass *pass)
{
	struct kho_search search = { .addr = pass->twice, .base = pass->twice };
	int page = kho_walk(&kho_search_ops, &search);

	if (page < 0)
		return page;
	if (!pass->nodes)
		return kho_refuse("page", "is marked twice", pass->twice,
				  search.base);
	return kho_refuse("tree node", page ? "is a marked page as well" :
					      "is used twice",
			  pass->twice, search.base);
}

static int __init kho_pass(struct kho_pass *pass)
{
	int ret = kho_walk(&kho_ops, pass);

	return ret == KHO_TWICE ? kho_refuse_twice(pass) : ret;
}

/*
 * Allocates from scratch, where no preserved page lies.  What this kernel was
 * started with does lie there, but is already reserved, except for a mainline
 * kernel's scratch array.
 */
static u64 __init kho_find_room(u64 size)
{
	u64 room = 0;
	unsigned int i;

	for (i = 0; i < kho_scratch_nr && !room; i++) {
		u64 start = kho_scratch[i].addr;
		u64 end = start + kho_scratch[i].size;
		bool split = kho_overlap(start, end - start, kho_array,
					 kho_array_size);

		room = memblock_phys_alloc_range(size, PAGE_SIZE, start,
						 split ? kho_array : end);
		if (!room && split)
			room = memblock_phys_alloc_range(size, PAGE_SIZE,
							 kho_array + kho_array_size,
							 end);
	}
	return room;
}

static int __init kho_map_alloc(void)
{
	u64 end = memblock_end_of_DRAM();

	kho_map.nr = PFN_UP(end);
	kho_map.size = PAGE_ALIGN(BITS_TO_LONGS(kho_map.nr) * sizeof(long));
	kho_map.room = kho_find_room(kho_map.size);
	if (!kho_map.room)
		return kho_refuse("scratch", "has no room to reserve all of it",
				  kho_scratch[0].addr, kho_map.size);
	kho_map.bits = __va(kho_map.room);
	memset(kho_map.bits, 0, kho_map.size);
	return 0;
}

static void __init kho_map_free(void)
{
	kho_memblock_free(kho_map.room, kho_map.size);
}

/* Counts the pages whose bits are set, and the contiguous extents they form. */
static void __init kho_count(void)
{
	unsigned long i, last = 0;

	for (i = 0; i < BITS_TO_LONGS(kho_map.nr); i++) {
		unsigned long word = kho_map.bits[i];

		kho_map.pages += hweight_long(word);
		kho_map.extents += hweight_long(word & ~(word << 1 | last));
		last = word >> (BITS_PER_LONG - 1);
	}
}

/* Finds the gaps between the first and the last page that are left unreserved. */
static void __init kho_find_gaps(struct kho_gaps *gaps, struct kho_span *all)
{
	unsigned long pfn = find_first_bit(kho_map.bits, kho_map.nr), end;

	/* The tree has at least one node. */
	all->start = pfn;
	for (;;) {
		struct kho_gap gap;

		end = find_next_zero_bit(kho_map.bits, kho_map.nr, pfn);
		pfn = find_next_bit(kho_map.bits, kho_map.nr, end);
		if (pfn >= kho_map.nr)
			break;
		gap.first = end;
		gap.end = pfn;
		gap.weight = pfn - end;
		if (kho_gaps_offer(gaps, gap))
			kho_map.late = true;
	}
	all->end = end;
	kho_gaps_sort(gaps);
}

/*
 * The next address above @addr where scratch begins or ends; @inside: is @addr in
 * it?
 */
static u64 __init kho_scratch_edge(u64 addr, u64 end, bool *inside)
{
	u64 edge = end;
	unsigned int i;

	*inside = false;
	for (i = 0; i < kho_scratch_nr; i++) {
		u64 start = kho_scratch[i].addr;

		if (addr >= start && addr - start < kho_scratch[i].size) {
			*inside = true;
			return min(end, start + kho_scratch[i].size);
		}
		if (start > addr)
			edge = min(edge, start);
	}
	return edge;
}

/* Reserves the part of [@pfn, @end_pfn) that is RAM and not scratch. */
static int __init kho_reserve(u64 pfn, u64 end_pfn)
{
	struct memblock_region *r;

	for_each_mem_region(r) {
		u64 addr = max_t(u64, PFN_PHYS(pfn), r->base);
		u64 end = min_t(u64, PFN_PHYS(end_pfn), r->base + r->size);
		u64 edge;

		for (; addr < end; addr = edge) {
			bool inside;

			edge = kho_scratch_edge(addr, end, &inside);
			if (!inside && memblock_reserve(addr, edge - addr))
				return -ENOMEM;
		}
	}
	return 0;
}

static int __init kho_reserve_all(const struct kho_gaps *gaps,
				  const struct kho_span *all)
{
	u64 pfn = all->start;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < gaps->nr && !ret; i++) {
		ret = kho_reserve(pfn, gaps->gap[i].first);
		pfn = gaps->gap[i].end;
	}
	if (!ret)
		ret = kho_reserve(pfn, all->end);
	/*
	 * A mainline kernel and the module mark the FDT page, but a sender need
	 * not.  The module's scratch array shares its page only with the setup_data
	 * node, which is already reserved.
	 */
	if (!ret)
		ret = memblock_reserve(kho_in.data.fdt_addr, PAGE_SIZE);
	if (!ret)
		ret = memblock_reserve(kho_array, kho_array_size);
	return ret;
}

static void __init kho_set_bytes(u64 addr, u64 size)
{
	u64 end = min_t(u64, PFN_UP(addr + size), kho_map.nr);

	if (PHYS_PFN(addr) < end)
		bitmap_set(kho_map.bits, PHYS_PFN(addr), end - PHYS_PFN(addr));
}

static void __init kho_set_pfns(unsigned long pfn, unsigned long end)
{
	if (pfn < end)
		bitmap_set(kho_map.bits, pfn, end - pfn);
}

/*
 * So far, bits are set for the pages that must stay reserved.  This sets the bits
 * of all other pages that must not be freed: those reserved by others, and those
 * not reserved at all.
 */
static void __init kho_set_others(const struct memblock_type *before,
				  const struct kho_gaps *gaps,
				  const struct kho_span *all)
{
	const struct memblock_region *r;
	unsigned long pfn = 0;
	unsigned int i;

	for (i = 0; i < before->cnt; i++)
		kho_set_bytes(before->regions[i].base, before->regions[i].size);
	for (i = 0; i < kho_scratch_nr; i++)
		kho_set_bytes(kho_scratch[i].addr, kho_scratch[i].size);
	kho_set_bytes(kho_in.data.fdt_addr, PAGE_SIZE);
	kho_set_bytes(kho_array, kho_array_size);

	kho_set_pfns(0, all->start);
	for (i = 0; i < gaps->nr; i++)
		kho_set_pfns(gaps->gap[i].first, gaps->gap[i].end);
	kho_set_pfns(all->end, kho_map.nr);
	/* Pages that are not RAM, or only in part. */
	for_each_mem_region(r) {
		kho_set_pfns(pfn, PFN_UP(r->base));
		pfn = PHYS_PFN(r->base + r->size);
	}
}

/*
 * Makes @array memblock's reserved array.  The old array is either the static one
 * or, on a machine with very many e820 entries, one below 1 MiB, which x86 never
 * frees anyway.
 */
static void __init kho_install(struct memblock_region *array, u64 max)
{
	struct memblock_type *type = &memblock.reserved;

	memcpy(array, type->regions, type->cnt * sizeof(*array));
	type->regions = array;
	type->max = max;
}

/*
 * The new ranges do not fit into memblock's reserved array.  memblock itself could
 * grow it only below 1 MiB, the limit that memblock.current_limit sets at this
 * point, and there is soon no space left there.  So this function puts a larger
 * array into scratch.  From then on, memblock owns it like one that it allocated
 * itself: memblock_double_array() or memblock_discard() frees it, by its address
 * and its max.  The array is accessed through the direct map, which the early page
 * fault handler fills in for now; memblock relies on that too.  The same goes for
 * the bitmap.
 */
int __init kho_keep(struct kho_boot_info *info)
{
	struct kho_gaps gaps = { .gap = kho_gap, .max = ARRAY_SIZE(kho_gap) };
	struct kho_pass pass = {};
	struct memblock_type before;
	struct memblock_region *array;
	struct kho_span all;
	u64 room, size;

	if (kho_map_alloc())
		return -EINVAL;
	if (kho_pass(&pass))
		goto free_map;
	kho_count();
	pass.nodes = true;
	if (kho_pass(&pass))
		goto free_map;

	/* Each end of RAM and each scratch range can split a range once. */
	size = (memblock.reserved.cnt + KHO_RANGES + memblock.memory.cnt +
		kho_scratch_nr + KHO_SLACK) * sizeof(*array);
	size = PAGE_ALIGN(size);
	/*
	 * This adds an entry to memblock's present array.  If that array is full
	 * and cannot grow below 1 MiB either, the allocation fails.
	 */
	room = kho_find_room(size);
	if (!room) {
		kho_refuse("scratch", "has no room to reserve all of it",
			   kho_scratch[0].addr, size);
		goto free_map;
	}
	array = __va(room);

	kho_find_gaps(&gaps, &all);
	before = memblock.reserved;
	kho_install(array, size / sizeof(*array));
	if (kho_reserve_all(&gaps, &all)) {
		memblock.reserved = before;
		kho_refuse("tree", "cannot be reserved", kho_fdt.root, size);
		goto free_room;
	}
	if (kho_map.late) {
		kho_set_others(&before, &gaps, &all);
		kho_release_later(kho_map.bits, kho_map.nr, kho_map.size);
	} else {
		kho_map_free();
	}
	info->pages = kho_map.pages;
	info->nodes = kho_map.nodes;
	info->extents = kho_map.extents;
	return 0;

free_room:
	kho_memblock_free(room, size);
free_map:
	kho_map_free();
	return -EINVAL;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The boot stub: keeps what the previous kernel handed over.
 *
 * Whatever the previous kernel left is read as hostile: either every page of it
 * can be reserved and nothing contradicts anything else, or one line says what
 * is wrong and the boot goes on as if nothing had been sent.
 *
 * What is reserved comes out of the boot with an initialised struct page,
 * reference count 1 and PG_reserved, deferred initialisation or not: see
 * memmap_init_reserved_pages().
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/sort.h>
#include <asm/early_ioremap.h>
#include <asm/sections.h>

#define KHO_FN static inline __init
#include <kho/kho_boot.h>
#include <kho/fdt.h>
#include <kho/walk.h>

/*
 * Entries that the new array has left for later.  Until the direct map is there
 * it could only grow below 1 MiB, and a failed memblock_reserve() goes unseen.
 */
#define KHO_SLACK	1024

struct kho_boot_info kho_boot_info = {
	.version = KHO_BOOT_INFO_VERSION,
};
EXPORT_SYMBOL_GPL(kho_boot_info);

/* What the architecture found. */
static struct {
	struct kho_data data;
	u64 where;
	u32 len;
	unsigned int nr;
	bool off;
} kho_in __initdata;

static struct kho_fdt kho_fdt __initdata;
static struct kho_scratch kho_scratch[PAGE_SIZE / sizeof(struct kho_scratch)] __initdata;
static unsigned int kho_scratch_nr __initdata;
/* The pages that the scratch array is in. */
static u64 kho_array __initdata, kho_array_size __initdata;

static struct kho_tally {
	struct memblock_region *region;	/* what to reserve */
	u64 nr;				/* how much there is of that, */
	u64 max;			/* and how much there should be */
	u64 pages, extents, nodes;
} kho_tally __initdata;

/* How long it took; 0 once that has been logged. */
static u64 kho_ticks __initdata;

static int __init kho_param(char *arg)
{
	bool on;

	if (arg && !kstrtobool(arg, &on))
		kho_in.off = !on;
	return 0;
}
early_param("kho", kho_param);

void __init kho_boot_found(u64 where, u32 len, const struct kho_data *data)
{
	kho_in.where = where;
	kho_in.len = len;
	kho_in.data = *data;
	kho_in.nr++;
}

/* @what is the subject of the sentence, or NULL if @why is a whole one. */
static int __init kho_refuse(const char *what, const char *why, u64 where,
			     u64 value)
{
	snprintf(kho_boot_info.error, sizeof(kho_boot_info.error),
		 "%s%s%s (at 0x%llx, value 0x%llx)", what ?: "", what ? " " : "",
		 why, where, value);
	kho_boot_info.state = KHO_BOOT_REFUSED;
	pr_warn("handover refused: %s\n", kho_boot_info.error);
	return -EINVAL;
}

static bool __init kho_overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

static const char * __init kho_holder(u64 addr)
{
	if (addr >= __pa_symbol(_text) && addr < __pa_symbol(_end))
		return "lies on the new kernel";
	return kho_arch_holder(addr) ?: "lies on memory that is in use";
}

/* Nothing that this kernel uses already may lie in [@addr, @addr + @size). */
static int __init kho_check_unused(const char *what, u64 addr, u64 size)
{
	struct memblock_region *r;

	for_each_reserved_mem_region(r) {
		u64 first = max_t(u64, addr, r->base);

		if (kho_overlap(addr, size, r->base, r->size))
			return kho_refuse(what, kho_holder(first), first, r->base);
	}
	return 0;
}

/* What has to be true of every page that is to be kept. */
static int __init kho_check_place(const char *what, u64 addr, u64 size)
{
	unsigned int i;

	if (!memblock_is_region_memory(addr, size))
		return kho_refuse(what, "is no RAM", addr, size);
	if (addr < KHO_LOWEST)
		return kho_refuse(what, "is too low to be kept", addr, KHO_LOWEST);
	for (i = 0; i < kho_scratch_nr; i++)
		if (kho_overlap(addr, size, kho_scratch[i].addr,
				kho_scratch[i].size))
			return kho_refuse(what, "lies in scratch",
					  max(addr, kho_scratch[i].addr),
					  kho_scratch[i].addr);
	if (kho_overlap(addr, size, kho_array, kho_array_size))
		return kho_refuse(what, "lies on the scratch array",
				  max(addr, kho_array), kho_array);
	return kho_check_unused(what, addr, size);
}

/* Is there anything to be read? */
static bool __init kho_check_intake(void)
{
	if (kho_in.off || is_kdump_kernel()) {
		kho_boot_info.state = KHO_BOOT_OFF;
		pr_info("handover ignored: %s\n",
			kho_in.off ? "kho=off" : "this is a kdump kernel");
	} else if (kho_in.nr > 1) {
		kho_refuse("hand-off", "is there more than once", kho_in.where,
			   kho_in.nr);
	} else if (kho_in.len != sizeof(kho_in.data)) {
		kho_refuse("hand-off", "has a wrong length", kho_in.where,
			   kho_in.len);
	} else if (!kho_in.data.fdt_addr) {
		pr_info("the previous kernel handed nothing over\n");
	} else if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		kho_refuse("memory", "is encrypted", kho_in.where, 0);
	} else {
		return true;
	}
	return false;
}

/*
 * Copies the scratch array and checks it.  A mainline kernel puts the array
 * itself into scratch, as a segment of kexec's; the module doesn't.
 */
static int __init kho_read_scratch(void)
{
	u64 addr = kho_in.data.scratch_addr, size = kho_in.data.scratch_size;
	unsigned int i, j;
	void *array;

	if (!size || size % sizeof(kho_scratch[0]) || size > PAGE_SIZE)
		return kho_refuse("size of the scratch array", "is not possible",
				  kho_in.where, size);
	if (addr + size < addr || !memblock_is_region_memory(addr, size))
		return kho_refuse("scratch array", "is no RAM", addr, size);
	if (kho_check_unused("scratch array", addr, size))
		return -EINVAL;
	array = early_memremap(addr, size);
	if (!array)
		return kho_refuse("scratch array", "cannot be read", addr, size);
	memcpy(kho_scratch, array, size);
	early_memunmap(array, size);

	kho_array = round_down(addr, PAGE_SIZE);
	kho_array_size = round_up(addr + size, PAGE_SIZE) - kho_array;

	for (i = 0; i < size / sizeof(kho_scratch[0]); i++) {
		u64 start = kho_scratch[i].addr, bytes = kho_scratch[i].size;

		/* Mainline has an entry per node, however little that node has. */
		if (!bytes)
			continue;
		if (!PAGE_ALIGNED(start) || !PAGE_ALIGNED(bytes))
			return kho_refuse("scratch range", "is not page-aligned",
					  start, bytes);
		if (start + bytes < start || !memblock_is_region_memory(start, bytes))
			return kho_refuse("scratch range", "is no RAM", start, bytes);
		for (j = 0; j < kho_scratch_nr; j++)
			if (kho_overlap(start, bytes, kho_scratch[j].addr,
					kho_scratch[j].size))
				return kho_refuse("scratch range",
						  "overlaps another", start,
						  kho_scratch[j].addr);
		kho_scratch[kho_scratch_nr++] = kho_scratch[i];
	}
	return kho_scratch_nr ? 0 : kho_refuse("scratch", "is empty", addr, size);
}

static int __init kho_read_fdt(void)
{
	u64 addr = kho_in.data.fdt_addr, size = kho_in.data.fdt_size;
	const char *why;
	void *fdt;

	if (size < KHO_FDT_HEADER || size > PAGE_SIZE)
		return kho_refuse("size of the FDT", "is not possible",
				  kho_in.where, size);
	if (!PAGE_ALIGNED(addr))
		return kho_refuse("address of the FDT", "is not page-aligned",
				  kho_in.where, addr);
	if (kho_check_place("FDT page", addr, PAGE_SIZE))
		return -EINVAL;
	fdt = early_memremap(addr, PAGE_SIZE);
	if (!fdt)
		return kho_refuse("FDT page", "cannot be read", addr, size);
	why = kho_fdt_read(fdt, size, &kho_fdt);
	early_memunmap(fdt, PAGE_SIZE);
	return why ? kho_refuse(NULL, why, addr, size) : 0;
}

static const void * __init kho_map(void *ctx, __u64 phys)
{
	return early_memremap(phys, PAGE_SIZE);
}

static void __init kho_unmap(void *ctx, const void *node)
{
	early_memunmap((void *)node, PAGE_SIZE);
}

/*
 * The first walk counts, the second has a list to write to.  Until kho_install()
 * the flags, 0 in what memblock_reserve() adds, tell tree nodes and pages apart.
 */
#define KHO_IS_NODE	MEMBLOCK_NOMAP

static int __init kho_add(struct kho_tally *t, u64 addr, u64 size,
			  enum memblock_flags flags)
{
	struct memblock_region *r;

	if (kho_check_place(flags ? "tree node" : "marked page", addr, size))
		return -EINVAL;
	if (!t->region) {
		t->max++;
		return 0;
	}
	if (t->nr == t->max)
		return kho_refuse("tree", "changes while it is read", addr,
				  t->max);
	r = &t->region[t->nr++];
	r->base = addr;
	r->size = size;
	r->flags = flags;
	memblock_set_region_node(r, MAX_NUMNODES);
	return 0;
}

static int __init kho_node(void *ctx, __u64 phys, unsigned int level)
{
	if (phys == kho_in.data.fdt_addr)
		return kho_refuse("tree node", "is the FDT page", phys, level);
	return kho_add(ctx, phys, PAGE_SIZE, KHO_IS_NODE);
}

static int __init kho_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	return kho_add(ctx, phys, nr << order << PAGE_SHIFT, MEMBLOCK_NONE);
}

static const struct kho_walk_ops kho_ops __initconst = {
	.map = kho_map,
	.unmap = kho_unmap,
	.node = kho_node,
	.run = kho_run,
};

static int __init kho_walk(void)
{
	struct kho_walk w = {
		.ops = &kho_ops,
		.ctx = &kho_tally,
		.shift = PAGE_SHIFT,
		.end = memblock_end_of_DRAM(),
	};
	int ret = kho_walk_tree(&w, kho_fdt.root);

	return ret == KHO_WALK_BAD ?
	       kho_refuse("tree has", w.why, w.where, w.value) : ret;
}

/*
 * No page to be kept is in scratch.  What this kernel was started with is, but
 * reserved already, except for a mainline kernel's scratch array.
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

static int __init kho_compare(const void *a, const void *b)
{
	const struct memblock_region *x = a, *y = b;

	return x->base < y->base ? -1 : x->base > y->base;
}

/* Sorts what is to be reserved; nothing of it may be there twice. */
static int __init kho_sort(struct kho_tally *t)
{
	struct memblock_region *r = t->region, *prev = NULL;

	if (t->nr != t->max)
		return kho_refuse("tree", "changes while it is read", t->nr,
				  t->max);
	sort(r, t->nr, sizeof(*r), kho_compare, NULL);
	for (; r < t->region + t->nr; prev = r++) {
		u64 end = prev ? prev->base + prev->size : 0;

		if (end > r->base && !prev->flags && !r->flags)
			return kho_refuse("page", "is marked twice", r->base,
					  prev->base);
		if (end > r->base)
			return kho_refuse("tree node", prev->flags == r->flags ?
					  "is used twice" :
					  "is a marked page as well",
					  r->base, prev->base);
		if (r->flags) {
			t->nodes++;
			continue;
		}
		t->pages += r->size >> PAGE_SHIFT;
		if (end != r->base || prev->flags)
			t->extents++;
	}
	return 0;
}

/*
 * Makes @array memblock's reserved array: what is reserved so far and what
 * t->region has, both sorted, merged into one.  t->region is the end of @array:
 * an entry is written no further up than where the next is read.
 *
 * The array that was memblock's is either its static one or, on a machine with
 * very many e820 entries, one below 1 MiB, which x86 never gives back anyway.
 */
static void __init kho_install(struct memblock_region *array, u64 max,
			       struct kho_tally *t)
{
	struct memblock_type *type = &memblock.reserved;
	const struct memblock_region *old = type->regions;
	const struct memblock_region *old_end = old + type->cnt;
	const struct memblock_region *new = t->region;
	const struct memblock_region *new_end = new + t->nr;
	struct memblock_region *out = array;
	phys_addr_t total = 0;

	while (old < old_end || new < new_end) {
		struct memblock_region r;

		if (new == new_end || (old < old_end && old->base < new->base)) {
			r = *old++;
		} else {
			r = *new++;
			r.flags = MEMBLOCK_NONE;
		}
		/* memblock has an empty entry when it has no other. */
		if (!r.size)
			continue;
		total += r.size;
		if (out > array && out[-1].base + out[-1].size == r.base &&
		    out[-1].flags == r.flags &&
		    memblock_get_region_node(&out[-1]) ==
		    memblock_get_region_node(&r))
			out[-1].size += r.size;
		else
			*out++ = r;
	}

	type->regions = array;
	type->cnt = out - array;
	type->max = max;
	type->total_size = total;
}

/*
 * memblock_reserve() for each page would take quadratic time, and would have to
 * grow the reserved array on the way: to below 1 MiB, the only place that
 * memblock.current_limit allows now, where it soon finds no room.  So the whole
 * new array is built in scratch.  From then on it is memblock's like any that
 * it allocated itself: memblock_double_array() or memblock_discard() frees it,
 * by its address and its max.  It is reached through the direct map, which the
 * early page fault handler fills in for now; memblock relies on that too.
 */
static int __init kho_keep(void)
{
	struct kho_tally *t = &kho_tally;
	struct memblock_type before;
	struct memblock_region *array;
	u64 room, size;

	if (kho_walk())
		return -EINVAL;

	size = (t->max + memblock.reserved.cnt + KHO_SLACK) * sizeof(*array);
	size = PAGE_ALIGN(size);
	/*
	 * This reserves the room in memblock's present array.  If that is full,
	 * and cannot grow below 1 MiB either, there is no room.
	 */
	room = kho_find_room(size);
	if (!room)
		return kho_refuse("scratch", "has no room to reserve all of it",
				  kho_scratch[0].addr, size);
	array = __va(room);

	t->region = array + memblock.reserved.cnt;
	if (kho_walk() || kho_sort(t))
		goto refused;

	before = memblock.reserved;
	kho_install(array, size / sizeof(*array), t);
	/*
	 * The FDT is a marked page, of a mainline kernel and of the module, but
	 * need not be.  The module's scratch array shares its page with the
	 * setup_data node, which is reserved already, and with nothing else.
	 */
	if (memblock_reserve(kho_in.data.fdt_addr, PAGE_SIZE) ||
	    memblock_reserve(kho_array, kho_array_size)) {
		memblock.reserved = before;
		kho_refuse("FDT page", "cannot be reserved",
			   kho_in.data.fdt_addr, kho_array);
		goto refused;
	}
	return 0;

refused:
	memblock_phys_free(room, size);
	return -EINVAL;
}

/*
 * Logs what was kept, once it can be told how long it took: at once, or as an
 * initcall, when the clock's rate is known whatever the machine.
 */
static int __init kho_report(void)
{
	struct kho_boot_info *info = &kho_boot_info;
	u64 tenths = info->pages * 10 >> (20 - PAGE_SHIFT);
	s64 usecs = kho_arch_usecs(kho_ticks);

	if (!kho_ticks || usecs < 0)
		return 0;
	kho_ticks = 0;
	info->usecs = usecs;
	pr_info("kept %llu pages (%llu.%llu MiB) in %llu extents, %llu tree nodes, %lld us\n",
		info->pages, tenths / 10, tenths % 10, info->extents,
		info->nodes, usecs);
	return 0;
}
early_initcall(kho_report);

void __init kho_boot_reserve(void)
{
	struct kho_boot_info *info = &kho_boot_info;
	u64 start = kho_arch_clock();

	if (!kho_in.nr || !kho_check_intake() || kho_read_scratch() ||
	    kho_read_fdt() || kho_keep())
		return;

	info->fdt_addr = kho_in.data.fdt_addr;
	info->fdt_size = kho_in.data.fdt_size;
	info->scratch_addr = kho_in.data.scratch_addr;
	info->scratch_size = kho_in.data.scratch_size;
	info->pages = kho_tally.pages;
	info->nodes = kho_tally.nodes;
	info->extents = kho_tally.extents;
	info->state = KHO_BOOT_KEPT;
	kho_ticks = kho_arch_clock() - start;
	kho_report();
}

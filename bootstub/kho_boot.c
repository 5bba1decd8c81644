// SPDX-License-Identifier: GPL-2.0
/*
 * The boot stub: checks what the previous kernel handed over, and has it reserved.
 *
 * All incoming data is treated as hostile.  Either every page of it can be reserved
 * and all of it is consistent, or the stub logs one line that says what is wrong,
 * and the boot continues as if there were no handover.
 *
 * A reserved page leaves the boot with an initialised struct page, reference count
 * 1 and PG_reserved, with or without deferred initialisation: see
 * memmap_init_reserved_pages().
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/crash_dump.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <asm/early_ioremap.h>
#include <asm/sections.h>

#define KHO_FN static inline __init
#include "compat.h"
#include "intake.h"

struct kho_boot_info kho_boot_info = {
	.version = KHO_BOOT_INFO_VERSION,
};
EXPORT_SYMBOL_GPL(kho_boot_info);

/* The hand-off that the architecture found. */
struct kho_in kho_in __initdata;

struct kho_fdt kho_fdt __initdata;
struct kho_scratch kho_scratch[PAGE_SIZE / sizeof(struct kho_scratch)] __initdata;
unsigned int kho_scratch_nr __initdata;
u64 kho_array __initdata, kho_array_size __initdata;
/* The pages that contain the hand-off; the kernel has reserved them already. */
static u64 kho_sender __initdata, kho_sender_size __initdata;

/* Clock ticks that kho_boot_reserve() took; 0 once they have been logged. */
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

int __init kho_refuse(const char *what, const char *why, u64 where, u64 value)
{
	snprintf(kho_boot_info.error, sizeof(kho_boot_info.error),
		 "%s%s%s (at 0x%llx, value 0x%llx)", what ?: "", what ? " " : "",
		 why, where, value);
	kho_boot_info.state = KHO_BOOT_REFUSED;
	pr_warn("handover refused: %s\n", kho_boot_info.error);
	return -EINVAL;
}

bool __init kho_overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

static const char * __init kho_holder(u64 addr)
{
	if (addr >= __pa_symbol(_text) && addr < __pa_symbol(_end))
		return "lies on the new kernel";
	return kho_arch_holder(addr) ?: "lies on memory that is in use";
}

/* Refuses if [@addr, @addr + @size) overlaps memory that this kernel already uses. */
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

/* Excludes [@start, @start + @size), which does not contain @addr, from @span. */
static void __init kho_clip(struct kho_span *span, u64 addr, u64 start, u64 size)
{
	if (start > addr)
		span->end = min(span->end, start);
	else
		span->start = max(span->start, start + size);
}

/* Finds the range around @addr, which passed, in which all addresses pass. */
static void __init kho_find_span(struct kho_span *span, u64 addr)
{
	struct memblock_region *r;
	unsigned int i;

	for_each_mem_region(r) {
		span->start = r->base;
		span->end = r->base + r->size;
		if (addr >= span->start && addr < span->end)
			break;
	}
	kho_clip(span, addr, 0, kho_arch_lowest());
	for (i = 0; i < kho_scratch_nr; i++)
		kho_clip(span, addr, kho_scratch[i].addr, kho_scratch[i].size);
	kho_clip(span, addr, kho_array, kho_array_size);
	for_each_reserved_mem_region(r)
		kho_clip(span, addr, r->base, r->size);
}

/*
 * Checks everything that must hold for a page to be reserved.  @span caches the
 * range that the last call found: the full check is slow, but most pages are close
 * to the previous one.
 */
int __init kho_check_place(const char *what, u64 addr, u64 size,
			   struct kho_span *span)
{
	unsigned int i;

	if (addr >= span->start && addr < span->end && size <= span->end - addr)
		return 0;
	if (!memblock_is_region_memory(addr, size))
		return kho_refuse(what, "is no RAM", addr, size);
	if (addr < kho_arch_lowest())
		return kho_refuse(what, "is too low to be kept", addr, kho_arch_lowest());
	for (i = 0; i < kho_scratch_nr; i++)
		if (kho_overlap(addr, size, kho_scratch[i].addr,
				kho_scratch[i].size))
			return kho_refuse(what, "lies in scratch",
					  max(addr, kho_scratch[i].addr),
					  kho_scratch[i].addr);
	if (kho_overlap(addr, size, kho_array, kho_array_size))
		return kho_refuse(what, "lies on the scratch array",
				  max(addr, kho_array), kho_array);
	if (kho_check_unused(what, addr, size))
		return -EINVAL;
	kho_find_span(span, addr);
	return 0;
}

/*
 * Returns the first address above @addr where the pages of the hand-off or of the
 * scratch array begin or end, at most @end.  @inside says whether @addr is in these
 * pages.
 */
static u64 __init kho_sender_edge(u64 addr, u64 end, bool *inside)
{
	const u64 edges[] = {
		kho_array, kho_array + kho_array_size,
		kho_sender, kho_sender + kho_sender_size,
	};
	u64 edge = end;
	unsigned int i;

	*inside = (addr >= edges[0] && addr < edges[1]) ||
		  (addr >= edges[2] && addr < edges[3]);
	for (i = 0; i < ARRAY_SIZE(edges); i++)
		if (edges[i] > addr)
			edge = min(edge, edges[i]);
	return edge;
}

/*
 * Checks pages that are marked in the tree.  The previous kernel may also have
 * marked the pages of the hand-off and of the scratch array, which are reserved
 * anyway.
 */
int __init kho_check_marked(u64 addr, u64 size, struct kho_span *span)
{
	u64 end = addr + size, edge;

	for (; addr < end; addr = edge) {
		bool inside;

		edge = kho_sender_edge(addr, end, &inside);
		if (inside && memblock_is_region_memory(addr, edge - addr))
			continue;
		if (kho_check_place("marked page", addr, edge - addr, span))
			return -EINVAL;
	}
	return 0;
}

/* Returns whether there is a handover to read. */
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
	} else if (kho_memory_encrypted()) {
		kho_refuse("memory", "is encrypted", kho_in.where, 0);
	} else {
		return true;
	}
	return false;
}

/*
 * Copies the scratch array and checks it.  A mainline kernel puts the array itself
 * into scratch, as a kexec segment; the module does not.
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
	kho_sender = round_down(kho_in.where, PAGE_SIZE);
	kho_sender_size = round_up(kho_in.where + sizeof(struct kho_setup_node) +
				   kho_in.len, PAGE_SIZE) - kho_sender;

	for (i = 0; i < size / sizeof(kho_scratch[0]); i++) {
		u64 start = kho_scratch[i].addr, bytes = kho_scratch[i].size;

		/* Mainline has an entry for each NUMA node, even if it is empty. */
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
	struct kho_span span = {};
	const char *why;
	void *fdt;

	if (size < KHO_FDT_HEADER || size > PAGE_SIZE)
		return kho_refuse("size of the FDT", "is not possible",
				  kho_in.where, size);
	if (!PAGE_ALIGNED(addr))
		return kho_refuse("address of the FDT", "is not page-aligned",
				  kho_in.where, addr);
	if (kho_check_place("FDT page", addr, PAGE_SIZE, &span))
		return -EINVAL;
	fdt = early_memremap(addr, PAGE_SIZE);
	if (!fdt)
		return kho_refuse("FDT page", "cannot be read", addr, size);
	why = kho_fdt_read(fdt, size, &kho_fdt);
	early_memunmap(fdt, PAGE_SIZE);
	return why ? kho_refuse(NULL, why, addr, size) : 0;
}

/*
 * Logs what was kept once the clock's rate is known: right away if possible, else
 * as an initcall, when it is known on every machine.
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
	    kho_read_fdt() || kho_keep(info))
		return;

	info->fdt_addr = kho_in.data.fdt_addr;
	info->fdt_size = kho_in.data.fdt_size;
	info->scratch_addr = kho_in.data.scratch_addr;
	info->scratch_size = kho_in.data.scratch_size;
	info->state = KHO_BOOT_KEPT;
	kho_ticks = kho_arch_clock() - start;
	kho_report();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * bootstub/kho_release.c: pages between preserved ones are freed, and no others.  Memory
 * that was reserved after the stub ran, such as ACPI tables in RAM, is passed to
 * kho_release_not() and stays reserved.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_KHO_BOOTSTUB	1
#define SHIM_LINUX_MM_H
#define SHIM_LINUX_GFP_H
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define PHYS_PFN(phys)		((unsigned long)((phys) >> PAGE_SHIFT))
#define PFN_PHYS(pfn)		((u64)(pfn) << PAGE_SHIFT)
#define PFN_UP(phys)		((unsigned long)(((phys) + PAGE_SIZE - 1) >> PAGE_SHIFT))
#define ULONG_MAX		(~0UL)
#define round_down(x, y)	((x) & ~((y) - 1))
#define pageblock_order		9U
#define pageblock_nr_pages	(1UL << pageblock_order)

#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/printk.h>
#include <linux/types.h>

#define s64			long long
#define pr_info(fmt, ...) do {						\
	if (0)								\
		printf(fmt, ##__VA_ARGS__);				\
} while (0)

#include "tap.h"

#define PAGES		8192UL
#define HOLE		1000UL	/* no RAM, and no struct page, from here on... */
#define HOLE_END	1100UL
#define SECOND_ZONE	5000UL

struct zone {
	struct {
		long counter;
	} managed_pages;
};

struct page {
	bool reserved;
	int count;
	unsigned int freed;
};

static struct page pages[PAGES];
static struct zone zones[2];
static long total;
static bool arch_was_asked;

static struct page *pfn_to_online_page(unsigned long pfn)
{
	return pfn >= PAGES || (pfn >= HOLE && pfn < HOLE_END) ? NULL : &pages[pfn];
}

#define PageReserved(page)		((page)->reserved)
#define ClearPageReserved(page)		((page)->reserved = false)
#define page_count(page)		((page)->count)
#define set_page_count(page, nr)	((page)->count = (nr))
#define page_zone(page)			(&zones[(page) - pages >= (long)SECOND_ZONE])
#define atomic_long_add(nr, v)		((v)->counter += (nr))
#define totalram_pages_add(nr)		(total += (long)(nr))
/* In place of compat.h, which needs more of a kernel. */
#define KHO_COMPAT_H
#define kho_set_movable(page)			((void)(page))
#define free_reserved_area(from, to, poison, name)	((void)(from))

static unsigned long bitmap_weight(const unsigned long *bits, unsigned long nr)
{
	unsigned long i, weight = 0;

	for (i = 0; i < nr; i++)
		weight += test_bit(i, bits);
	return weight;
}

static void bitmap_set(unsigned long *bits, unsigned long from, unsigned long nr)
{
	while (nr--)
		__set_bit(from++, bits);
}

static void __free_pages(struct page *first, unsigned int order)
{
	unsigned long i;

	if ((first - pages) & ((1L << order) - 1))
		abort();
	for (i = 0; i < 1UL << order; i++)
		first[i].freed++;
}

struct resource;
static int walk_system_ram_res(u64 start, u64 end, void *arg,
			       int (*fn)(struct resource *res, void *arg));

#include "../../bootstub/kho_release.c"

static int walk_system_ram_res(u64 start, u64 end, void *arg,
			       int (*fn)(struct resource *res, void *arg))
{
	struct resource low = { 0, PFN_PHYS(HOLE) - 1 };
	struct resource high = { PFN_PHYS(HOLE_END), PFN_PHYS(PAGES) - 1 };

	return fn(&low, arg) ?: fn(&high, arg);
}

/* Ranges that stay, as the hook in acpi_reserve_initial_tables() passes them. */
static struct {
	u64 addr;
	u64 size;
} late[8];
static unsigned int nr_late;

void kho_arch_reserved(void)
{
	arch_was_asked = true;
	kho_release_not(PFN_PHYS(4000), PAGE_SIZE);
}

static bool is_late(unsigned long pfn)
{
	u64 addr = PFN_PHYS(pfn);
	unsigned int i;

	for (i = 0; i < nr_late; i++)
		if (addr < late[i].addr + late[i].size && late[i].addr < addr + PAGE_SIZE)
			return true;
	return pfn == 4000;
}

static unsigned long stays[PAGES / 64], at_first[PAGES / 64];

/* Marks some pages as preserved; the others are to be freed later. */
static void begin(void)
{
	unsigned long pfn;

	memset(pages, 0, sizeof(pages));
	memset(zones, 0, sizeof(zones));
	memset(&kho_late, 0, sizeof(kho_late));
	memset(stays, 0, sizeof(stays));
	total = 0;
	nr_late = 0;
	arch_was_asked = false;
	for (pfn = 0; pfn < PAGES; pfn++) {
		pages[pfn].reserved = true;
		pages[pfn].count = 1;
		if (pfn % 97 < 5 || (pfn >= HOLE && pfn < HOLE_END) || pfn < 300)
			__set_bit(pfn, stays);
	}
	memcpy(at_first, stays, sizeof(stays));
	kho_release_later(stays, PAGES, sizeof(stays));
}

/* Were exactly the right pages freed, each of them once? */
static bool right_ones_freed(void)
{
	unsigned long pfn, freed = 0;

	for (pfn = 0; pfn < PAGES; pfn++) {
		bool wanted = !test_bit(pfn, at_first) && !is_late(pfn) &&
			      !(pfn == 6000 && pages[pfn].count == 2);

		if (pages[pfn].freed != wanted) {
			printf("# page %lu: freed %u times\n", pfn, pages[pfn].freed);
			return false;
		}
		freed += wanted;
	}
	return total == (long)freed &&
	       zones[0].managed_pages.counter + zones[1].managed_pages.counter == (long)freed;
}

static void keep(u64 addr, u64 size)
{
	late[nr_late].addr = addr;
	late[nr_late++].size = size;
	kho_release_not(addr, size);
}

int main(void)
{
	tap_start();

	begin();
	initcall();
	ok(right_ones_freed() && arch_was_asked, "what lies in between is freed, and counted");

	begin();
	keep(PFN_PHYS(500) + 100, 36);
	keep(PFN_PHYS(700) + 4000, 3 * PAGE_SIZE);
	keep(PFN_PHYS(5000) - 1, 2);
	initcall();
	ok(right_ones_freed(), "tables of ACPI that were reserved since stay, to their last byte");
	ok(!pages[700].freed && !pages[703].freed && pages[704].freed,
	   "a table of several pages stays whole");

	begin();
	kho_release_not(PFN_PHYS(500), 0);
	kho_release_not(~0ULL - 10, 100);
	kho_release_not(PFN_PHYS(500), -10 * PAGE_SIZE);
	kho_release_not(PFN_PHYS(PAGES) + 5, 100);
	keep(PFN_PHYS(PAGES - 1), 100 * PAGE_SIZE);
	initcall();
	ok(right_ones_freed(), "impossible ranges change nothing, one that ends behind RAM is cut");

	begin();
	pages[6000].count = 2;
	initcall();
	ok(right_ones_freed(), "a page that somebody has a reference to stays");

	memset(&kho_late, 0, sizeof(kho_late));
	kho_release_not(PFN_PHYS(500), 100);
	ok(!initcall(), "without a handover there is nothing to be done");
	return tap_done();
}

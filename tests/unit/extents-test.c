// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extents of an object: found by their index, and stored in pieces, so that no
 * allocation is large.  kvmalloc() allocates INT_MAX bytes at most.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Stands in for the parts of memory/memory.h and core/core.h that are needed. */
#define KHO_MEMORY_H
#define KHO_CORE_H

#include <linux/kernel.h>
#include <linux/sched.h>

#include "tap.h"

static size_t largest;
static unsigned long left = ULONG_MAX;

static void *get(void *p, size_t bytes)
{
	if (!left)
		return NULL;
	left--;
	if (bytes > largest)
		largest = bytes;
	return realloc(p, bytes);
}

#define kvmalloc_array(nr, size, gfp)	get(NULL, (nr) * (size))
#define kmalloc_array(nr, size, gfp)	get(NULL, (nr) * (size))
#define krealloc(p, size, gfp)		get(p, size)
#define kvfree(p)			free(p)
#define max(a, b)			((a) > (b) ? (a) : (b))
#define swap(a, b) do { __typeof__(a) was = (a); (a) = (b); (b) = was; } while (0)
#define PAGE_BYTES			4096

struct kho_extent {
	u64 index;
	u64 pfn;
	u64 nr_pages;
	unsigned int order;
};

struct kho_mem {
	u64 nr_pages;
	u64 nr_extents;
	u64 pmd_pages;
	u64 pud_pages;
	struct kho_extent **chunk;
	u64 chunks;
	u64 room;
};

#define KHO_CHUNK	(PAGE_BYTES / sizeof(struct kho_extent))

static struct kho_extent *kho_extent_at(const struct kho_mem *mem, u64 i)
{
	return &mem->chunk[i / KHO_CHUNK][i % KHO_CHUNK];
}

#include "../../module/memory/extents.c"

/* Each scattered page is an extent: as many as 1 TiB has pages. */
#define TIB_PAGES	(1ULL << 28)
#define SOME		300000ULL

static int add(struct kho_mem *mem, u64 pfn)
{
	int ret = kho_extents_add_room(mem);

	if (!ret)
		kho_extent_at(mem, mem->nr_extents++)->pfn = pfn;
	return ret;
}

static bool all_there(const struct kho_mem *mem, u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++)
		if (kho_extent_at(mem, i)->pfn != 3 * i)
			return false;
	return mem->nr_extents == nr;
}

int main(void)
{
	struct kho_mem mem = {}, other = {};
	u64 i, fails = 0;

	tap_start();
	is(add(&mem, 0), 0, "one extent");
	ok(largest < PAGE_BYTES, "takes less than a page");
	for (i = 1; i < SOME; i++)
		must(!add(&mem, 3 * i), "add");
	ok(all_there(&mem, SOME), "many extents");
	ok(TIB_PAGES / SOME * largest < INT_MAX / 8,
	   "those of 1 TiB need no piece of memory that can't be had");
	kho_extents_swap(&mem, &other);
	ok(!mem.nr_extents && all_there(&other, SOME), "another one has them");
	kho_extents_free(&other);
	ok(!other.nr_extents && !other.room && !other.chunk, "they are freed");

	/* Each allocation fails once. */
	for (i = 0; i < 2000; i++) {
		left = 0;
		while (add(&mem, 3 * i)) {
			fails++;
			must(all_there(&mem, i), "after a failure");
			left = fails % 2 + 1;
		}
	}
	left = ULONG_MAX;
	ok(fails > 15 && all_there(&mem, 2000), "what fails leaves all as it was");
	kho_extents_free(&mem);
	return tap_done();
}

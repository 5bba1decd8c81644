/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A third implementation of module/core/backend.h, and of metapages.  The incoming pages
 * are a table.  Each function that can fail calls fails(), which says whether it does.
 *
 * For takeover-test.c, which stands in for the rest of the kernel.
 */
#ifndef FAKE_BACKEND_H
#define FAKE_BACKEND_H

#define PAGES		256
#define BASE		0x40000000ULL	/* physical address of the first page */
#define ARRIVED		200		/* incoming pages, from page 0 on */

static int fails(void);

/* ---- Memory: incoming pages, and our own ---- */

static unsigned char memory[PAGES][1UL << PAGE_SHIFT] __attribute__((aligned(1UL << PAGE_SHIFT)));
static bool taken[PAGES];		/* by the allocator below */

uint64_t pages_phys(const void *virt)
{
	return BASE + ((const unsigned char *)virt - memory[0]);
}

void *pages_virt(uint64_t phys)
{
	if (phys < BASE || phys >= BASE + sizeof(memory))
		abort();
	return (unsigned char *)memory + (phys - BASE);
}

unsigned long pages_get(void)
{
	abort();
}

void pages_put(unsigned long addr)
{
	abort();
}

void *pages_extra(const void *virt, size_t bytes)
{
	abort();
}

void *pages_of_extra(const void *extra)
{
	abort();
}

#define page_to_pfn(page)	((unsigned long)(uintptr_t)(page))
#define pfn_to_page(pfn)	((struct page *)(uintptr_t)(pfn))

#include "../../module/core/backend.h"
#include "../../module/core/core.h"
#include "../../module/core/metapage.h"
#include "../../module/incoming/incoming.h"
#include "../../module/objects/object.h"
#include "../../module/objects/records.h"
#include "../../module/poison/poison.h"
#include "../../module/takeover.h"

struct kho_state kho = { .lock = { .magic = SHIM_MUTEX_MAGIC, .held = true } };

u64 kho_end_of_memory(void)
{
	return BASE + sizeof(memory);
}

/* ---- Metapages ---- */

static unsigned long metapages[PAGES];
static unsigned int nr_metapages;

void *kho_metapage_alloc(void)
{
	unsigned long i;

	if (fails())
		return NULL;
	for (i = ARRIVED; i < PAGES && taken[i]; i++)
		;
	if (i == PAGES)
		abort();
	taken[i] = true;
	memset(memory[i], 0, sizeof(memory[i]));
	metapages[nr_metapages++] = i;
	return memory[i];
}

void *kho_metapage_alloc_charged(void)
{
	return kho_metapage_alloc();
}

void kho_metapage_free(void *metapage)
{
	unsigned int i;

	if (!metapage)
		return;
	for (i = 0; i < nr_metapages && memory[metapages[i]] != metapage; i++)
		;
	if (i == nr_metapages)
		abort();
	taken[metapages[i]] = false;
	metapages[i] = metapages[--nr_metapages];
}

void kho_metapage_adopt(void *metapage)
{
	metapages[nr_metapages++] = ((unsigned char *)metapage - memory[0]) >> PAGE_SHIFT;
}

const void *kho_metapages_mark(void)
{
	return &metapages[nr_metapages];
}

struct page *kho_metapages_pop(const void *mark)
{
	if (mark == &metapages[nr_metapages])
		return NULL;
	return pfn_to_page(PHYS_PFN(BASE) + metapages[--nr_metapages]);
}

void kho_metapages_forget(void)
{
	nr_metapages = 0;
}

/* ---- The backend ---- */

static struct kho_fdt fdt;
static bool unclaimed[PAGES];
static unsigned int reads, keeps, commits, finishes, exits;

static void list_all(void)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		unclaimed[i] = i < ARRIVED;
}

int kho_backend_incoming_read(void)
{
	reads++;
	if (fails())
		return -ENOMEM;
	list_all();
	return 0;
}

int kho_backend_incoming_reset(void)
{
	if (fails())
		return -ENOMEM;
	list_all();
	return 0;
}

int kho_backend_incoming_find(const char *name, u64 *addr, u64 *size)
{
	const struct kho_fdt_child *child = kho_incoming_child(name);

	if (!child)
		return -ENOENT;
	*addr = child->addr;
	*size = child->size;
	return 0;
}

bool kho_backend_incoming_has(u64 addr)
{
	return addr >= BASE && addr < BASE + ((u64)ARRIVED << PAGE_SHIFT) &&
	       unclaimed[(addr - BASE) >> PAGE_SHIFT];
}

/* Sets unclaimed[] to @to for a whole range, or fails and changes nothing. */
static int change(u64 pfn, u64 nr_pages, bool to)
{
	u64 i, first = pfn - PHYS_PFN(BASE);

	if (fails())
		return -ENOMEM;
	if (pfn < PHYS_PFN(BASE) || first >= ARRIVED || nr_pages > ARRIVED - first)
		return -ENOENT;
	for (i = first; i < first + nr_pages; i++)
		if (unclaimed[i] == to)
			return to ? -EEXIST : -ENOENT;
	for (i = first; i < first + nr_pages; i++)
		unclaimed[i] = to;
	return 0;
}

int kho_backend_incoming_get(u64 pfn, u64 nr_pages)
{
	return change(pfn, nr_pages, false);
}

int kho_backend_incoming_put(u64 pfn, u64 nr_pages)
{
	return change(pfn, nr_pages, true);
}

int kho_backend_incoming_keep(void)
{
	keeps++;
	return fails() ? -ENOMEM : 0;
}

void kho_backend_incoming_commit(void)
{
	commits++;
}

void kho_backend_incoming_finish(void)
{
	/* Pages are freed after the commit: which are poisoned must be known. */
	finishes += commits == 1;
}

void kho_backend_incoming_exit(void)
{
	exits++;
	memset(unclaimed, 0, sizeof(unclaimed));
}

int kho_backend_add_child(const char *name, void *data, u64 size, u32 flags)
{
	return fails() ? -ENOSPC : 0;
}

int kho_backend_drop_child(const void *data)
{
	return 0;
}

#endif /* FAKE_BACKEND_H */

// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pages.h"

#ifdef SHIM_THREADS
#include <pthread.h>

/* Held by each function that threads call. */
static pthread_mutex_t big = PTHREAD_MUTEX_INITIALIZER;
#define lock()		pthread_mutex_lock(&big)
#define unlock()	pthread_mutex_unlock(&big)
#else
#define lock()		((void)0)
#define unlock()	((void)0)
#endif

#define SIZE	(1UL << PAGE_SHIFT)
#define FREED	0x6b

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define hide(p)		__asan_poison_memory_region(p, SIZE)
#define unhide(p)	__asan_unpoison_memory_region(p, SIZE)
#else
#define hide(p)		((void)(p))
#define unhide(p)	((void)(p))
#endif

void (*pages_hook)(void);

static unsigned char *arena;
static enum { NEW, LIVE, OLD } state[PAGES_NR];
static unsigned long next, live, asked, fail_at;

struct pages_copy {
	unsigned long nr;
	struct {
		unsigned long index;
		unsigned char *data;
	} page[PAGES_NR];
};

static void broken(const char *what, unsigned long value)
{
	printf("# pages: %s: 0x%lx\n", what, value);
	fflush(stdout);
	abort();
}

static unsigned char *page(unsigned long i)
{
	return arena + i * SIZE;
}

static unsigned long get(void)
{
	unsigned long i, n;

	if (!arena) {
		/* Align to the page size under test, which may not be the host's. */
		unsigned long start = (unsigned long)mmap(NULL,
			(PAGES_NR + 1) * SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (start == (unsigned long)MAP_FAILED)
			broken("no memory for pages", PAGES_NR * SIZE);
		arena = (unsigned char *)((start + SIZE - 1) & ~(SIZE - 1));
		for (i = 0; i < PAGES_NR; i++)
			hide(page(i));
	}

	if (pages_hook)
		pages_hook();
	asked++;
	if (fail_at && !--fail_at)
		return 0;

	for (n = 0; n < PAGES_NR; n++) {
		i = next;
		next = (next + 1) % PAGES_NR;
		if (state[i] == LIVE)
			continue;
		unhide(page(i));
		/* The first byte is still FREED, and all others equal it. */
		if (state[i] == OLD &&
		    (*page(i) != FREED || memcmp(page(i), page(i) + 1, SIZE - 1)))
			broken("write to a freed page", PAGES_BASE + i * SIZE);
		memset(page(i), 0, SIZE);
		state[i] = LIVE;
		live++;
		return (unsigned long)page(i);
	}
	broken("more pages are needed than there are", PAGES_NR);
	return 0;
}

unsigned long pages_get(void)
{
	unsigned long addr;

	lock();
	addr = get();
	unlock();
	return addr;
}

unsigned long kho_node_page(void)
{
	return pages_get();
}

static unsigned long index_of(unsigned long addr)
{
	unsigned long i = (addr - (unsigned long)arena) / SIZE;

	if (!arena || addr < (unsigned long)arena || i >= PAGES_NR)
		broken("not the address of a page", addr);
	if (state[i] != LIVE)
		broken("address of a page that is free", addr);
	return i;
}

static void put(unsigned long addr)
{
	unsigned long i = index_of(addr);

	if (addr % SIZE)
		broken("free of a misaligned address", addr);
	memset(page(i), FREED, SIZE);
	hide(page(i));
	state[i] = OLD;
	live--;
	if (pages_hook)
		pages_hook();
}

void pages_put(unsigned long addr)
{
	lock();
	put(addr);
	unlock();
}

void kho_node_page_free(unsigned long addr)
{
	pages_put(addr);
}

static bool has(uint64_t phys)
{
	unsigned long i = (phys - PAGES_BASE) / SIZE;

	return phys >= PAGES_BASE && i < PAGES_NR && state[i] == LIVE;
}

bool pages_has(uint64_t phys)
{
	bool ret;

	lock();
	ret = has(phys);
	unlock();
	return ret;
}

void *pages_virt(uint64_t phys)
{
	if (!pages_has(phys))
		broken("not the physical address of a page", phys);
	return arena + (phys - PAGES_BASE);
}

uint64_t pages_phys(const void *virt)
{
	lock();
	index_of((unsigned long)virt);
	unlock();
	return PAGES_BASE + ((const unsigned char *)virt - arena);
}

static unsigned char extra[PAGES_NR][32] __attribute__((aligned(16)));

void *pages_extra(const void *virt, size_t bytes)
{
	unsigned long i;

	if (bytes > sizeof(extra[0]))
		broken("more is wanted of a page than there is", bytes);
	lock();
	i = index_of((unsigned long)virt);
	unlock();
	return extra[i];
}

void *pages_of_extra(const void *at)
{
	return page(((const unsigned char *)at - extra[0]) / sizeof(extra[0]));
}

unsigned long pages_live(void)
{
	return live;
}

unsigned long pages_asked(void)
{
	return asked;
}

void pages_fail(unsigned long nth)
{
	fail_at = nth;
}

struct pages_copy *pages_copy(void)
{
	struct pages_copy *copy = calloc(1, sizeof(*copy));
	unsigned long i;

	if (!copy)
		broken("no memory for a copy", 0);
	for (i = 0; i < PAGES_NR; i++) {
		unsigned char *data;

		if (state[i] != LIVE)
			continue;
		data = malloc(SIZE);
		if (!data)
			broken("no memory for a copy", i);
		memcpy(data, page(i), SIZE);
		copy->page[copy->nr].index = i;
		copy->page[copy->nr++].data = data;
	}
	return copy;
}

bool pages_same(const struct pages_copy *copy)
{
	unsigned long i;

	if (copy->nr != live)
		return false;
	for (i = 0; i < copy->nr; i++) {
		unsigned long at = copy->page[i].index;

		if (state[at] != LIVE ||
		    memcmp(page(at), copy->page[i].data, SIZE))
			return false;
	}
	return true;
}

void pages_copy_free(struct pages_copy *copy)
{
	while (copy->nr)
		free(copy->page[--copy->nr].data);
	free(copy);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/backend/own/scratch-hold.c: whatever happens to scratch, and whatever happens in
 * between, each page that was allocated for it is either set aside in it or free again.
 *
 * Memory is a table of pages.  While pages are being allocated, scratch may grow or move,
 * as it does when a work item sets pages aside and somebody asks for more.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "tap.h"

#define PAGE_SHIFT		12
#define MAX_PAGE_ORDER		7
#define BLOCK			(1UL << MAX_PAGE_ORDER)
#define BLOCKS			40
#define PAGES			(BLOCKS * BLOCK)
#define ROUNDS			4000

/* Stand-ins for the kernel's definitions */
#define KHO_COMPAT_H
#define SHIM_LINUX_GFP_H
#define SHIM_LINUX_SLAB_H
#define gfp_t				unsigned int
#define pgoff_t				unsigned long
#define GFP_KERNEL			0
#define GFP_DMA32			0
#define __GFP_THISNODE			0
#define __GFP_NOWARN			0
#define __GFP_NORETRY			0
#define __GFP_NOMEMALLOC		0
#define __GFP_MOVABLE			1
#define ACR_FLAGS_NONE			0
#define ZONE_NORMAL			0
#define kvfree(p)			free(p)
#define kvcalloc(nr, size, gfp)		(no_memory ? NULL : calloc(nr, size))
#define BITS_TO_LONGS(nr)		(((nr) + 63) / 64)
#define BIT_WORD(nr)			((nr) / 64)
#define DEFINE_SPINLOCK(name)		struct mutex name = { .magic = SHIM_MUTEX_MAGIC }
#define DECLARE_DELAYED_WORK(name, fn) \
	__attribute__((unused)) void (*name)(struct work_struct *) = fn
#define cancel_delayed_work_sync(work)	((void)(work))
#define queue_delayed_work(q, work, t)	((void)(t))
#define mod_delayed_work(q, work, t)	((void)(t))
#define msecs_to_jiffies(ms)		(ms)
#define lockdep_is_held(lock)		true
#define lockdep_assert(cond)		((void)0)
#define current				0
#define fatal_signal_pending(task)	false
#define ALIGN_DOWN(x, a)		((x) / (a) * (a))
#define max(a, b)			((a) > (b) ? (a) : (b))
#define max_t(type, a, b)		((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define clamp(x, low, high)		((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
#define PFN_PHYS(pfn)			((phys_addr_t)(pfn) << PAGE_SHIFT)
#define PageReserved(page)		((page)->state == RESERVED)
#define PageHWPoison(page)		false
#define PageLRU(page)			((page)->state == MOVABLE)
#define PageHuge(page)			false
#define PageBuddy(page)			((page)->state == FREE)
#define page_count(page)		((page)->state != FREE)
#define pfn_to_page(pfn)		(&pages[pfn])
#define page_to_pfn(page)		((unsigned long)((page) - pages))
#define pfn_to_online_page(pfn)		((pfn) < PAGES ? &pages[pfn] : NULL)
#define page_zone(page)			((struct zone *)NULL)
#define zone_idx(zone)			((void)(zone), ZONE_NORMAL)
#define zone_to_nid(zone)		((void)(zone), 0)

#include <kho/left.h>
#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

enum state { FREE, MOVABLE, USED, RESERVED, OURS };

struct zone;
struct page {
	struct list_head lru;
	enum state state;
};

static struct page pages[PAGES];
static bool no_memory;
/* Called once when pages have been allocated and before they are set aside */
static void (*meanwhile)(void);

static inline void bitmap_set(unsigned long *map, unsigned long first, unsigned long nr)
{
	while (nr--)
		__set_bit(first++, map);
}

static inline void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned long nr)
{
	memcpy(to, from, nr / 8);
}

static inline unsigned long bitmap_weight(const unsigned long *map, unsigned long nr)
{
	unsigned long n = 0;

	while (nr--)
		n += test_bit(nr, map);
	return n;
}

static int alloc_contig_range(unsigned long pfn, unsigned long end, int flags, gfp_t gfp)
{
	void (*call)(void) = meanwhile;
	unsigned long i;

	for (i = pfn; i < end; i++)
		if (pages[i].state != FREE && pages[i].state != MOVABLE)
			return -1;
	for (i = pfn; i < end; i++)
		pages[i].state = OURS;
	meanwhile = NULL;
	if (call)
		call();
	return 0;
}

static void free_contig_range(unsigned long pfn, unsigned long nr)
{
	for (; nr; nr--, pfn++) {
		WARN_ON_ONCE(pages[pfn].state != OURS);
		pages[pfn].state = FREE;
	}
}

void kho_put_pages(unsigned long pfn, unsigned long nr_pages)
{
	free_contig_range(pfn, nr_pages);
}

static unsigned long rotor;

static struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		rotor = (rotor + 1) % PAGES;
		if (pages[rotor].state == FREE) {
			pages[rotor].state = OURS;
			return &pages[rotor];
		}
	}
	return NULL;
}

static void __free_page(struct page *page)
{
	free_contig_range(page_to_pfn(page), 1);
}

/* What one module leaves to the next */
static struct kho_left record;
static unsigned int refusals;

const struct kho_left *kho_left(void)
{
	return &record;
}

u64 kho_left_write(const void *data, size_t bytes)
{
	void *copy = malloc(bytes);

	memcpy(copy, data, bytes);
	return (uintptr_t)copy;
}

int kho_left_read(u64 chain, void *data, size_t bytes)
{
	memcpy(data, (void *)(uintptr_t)chain, bytes);
	return 0;
}

bool kho_left_page(u64 pfn)
{
	return pfn < PAGES && pages[pfn].state == OURS;
}

void kho_left_refuse(const char *why, u64 value)
{
	refusals++;
}

/* Pages from this one on are offline. */
static unsigned long offline = PAGES;

bool kho_ram_piece(unsigned long *pfn, unsigned long *end)
{
	*end = offline;
	return *pfn < offline;
}

phys_addr_t kho_end_of_memory(void)
{
	return PAGES << PAGE_SHIFT;
}

#include "../../module/backend/own/scratch-hold.c"

struct kho_state kho = { .lock = { .magic = SHIM_MUTEX_MAGIC, .held = true } };

static uint64_t seed = 1;

static unsigned long below(unsigned long limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % limit;
}

/* Is each page that is ours set aside in scratch, and each that is set aside ours? */
static bool all_accounted_for(void)
{
	unsigned long pfn, in = 0;

	for (pfn = 0; pfn < PAGES; pfn++) {
		bool is_in = kho_backend_in_scratch(pfn, 1);
		bool is_ours = is_in && (!held || test_bit(pfn - kho_scratch_pfn(), held));
		bool is_allocated = pages[pfn].state == OURS;

		if (is_ours != is_allocated) {
			printf("# page %lu: state %d, scratch at %lu, %lu pages, %s\n", pfn,
			       pages[pfn].state, kho_scratch_pfn(), kho_scratch_pages(),
			       is_ours ? "set aside" : "not set aside");
			return false;
		}
		in += is_ours;
	}
	return in == kho_scratch_held();
}

static bool take(unsigned long pfn, unsigned long nr)
{
	return pfn <= PAGES && nr <= PAGES - pfn && nr && !alloc_contig_range(pfn, pfn + nr, 0, 0);
}

static unsigned int moved, widened, refused;

static void move_somewhere(void)
{
	unsigned long nr = (1 + below(6)) * BLOCK, pfn = below(BLOCKS) * BLOCK;
	struct kho_scratch_old old;

	if (!kho_scratch_pages() || !take(pfn, nr))
		return;
	kho_scratch_move(pfn, nr, &old);
	kho_scratch_free(&old);
	moved++;
}

static void widen_somehow(void)
{
	unsigned long pfn = kho_scratch_pfn(), end = pfn + kho_scratch_pages();
	unsigned long down = below(3) * BLOCK, up = below(3) * BLOCK;
	bool partly = held;

	if (pfn == end)
		return;
	if (down > pfn || !take(pfn - down, down))
		down = 0;
	if (!take(end, up))
		up = 0;
	no_memory = !below(4);
	if (kho_scratch_widen(down, up)) {
		free_contig_range(pfn - down, down);
		free_contig_range(end, up);
		refused += partly && kho_scratch_pfn() == pfn &&
			   kho_scratch_pages() == end - pfn;
	} else {
		widened++;
	}
	no_memory = false;
}

/* A page of scratch was allocated as any other is, and scratch may have changed since. */
static void keep_one(void)
{
	unsigned long nr = 1 + below(3), pfn = below(PAGES - nr);

	if (!held || !kho_backend_in_scratch(pfn, nr) || !take(pfn, nr))
		return;
	if (!below(3))
		move_somewhere();
	kho_backend_keep(pfn, nr);
}

/* Others free and allocate, so that some blocks can be had as a whole. */
static void change_pages(void)
{
	unsigned long block, pfn, end;

	for (block = 0; block < BLOCKS; block++) {
		bool none = below(3);

		if (below(4))
			continue;
		pfn = block * BLOCK;
		for (end = pfn + BLOCK; pfn < end; pfn++)
			if (pages[pfn].state < RESERVED)
				pages[pfn].state = none || below(3) ? below(2) : USED;
	}
}

static void start_over(void)
{
	unsigned long nr = (1 + below(6)) * BLOCK, pfn = below(BLOCKS) * BLOCK;
	bool whole = below(2);

	kho_scratch_clear();
	if (pfn + nr > PAGES || (whole && !take(pfn, nr)))
		return;
	if (kho_scratch_set(pfn, nr, whole))
		abort();
}

static unsigned int replaced, kept_out;

/* The module is replaced by the next one. */
static void replace(void)
{
	unsigned long at, pfn = kho_scratch_pfn(), nr = kho_scratch_pages();
	unsigned int before = refusals;
	bool partly = held;
	int ret;

	memset(&record, 0, sizeof(record));
	kho_scratch_leave(&record);
	if (kho_scratch_pages() || held)
		abort();
	/* A page that somebody else has by now is not ours to take over. */
	at = pfn + (nr ? below(nr) : 0);
	if (nr && !below(4) && pages[at].state == OURS) {
		pages[at].state = USED;
		ret = kho_scratch_left();
		pages[at].state = OURS;
		kept_out += ret == -EINVAL && refusals == before + 1 && !kho_scratch_pages();
	}
	no_memory = partly && !below(4);
	ret = kho_scratch_left();
	if (no_memory && nr && ret != -ENOMEM)
		abort();
	no_memory = false;
	if (ret == -ENOMEM)
		ret = kho_scratch_left();
	free((void *)(uintptr_t)record.scratch_held);
	replaced += !ret && kho_scratch_pfn() == pfn && kho_scratch_pages() == nr &&
		    !!held == partly;
}

static bool left_is_refused(unsigned long pfn, unsigned long nr)
{
	unsigned int before = refusals;

	memset(&record, 0, sizeof(record));
	record.scratch_pfn = pfn;
	record.scratch_pages = nr;
	return kho_scratch_left() == -EINVAL && refusals == before + 1 &&
	       !kho_scratch_pages();
}

int main(void)
{
	static void (*const change[])(void) = { move_somewhere, widen_somehow, NULL };
	unsigned int round, good = 0, replacements = 0;

	tap_start();
	for (round = 0; round < ROUNDS; round++) {
		change_pages();
		switch (below(9)) {
		case 0:
			start_over();
			break;
		case 1:
			move_somewhere();
			break;
		case 2:
			widen_somehow();
			break;
		case 3:
			meanwhile = change[below(3)];
			sweep(NULL);
			break;
		case 4:
			meanwhile = change[below(3)];
			kho_scratch_hold_all();
			break;
		case 5:
			meanwhile = change[below(3)];
			kho_backend_set_aside(below(PAGES), PAGES);
			break;
		case 6:
			replacements++;
			replace();
			break;
		default:
			keep_one();
		}
		meanwhile = NULL;
		good += all_accounted_for();
	}
	ok(good == ROUNDS, "each page is set aside, or free");
	ok(moved > 50 && widened > 50, "scratch has moved %u times, and grown %u times", moved,
	   widened);
	ok(refused > 5, "%u times there was no memory to grow, and it was as before", refused);
	ok(replacements > 100 && replaced == replacements,
	   "the module was replaced %u times, and scratch went along", replaced);
	ok(kept_out > 10, "%u times scratch had a page of somebody else, and was refused",
	   kept_out);
	kho_scratch_clear();
	ok(all_accounted_for() && !kho_scratch_pages(), "in the end, nothing is kept");
	ok(left_is_refused(PAGES, BLOCK) && left_is_refused(0, PAGES + BLOCK) &&
	   left_is_refused(ULONG_MAX - BLOCK + 1, BLOCK) &&
	   left_is_refused(BLOCK, ULONG_MAX - BLOCK + 1) &&
	   left_is_refused(1, BLOCK) && left_is_refused(BLOCK, 1),
	   "scratch that can't be where it is said to be is refused");
	ok(left_is_refused(0, BLOCK), "so is scratch whose pages are free");
	if (take(0, BLOCK) && kho_scratch_set(0, BLOCK, true))
		abort();
	memset(&record, 0, sizeof(record));
	kho_scratch_leave(&record);
	offline = BLOCK / 2;
	ok(left_is_refused(0, BLOCK), "and scratch of which memory is offline");
	offline = PAGES;
	ok(!kho_scratch_left() && kho_scratch_pages() == BLOCK, "until it is online again");
	return tap_done();
}

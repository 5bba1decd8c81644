// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/tree/mark.c with threads that mark and unmark pages at the same time, in
 * the same leaves and in others, under ThreadSanitizer.
 *
 * Each writer has its own pages and blocks, and knows which of them are marked.  All
 * writers empty leaves all the time, so others see nodes come and go.  For overlaps, two
 * more threads try to mark the same blocks under different orders; only one at a
 * time may succeed.  A reader walks the tree meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "../../module/tree/tree.h"
#include "pages.h"
#include "tap.h"

#define WRITERS		3
#define FIGHTERS	2
#define BLOCK		2	/* order of the writers' blocks */
#define STEPS		5000
#define FIGHTS		8000
#define LEAF		(1UL << (PAGE_SHIFT + 3))

static struct kho_radix_tree tree;
static int stop;
/* For each kind of thread: its errors, and how often it did what is to be tested. */
static unsigned long bad_own, bad_fight, bad_walk, own_ops, busy, walked;

#define count(what)	__atomic_fetch_add(&(what), 1, __ATOMIC_RELAXED)

static uint64_t rnd(uint64_t *state, uint64_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % below;
}

/* One of 64 pages, in two leaves that writers share: each has every WRITERS'th page. */
static unsigned long own_page(unsigned long me, unsigned long i)
{
	return 16 * LEAF + (i & 32) / 32 * LEAF + (i & 31) * WRITERS + me;
}

/* One of 4 blocks.  Writers share the leaf, but each has a region of its own. */
static unsigned long own_block(unsigned long me, unsigned long i)
{
	return (20 + me) * LEAF + (i << BLOCK);
}

/* Marks or unmarks one block. */
static bool toggle_block(unsigned long me, uint64_t *blocks, unsigned int i)
{
	bool bad;

	if (*blocks >> i & 1)
		bad = kho_radix_del_page(&tree, own_block(me, i), BLOCK);
	else
		bad = kho_radix_add_page(&tree, own_block(me, i), BLOCK);
	*blocks ^= 1ULL << i;
	return bad || kho_radix_has_page(&tree, own_block(me, i), BLOCK) !=
		      (*blocks >> i & 1);
}

static void *own(void *arg)
{
	unsigned long me = (unsigned long)arg, batch[64], nr, done;
	uint64_t seed = 0x9e3779b97f4a7c15ULL * (me + 1), marked = 0, blocks = 0;
	unsigned long bad = 0;
	unsigned int i, step;

	for (step = 0; step < STEPS; step++) {
		uint64_t want = rnd(&seed, 4) ? rnd(&seed, ~0ULL) : 0;

		if (rnd(&seed, 2)) {
			i = rnd(&seed, 64);
			if (marked >> i & 1)
				bad += !!kho_radix_del_page(&tree,
								own_page(me, i), 0);
			else
				bad += !!kho_radix_add_page(&tree,
								own_page(me, i), 0);
			marked ^= 1ULL << i;
		} else {
			for (nr = 0, i = 0; i < 64; i++)
				if (want >> i & 1 && !(marked >> i & 1))
					batch[nr++] = own_page(me, i);
			bad += kho_radix_add_batch(&tree, batch, nr, 0,
						       &done) || done != nr;
			for (nr = 0, i = 0; i < 64; i++)
				if (!(want >> i & 1) && marked >> i & 1)
					batch[nr++] = own_page(me, i);
			bad += kho_radix_del_batch(&tree, batch, nr, 0,
						       &done) || done != nr;
			marked = want;
		}
		bad += toggle_block(me, &blocks, rnd(&seed, 4));
		i = rnd(&seed, 64);
		bad += kho_radix_has_page(&tree, own_page(me, i), 0) !=
			   (marked >> i & 1);
		count(own_ops);
	}
	for (i = 0; i < 64; i++)
		if (marked >> i & 1)
			bad += !!kho_radix_del_page(&tree, own_page(me, i), 0);
	for (i = 0; i < 4; i++)
		if (blocks >> i & 1)
			bad += toggle_block(me, &blocks, i);
	__atomic_fetch_add(&bad_own, bad, __ATOMIC_RELAXED);
	return NULL;
}

/* The fighter that has marked a block, or 0. */
static int holder;

static void *fight(void *arg)
{
	/* A single page, a few pages, and more pages than a region has. */
	static const unsigned int orders[] = { 0, 3, PAGE_SHIFT + 4 };
	unsigned long me = (unsigned long)arg + 1;
	uint64_t seed = 0x2545f4914f6cdd1dULL * me;
	unsigned int step;

	for (step = 0; step < FIGHTS; step++) {
		unsigned int order = orders[rnd(&seed, 3)];
		/* The small blocks are in the large one, but not where it begins. */
		unsigned long pfn = order > PAGE_SHIFT + 3 ? 4 * LEAF :
							    5 * LEAF;
		int ret = kho_radix_add_page(&tree, pfn, order);

		if (ret == -EBUSY || ret == -EEXIST) {
			count(busy);
			continue;
		}
		if (ret || __atomic_exchange_n(&holder, (int)me, __ATOMIC_RELAXED))
			count(bad_fight);
		/* Give the other one time to mark the block too, if that is possible. */
		sched_yield();
		sched_yield();
		if (__atomic_exchange_n(&holder, 0, __ATOMIC_RELAXED) != (int)me)
			count(bad_fight);
		if (kho_radix_del_page(&tree, pfn, order))
			count(bad_fight);
	}
	return NULL;
}

static int met(phys_addr_t phys, unsigned int order, void *data)
{
	uint64_t *last = data, pfn = phys >> PAGE_SHIFT;

	if (order > PAGE_SHIFT + 4 || pfn < 4 * LEAF || pfn >= 23 * LEAF)
		bad_walk++;
	if (!order && *last && pfn <= *last)
		bad_walk++;
	if (!order)
		*last = pfn;
	walked++;
	return 0;
}

static void *look(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		uint64_t last = 0;

		if (kho_radix_walk_range(&tree, 0, 32 * LEAF, met, &last))
			bad_walk++;
	}
	return arg;
}

int main(void)
{
	pthread_t writer[WRITERS], fighter[FIGHTERS], reader;
	unsigned long i;

	tap_start();
	if (kho_radix_init_tree(&tree))
		return 1;
	pthread_create(&reader, NULL, look, NULL);
	for (i = 0; i < WRITERS; i++)
		pthread_create(&writer[i], NULL, own, (void *)i);
	for (i = 0; i < FIGHTERS; i++)
		pthread_create(&fighter[i], NULL, fight, (void *)i);
	for (i = 0; i < WRITERS; i++)
		pthread_join(writer[i], NULL);
	for (i = 0; i < FIGHTERS; i++)
		pthread_join(fighter[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);

	is(own_ops, WRITERS * STEPS, "all steps were done");
	is(bad_own, 0, "what a thread marked is what is marked");
	is(bad_fight, 0, "no block was marked under two orders");
	is(bad_walk, 0, "a walk meets what can be there, in its order");
	ok(busy > 100, "%lu times somebody else had the block", busy);
	ok(walked > 100, "%lu keys were met on walks", walked);
	is(kho_radix_nr_pages(&tree), 0, "nothing is marked in the end");
	is(tree.nr_nodes, 1, "and only the root is left");
	is(pages_live(), 1, "of all pages as well");
	kho_radix_destroy_tree(&tree);
	is(pages_live(), 0, "and no page after that");
	return tap_done();
}

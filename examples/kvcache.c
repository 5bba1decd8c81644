// SPDX-License-Identifier: GPL-2.0
/*
 * kvcache [SECONDS]: a cache that is still warm after a kernel update.
 *
 * The cache is a hash table in an object of preserved memory.  The first run
 * creates the object.  Every later run, in this kernel or in the next, opens it by
 * its name and uses what is in it.  Simulated clients request values, and each
 * second kvcache prints how many requests were hits.  SIGTERM ends it.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <libkho.h>

#define BITS	16
#define SLOTS	(1 << BITS)
#define KEYS	50000	/* that clients request, each equally often */
#define RATE	20000	/* requests in a second */

/*
 * A newer program may read this.  So it has no pointers, and the object's name has
 * a number that changes with the struct.
 */
#define NAME	"kvcache-1"

struct slot {
	uint64_t key;		/* 0: the slot is empty */
	char value[1016];
};

static volatile sig_atomic_t stop;

static void on_sigterm(int sig)
{
	stop = sig;
}

/* Functions of libkho return a descriptor, 0, or a negative errno. */
static int check(int ret, const char *what)
{
	if (ret < 0) {
		fprintf(stderr, "kvcache: can't %s: %s\n", what, strerror(-ret));
		exit(1);
	}
	return ret;
}

static struct slot *open_cache(void)
{
	const size_t bytes = SLOTS * sizeof(struct slot);
	int dev = check(kho_open(NULL), "open " KHO_DEV_PATH);
	int obj = kho_object_open(dev, NAME, 0, NULL);
	struct kho_obj_info info;
	void *cache;

	/* New memory is zero, which is an empty table, so it needs no set-up. */
	if (obj == -ENOENT)
		obj = kho_object_create(dev, NAME, bytes, 0, 0);
	check(obj, "open or make the object " NAME);
	check(kho_object_info(obj, &info), "look at the object");
	if (info.bytes != bytes)
		check(-EINVAL, "use an object of another size");
	check(kho_object_map(obj, 0, bytes, PROT_READ | PROT_WRITE, &cache),
	      "map the object");
	printf("made in Linux %s, %u handovers ago\n",
	       (const char *)info.release, info.generation);
	close(obj);		/* the mapping keeps it in use */
	close(dev);
	return cache;
}

/* Returns 1 if the value is in the cache; otherwise makes it, and returns 0. */
static int get(struct slot *cache, uint64_t key)
{
	struct slot *slot = &cache[key * 0x9e3779b97f4a7c15u >> (64 - BITS)];

	if (slot->key == key)
		return 1;
	/* The kernel may go down at any moment: a slot with a key must be complete. */
	__atomic_store_n(&slot->key, 0, __ATOMIC_SEQ_CST);
	snprintf(slot->value, sizeof(slot->value), "the value of %ju",
		 (uintmax_t)key);
	__atomic_store_n(&slot->key, key, __ATOMIC_SEQ_CST);
	return 0;
}

/* Makes the requests of one second; returns how many percent of them were hits. */
static double serve(struct slot *cache)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	int hits = 0, i;

	for (i = 0; i < RATE; i++) {
		hits += get(cache, 1 + random() % KEYS);
		if (i % (RATE / 100) == 0)
			nanosleep(&pause, NULL);
	}
	return hits * 100.0 / RATE;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : -1, n;
	double first = 0, last = 0;
	struct slot *cache;

	/* Before any output: Debian 13's C library ignores it afterwards. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_sigterm);
	cache = open_cache();
	srandom(time(NULL));
	for (n = 0; n != seconds && !stop; n++) {
		last = serve(cache);
		if (!n)
			first = last;
		printf("second %d: %.1f %% hits\n", n + 1, last);
	}
	printf("first second: %.1f %%, last second: %.1f %%\n", first, last);
	return 0;
}

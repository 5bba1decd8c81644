// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/backend/own/cover.c: its envelopes cover all granules that are in use, do not
 * cover scratch, and cover as little other RAM as possible.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../module/backend/own/cover.h"
#include "tap.h"

#define NR_MAX		2000
#define ROUNDS		3000

static struct kho_granules table;
static struct kho_envelope found[KHO_ENVELOPES_MAX];
static unsigned long used[NR_MAX / 64 + 1];
static uint8_t is_ram[NR_MAX];
static u32 ram[NR_MAX + 1];
static u64 least_open;

static uint64_t seed = 1;

static unsigned long random_below(unsigned long limit)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % limit;
}

static int is_used(unsigned long granule)
{
	return used[granule / 64] >> granule % 64 & 1;
}

static void use(unsigned long granule)
{
	used[granule / 64] |= 1UL << granule % 64;
}

static void start(unsigned long nr)
{
	memset(&table, 0, sizeof(table));
	memset(used, 0, sizeof(used));
	memset(is_ram, 1, sizeof(is_ram));
	table.nr = nr;
	table.used = used;
	table.ram = ram;
}

static unsigned int find(void)
{
	unsigned long i;

	ram[0] = 0;
	for (i = 0; i < table.nr; i++)
		ram[i + 1] = ram[i] + is_ram[i];
	memset(found, 0xa5, sizeof(found));
	return kho_envelopes_find(&table, found, &least_open);
}

static int falling(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* The least RAM that KHO_ENVELOPES_MAX envelopes can cover, found by sorting all gaps. */
static uint64_t least_covered(uint64_t *smallest)
{
	static uint64_t weight[NR_MAX];
	unsigned long i, first = table.nr, last = 0, gap = 0, nr = 0;
	uint64_t total;

	*smallest = 0;
	for (i = 0; i < table.nr; i++) {
		if (!is_used(i))
			continue;
		if (first == table.nr)
			first = i;
		else if (i > gap)
			weight[nr++] = ram[i] - ram[gap];
		if (nr && i > gap && table.nr_open && gap <= table.open &&
		    i >= table.open + table.nr_open)
			weight[nr - 1] |= 1ULL << 40;
		gap = i + 1;
		last = i;
	}
	if (first == table.nr)
		return 0;
	total = ram[last + 1] - ram[first];
	qsort(weight, nr, sizeof(*weight), falling);
	for (i = 0; i < nr && i < KHO_ENVELOPES_MAX - 1; i++)
		total -= weight[i] & ~(1ULL << 40);
	if (nr >= KHO_ENVELOPES_MAX - 1)
		*smallest = weight[KHO_ENVELOPES_MAX - 2];
	return total;
}

/* What is wrong with @nr envelopes, or NULL. */
static const char *wrong(unsigned int nr)
{
	uint64_t covered = 0, end = 0, best, smallest;
	unsigned long granule;
	unsigned int i;

	best = least_covered(&smallest);
	if (nr > KHO_ENVELOPES_MAX)
		return "there are too many";
	for (i = 0; i < nr; i++) {
		uint64_t first = found[i].addr >> KHO_ENVELOPE_SHIFT;
		uint64_t len = found[i].bytes >> KHO_ENVELOPE_SHIFT;

		if (!len || first << KHO_ENVELOPE_SHIFT != found[i].addr ||
		    len << KHO_ENVELOPE_SHIFT != found[i].bytes)
			return "one is empty or misaligned";
		if (i && first <= end)
			return "two overlap, touch or are out of order";
		if (first + len > table.nr)
			return "one is too long";
		if (!is_used(first) || !is_used(first + len - 1))
			return "one is larger than it has to be";
		if (first < table.open + table.nr_open &&
		    first + len > table.open && table.nr_open)
			return "one has some of scratch in it";
		for (granule = end; granule < first; granule++)
			if (is_used(granule))
				return "a used granule is not covered";
		end = first + len;
		covered += ram[end] - ram[first];
	}
	for (granule = end; granule < table.nr; granule++)
		if (is_used(granule))
			return "a used granule at the end is not covered";
	if (covered != best)
		return "they cover more than they have to";
	if (smallest >> 40)
		return least_open == UINT64_MAX ? NULL : "scratch is no gap that must open";
	return least_open == smallest ? NULL : "the smallest open gap is another";
}

static void test_few(void)
{
	start(100);
	ok(find() == 0 && !least_open, "nothing to cover, no envelope");

	use(17);
	ok(find() == 1, "one granule, one envelope");
	ok(found[0].addr == 17ULL << KHO_ENVELOPE_SHIFT &&
	   found[0].bytes == 1ULL << KHO_ENVELOPE_SHIFT, "of its size");

	use(0);
	use(99);
	ok(find() == 3 && !wrong(3), "the first and the last granule");
}

static void test_scratch(void)
{
	unsigned long i;

	/* Gaps of 3, and one of 2, which is scratch. */
	start(600);
	for (i = 0; i < 600; i += 4)
		use(i);
	use(101);
	table.open = 102;
	table.nr_open = 2;
	ok(!wrong(find()), "scratch stays open however small its gap is");

	table.nr_open = 0;
	ok(!wrong(find()) && found[24].addr <= 102ULL << KHO_ENVELOPE_SHIFT,
	   "and is covered when it is not scratch");
}

static void test_holes(void)
{
	unsigned long i;

	/* The largest gap has no RAM in it, all others have. */
	start(1000);
	for (i = 0; i < 800; i += 4)
		use(i);
	use(999);
	for (i = 797; i < 999; i++)
		is_ram[i] = 0;
	ok(!wrong(find()), "a hole in RAM is no gap worth an envelope");
	ok(found[KHO_ENVELOPES_MAX - 1].bytes > 200ULL << KHO_ENVELOPE_SHIFT,
	   "the last envelope has it in it");
}

static void test_layouts(void)
{
	const char *why = NULL;
	unsigned int round;

	for (round = 0; round < ROUNDS && !why; round++) {
		unsigned long nr = 1 + random_below(NR_MAX), i, density, run;

		start(nr);
		density = 1 + random_below(40);
		run = 1 + random_below(8);
		for (i = 0; i < nr; i++) {
			if (!random_below(density))
				use(i);
			if (!random_below(run))
				is_ram[i] = 0;
		}
		if (round % 2 && nr > 10) {
			table.nr_open = 1 + random_below(nr / 10 + 1);
			table.open = random_below(nr - table.nr_open);
			for (i = 0; i < table.nr_open; i++)
				used[(table.open + i) / 64] &=
					~(1UL << (table.open + i) % 64);
		}
		why = wrong(find());
	}
	ok(!why, "%u random layouts are covered in the best way%s%s", round,
	   why ? ": " : "", why ?: "");
}

static void test_contrived(void)
{
	unsigned long at = 0, gap;

	/* Each gap is larger than the one before, so the heap always changes. */
	start(NR_MAX);
	for (gap = 1; at < NR_MAX; gap++) {
		use(at);
		at += gap;
	}
	ok(!wrong(find()), "gaps that grow");

	start(NR_MAX);
	for (gap = 62, at = 0; at < NR_MAX && gap; gap--) {
		use(at);
		at += gap;
	}
	ok(!wrong(find()), "gaps that shrink");
}

int main(void)
{
	tap_start();
	test_few();
	test_scratch();
	test_holes();
	test_layouts();
	test_contrived();
	return tap_done();
}

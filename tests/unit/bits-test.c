// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/base/bits.h: long bitmaps in steps.  Here a step is two words, so that each case
 * crosses some.
 */
#include <linux/kernel.h>
#include <linux/types.h>

#include "tap.h"

#define SHIM_LINUX_BITOPS_H
#define BITS_PER_LONG		64
#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define KHO_BITS_STEP		128UL

static unsigned int too_many;

/* With the types of the kernel's, and no more than a step. */
static void bitmap_change(unsigned long *bits, unsigned int start, int nr, bool set)
{
	too_many += nr <= 0 || start + nr > KHO_BITS_STEP;
	for (; nr--; start++)
		if (set)
			bits[start / 64] |= 1UL << start % 64;
		else
			bits[start / 64] &= ~(1UL << start % 64);
}

static void bitmap_set(unsigned long *bits, unsigned int start, int nr)
{
	bitmap_change(bits, start, nr, true);
}

static void bitmap_clear(unsigned long *bits, unsigned int start, int nr)
{
	bitmap_change(bits, start, nr, false);
}

static int bitmap_weight(const unsigned long *bits, unsigned int nr)
{
	int sum = 0;

	too_many += nr > KHO_BITS_STEP;
	while (nr--)
		sum += bits[nr / 64] >> nr % 64 & 1;
	return sum;
}

#include "base/bits.h"

#define BITS	1000U

static bool is_set(const unsigned long *bits, unsigned int at)
{
	return bits[at / 64] >> at % 64 & 1;
}

int main(void)
{
	unsigned long bits[BITS_TO_LONGS(BITS)];
	unsigned int at, nr, i, wrong = 0;

	tap_start();
	for (at = 0; at < BITS; at += 7) {
		for (nr = 0; at + nr <= BITS; nr += 13) {
			memset(bits, 0, sizeof(bits));
			kho_bits_set(bits, at, nr);
			for (i = 0; i < BITS; i++)
				wrong += is_set(bits, i) != (i >= at && i < at + nr);
			wrong += kho_bits_weight(bits, BITS) != nr;
			wrong += kho_bits_weight(bits, at) != 0;
			memset(bits, 0xff, sizeof(bits));
			kho_bits_clear(bits, at, nr);
			for (i = 0; i < BITS; i++)
				wrong += is_set(bits, i) == (i >= at && i < at + nr);
			wrong += kho_bits_weight(bits, BITS) != BITS - nr;
		}
	}
	is(wrong, 0, "all bits and sums are right");
	is(too_many, 0, "no more than a step at a time");
	return tap_done();
}

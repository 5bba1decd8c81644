/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bitmaps with a bit for each page of a machine.  The kernel's bitmap_set(), bitmap_clear()
 * and bitmap_weight() count in int, which is enough for 8 TiB.
 */
#ifndef KHO_BITS_H
#define KHO_BITS_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/types.h>

/* So many at a time, a multiple of a word's. */
#ifndef KHO_BITS_STEP
#define KHO_BITS_STEP	BIT(30)
#endif

/**
 * kho_bits_set() - set bits
 * @bits: the bitmap
 * @at: the first one
 * @nr: how many
 *
 * Context: any.
 */
static inline void kho_bits_set(unsigned long *bits, u64 at, u64 nr)
{
	u64 n;

	for (; nr; at += n, nr -= n) {
		n = min_t(u64, nr, KHO_BITS_STEP - at % KHO_BITS_STEP);
		bitmap_set(bits + at / KHO_BITS_STEP * BITS_TO_LONGS(KHO_BITS_STEP),
			   at % KHO_BITS_STEP, n);
	}
}

/**
 * kho_bits_clear() - clear bits
 * @bits: the bitmap
 * @at: the first one
 * @nr: how many
 *
 * Context: any.
 */
static inline void kho_bits_clear(unsigned long *bits, u64 at, u64 nr)
{
	u64 n;

	for (; nr; at += n, nr -= n) {
		n = min_t(u64, nr, KHO_BITS_STEP - at % KHO_BITS_STEP);
		bitmap_clear(bits + at / KHO_BITS_STEP * BITS_TO_LONGS(KHO_BITS_STEP),
			     at % KHO_BITS_STEP, n);
	}
}

/**
 * kho_bits_weight() - count the bits that are set
 * @bits: the bitmap
 * @nr: how many it has
 *
 * Context: any.
 * Return: how many of them are set.
 */
static inline u64 kho_bits_weight(const unsigned long *bits, u64 nr)
{
	u64 at, sum = 0;

	for (at = 0; at < nr; at += KHO_BITS_STEP)
		sum += bitmap_weight(bits + at / KHO_BITS_STEP * BITS_TO_LONGS(KHO_BITS_STEP),
				     min_t(u64, nr - at, KHO_BITS_STEP));
	return sum;
}

#endif /* KHO_BITS_H */

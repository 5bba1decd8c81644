/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Covers everything that is in use with few ranges.  With at most K ranges, K - 1
 * gaps can stay open, and the least unused space is covered if these gaps are the
 * largest.
 *
 * All gaps are offered to a heap that keeps the largest.  That takes one step per
 * gap in all but contrived layouts, and at most log K steps in those.
 */
#ifndef KHO_GAPS_H
#define KHO_GAPS_H

#include <linux/types.h>

/* The boot stub makes these functions __init. */
#ifndef KHO_FN
#define KHO_FN static inline
#endif

/**
 * struct kho_gap - the space between two ranges that are in use
 */
struct kho_gap {
	/** @first: the first block in the gap. */
	unsigned long first;
	/** @end: the first block after the gap. */
	unsigned long end;
	/** @weight: the benefit of keeping it open. */
	__u64 weight;
};

/**
 * struct kho_gaps - the largest gaps offered so far
 */
struct kho_gaps {
	/** @gap: a min-heap by weight. */
	struct kho_gap *gap;
	/** @nr: number of gaps in the heap. */
	unsigned int nr;
	/** @max: capacity of the heap. */
	unsigned int max;
};

KHO_FN void kho_gaps_sift_down(struct kho_gaps *gaps, struct kho_gap gap)
{
	unsigned int at = 0, child;

	while ((child = 2 * at + 1) < gaps->nr) {
		if (child + 1 < gaps->nr &&
		    gaps->gap[child + 1].weight < gaps->gap[child].weight)
			child++;
		if (gaps->gap[child].weight >= gap.weight)
			break;
		gaps->gap[at] = gaps->gap[child];
		at = child;
	}
	gaps->gap[at] = gap;
}

KHO_FN void kho_gaps_sift_up(struct kho_gaps *gaps, struct kho_gap gap)
{
	unsigned int at = gaps->nr++;

	while (at && gaps->gap[(at - 1) / 2].weight > gap.weight) {
		gaps->gap[at] = gaps->gap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	gaps->gap[at] = gap;
}

/**
 * kho_gaps_offer() - keep a gap open if it is among the largest
 * @gaps: the heap, with a capacity of at least 1
 * @gap: the gap
 *
 * Return: 1 if this or another gap is closed because the heap is full, else 0.
 */
KHO_FN int kho_gaps_offer(struct kho_gaps *gaps, struct kho_gap gap)
{
	if (gaps->nr < gaps->max) {
		kho_gaps_sift_up(gaps, gap);
		return 0;
	}
	if (gap.weight > gaps->gap[0].weight)
		kho_gaps_sift_down(gaps, gap);
	return 1;
}

/**
 * kho_gaps_sort() - sort the gaps by address
 * @gaps: few enough for an insertion sort; nothing can be offered afterwards
 */
KHO_FN void kho_gaps_sort(struct kho_gaps *gaps)
{
	unsigned int i, at;

	for (i = 1; i < gaps->nr; i++) {
		struct kho_gap gap = gaps->gap[i];

		for (at = i; at && gaps->gap[at - 1].first > gap.first; at--)
			gaps->gap[at] = gaps->gap[at - 1];
		gaps->gap[at] = gap;
	}
}

#endif /* KHO_GAPS_H */

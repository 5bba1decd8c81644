/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Covering what is in use by few ranges: with at most K of them K - 1 gaps can
 * stay open, and what is covered besides is least if these are the largest.
 *
 * All gaps are offered to a heap that keeps the largest.  That takes a step for
 * each gap, for all but contrived layouts, and no more than the logarithm of K
 * for these.
 */
#ifndef KHO_GAPS_H
#define KHO_GAPS_H

#include <linux/types.h>

/* The boot stub makes these functions __init. */
#ifndef KHO_FN
#define KHO_FN static inline
#endif

/**
 * struct kho_gap - what lies between two pieces that are in use
 */
struct kho_gap {
	/** @first: the first block of it. */
	unsigned long first;
	/** @end: the first block that is none of it. */
	unsigned long end;
	/** @weight: how much it is worth to keep it open. */
	__u64 weight;
};

/**
 * struct kho_gaps - the largest of the gaps that were offered so far
 */
struct kho_gaps {
	/** @gap: a heap, the smallest on top. */
	struct kho_gap *gap;
	/** @nr: how many it has. */
	unsigned int nr;
	/** @max: how many there is room for. */
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
 * @gaps: with room for at least one
 * @gap: it
 *
 * Return: 1 if a gap, this or another, is closed for lack of room, 0 if not.
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
 * kho_gaps_sort() - from the heap's order into that of their addresses
 * @gaps: that no more is to be offered to; few, so it is done in a simple way
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the best envelopes, given which blocks they have to cover.
 *
 * With at most K of them, K - 1 gaps between preserved blocks can stay open;
 * what is covered is least if these are the largest.  One pass over a bitmap
 * finds them, with a heap of K - 1: that is linear in the size of memory for
 * all but contrived layouts, and takes no more than its logarithm of K for
 * these.
 *
 * The tests compile this file for userspace.
 */
#include <linux/bitmap.h>
#include <linux/limits.h>

#include "envelope.h"

static void sift_down(struct kho_blocks *heap, struct kho_gap gap)
{
	unsigned int at = 0, child;

	while ((child = 2 * at + 1) < heap->nr_gaps) {
		if (child + 1 < heap->nr_gaps &&
		    heap->gap[child + 1].weight < heap->gap[child].weight)
			child++;
		if (heap->gap[child].weight >= gap.weight)
			break;
		heap->gap[at] = heap->gap[child];
		at = child;
	}
	heap->gap[at] = gap;
}

static void sift_up(struct kho_blocks *heap, struct kho_gap gap)
{
	unsigned int at = heap->nr_gaps++;

	while (at && heap->gap[(at - 1) / 2].weight > gap.weight) {
		heap->gap[at] = heap->gap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->gap[at] = gap;
}

static void offer(struct kho_blocks *blocks, unsigned long first,
		  unsigned long end)
{
	struct kho_gap gap = {
		.first = first,
		.end = end,
		.weight = blocks->ram[end] - blocks->ram[first],
	};

	if (blocks->nr_open && first <= blocks->open &&
	    end >= blocks->open + blocks->nr_open)
		gap.weight = U64_MAX;
	if (blocks->nr_gaps < KHO_GAPS_MAX)
		sift_up(blocks, gap);
	else if (gap.weight > blocks->gap[0].weight)
		sift_down(blocks, gap);
}

/* There are few: from the heap's order into that of their addresses. */
static void sort_gaps(struct kho_blocks *blocks)
{
	unsigned int i, at;

	for (i = 1; i < blocks->nr_gaps; i++) {
		struct kho_gap gap = blocks->gap[i];

		for (at = i; at && blocks->gap[at - 1].first > gap.first; at--)
			blocks->gap[at] = blocks->gap[at - 1];
		blocks->gap[at] = gap;
	}
}

static void add(struct kho_envelope *envelope, unsigned long first,
		unsigned long end)
{
	envelope->addr = (u64)first << KHO_ENVELOPE_SHIFT;
	envelope->bytes = (u64)(end - first) << KHO_ENVELOPE_SHIFT;
}

/**
 * kho_envelopes_find() - the envelopes that cover the least RAM
 * @blocks: what they have to cover, and what not
 * @envelope: filled in, by rising address; room for KHO_ENVELOPES_MAX
 * @least_open: set to the blocks of RAM in the smallest gap left open, or to 0
 * if every gap is
 *
 * Context: any; linear in the number of blocks.
 * Return: how many there are.
 */
unsigned int kho_envelopes_find(struct kho_blocks *blocks,
				struct kho_envelope *envelope, u64 *least_open)
{
	unsigned long first, end, last;
	unsigned int i;

	*least_open = 0;
	blocks->nr_gaps = 0;
	first = find_next_bit(blocks->used, blocks->nr, 0);
	if (first >= blocks->nr)
		return 0;

	end = find_next_zero_bit(blocks->used, blocks->nr, first);
	for (;;) {
		unsigned long next = find_next_bit(blocks->used, blocks->nr, end);

		if (next >= blocks->nr)
			break;
		offer(blocks, end, next);
		end = find_next_zero_bit(blocks->used, blocks->nr, next);
	}
	last = end;

	if (blocks->nr_gaps == KHO_GAPS_MAX)
		*least_open = blocks->gap[0].weight;
	sort_gaps(blocks);
	for (i = 0; i < blocks->nr_gaps; i++) {
		add(&envelope[i], first, blocks->gap[i].first);
		first = blocks->gap[i].end;
	}
	add(&envelope[i], first, last);
	return blocks->nr_gaps + 1;
}

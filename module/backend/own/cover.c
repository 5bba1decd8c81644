// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding the best envelopes, given which granules they have to cover.
 *
 * One pass over a bitmap of granules finds the gaps; include/kho/gaps.h keeps the
 * largest of them.
 *
 * The tests compile this file for userspace.
 */
#include <linux/bitmap.h>
#include <linux/limits.h>

#include "arch/envelope.h"
#include "cover.h"

#include <kho/abi.h>
#include <kho/gaps.h>

static void offer(struct kho_granules *table, struct kho_gaps *gaps,
		  unsigned long first, unsigned long end)
{
	struct kho_gap gap = {
		.first = first,
		.end = end,
		.weight = table->ram[end] - table->ram[first],
	};

	if (table->nr_open && first <= table->open &&
	    end >= table->open + table->nr_open)
		gap.weight = U64_MAX;
	kho_gaps_offer(gaps, gap);
}

static void add(struct kho_envelope *envelope, unsigned long first,
		unsigned long end)
{
	envelope->addr = (u64)first << KHO_ENVELOPE_SHIFT;
	envelope->bytes = (u64)(end - first) << KHO_ENVELOPE_SHIFT;
}

/**
 * kho_envelopes_find() - find the envelopes that cover the least RAM
 * @table: what they have to cover, and what they must not
 * @envelope: filled in by ascending address; has KHO_ENVELOPES_MAX entries
 * @least_open: set to the granules of RAM in the smallest gap left open, or to 0
 * if fewer than KHO_GAPS_MAX are
 *
 * Context: any; takes time linear in the number of granules.
 * Return: number of envelopes.
 */
unsigned int kho_envelopes_find(struct kho_granules *table,
				struct kho_envelope *envelope, u64 *least_open)
{
	struct kho_gaps gaps = { .gap = table->gap, .max = KHO_GAPS_MAX };
	unsigned long first, end, last;
	unsigned int i;

	*least_open = 0;
	first = find_next_bit(table->used, table->nr, 0);
	if (first >= table->nr)
		return 0;

	end = find_next_zero_bit(table->used, table->nr, first);
	for (;;) {
		unsigned long next = find_next_bit(table->used, table->nr, end);

		if (next >= table->nr)
			break;
		offer(table, &gaps, end, next);
		end = find_next_zero_bit(table->used, table->nr, next);
	}
	last = end;

	if (gaps.nr == gaps.max)
		*least_open = gaps.gap[0].weight;
	kho_gaps_sort(&gaps);
	for (i = 0; i < gaps.nr; i++) {
		add(&envelope[i], first, gaps.gap[i].first);
		first = gaps.gap[i].end;
	}
	add(&envelope[i], first, last);
	return gaps.nr + 1;
}

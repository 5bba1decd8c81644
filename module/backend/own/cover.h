/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the envelopes that cover all that is preserved, and as little else as possible.
 */
#ifndef KHO_COVER_H
#define KHO_COVER_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "arch/envelope.h"

#include <kho/gaps.h>

#define KHO_GAPS_MAX	(KHO_ENVELOPES_MAX - 1)

/**
 * struct kho_granules - what is covered, in granules of 2^KHO_ENVELOPE_SHIFT bytes
 */
struct kho_granules {
	/** @nr: number of granules. */
	unsigned long nr;
	/** @lock: protects @used, @changes, and the flag that the envelopes are stale. */
	spinlock_t lock;
	/** @used: a bit for each granule; set if anything in it is preserved. */
	unsigned long *used;
	/** @changes: incremented with each bit that is set in @used. */
	u64 changes;
	/** @pages: number of preserved pages in each granule. */
	atomic_t *pages;
	/** @ram: number of granules with RAM below each granule; nr + 1 entries. */
	u32 *ram;
	/** @open: first of the granules that no envelope may contain. */
	unsigned long open;
	/** @nr_open: how many these are; none of them is ever used. */
	unsigned long nr_open;
	/** @gap: working space. */
	struct kho_gap gap[KHO_GAPS_MAX];
};

unsigned int kho_envelopes_find(struct kho_granules *table,
				struct kho_envelope *envelope, u64 *least_open);

#endif /* KHO_COVER_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which envelopes cover all that is preserved, and as little else as can be.
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
	/** @nr: granules that there are. */
	unsigned long nr;
	/** @lock: protects @used and @changes, and whether the best are others. */
	spinlock_t lock;
	/** @used: a bit for each that has something preserved in it. */
	unsigned long *used;
	/** @changes: grows with each bit that is set. */
	u64 changes;
	/** @pages: how many pages of each are preserved. */
	atomic_t *pages;
	/** @ram: how many granules of RAM come before it; nr + 1 entries. */
	u32 *ram;
	/** @open: first of the granules that no envelope may have in it. */
	unsigned long open;
	/** @nr_open: how many these are; none of them is ever used. */
	unsigned long nr_open;
	/** @gap: room to work in. */
	struct kho_gap gap[KHO_GAPS_MAX];
};

unsigned int kho_envelopes_find(struct kho_granules *table,
				struct kho_envelope *envelope, u64 *least_open);

#endif /* KHO_COVER_H */

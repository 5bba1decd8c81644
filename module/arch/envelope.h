/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Envelopes: a few large ranges that cover all that is preserved.  What they
 * are for is said in include/kho/abi.h.
 */
#ifndef KHO_ENVELOPE_H
#define KHO_ENVELOPE_H

#include <linux/types.h>

#include <kho/abi.h>

/**
 * struct kho_envelope - a range of memory that nobody may use but its reader
 */
struct kho_envelope {
	/** @addr: physical address in bytes. */
	u64 addr;
	/** @bytes: its length. */
	u64 bytes;
};

/* They begin at multiples of 2^KHO_ENVELOPE_SHIFT, but the first one here at the least. */
#define KHO_ENVELOPE_LOWEST	0x100000

#endif /* KHO_ENVELOPE_H */

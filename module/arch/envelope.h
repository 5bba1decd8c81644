/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Envelopes: a few large ranges that cover everything preserved.
 * include/kho/abi.h explains what they are for.
 */
#ifndef KHO_ENVELOPE_H
#define KHO_ENVELOPE_H

#include <linux/types.h>

#include <kho/abi.h>

/**
 * struct kho_envelope - a range of memory that the next kernel must not use
 */
struct kho_envelope {
	/** @addr: physical address in bytes. */
	u64 addr;
	/** @bytes: its length. */
	u64 bytes;
};

/* Envelopes begin at multiples of 2^KHO_ENVELOPE_SHIFT; one at 0 begins here instead. */
#define KHO_ENVELOPE_LOWEST	0x100000

#endif /* KHO_ENVELOPE_H */

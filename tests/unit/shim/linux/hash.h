/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_HASH_H
#define SHIM_LINUX_HASH_H

#include <linux/types.h>

/* Few results, so that places that have nothing to do with each other meet. */
static inline u32 hash_64(u64 val, unsigned int bits)
{
	return (val ^ val >> bits) & ((1U << bits) - 1);
}

#endif

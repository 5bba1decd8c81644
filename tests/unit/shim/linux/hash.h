/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_HASH_H
#define SHIM_LINUX_HASH_H

#include <linux/types.h>

/* A weak hash, so that unrelated values often collide. */
static inline u32 hash_64(u64 val, unsigned int bits)
{
	return (val ^ val >> bits) & ((1U << bits) - 1);
}

#endif

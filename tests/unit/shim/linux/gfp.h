/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

#include "../../pages.h"

#define GFP_KERNEL	0xcc0U

static inline unsigned long get_zeroed_page(unsigned int gfp)
{
	if (gfp != GFP_KERNEL)
		__builtin_trap();
	return pages_get();
}

static inline void free_page(unsigned long addr)
{
	pages_put(addr);
}

#endif

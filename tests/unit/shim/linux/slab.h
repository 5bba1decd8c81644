/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <stdlib.h>

#define kcalloc(nr, size, gfp)	calloc(nr, size)
#define kfree(p)		free(p)

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_XARRAY_H
#define SHIM_LINUX_XARRAY_H

/* Has a few entries only, which are searched one by one. */
#include <linux/kernel.h>

struct xarray {
	struct {
		unsigned long index;
		void *entry;
	} slot[64];
};

#define DEFINE_XARRAY(name)	struct xarray name

static inline void *xa_load(struct xarray *xa, unsigned long index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xa->slot); i++)
		if (xa->slot[i].entry && xa->slot[i].index == index)
			return xa->slot[i].entry;
	return NULL;
}

/* For xa_store() as well: callers never store to an index that is in use. */
static inline int xa_put(struct xarray *xa, unsigned long index, void *entry)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xa->slot) && xa->slot[i].entry; i++)
		;
	if (i == ARRAY_SIZE(xa->slot))
		return -12;
	xa->slot[i].index = index;
	xa->slot[i].entry = entry;
	return 0;
}

#define xa_store(xa, index, entry, gfp)	xa_put(xa, index, entry)
#define xa_err(ret)			(ret)

static inline void xa_erase(struct xarray *xa, unsigned long index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xa->slot); i++)
		if (xa->slot[i].index == index)
			xa->slot[i].entry = NULL;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include <linux/kernel.h>

#define SHIM_MUTEX_MAGIC	0x6d757478UL

struct mutex {
	unsigned long magic;
	bool held;
};

static inline void mutex_init(struct mutex *lock)
{
	lock->magic = SHIM_MUTEX_MAGIC;
	lock->held = false;
}

static inline void mutex_lock(struct mutex *lock)
{
	WARN_ON_ONCE(lock->magic != SHIM_MUTEX_MAGIC);
	WARN_ON_ONCE(lock->held);
	lock->held = true;
}

static inline void mutex_unlock(struct mutex *lock)
{
	WARN_ON_ONCE(lock->magic != SHIM_MUTEX_MAGIC);
	WARN_ON_ONCE(!lock->held);
	lock->held = false;
}

#endif

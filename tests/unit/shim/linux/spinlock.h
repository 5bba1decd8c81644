/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

/* No context is atomic here, so a spinlock can be a mutex. */
#include <linux/mutex.h>

#define spinlock_t		struct mutex
#define spin_lock_init(lock)	mutex_init(lock)
#define spin_lock(lock)		mutex_lock(lock)
#define spin_unlock(lock)	mutex_unlock(lock)
#define ____cacheline_aligned_in_smp

#endif

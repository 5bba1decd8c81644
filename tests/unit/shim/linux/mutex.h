/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

#include <linux/kernel.h>

#ifdef SHIM_THREADS
#include <pthread.h>
#endif

#define SHIM_MUTEX_MAGIC	0x6d757478UL

struct mutex {
	unsigned long magic;
	bool held;
#ifdef SHIM_THREADS
	pthread_mutex_t real;
#endif
};

static inline void mutex_init(struct mutex *lock)
{
	lock->magic = SHIM_MUTEX_MAGIC;
	lock->held = false;
#ifdef SHIM_THREADS
	pthread_mutex_init(&lock->real, NULL);
#endif
}

static inline void mutex_lock(struct mutex *lock)
{
	WARN_ON_ONCE(lock->magic != SHIM_MUTEX_MAGIC);
#ifdef SHIM_THREADS
	pthread_mutex_lock(&lock->real);
#endif
	WARN_ON_ONCE(lock->held);
	lock->held = true;
}

static inline void mutex_unlock(struct mutex *lock)
{
	WARN_ON_ONCE(lock->magic != SHIM_MUTEX_MAGIC);
	WARN_ON_ONCE(!lock->held);
	lock->held = false;
#ifdef SHIM_THREADS
	pthread_mutex_unlock(&lock->real);
#endif
}

#endif

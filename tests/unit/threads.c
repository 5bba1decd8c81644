// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <sched.h>

#include <linux/rcupdate.h>

#include "../../module/tree/tree.h"

static pthread_rwlock_t readers = PTHREAD_RWLOCK_INITIALIZER;
static __thread unsigned int depth;

void rcu_read_lock(void)
{
	if (!depth++)
		pthread_rwlock_rdlock(&readers);
}

void rcu_read_unlock(void)
{
	if (!--depth)
		pthread_rwlock_unlock(&readers);
	threads_yield();
}

void threads_yield(void)
{
	static __thread unsigned int times;

	if (!(++times % 8))
		sched_yield();
}

/* Must not be called by a reader, which would wait for itself. */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	WARN_ON_ONCE(depth);
	pthread_rwlock_wrlock(&readers);
	pthread_rwlock_unlock(&readers);
	func(head);
}

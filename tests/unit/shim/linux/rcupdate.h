/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <linux/gfp.h>

#ifdef SHIM_THREADS
/* Of threads.c: what was given up is freed when no reader is left. */
void rcu_read_lock(void);
void rcu_read_unlock(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
#else
/* There are no other readers, and a node that is still read would be seen. */
#define rcu_read_lock()		((void)0)
#define rcu_read_unlock()	((void)0)
#define call_rcu(head, func)	((func)(head))
#endif

#endif

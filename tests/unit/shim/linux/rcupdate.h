/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_RCUPDATE_H
#define SHIM_LINUX_RCUPDATE_H

#include <linux/gfp.h>

#ifdef SHIM_THREADS
/* In threads.c: call_rcu() frees a node once no reader is left. */
void rcu_read_lock(void);
void rcu_read_unlock(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
#else
/* There are no other readers.  The allocator catches uses of a node after this. */
#define rcu_read_lock()		((void)0)
#define rcu_read_unlock()	((void)0)
#define call_rcu(head, func)	((func)(head))
#endif

#endif

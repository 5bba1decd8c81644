/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State that all parts of the module share: two locks, and what they protect.
 *
 * Lock order, outermost first:
 *
 *	reboot notifiers	the lock of the chain, while our notifier runs; likewise
 *				that of sleep notifiers, and that of memory notifiers,
 *				which nests inside the lock of memory hotplug
 *	grow_lock		backend/own/scratch-grow.c: one request for more scratch
 *				at a time, which may move pages for long
 *	inode->i_rwsem		of an object's file: orders writing, sealing, resizing,
 *				and operations whose time depends on the object's size
 *	kho.gate		held for reading while preserved pages change; held for
 *				writing when nothing may change any more
 *	kho.lock		the state of all parts; the objects and their records;
 *				makes changes of what is preserved atomic
 *	mem->lock		the extents of one object, while they change
 *	tree->lock		of any one of the trees
 *	a tree's region locks	base pages: see tree/mark.c
 *	innermost locks:
 *	granules.lock		backend/own/envelopes.c: what envelopes must cover
 *	metapages_lock		core/metapage.c: the list of metapages
 *	deferred.lock		core/deferred.c: pages to be freed
 *	accounts_lock		objects/account.c: how many pages users preserve
 *	patterns_lock		mm/folio.c: how folios are made
 *	held_lock		backend/own/scratch-hold.c: where scratch is, and its
 *				pages that are set aside
 *
 * Marking and unmarking pages requires kho.gate or kho.lock: a jump waits for both.
 * Many callers can mark pages at a time if they hold only the gate.  When they are
 * done, they take kho.lock for kho_changed(), and release the gate after that.
 *
 * Of these locks, only i_rwsem may be held when mmap_lock is taken: user memory is
 * copied before the others are taken or after they were released, and pinned before
 * they are taken.  A page fault on an object takes mem->lock for reading inside
 * mmap_lock.  So nothing that may fault is done under mem->lock.  i_mmap_rwsem,
 * which is taken to unmap pages that are cut off, is not taken under it either.
 *
 * A page fault locks its page after it has released mem->lock, and keeps the page
 * locked until it is mapped.  A resize locks each page that it cuts off, with
 * i_rwsem and none of the locks below it held.  So a page lock and the locks below
 * i_rwsem never nest.
 */
#ifndef KHO_CORE_H
#define KHO_CORE_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "compat/compat.h"

/**
 * struct kho_state - state that all parts share; there is one instance
 */
struct kho_state {
	/** @gate: held for reading while preserved pages change; see above. */
	struct rw_semaphore gate;
	/** @lock: protects everything below, and the state of each part. */
	struct mutex lock;
	/** @frozen: the machine is going down; set with @gate held for writing. */
	bool frozen;
	/** @resuming: the machine is about to resume from hibernation; set likewise. */
	bool resuming;
	/** @committed: the incoming handover, if any, has been taken over for good. */
	bool committed;
	/** @pinned: a reference keeps the module loaded. */
	bool pinned;
	/** @leaving: the module may be unloaded, and leaves everything to the next one. */
	bool leaving;
	/** @changes: number of changes so far. */
	u64 changes;
	/** @released: number of base pages given up so far. */
	u64 released;
};

extern struct kho_state kho;

/**
 * struct kho_owner - a part that owns preserved pages, or has to know of poisoned ones
 */
struct kho_owner {
	/** @list: entry in the list of owners. */
	struct list_head list;
	/** @holds: returns whether it holds any pages.  Optional. */
	bool (*holds)(void);
	/** @poison_changed: other poisoned pages may be preserved now.  Optional. */
	void (*poison_changed)(void);
	/** @stays: why what it holds can't be left to another module, or NULL.  Optional. */
	const char *(*stays)(void);
	/** @foreign: base pages that other kernel modules hold by it.  Optional. */
	u64 (*foreign)(void);
};

/*
 * For allocations on behalf of the caller: charges the caller's memory cgroup.  At the
 * cgroup's limit the allocation fails, rather than invoking the OOM killer.
 */
#define KHO_GFP_CHARGED	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* Orders of the blocks that a PMD and a PUD map */
#define KHO_PMD_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define KHO_PUD_ORDER	(PUD_SHIFT - PAGE_SHIFT)

void kho_owner_add(struct kho_owner *owner);
int kho_may_change(void);
bool kho_holds_any(void);
const char *kho_stays(void);
u64 kho_foreign_pages(void);
void kho_hold_module(void);
void kho_changed(void);

/**
 * kho_change_begin() - begin to change what is preserved
 *
 * A jump waits until kho_change_end().  Other callers may make changes meanwhile.
 *
 * Context: may sleep; takes kho.gate for reading.
 */
static inline void kho_change_begin(void)
{
	down_read(&kho.gate);
}

/**
 * kho_change_end() - end a change, after calling kho_changed()
 */
static inline void kho_change_end(void)
{
	up_read(&kho.gate);
}

/**
 * kho_stop_changes() - keep everybody else from changing what is preserved
 *
 * Context: may sleep; takes kho.gate for writing, and kho.lock.
 */
static inline void kho_stop_changes(void)
{
	down_write(&kho.gate);
	mutex_lock(&kho.lock);
}

/**
 * kho_resume_changes() - allow changes again
 */
static inline void kho_resume_changes(void)
{
	mutex_unlock(&kho.lock);
	up_write(&kho.gate);
}

/* Marking pages requires one of these locks. */
static inline void kho_assert_may_mark(void)
{
	lockdep_assert(lockdep_is_held(&kho.lock) || lockdep_is_held(&kho.gate));
}

#endif /* KHO_CORE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all parts of the module share: two locks, and what they decide.
 *
 * Lock order, from the outermost on:
 *
 *	reboot notifiers	the chain's lock, while the notifier is called; that of
 *				sleep notifiers; and that of memory notifiers, inside
 *				memory hotplug's
 *	inode->i_rwsem		of an object's file: who writes, seals or resizes,
 *				and what takes longer the more pages it has
 *	kho.gate		for reading: what is preserved changes; it is
 *				taken for writing when nothing may any more
 *	kho.lock		the state of all parts, the objects and their
 *				records, and that what is preserved changes as
 *				one step
 *	mem->lock		the extents of one object, while they change
 *	tree->lock		of any one of the trees
 *	a tree's region locks	of base pages: see tree/mark.c
 *	leaves:
 *	granules.lock		backend/own/envelopes.c: what they have to cover
 *	metapages_lock		core/metapage.c: the list of metadata pages
 *	deferred.lock		core/deferred.c: what is to be given back
 *	accounts_lock		objects/account.c: what users keep
 *	patterns_lock		mm/folio.c: how folios are made
 *	held_lock		backend/own/scratch-hold.c: what of scratch is ours
 *
 * Who marks pages holds kho.gate or kho.lock: a jump waits for both.  With the
 * gate alone, many may do so at a time; they take kho.lock when they are done, to
 * say kho_changed(), and let go of the gate after that.
 *
 * mmap_lock is taken inside none of them but i_rwsem: user memory is copied
 * before they are taken and after they were dropped, and pinned before.  A page
 * fault on an object takes mem->lock for reading below mmap_lock, which is why
 * nothing that may fault is done under mem->lock.  i_mmap_rwsem, for unmapping
 * what is cut off, is not taken below mem->lock.
 *
 * A fault takes the lock of the page that it is about after mem->lock was dropped,
 * and keeps it until the page is mapped; who cuts pages off locks each of them,
 * with the inode's lock and none of ours below it.  So neither is taken inside
 * the other.
 */
#ifndef KHO_CORE_H
#define KHO_CORE_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

/**
 * struct kho_state - what all parts share; there is one of it
 */
struct kho_state {
	/** @gate: held while what is preserved changes.  See above. */
	struct rw_semaphore gate;
	/** @lock: protects all that follows, and the state of each part. */
	struct mutex lock;
	/** @frozen: the machine is going down; set with the gate closed. */
	bool frozen;
	/** @resuming: the machine is about to resume from hibernation; as above. */
	bool resuming;
	/** @committed: what arrived, if anything, is ours for good. */
	bool committed;
	/** @pinned: a reference keeps the module loaded. */
	bool pinned;
	/** @changes: grows with each change. */
	u64 changes;
	/** @released: base pages given up. */
	u64 released;
};

extern struct kho_state kho;

/**
 * struct kho_owner - a part that owns preserved pages, or has to know of poisoned ones
 */
struct kho_owner {
	/** @list: of those that were added. */
	struct list_head list;
	/** @holds: does it hold any?  Optional. */
	bool (*holds)(void);
	/** @poison_changed: other poisoned pages may be preserved now.  Optional. */
	void (*poison_changed)(void);
};

/*
 * For what is allocated for the caller: their memory cgroup is charged, and if that is
 * at its limit, the allocation fails instead of having one of its processes killed.
 */
#define KHO_GFP_CHARGED	(GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* Pages that a PMD maps, and a PUD. */
#define KHO_PMD_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define KHO_PUD_ORDER	(PUD_SHIFT - PAGE_SHIFT)

void kho_owner_add(struct kho_owner *owner);
int kho_may_change(void);
bool kho_holds_any(void);
void kho_hold_module(void);
void kho_changed(void);

/**
 * kho_change_begin() - what is preserved is about to change
 *
 * A jump waits until kho_change_end().  Others may change something meanwhile.
 *
 * Context: may sleep; takes kho.gate for reading.
 */
static inline void kho_change_begin(void)
{
	down_read(&kho.gate);
}

/**
 * kho_change_end() - the change is made, and kho_changed() was said
 */
static inline void kho_change_end(void)
{
	up_read(&kho.gate);
}

/**
 * kho_stop_changes() - let nothing change for a while
 *
 * Context: may sleep; takes kho.gate for writing, and kho.lock.
 */
static inline void kho_stop_changes(void)
{
	down_write(&kho.gate);
	mutex_lock(&kho.lock);
}

/**
 * kho_resume_changes() - let things change again
 */
static inline void kho_resume_changes(void)
{
	mutex_unlock(&kho.lock);
	up_write(&kho.gate);
}

/* Who marks pages holds one of them. */
static inline void kho_assert_may_mark(void)
{
	lockdep_assert(lockdep_is_held(&kho.lock) || lockdep_is_held(&kho.gate));
}

#endif /* KHO_CORE_H */

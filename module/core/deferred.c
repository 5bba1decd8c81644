// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving back later what takes a while to be freed: the pages of objects.
 *
 * An object that is removed, or the part of it that is cut off, is preserved no
 * more by the time the caller is told; nothing half-done is there for the next
 * kernel to find.  What remains is memory that takes a while to be freed, and
 * nobody has to wait for that.  A few pages are faster freed than passed on.
 *
 * The pages are those of the user who had them until they are free, and the
 * module stays loaded as long.  Who lacks memory, or is at the limit, waits for
 * what was given up before that.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "core.h"
#include "deferred.h"

#include <linux/kho.h>

/* Pages that are freed at once: 4 MiB. */
#define AT_ONCE		1024U

static void free_all(struct work_struct *work);

static struct {
	/* Protects all of this. */
	spinlock_t lock;
	/* Those that nobody knows any more. */
	struct list_head list;
	/* How many there are, here and on their way to the list. */
	u64 busy;
	/* Grows with each that is done. */
	u64 finished;
	/* Pages since it was last idle, and of these, those that are free. */
	u64 pages;
	u64 done;
	wait_queue_head_t wait;
	struct work_struct work;
} deferred = {
	.lock = __SPIN_LOCK_UNLOCKED(deferred.lock),
	.list = LIST_HEAD_INIT(deferred.list),
	.wait = __WAIT_QUEUE_HEAD_INITIALIZER(deferred.wait),
	.work = __WORK_INITIALIZER(deferred.work, free_all),
};

/* As deferred.busy, but it goes down only when the module may be let go; kho.lock. */
static u64 holding;

static void free_one(struct kho_deferred *one)
{
	u64 nr;

	while ((nr = one->ops->free_piece(one))) {
		spin_lock(&deferred.lock);
		deferred.done += nr;
		spin_unlock(&deferred.lock);
	}
	one->ops->free(one);
}

static struct kho_deferred *next_one(void)
{
	struct kho_deferred *one;

	spin_lock(&deferred.lock);
	one = list_first_entry_or_null(&deferred.list, struct kho_deferred, list);
	if (one)
		list_del(&one->list);
	spin_unlock(&deferred.lock);
	return one;
}

/* kho_deferred_exit() waits for this, so the module may be let go here. */
static void free_all(struct work_struct *work)
{
	struct kho_deferred *one;

	while ((one = next_one())) {
		kho_inject_begin("freeing");
		kho_inject("freeing");
		free_one(one);
		kho_inject_end("freeing");
		spin_lock(&deferred.lock);
		deferred.busy--;
		deferred.finished++;
		spin_unlock(&deferred.lock);
		wake_up_all(&deferred.wait);

		mutex_lock(&kho.lock);
		holding--;
		kho_hold_module();
		mutex_unlock(&kho.lock);
	}
}

/**
 * kho_deferred_begin() - pages are given up
 * @one: theirs; kho_deferred_free() has to follow
 * @nr_pages: how many
 * @ops: how they are given back
 *
 * From now on the module stays, and who needs memory waits.
 *
 * Context: kho.lock held, before kho_changed().
 */
void kho_deferred_begin(struct kho_deferred *one, u64 nr_pages,
			const struct kho_deferred_ops *ops)
{
	lockdep_assert_held(&kho.lock);

	kho.released += nr_pages;
	one->ops = ops;
	one->late = nr_pages > AT_ONCE;
	if (!one->late)
		return;
	holding++;
	spin_lock(&deferred.lock);
	if (!deferred.busy++) {
		deferred.pages = 0;
		deferred.done = 0;
	}
	deferred.pages += nr_pages;
	spin_unlock(&deferred.lock);
}

/**
 * kho_deferred_free() - give the pages back, sooner or later
 * @one: theirs; they are preserved no more, and nobody knows them
 *
 * Context: may sleep.
 */
void kho_deferred_free(struct kho_deferred *one)
{
	if (!one->late) {
		one->ops->free(one);
		return;
	}
	spin_lock(&deferred.lock);
	list_add_tail(&one->list, &deferred.list);
	spin_unlock(&deferred.lock);
	queue_work(system_unbound_wq, &deferred.work);
}

/**
 * kho_deferred_any() - is anything still to be given back?
 *
 * Context: kho.lock held.
 */
bool kho_deferred_any(void)
{
	lockdep_assert_held(&kho.lock);

	return holding;
}

static bool has_moved(u64 finished)
{
	bool moved;

	spin_lock(&deferred.lock);
	moved = deferred.finished != finished || !deferred.busy;
	spin_unlock(&deferred.lock);
	return moved;
}

/**
 * kho_deferred_wait() - wait until memory that was given up is free
 *
 * Context: may sleep; kho.lock not held.
 * Return: true if there may be more now, so that it is worth to try again; false
 * if nothing is to be waited for, or after a fatal signal.
 */
bool kho_deferred_wait(void)
{
	u64 finished, busy;

	spin_lock(&deferred.lock);
	finished = deferred.finished;
	busy = deferred.busy;
	spin_unlock(&deferred.lock);

	return busy && !wait_event_killable(deferred.wait, has_moved(finished));
}

/**
 * kho_deferred_query() - say how far it has come
 * @query: whose members about it are set
 */
void kho_deferred_query(struct kho_query *query)
{
	spin_lock(&deferred.lock);
	query->freeing_pages = deferred.pages;
	query->freeing_done = deferred.done;
	spin_unlock(&deferred.lock);
}

/**
 * kho_deferred_exit() - wait until nothing of it runs
 *
 * Context: may sleep; kho.lock not held; there are no objects.
 */
void kho_deferred_exit(void)
{
	flush_work(&deferred.work);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred free: frees the pages of removed objects in the background.
 *
 * When a call that removes an object, or cuts off a part of it, returns, its pages
 * are no longer preserved: the next kernel never finds half a change.  Freeing many
 * pages takes a while, and nobody has to wait for that.  A few pages are freed at
 * once, as that is faster than deferring it.
 *
 * Until the pages are free, they count for the user who had them, and the module
 * stays loaded.  A caller who runs out of memory, or reaches its limit, waits for
 * pages whose freeing was deferred.
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

/* Up to this many pages are freed at once: 4 MiB. */
#define AT_ONCE		1024U

static void free_all(struct work_struct *work);

static struct {
	/* Protects the list and the counters. */
	spinlock_t lock;
	/* Requests to free. */
	struct list_head list;
	/* Number of unfinished requests, including those not yet on the list. */
	u64 busy;
	/* Number of finished requests. */
	u64 finished;
	/* Pages of all requests since there last were none, and how many of them are free. */
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

/* As deferred.busy, but lowered when the module may be released; under kho.lock. */
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

/* This may drop the module's reference, as kho_deferred_exit() waits for it. */
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
 * kho_deferred_begin() - announce that pages will be freed
 * @one: the request; kho_deferred_free() must follow
 * @nr_pages: number of pages
 * @ops: functions that free them
 *
 * From now on the module stays loaded, and callers who need memory wait for the pages.
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
 * kho_deferred_free() - free the pages, at once or in the background
 * @one: the request; its pages are no longer preserved, and nobody uses them
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
 * kho_deferred_any() - is anything still to be freed?
 *
 * Context: kho.lock held.
 */
bool kho_deferred_any(void)
{
	lockdep_assert_held(&kho.lock);

	return holding;
}

static bool has_progressed(u64 finished)
{
	bool progressed;

	spin_lock(&deferred.lock);
	progressed = deferred.finished != finished || !deferred.busy;
	spin_unlock(&deferred.lock);
	return progressed;
}

/**
 * kho_deferred_wait() - wait until some deferred memory is free
 *
 * Context: may sleep; kho.lock not held.
 * Return: true if there may be more memory now, so that the caller should try again;
 * false if there is nothing to wait for, or after a fatal signal.
 */
bool kho_deferred_wait(void)
{
	u64 finished, busy;

	spin_lock(&deferred.lock);
	finished = deferred.finished;
	busy = deferred.busy;
	spin_unlock(&deferred.lock);

	return busy && !wait_event_killable(deferred.wait, has_progressed(finished));
}

/**
 * kho_deferred_query() - report the progress of deferred freeing
 * @query: its members about freeing are set
 */
void kho_deferred_query(struct kho_query *query)
{
	spin_lock(&deferred.lock);
	query->freeing_pages = deferred.pages;
	query->freeing_done = deferred.done;
	spin_unlock(&deferred.lock);
}

/**
 * kho_deferred_exit() - wait until nothing runs in the background
 *
 * Context: may sleep; kho.lock not held; there are no objects.
 */
void kho_deferred_exit(void)
{
	flush_work(&deferred.work);
}

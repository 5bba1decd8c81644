// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving back the pages of objects that were given up.
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

#include "base/inject.h"
#include "internal.h"

/* Pages that are freed at once: 4 MiB. */
#define AT_ONCE		1024U

static void free_all(struct work_struct *work);

static struct {
	/* Protects all of this. */
	spinlock_t lock;
	/* Objects that nobody knows any more, by object->list. */
	struct list_head objects;
	/* How many there are, here and on their way to the list. */
	u64 busy;
	/* Grows with each that is done. */
	u64 finished;
	/* Pages since it was last idle, and of these, those that are free. */
	u64 pages;
	u64 done;
	wait_queue_head_t wait;
	struct work_struct work;
} freeing = {
	.lock = __SPIN_LOCK_UNLOCKED(freeing.lock),
	.objects = LIST_HEAD_INIT(freeing.objects),
	.wait = __WAIT_QUEUE_HEAD_INITIALIZER(freeing.wait),
	.work = __WORK_INITIALIZER(freeing.work, free_all),
};

static void free_object(struct kho_object *object)
{
	u64 nr;

	while ((nr = kho_mem_put_piece(&object->mem))) {
		kho_uncharge(object, nr);
		spin_lock(&freeing.lock);
		freeing.done += nr;
		spin_unlock(&freeing.lock);
	}
	/* What it was charged for besides: data. */
	kho_object_free(object);
}

static struct kho_object *next_object(void)
{
	struct kho_object *object;

	spin_lock(&freeing.lock);
	object = list_first_entry_or_null(&freeing.objects, struct kho_object,
					  list);
	if (object)
		list_del(&object->list);
	spin_unlock(&freeing.lock);
	return object;
}

/* kho_freeing_exit() waits for this, so the module may be let go here. */
static void free_all(struct work_struct *work)
{
	struct kho_object *object;

	while ((object = next_object())) {
		kho_inject_begin("freeing");
		kho_inject("freeing");
		free_object(object);
		kho_inject_end("freeing");
		spin_lock(&freeing.lock);
		freeing.busy--;
		freeing.finished++;
		spin_unlock(&freeing.lock);
		wake_up_all(&freeing.wait);

		mutex_lock(&kho.lock);
		kho.freeing--;
		kho_hold_module();
		mutex_unlock(&kho.lock);
	}
}

/**
 * kho_freeing_begin() - an object is given up
 * @object: which; kho_object_give_up() has to follow
 *
 * From now on the module stays, and who needs memory waits.
 *
 * Context: kho.lock held, before kho_changed().
 */
void kho_freeing_begin(struct kho_object *object)
{
	lockdep_assert_held(&kho.lock);

	kho.released += object->mem.nr_pages;
	object->freed_late = object->mem.nr_pages > AT_ONCE;
	if (!object->freed_late)
		return;
	kho.freeing++;
	spin_lock(&freeing.lock);
	if (!freeing.busy++) {
		freeing.pages = 0;
		freeing.done = 0;
	}
	freeing.pages += object->mem.nr_pages;
	spin_unlock(&freeing.lock);
}

/**
 * kho_object_give_up() - give the pages of an object back, sooner or later
 * @object: which is preserved no more, and which nobody knows
 *
 * Context: may sleep.
 */
void kho_object_give_up(struct kho_object *object)
{
	if (!object->freed_late) {
		kho_object_free(object);
		return;
	}
	spin_lock(&freeing.lock);
	list_add_tail(&object->list, &freeing.objects);
	spin_unlock(&freeing.lock);
	queue_work(system_unbound_wq, &freeing.work);
}

static bool has_moved(u64 finished)
{
	bool moved;

	spin_lock(&freeing.lock);
	moved = freeing.finished != finished || !freeing.busy;
	spin_unlock(&freeing.lock);
	return moved;
}

/**
 * kho_freeing_wait() - wait until memory that was given up is free
 *
 * Context: may sleep; kho.lock not held.
 * Return: true if there may be more now, so that it is worth to try again; false
 * if nothing is to be waited for, or after a fatal signal.
 */
bool kho_freeing_wait(void)
{
	u64 finished, busy;

	spin_lock(&freeing.lock);
	finished = freeing.finished;
	busy = freeing.busy;
	spin_unlock(&freeing.lock);

	return busy && !wait_event_killable(freeing.wait, has_moved(finished));
}

/**
 * kho_freeing_query() - say how far it has come
 * @query: whose members about it are set
 */
void kho_freeing_query(struct kho_query *query)
{
	spin_lock(&freeing.lock);
	query->freeing_pages = freeing.pages;
	query->freeing_done = freeing.done;
	spin_unlock(&freeing.lock);
}

/**
 * kho_freeing_exit() - wait until nothing of it runs
 *
 * Context: may sleep; kho.lock not held; there are no objects.
 */
void kho_freeing_exit(void)
{
	flush_work(&freeing.work);
}

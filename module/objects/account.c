// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory a user may keep.
 *
 * The pages of objects count towards their creator's RLIMIT_MEMLOCK, as pages that
 * can't be swapped out do elsewhere.  That account is ours alone, and it outlives the
 * process, as the pages do.  Memory cgroups are separate: the page allocator charges
 * what it allocates to the caller's.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "base/log.h"
#include "base/text.h"
#include "core/deferred.h"
#include "object.h"

/**
 * struct kho_account - what a user keeps
 */
struct kho_account {
	/** @list: entry in the list of accounts. */
	struct list_head list;
	/** @uid: the user. */
	kuid_t uid;
	/** @objects: number of objects counted here. */
	unsigned int objects;
	/** @pages: number of their pages. */
	u64 pages;
	/** @limit: number of pages allowed when that user was last charged. */
	u64 limit;
};

static LIST_HEAD(accounts);
/* Protects the accounts; a leaf. */
static DEFINE_MUTEX(accounts_lock);

/*
 * The user who is charged.  In a user namespace a process can be as many users as there
 * are ids, and create more namespaces.  So all of these count as the owner of the
 * outermost one, who is a user of the initial namespace, and does not change.
 */
static kuid_t payer(void)
{
	struct user_namespace *ns = current_user_ns();

	if (ns == &init_user_ns)
		return current_uid();
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return ns->owner;
}

static struct kho_account *find_account(kuid_t uid)
{
	struct kho_account *account;

	list_for_each_entry(account, &accounts, list)
		if (uid_eq(account->uid, uid))
			return account;

	account = kzalloc(sizeof(*account), GFP_KERNEL);
	if (!account)
		return NULL;
	account->uid = uid;
	account->limit = U64_MAX;
	list_add(&account->list, &accounts);
	return account;
}

static void drop_unused(struct kho_account *account)
{
	if (account->objects)
		return;
	list_del(&account->list);
	kfree(account);
}

static int charge(struct kho_object *object, u64 nr_pages, u64 limit, u64 *kept)
{
	struct kho_account *account;
	int ret = 0;

	mutex_lock(&accounts_lock);
	account = object->charge ?: find_account(payer());
	/* Whoever grows another user's object may have a higher limit than that user. */
	if (account && uid_eq(account->uid, payer()))
		account->limit = limit;
	else if (account)
		limit = min(limit, account->limit);
	if (!account) {
		ret = -ENOMEM;
	} else if (account->pages > limit || nr_pages > limit - account->pages) {
		ret = -EDQUOT;
		*kept = account->pages;
		drop_unused(account);
	} else {
		if (!object->charge)
			account->objects++;
		object->charge = account;
		object->charged += nr_pages;
		account->pages += nr_pages;
	}
	mutex_unlock(&accounts_lock);
	return ret;
}

/**
 * kho_charge() - charge the caller for pages
 * @object: the object that they are for
 * @nr_pages: number of pages
 * @charged: set to the number that is counted: not every caller is limited
 *
 * The limit is that of the calling process.  It comes from whoever created its user
 * namespace, and can't be raised there; nor does CAP_IPC_LOCK of such a namespace
 * count.
 *
 * What the caller has just given up may still be counted.  If that exceeds the limit,
 * this waits until it is freed.
 *
 * Context: may sleep; kho.lock not held.
 * Return: 0, -ENOMEM, or -EDQUOT if RLIMIT_MEMLOCK would be exceeded.
 */
int kho_charge(struct kho_object *object, u64 nr_pages, u64 *charged)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT, kept = 0;
	int ret;

	*charged = 0;
	/* Capabilities that creating a user namespace gives to anybody do not count. */
	if (ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK))
		return 0;

	do
		ret = charge(object, nr_pages, limit, &kept);
	while (ret == -EDQUOT && kho_deferred_wait());
	if (ret == -EDQUOT)
		return kho_refuse(ret, "object '%s': %llu pages on top of the user's %llu exceed RLIMIT_MEMLOCK, %llu pages",
				  kho_shown(object->name), nr_pages, kept, limit);
	if (!ret)
		*charged = nr_pages;
	return ret;
}

static void uncharge(struct kho_object *object, u64 nr_pages)
{
	struct kho_account *account = object->charge;

	account->pages -= nr_pages;
	object->charged -= nr_pages;
	if (!object->charged) {
		object->charge = NULL;
		account->objects--;
		drop_unused(account);
	}
}

/**
 * kho_charge_move() - move charged pages to another object of the same user
 * @to: the object, which has not been charged so far
 * @from: the object that was charged
 * @nr_pages: number of pages; no more than were charged are moved
 *
 * Context: may sleep.
 */
void kho_charge_move(struct kho_object *to, struct kho_object *from, u64 nr_pages)
{
	mutex_lock(&accounts_lock);
	nr_pages = min(nr_pages, from->charged);
	if (nr_pages) {
		to->charge = from->charge;
		to->charge->objects++;
		to->charge->pages += nr_pages;
		to->charged = nr_pages;
		uncharge(from, nr_pages);
	}
	mutex_unlock(&accounts_lock);
}

/**
 * kho_uncharge() - charge no longer for pages
 * @object: the object that they were for
 * @nr_pages: number of pages; no more than were charged are uncharged
 *
 * Context: may sleep.
 */
void kho_uncharge(struct kho_object *object, u64 nr_pages)
{
	mutex_lock(&accounts_lock);
	if (object->charge)
		uncharge(object, min(nr_pages, object->charged));
	mutex_unlock(&accounts_lock);
}

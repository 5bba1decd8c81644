// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of the machine a user may keep.
 *
 * The pages of objects count for the RLIMIT_MEMLOCK of whom they were made by, as
 * pages that can't be swapped out do elsewhere.  That account is ours alone, and
 * it outlives the process, as the pages do.  Memory cgroups are another matter:
 * what is allocated is charged to the caller's by the page allocator.
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
	/** @list: on accounts. */
	struct list_head list;
	/** @uid: whose it is. */
	kuid_t uid;
	/** @objects: how many objects are counted here. */
	unsigned int objects;
	/** @pages: how many pages they have. */
	u64 pages;
	/** @limit: how many they may have, as that user was allowed the last time. */
	u64 limit;
};

static LIST_HEAD(accounts);
/* Protects the accounts; a leaf. */
static DEFINE_MUTEX(accounts_lock);

/*
 * Who answers for what the caller keeps.  In a user namespace one may be as many
 * users as it has ids, and each process there may make more namespaces, so
 * all of that is whoever made the outermost of them.  That one's owner is a user of
 * the initial namespace, and does not change.
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

static int charge(struct kho_object *object, u64 nr_pages, u64 limit, u64 *had)
{
	struct kho_account *account;
	int ret = 0;

	mutex_lock(&accounts_lock);
	account = object->charge ?: find_account(payer());
	/* Whoever makes somebody else's larger may be allowed more than that one. */
	if (account && uid_eq(account->uid, payer()))
		account->limit = limit;
	else if (account)
		limit = min(limit, account->limit);
	if (!account) {
		ret = -ENOMEM;
	} else if (account->pages > limit || nr_pages > limit - account->pages) {
		ret = -EDQUOT;
		*had = account->pages;
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
 * kho_charge() - count pages for whoever wants them
 * @object: what they are for
 * @nr_pages: how many
 * @charged: set to how many are counted: not all who call are limited
 *
 * The limit is the calling process' own.  It has that from whoever made its user
 * namespace, and can't raise it there; nor does CAP_IPC_LOCK of such a namespace
 * count.
 *
 * What the caller has given up a moment ago may still be counted: if it would
 * be too much, this waits for that.
 *
 * Context: may sleep; kho.lock not held.
 * Return: 0, -ENOMEM, or -EDQUOT if that is more than RLIMIT_MEMLOCK.
 */
int kho_charge(struct kho_object *object, u64 nr_pages, u64 *charged)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT, had = 0;
	int ret;

	*charged = 0;
	/* What anybody may have who makes a user namespace is nothing here. */
	if (ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK))
		return 0;

	do
		ret = charge(object, nr_pages, limit, &had);
	while (ret == -EDQUOT && kho_deferred_wait());
	if (ret == -EDQUOT)
		return kho_refuse(ret, "object '%s': %llu pages more than the %llu that the user has are beyond RLIMIT_MEMLOCK, %llu pages",
				  kho_shown(object->name), nr_pages, had, limit);
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
 * kho_charge_move() - count pages for another object of the same user
 * @to: which has been charged nothing so far
 * @from: which was charged for them
 * @nr_pages: how many; no more than were charged are moved
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
 * kho_uncharge() - count pages no more
 * @object: what they were for
 * @nr_pages: how many; no more than were charged are uncharged
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what with an object, and how much of the machine a user may keep.
 *
 * Objects have an owner, a group and a mode, as files do.  What a caller may
 * neither read nor write does not exist for it.  The pages of objects count for
 * the RLIMIT_MEMLOCK of whom they were made by, as pages that can't be swapped
 * out do elsewhere.  That account is ours alone, and it outlives the process, as
 * the pages do.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "internal.h"

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
};

static LIST_HEAD(accounts);
/* Protects the accounts; a leaf. */
static DEFINE_MUTEX(accounts_lock);

/**
 * kho_allowed_all() - may the caller do everything?
 *
 * To be not allowed that is nothing to be audited.
 */
bool kho_allowed_all(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/**
 * kho_may() - may the caller do that?
 * @object: with which object
 * @mask: MAY_READ, MAY_WRITE, or both
 *
 * Context: kho.lock held.
 */
bool kho_may(const struct kho_object *object, unsigned int mask)
{
	umode_t mode = object->mode;

	if (kho_allowed_all())
		return true;
	if (uid_eq(object->uid, current_fsuid()))
		mode >>= 6;
	else if (in_group_p(object->gid))
		mode >>= 3;
	return (mode & mask) == mask;
}

/**
 * kho_owns() - is the object the caller's, to give up or to give away?
 * @object: which
 *
 * Context: kho.lock held.
 */
bool kho_owns(const struct kho_object *object)
{
	return uid_eq(object->uid, current_fsuid()) || kho_allowed_all();
}

/**
 * kho_sees() - is there such an object, as far as the caller is to know?
 * @object: which
 *
 * Context: kho.lock held.
 */
bool kho_sees(const struct kho_object *object)
{
	return kho_owns(object) || kho_may(object, MAY_READ) ||
	       kho_may(object, MAY_WRITE);
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
	account = object->charge ?: find_account(current_uid());
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
	if (ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK))
		return 0;

	do
		ret = charge(object, nr_pages, limit, &had);
	while (ret == -EDQUOT && kho_freeing_wait());
	if (ret == -EDQUOT)
		return kho_refuse(ret, "object '%s': %llu pages more than the %llu that the user has are beyond RLIMIT_MEMLOCK, %llu pages",
				  object->name, nr_pages, had, limit);
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

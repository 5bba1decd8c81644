// SPDX-License-Identifier: GPL-2.0-only
/*
 * State that all parts of the module share: the locks, and whether changes are allowed.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/module.h>

#include "compat/compat.h"
#include "backend.h"
#include "base/log.h"
#include "core.h"
#include "deferred.h"
#include "mm/poison.h"

#include <kho/abi.h>

struct kho_state kho = {
	.gate = __RWSEM_INITIALIZER(kho.gate),
	.lock = __MUTEX_INITIALIZER(kho.lock),
};

unsigned int kho_abi = KHO_ABI_DEFAULT;
unsigned long kho_scratch_mib;
bool kho_file_load;

/* Parts that hold pages, or must know of changes; protected by kho.lock. */
static LIST_HEAD(owners);

/**
 * kho_owner_add() - add a part to the list of owners
 * @owner: the part; nothing happens if it was added before
 *
 * Context: kho.lock held.
 */
void kho_owner_add(struct kho_owner *owner)
{
	lockdep_assert_held(&kho.lock);

	if (!owner->list.next)
		list_add_tail(&owner->list, &owners);
}

/**
 * kho_may_change() - may what is preserved change now?
 *
 * Context: kho.lock or kho.gate held.
 * Return: 0; -ESHUTDOWN once the machine is going down or about to resume; or as
 * kho_backend_may_preserve().
 */
int kho_may_change(void)
{
	kho_assert_may_mark();

	if (kho.frozen)
		return kho_refuse(-ESHUTDOWN, "the machine is going down: no more changes are possible");
	if (kho.resuming)
		return kho_refuse(-ESHUTDOWN, "the machine is resuming from hibernation: nothing of this kernel will be left");
	return kho_backend_may_preserve();
}

/**
 * kho_holds_any() - is anything preserved, or not yet retrieved?
 *
 * Context: kho.lock held.
 * Return: true if so.
 */
bool kho_holds_any(void)
{
	struct kho_owner *owner;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry(owner, &owners, list)
		if (owner->holds && owner->holds())
			return true;
	return false;
}

/**
 * kho_stays() - is anything held that can't be left to another module?
 *
 * Context: kho.lock held.
 * Return: what it is, or NULL.
 */
const char *kho_stays(void)
{
	struct kho_owner *owner;
	const char *why;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry(owner, &owners, list) {
		why = owner->stays ? owner->stays() : NULL;
		if (why)
			return why;
	}
	return NULL;
}

/**
 * kho_foreign_pages() - number of base pages that other kernel modules have preserved
 *
 * Context: kho.lock held.
 */
u64 kho_foreign_pages(void)
{
	struct kho_owner *owner;
	u64 pages = 0;

	lockdep_assert_held(&kho.lock);

	list_for_each_entry(owner, &owners, list)
		pages += owner->foreign ? owner->foreign() : 0;
	return pages;
}

/**
 * kho_hold_module() - keep the module loaded as long as it holds anything
 *
 * Context: kho.lock held; the caller has a reference to the module, or the module
 * waits for the caller before it is unloaded.
 */
void kho_hold_module(void)
{
	bool holds;

	lockdep_assert_held(&kho.lock);

	/* While the module is leaving, it holds nothing that would not be left behind. */
	holds = !kho.leaving && (kho_holds_any() || kho_deferred_any());
	if (holds && !kho.pinned)
		__module_get(THIS_MODULE);
	else if (!holds && kho.pinned)
		module_put(THIS_MODULE);
	kho.pinned = holds;
}

/**
 * kho_changed() - tell all parts that preserved pages have changed
 *
 * Also counts the change, and keeps the module loaded as long as it holds anything.
 *
 * Context: may sleep; kho.lock held; the caller has a reference to the module.
 */
void kho_changed(void)
{
	struct kho_owner *owner;

	lockdep_assert_held(&kho.lock);

	kho.changes++;
	/* That is rare, and each change of a single page comes here. */
	if (kho_poison_is_stale())
		list_for_each_entry(owner, &owners, list)
			if (owner->poison_changed)
				owner->poison_changed();
	kho_backend_changed();
	kho_hold_module();
}

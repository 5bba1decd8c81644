// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves everything that is preserved to another module in the same kernel.
 *
 * Normally the module can't be unloaded while it holds anything.  After
 * kho_leave_prepare() it can, as long as nobody uses it; the next command of anybody ends
 * that.  When it is unloaded, pages, tree, records, setup page and scratch stay as they
 * are, and a record says where they are.  Nothing is serialized, as for a jump.
 *
 * The next module takes all of it over by the steps of takeover.c.  If it can't, all of it
 * stays, for any other module.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/module.h>

#include "compat/compat.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/left.h"
#include "core/metapage.h"
#include "core/preserve.h"
#include "core/ram.h"
#include "incoming/incoming.h"
#include "leave.h"
#include "memory/memory.h"
#include "objects/objects.h"
#include "pages/pages.h"
#include "takeover.h"

/* Does the opposite of what follows, once nobody may unload the module. */
static void stay(void)
{
	lockdep_assert_held(&kho.lock);

	WRITE_ONCE(kho.leaving, false);
	kho_left_cancel();
	kho_mem_files_keep(kho_objects_nr());
	kho_hold_module();
}

/* Prepares everything that can fail. */
static int prepare(void)
{
	const char *why;
	int ret;

	ret = kho_may_change() ?: kho_backend_may_leave();
	if (ret)
		return ret;
	why = kho_stays();
	if (why)
		return kho_refuse(-EBUSY, "the module can't be replaced: %s", why);
	return kho_left_prepare();
}

/**
 * kho_leave_prepare() - let the module be unloaded, although it holds something
 * @others: set to the number of references to the module besides the caller's
 *
 * This ends with the next command of anybody.
 *
 * Context: may sleep; takes kho.gate and kho.lock; the caller has one reference.
 * Return: 0; -EBUSY if there are other references, or another kernel module's pages;
 * -EOPNOTSUPP with in-kernel KHO; -ENOMEM; or as kho_may_change().  Nothing has changed
 * after an error.
 */
int kho_leave_prepare(unsigned int *others)
{
	int ret;

	*others = 0;
	kho_stop_changes();
	ret = prepare();
	if (ret)
		goto out;
	WRITE_ONCE(kho.leaving, true);
	/* What files share, and what is preserved, hold the module no more. */
	kho_mem_files_keep(false);
	kho_hold_module();
	/*
	 * Whoever opens the device gets a reference first, in one step with a barrier, and
	 * looks at kho.leaving with each command.  So either we see the reference here, or
	 * they see that the module is leaving.
	 */
	smp_mb();
	*others = max(module_refcount(THIS_MODULE) - 1, 0);
	if (*others) {
		stay();
		ret = kho_refuse(-EBUSY, "the module can't be replaced: %u others use it",
				 *others);
	}
out:
	kho_resume_changes();
	return ret;
}

/**
 * kho_leave_cancel() - keep the module loaded after all
 *
 * Context: may sleep; takes kho.lock; the caller has a reference to the module.
 */
void kho_leave_cancel(void)
{
	if (!READ_ONCE(kho.leaving))
		return;
	mutex_lock(&kho.lock);
	if (kho.leaving)
		stay();
	mutex_unlock(&kho.lock);
}

/**
 * kho_leave_if_forced() - leave everything, if the module is unloaded although it holds it
 *
 * rmmod -f disregards references.  If nobody uses the module, nothing need be lost by it.
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock; the module is unloaded.
 */
void kho_leave_if_forced(void)
{
	lockdep_assert_held(&kho.lock);

	if (kho.leaving || !kho_holds_any())
		return;
	if (kho_backend_may_leave() || kho_stays() || kho_left_prepare()) {
		pr_emerg("unloaded by force: what was preserved is lost\n");
		return;
	}
	kho_mem_files_keep(false);
	kho.leaving = true;
}

/**
 * kho_leave() - leave everything, while the module is unloaded
 *
 * Afterwards the module has nothing any more, and has only to free its own memory.
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock; kho_leave_prepare() has
 * succeeded, or kho_leave_if_forced() has found something; nobody uses the module.
 */
void kho_leave(void)
{
	u64 objects = kho_objects_nr(), pages = kho_preserved_pages();
	struct kho_left *left;

	lockdep_assert_held_write(&kho.gate);
	lockdep_assert_held(&kho.lock);

	/* Incoming envelopes are freed to the end, and nothing is changed after this. */
	kho_trim_exit();
	kho_backend_settle();
	left = kho_left_begin();
	left->changes = kho.changes;
	left->released = kho.released;
	kho_incoming_leave(left);
	kho_ram_leave(left);
	kho_pages_leave(left);
	kho_objects_leave(left);
	kho_backend_leave(left);
	kho_metapages_forget();
	kho_preserved_forget();
	kho_left_publish();
	kho_takeover_exit();
	/* Our reboot notifier may still be called, and must leave all of it alone. */
	kho.frozen = true;
	pr_info("left %llu objects, %llu pages with all others, to the next kho.ko\n",
		objects, pages);
}

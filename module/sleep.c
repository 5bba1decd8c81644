// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hibernation: memory is written to disk, and another boot reads it back.  The booted
 * kernel must find the same memory map, and must not have anything preserved itself.
 * Suspend needs no special care.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/suspend.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "incoming/incoming.h"
#include "sleep.h"

/* Was this kernel started by kexec?  Found out once, as that takes a mount. */
static bool by_kexec;
/* The module is loaded.  Until then its locks may be held for long. */
static bool ready;

/* All memory of this kernel is about to be replaced, so no more may be preserved. */
static int begin_resuming(void)
{
	int ret = 0;

	if (!READ_ONCE(ready))
		return kho_refuse(-EBUSY, "refused to resume from hibernation: the module is being loaded");
	kho_stop_changes();
	if (kho_holds_any() || kho_backend_unretrieved_pages() ||
	    kho_incoming_arrival() == KHO_ARRIVAL_REFUSED)
		ret = kho_refuse(-EBUSY, "refused to resume from hibernation: what is preserved here would be lost");
	else
		kho.resuming = true;
	kho_resume_changes();
	return ret;
}

static void end_resuming(void)
{
	if (!READ_ONCE(ready))
		return;
	mutex_lock(&kho.lock);
	kho.resuming = false;
	mutex_unlock(&kho.lock);
}

static int pm_event(struct notifier_block *nb, unsigned long event, void *data)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
		/*
		 * kexec-tools leave the first KiB out of the memory map, and on EFI they
		 * pass a different map altogether.  The kernel that resumes compares the
		 * maps, and would discard the image.
		 */
		if (!by_kexec)
			return NOTIFY_DONE;
		pr_err("refused to hibernate: this kernel was started by kexec; the one that resumes it would find another memory map, and discard the image\n");
		return notifier_from_errno(-EOPNOTSUPP);
	case PM_RESTORE_PREPARE:
		return notifier_from_errno(begin_resuming());
	case PM_POST_RESTORE:
		end_resuming();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block kho_hibernation = {
	.notifier_call = pm_event,
};

/**
 * kho_sleep_init() - register for notifications about hibernation
 *
 * Context: may sleep; none of our locks held: they are taken below the chain's lock.
 * Return: 0 or a negative errno.
 */
int kho_sleep_init(void)
{
	by_kexec = kho_arch_by_kexec();
	return register_pm_notifier(&kho_hibernation);
}

/**
 * kho_sleep_ready() - note that the module is loaded
 */
void kho_sleep_ready(void)
{
	WRITE_ONCE(ready, true);
}

/**
 * kho_sleep_exit() - the opposite of kho_sleep_init()
 *
 * Context: may sleep; none of our locks held.
 */
void kho_sleep_exit(void)
{
	unregister_pm_notifier(&kho_hibernation);
}

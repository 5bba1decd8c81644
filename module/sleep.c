// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hibernation: memory goes to disk, and another boot brings it back.  That boot must
 * not find another machine, nor have anything preserved itself.  Suspend needs nothing.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/suspend.h>

#include "internal.h"

static int may_sleep(struct notifier_block *nb, unsigned long event, void *data)
{
	bool kept;

	switch (event) {
	case PM_HIBERNATION_PREPARE:
		/*
		 * kexec-tools leave out the first KiB of memory, and on EFI the map is
		 * another one altogether.  The kernel that resumes compares maps, and
		 * throws away what it was to resume.
		 */
		if (!kho_arch_by_kexec())
			return NOTIFY_DONE;
		pr_err("refused: to hibernate: this kernel was started by kexec, and the one that resumes it would find another map of memory, and give up all that is in it\n");
		return notifier_from_errno(-EOPNOTSUPP);
	case PM_RESTORE_PREPARE:
		mutex_lock(&kho.lock);
		kept = kho.nr_objects || kho_radix_nr_pages(&kho.raw) ||
		       kho_radix_nr_pages(&kho.arrived) || kho_radix_nr_pages(&kho.waiting);
		mutex_unlock(&kho.lock);
		if (!kept)
			return NOTIFY_DONE;
		pr_err("refused: to resume from hibernation: what is preserved here would be lost\n");
		return notifier_from_errno(-EBUSY);
	}
	return NOTIFY_DONE;
}

static struct notifier_block kho_hibernation = {
	.notifier_call = may_sleep,
};

/**
 * kho_sleep_init() - be asked before the machine hibernates
 *
 * Context: may sleep; kho.lock not held, as it is taken below the chain's lock.
 * Return: 0 or a negative errno.
 */
int kho_sleep_init(void)
{
	return register_pm_notifier(&kho_hibernation);
}

/**
 * kho_sleep_exit() - be asked no more
 *
 * Context: may sleep; kho.lock not held.
 */
void kho_sleep_exit(void)
{
	unregister_pm_notifier(&kho_hibernation);
}

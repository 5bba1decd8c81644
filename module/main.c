// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec Handover for distribution kernels: parameters, init and exit.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/limits.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>
#include <linux/stringify.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/deferred.h"
#include "core/left.h"
#include "core/ram.h"
#include "dev/dev.h"
#include "farewell.h"
#include "incoming/incoming.h"
#include "leave.h"
#include "mm/folio.h"
#include "objects/objects.h"
#include "pages/pages.h"
#include "platform.h"
#include "poison/poison.h"
#include "sleep.h"
#include "takeover.h"
#include "version.h"

static int set_abi(const char *text, const struct kernel_param *param)
{
	unsigned int abi;

	return kstrtouint(text, 0, &abi) ?: kho_backend_set_abi(abi);
}

static const struct kernel_param_ops abi_ops = {
	.set = set_abi,
	.get = param_get_uint,
};
module_param_cb(abi, &abi_ops, &kho_abi, 0644);
MODULE_PARM_DESC(abi, "KHO ABI that the next kernel speaks: 3 or 4 (default 4)");

module_param_named(scratch_mib, kho_scratch_mib, ulong, 0444);
MODULE_PARM_DESC(scratch_mib,
		 "Size of scratch in MiB (default 0: 1/8 of RAM, from 64 to 256)");

module_param_named(drop, kho_drop, bool, 0444);
MODULE_PARM_DESC(drop, "Free what a refused handover keeps reserved");

module_param_named(max_idle, kho_max_idle, uint, 0644);
MODULE_PARM_DESC(max_idle,
		 "Free objects on arrival that nobody has opened for this many handovers (default 0: never)");

static bool loading = true;
/* The machine began to go down before that ended. */
static bool went_down;

/*
 * Called after all other reboot notifiers: a driver may still want to change something in
 * its own.  With the gate closed and the lock taken, no change is half done, and none
 * begins.
 */
static int going_down(struct notifier_block *nb, unsigned long event, void *data)
{
	/*
	 * There is nothing to hand on yet, and loading may hold the locks for long:
	 * moving a page can wait for a file server that does not answer.
	 */
	if (READ_ONCE(loading)) {
		WRITE_ONCE(went_down, true);
		/* Pairs with smp_mb() in let_jump_wait(). */
		smp_mb();
		if (READ_ONCE(loading))
			return NOTIFY_DONE;
	}
	kho_backend_sync_image();
	down_write(&kho.gate);
	kho_sums_at_jump();
	mutex_lock(&kho.lock);
	kho_poison_at_jump();
	/* The envelopes can only be too large, after requests that failed. */
	kho_backend_settle();
	kho.frozen = true;
	kho_farewell(event, data);
	mutex_unlock(&kho.lock);
	up_write(&kho.gate);
	return NOTIFY_DONE;
}

static struct notifier_block kho_reboot = {
	.notifier_call = going_down,
	.priority = INT_MIN,
};

/*
 * What another module has left is to be handed on, so a jump waits from now on.  If one
 * waits no more, all of that stays as it is: the next kernel may read it at any moment.
 */
static int __init let_jump_wait(void)
{
	WRITE_ONCE(loading, false);
	/* The notifier that has seen true has left its note, or now sees false. */
	smp_mb();
	/* The notifiers may have been called before ours was registered. */
	if (!READ_ONCE(went_down) &&
	    (system_state < SYSTEM_HALT || system_state > SYSTEM_RESTART))
		return 0;
	kho_left_refuse("the machine is going down", system_state);
	return -ESHUTDOWN;
}

static void log_ready(void)
{
	const struct kho_incoming *in = kho_incoming();
	char arrived[160] = "nothing arrived", what[80];

	if (in->left) {
		snprintf(arrived, sizeof(arrived),
			 "%llu objects and %llu other pages taken over from another kho.ko",
			 kho_objects_nr(), kho_unclaimed_pages());
	} else if (in->outcome == KHO_ARRIVAL_TAKEN) {
		snprintf(arrived, sizeof(arrived),
			 "%llu objects and %llu other pages arrived from %s",
			 kho_objects_nr(),
			 kho_unclaimed_pages() + kho_backend_unretrieved_pages(),
			 in->previous_release[0] ? in->previous_release :
						   "an unknown kernel");
	} else if (in->outcome == KHO_ARRIVAL_REFUSED) {
		snprintf(arrived, sizeof(arrived), "what arrived was refused");
	} else if (in->outcome == KHO_ARRIVAL_OFF) {
		snprintf(arrived, sizeof(arrived), "intake is off");
	}
	kho_backend_describe(what, sizeof(what));
	pr_info("%s ready, %s, %s\n", KHO_VERSION, what, arrived);
}

/* From now on the next kernel finds nothing. */
static void withdraw(void)
{
	kho_poison_drop();
	kho_backend_outgoing_withdraw();
	kho_records_exit();
	kho_backend_outgoing_exit();
}

static int __init kho_init(void)
{
	int ret;

	kho_inject_begin("init");
	ret = kho_platform_check() ?: kho_backend_probe() ?: kho_left_find() ?:
	      kho_folio_init();
	if (!ret) {
		ret = kho_ram_init();
		if (ret)
			kho_folio_exit();
	}
	kho_inject_end("init");
	if (ret) {
		kho_backend_unprobe();
		return ret;
	}
	kho_incoming_find_list();

	/*
	 * The notifier takes both locks below the lock of the notifier chain, so it is
	 * registered before kho.lock is taken.  It does nothing until loading has ended.
	 */
	ret = register_reboot_notifier(&kho_reboot);
	if (ret)
		goto err_exit_ram;
	ret = kho_sleep_init();
	if (ret)
		goto err_unregister;
	kho_poison_init();

	kho_change_begin();
	mutex_lock(&kho.lock);
	/* Asked in this order what they hold; page by page it changes most often. */
	ret = kho_pages_init();
	if (ret)
		goto err_unlock;
	kho_objects_init();
	kho_poison_list_init();
	kho_inject_begin("takeover");
	ret = kho_takeover();
	if (ret)
		goto err_exit_scratch;
	kho_inject("taking-over");
	ret = kho_left() ? let_jump_wait() : 0;
	if (ret)
		goto err_exit_takeover;
	kho_inject_end("takeover");
	kho_inject_begin("scratch");
	ret = kho_backend_scratch_init();
	kho_inject_end("scratch");
	kho_inject_begin("takeover");
	/*
	 * What arrived or was refused has to be accessible, so a lack of scratch is no
	 * error then.  Scratch may be found later.
	 */
	if (ret == -ENOMEM && kho_incoming()->outcome != KHO_ARRIVAL_NONE) {
		pr_warn("no scratch: %s\n", kho_incoming_taken() ?
			"what arrived can be read and released, but not handed on" :
			"nothing can be handed on");
		ret = 0;
	}
	if (ret)
		goto err_exit_takeover;
	ret = kho_backend_outgoing_init() ?: kho_records_init() ?:
	      kho_backend_outgoing_ready();
	if (ret)
		goto err_exit_outgoing;
	ret = kho_inject_spoil("takeover") ?: kho_dev_init();
	if (ret)
		goto err_exit_outgoing;
	kho_takeover_commit();
	kho_inject_end("takeover");
	log_ready();
	WRITE_ONCE(loading, false);
	mutex_unlock(&kho.lock);
	kho_change_end();
	kho_sleep_ready();
	kho_ram_watch();
	/* Nobody was told of pages that were poisoned while there was no module. */
	if (kho_incoming()->left)
		kho_poison_search();
	return 0;

err_exit_outgoing:
	withdraw();
err_exit_takeover:
	kho_takeover_exit();
err_exit_scratch:
	kho_backend_scratch_exit();
	kho_inject_end("takeover");
	kho_pages_exit();
err_unlock:
	mutex_unlock(&kho.lock);
	kho_change_end();
	kho_poison_exit();
	kho_sleep_exit();
err_unregister:
	unregister_reboot_notifier(&kho_reboot);
	kho_backend_flush();
	/* For nodes of trees: see kho_radix_destroy_tree(). */
	rcu_barrier();
err_exit_ram:
	kho_backend_unprobe();
	kho_ram_exit();
	kho_folio_exit();
	pr_err("not loaded: error %d\n", ret);
	return ret;
}

static void __exit kho_exit(void)
{
	kho_dev_exit();
	kho_deferred_exit();
	kho_poison_exit();
	kho_sleep_exit();
	/* Without the lock, for which a reboot waits: this may wait for others' pages. */
	kho_backend_quiet();
	kho_backend_unprobe();
	kho_stop_changes();
	kho_leave_if_forced();
	if (kho.leaving) {
		kho_leave();
	} else {
		withdraw();
		kho_takeover_exit();
		kho_backend_scratch_exit();
	}
	kho_pages_exit();
	kho_resume_changes();
	unregister_reboot_notifier(&kho_reboot);
	kho_backend_flush();
	rcu_barrier();
	kho_ram_exit();
	kho_folio_exit();
}

module_init(kho_init);
module_exit(kho_exit);

MODULE_DESCRIPTION("Kexec Handover for kernels without it");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");
MODULE_VERSION(KHO_VERSION);
/* For khoctl upgrade: this module can take over what another one has left, and leave it. */
MODULE_INFO(kho_left, __stringify(KHO_LEFT_VERSION));

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kexec Handover for kernels without it: bring-up and its mirror image.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/limits.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>

#include "base/inject.h"
#include "internal.h"
#include "version.h"

unsigned int kho_abi = KHO_ABI_DEFAULT;

static int set_abi(const char *text, const struct kernel_param *param)
{
	unsigned int abi;

	return kstrtouint(text, 0, &abi) ?: kho_handoff_set_abi(abi);
}

static const struct kernel_param_ops abi_ops = {
	.set = set_abi,
	.get = param_get_uint,
};
module_param_cb(abi, &abi_ops, &kho_abi, 0644);
MODULE_PARM_DESC(abi, "KHO ABI that the next kernel speaks: 3 or 4 (default 4)");

unsigned long kho_scratch_mib;
module_param_named(scratch_mib, kho_scratch_mib, ulong, 0444);
MODULE_PARM_DESC(scratch_mib,
		 "Size of scratch in MiB (default 0: 1/8 of RAM, from 64 to 256)");

bool kho_drop;
module_param_named(drop, kho_drop, bool, 0444);
MODULE_PARM_DESC(drop, "Give up what a refused handover keeps reserved");

unsigned int kho_max_idle;
module_param_named(max_idle, kho_max_idle, uint, 0644);
MODULE_PARM_DESC(max_idle,
		 "Free objects on arrival that nobody opened for so many handovers (default 0: never)");

static bool loading = true;

/*
 * Called last of all such: a driver may still want to change something in its
 * own.  With the gate closed and the lock taken, no change is half-way done, and
 * none begins.
 */
static int going_down(struct notifier_block *nb, unsigned long event, void *data)
{
	/*
	 * There is nothing to hand on yet; and pages that are moved out of the way
	 * may be waited for as long as a dead server of files does not answer.
	 */
	if (READ_ONCE(loading))
		return NOTIFY_DONE;
	down_write(&kho.gate);
	kho_sums_at_jump();
	mutex_lock(&kho.lock);
	kho_poison_at_jump();
	/* All there can be to do is to shrink them after requests that failed. */
	kho_envelopes_settle();
	kho.frozen = true;
	mutex_unlock(&kho.lock);
	up_write(&kho.gate);
	return NOTIFY_DONE;
}

static struct notifier_block kho_reboot = {
	.notifier_call = going_down,
	.priority = INT_MIN,
};

static void say_ready(void)
{
	char arrived[160] = "nothing arrived";

	if (kho.arrival == KHO_ARRIVAL_TAKEN)
		snprintf(arrived, sizeof(arrived),
			 "%llu objects and %llu other pages arrived from %s",
			 kho.nr_objects,
			 kho_radix_nr_pages(&kho.arrived) + kho_radix_nr_pages(&kho.waiting),
			 kho.previous_release[0] ? kho.previous_release :
						   "an unknown kernel");
	else if (kho.arrival == KHO_ARRIVAL_REFUSED)
		snprintf(arrived, sizeof(arrived), "what came was refused");
	else if (kho.arrival == KHO_ARRIVAL_OFF)
		snprintf(arrived, sizeof(arrived), "intake is off");
	if (kho_native())
		pr_info("%s ready, on the kernel's own KHO, %s\n", KHO_VERSION,
			arrived);
	else
		pr_info("%s ready, kho-v%u, scratch %lu MiB at 0x%llx, %s\n",
			KHO_VERSION, kho_abi,
			kho.scratch_pages >> (20 - PAGE_SHIFT),
			(u64)PFN_PHYS(kho.scratch_pfn), arrived);
}

static int __init kho_init(void)
{
	const char *why;
	int ret;

	kho_inject_begin("init");
	ret = kho_platform_check() ?: kho_native_init() ?: kho_folio_init();
	if (!ret) {
		ret = kho_ram_init();
		if (ret)
			kho_folio_exit();
	}
	kho_inject_end("init");
	if (ret)
		return ret;
	why = kho_arch_find(&kho.list);
	kho.list.cut_off = why;
	if (why)
		pr_warn("what this kernel was started with is unknown: %s\n", why);

	/*
	 * The notifier takes both locks below the lock of the notifier chain, so
	 * it is registered before kho.lock is taken.  That it may be called
	 * before the rest is there does no harm.
	 */
	ret = register_reboot_notifier(&kho_reboot);
	if (ret)
		goto err_exit_ram;
	ret = kho_sleep_init();
	if (ret)
		goto err_unregister;
	kho_poison_init();

	down_read(&kho.gate);
	mutex_lock(&kho.lock);
	ret = kho_radix_init_tree(&kho.raw);
	if (ret)
		goto err_unlock;
	kho_inject_begin("takeover");
	ret = kho_arrival_init();
	if (ret)
		goto err_clear_scratch;
	kho_inject_end("takeover");
	kho_inject_begin("scratch");
	ret = kho_scratch_alloc();
	kho_inject_end("scratch");
	kho_inject_begin("takeover");
	/*
	 * What has arrived has to be within reach, whatever comes after it, and so
	 * has what was refused; and scratch may be had later.
	 */
	if (ret == -ENOMEM && kho.arrival != KHO_ARRIVAL_NONE) {
		pr_warn("no scratch: %s\n", kho.arrival == KHO_ARRIVAL_TAKEN ?
			"what arrived can be read and released, but not handed on" :
			"nothing can be handed on");
		ret = 0;
	}
	if (ret)
		goto err_exit_arrival;
	ret = kho_lean_init();
	if (ret)
		goto err_exit_arrival;
	ret = kho_envelopes_init();
	if (ret)
		goto err_exit_lean;
	ret = kho_handoff_init();
	if (ret)
		goto err_exit_handoff;
	ret = kho_inject_spoil("takeover") ?: kho_dev_init();
	if (ret)
		goto err_exit_handoff;
	kho_arrival_commit();
	kho_inject_end("takeover");
	say_ready();
	WRITE_ONCE(loading, false);
	mutex_unlock(&kho.lock);
	up_read(&kho.gate);
	kho_sleep_ready();
	kho_ram_watch();
	return 0;

err_exit_handoff:
	kho_handoff_exit();
	kho_envelopes_exit();
err_exit_lean:
	kho_lean_exit();
err_exit_arrival:
	kho_arrival_exit();
err_clear_scratch:
	kho_scratch_clear();
	kho_inject_end("takeover");
	kho_radix_destroy_tree(&kho.raw);
err_unlock:
	mutex_unlock(&kho.lock);
	up_read(&kho.gate);
	kho_poison_exit();
	kho_sleep_exit();
err_unregister:
	unregister_reboot_notifier(&kho_reboot);
	kho_envelopes_flush();
	/* For nodes of trees, see kho_radix_destroy_tree(). */
	rcu_barrier();
err_exit_ram:
	kho_ram_exit();
	kho_folio_exit();
	pr_err("not loaded: error %d\n", ret);
	return ret;
}

static void __exit kho_exit(void)
{
	kho_dev_exit();
	kho_freeing_exit();
	kho_poison_exit();
	kho_sleep_exit();
	/* It may wait for others' pages, and whoever wants to reboot for the lock. */
	kho_scratch_quiet();
	mutex_lock(&kho.lock);
	kho_handoff_exit();
	kho_envelopes_exit();
	kho_lean_exit();
	kho_arrival_exit();
	kho_scratch_clear();
	kho_radix_destroy_tree(&kho.raw);
	mutex_unlock(&kho.lock);
	unregister_reboot_notifier(&kho_reboot);
	kho_envelopes_flush();
	kho_scratch_flush();
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

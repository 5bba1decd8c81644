// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the machine go down slowly: a reboot notifier that comes after all others, and
 * sleeps.  Meanwhile the machine has begun to go down, and all programs still run.
 */
#define pr_fmt(fmt) "kho_slow: " fmt

#include <linux/delay.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/reboot.h>

static unsigned int ms = 1000;
module_param(ms, uint, 0444);
MODULE_PARM_DESC(ms, "for how many milliseconds it sleeps");

static int sleep_long(struct notifier_block *nb, unsigned long event, void *data)
{
	pr_info("sleeps for %u ms\n", ms);
	msleep(ms);
	return NOTIFY_DONE;
}

/* Those of the same priority are called in the order in which they were registered. */
static struct notifier_block slow = {
	.notifier_call = sleep_long,
	.priority = INT_MIN,
};

static int __init kho_slow_init(void)
{
	return register_reboot_notifier(&slow);
}
module_init(kho_slow_init);

/* It is not unloaded: there is no exit. */

MODULE_DESCRIPTION("A reboot notifier that takes long");
MODULE_LICENSE("GPL");

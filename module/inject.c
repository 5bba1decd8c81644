// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding a caller up at a named place, for tests: the module's parameters say at
 * which one, and for how long.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "inject.h"

/* How long it may take until a caller sees that it is to be held up no more. */
#define STEP_MS		10U

static char inject[32];
module_param_string(inject, inject, sizeof(inject), 0600);
MODULE_PARM_DESC(inject, "name of the place at which callers are held up");

static unsigned int inject_ms;
module_param(inject_ms, uint, 0600);
MODULE_PARM_DESC(inject_ms, "for how many milliseconds, unless another place is named before");

static atomic_t held = ATOMIC_INIT(0);

static int get_held(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&held));
}

static const struct kernel_param_ops held_ops = {
	.get = get_held,
};

module_param_cb(inject_held, &held_ops, NULL, 0400);
MODULE_PARM_DESC(inject_held, "how many callers are held up just now");

/**
 * kho_inject() - be held up here, if that is asked for
 * @point: name of this place
 *
 * Context: may sleep.
 */
void kho_inject(const char *point)
{
	unsigned int ms = READ_ONCE(inject_ms), waited;

	if (!ms || !sysfs_streq(inject, point))
		return;
	atomic_inc(&held);
	for (waited = 0; waited < ms && sysfs_streq(inject, point); waited += STEP_MS)
		msleep(min(STEP_MS, ms - waited));
	atomic_dec(&held);
}

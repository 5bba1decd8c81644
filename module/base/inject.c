// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault injection for tests: module parameters choose a named place at which callers
 * are delayed, or a named part in which an allocation fails.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "inject.h"

/* How often a delayed caller checks whether it may go on. */
#define STEP_MS		10U

static char inject[32];
module_param_string(inject, inject, sizeof(inject), 0600);
MODULE_PARM_DESC(inject, "name of the place at which callers are delayed");

static unsigned int inject_ms;
module_param(inject_ms, uint, 0600);
MODULE_PARM_DESC(inject_ms, "delay in milliseconds; ends early if another place is named");

static atomic_t held = ATOMIC_INIT(0);

static int get_held(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", atomic_read(&held));
}

static const struct kernel_param_ops held_ops = {
	.get = get_held,
};

module_param_cb(inject_held, &held_ops, NULL, 0400);
MODULE_PARM_DESC(inject_held, "number of callers that are being delayed");

static unsigned int inject_came;
module_param(inject_came, uint, 0600);
MODULE_PARM_DESC(inject_came, "number of callers that reached the place or left the part; write 0 to reset");

static int inject_nth;
module_param(inject_nth, int, 0600);
MODULE_PARM_DESC(inject_nth,
		 "which allocation fails in the named part; afterwards 0, or by how much it exceeded the number of allocations");

#ifdef CONFIG_FAULT_INJECTION
/* An allocation was made to fail. */
static bool spoiled;
#endif

/**
 * kho_inject() - delay the caller, if the parameters say so
 * @point: name of this place
 *
 * Context: may sleep.
 */
void kho_inject(const char *point)
{
	unsigned int ms = READ_ONCE(inject_ms), waited;

	if (!ms || !sysfs_streq(inject, point))
		return;
	WRITE_ONCE(inject_came, READ_ONCE(inject_came) + 1);
	atomic_inc(&held);
	for (waited = 0; waited < ms && sysfs_streq(inject, point); waited += STEP_MS)
		msleep(min(STEP_MS, ms - waited));
	atomic_dec(&held);
}

/**
 * kho_inject_begin() - make an allocation of this task fail, if the parameters say so
 * @part: name of the part that begins here
 *
 * For code for which a process can't write /proc/self/fail-nth: work items, and code
 * that runs after the many allocations of loading a module.
 */
void kho_inject_begin(const char *part)
{
#ifdef CONFIG_FAULT_INJECTION
	if (inject_nth > 0 && sysfs_streq(inject, part))
		current->fail_nth = inject_nth;
#endif
}

/**
 * kho_inject_end() - end a part that kho_inject_begin() began
 * @part: its name
 */
void kho_inject_end(const char *part)
{
#ifdef CONFIG_FAULT_INJECTION
	if (inject_nth <= 0 || !sysfs_streq(inject, part))
		return;
	inject_nth = current->fail_nth;
	current->fail_nth = 0;
	inject_came++;
	spoiled |= !inject_nth;
#endif
}

/**
 * kho_inject_spoil() - fail, if an allocation failed without consequences
 * @part: name of the part
 *
 * Loading must fail, as an incoming handover pins a loaded module: a test could not
 * unload it for its next attempt.
 *
 * Return: 0, or -ENOMEM if an allocation of that part was made to fail.
 */
int kho_inject_spoil(const char *part)
{
#ifdef CONFIG_FAULT_INJECTION
	if (sysfs_streq(inject, part) &&
	    (spoiled || (inject_nth > 0 && !current->fail_nth)))
		return -ENOMEM;
#endif
	return 0;
}

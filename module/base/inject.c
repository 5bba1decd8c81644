// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding a caller up at a named place, and letting an allocation fail in a named
 * part, for tests: the module's parameters say where.
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

static unsigned int inject_came;
module_param(inject_came, uint, 0600);
MODULE_PARM_DESC(inject_came, "how many have come there, or through that part; set to 0 by who counts");

static int inject_nth;
module_param(inject_nth, int, 0600);
MODULE_PARM_DESC(inject_nth,
		 "which allocation is to fail in the part that has the name; later, how many more there would have had to be");

#ifdef CONFIG_FAULT_INJECTION
/* An allocation has been let fail. */
static bool spoiled;
#endif

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
	WRITE_ONCE(inject_came, READ_ONCE(inject_came) + 1);
	atomic_inc(&held);
	for (waited = 0; waited < ms && sysfs_streq(inject, point); waited += STEP_MS)
		msleep(min(STEP_MS, ms - waited));
	atomic_dec(&held);
}

/**
 * kho_inject_begin() - let an allocation of this task fail, if that is asked for
 * @part: name of what begins here
 *
 * For what no process does that could ask for it in /proc/self/fail-nth: work
 * items, and what comes behind the many allocations of loading a module.
 */
void kho_inject_begin(const char *part)
{
#ifdef CONFIG_FAULT_INJECTION
	if (inject_nth > 0 && sysfs_streq(inject, part))
		current->fail_nth = inject_nth;
#endif
}

/**
 * kho_inject_end() - the opposite of kho_inject_begin()
 * @part: name of what ends here
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
 * kho_inject_spoil() - fail now, if something has that need not have mattered
 * @part: name of the part in which that is asked
 *
 * What arrived pins the module once it is loaded: there would be no next attempt.
 *
 * Return: 0, or -ENOMEM if an allocation of that part was let fail.
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

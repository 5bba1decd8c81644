// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding a caller up at a named place, for tests: the module's parameters say at
 * which one, and for how long.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "inject.h"

static char inject[32];
module_param_string(inject, inject, sizeof(inject), 0600);
MODULE_PARM_DESC(inject, "name of the place at which callers are held up");

static unsigned int inject_ms;
module_param(inject_ms, uint, 0600);
MODULE_PARM_DESC(inject_ms, "for how many milliseconds");

/**
 * kho_inject() - be held up here, if that is asked for
 * @point: name of this place
 *
 * Context: may sleep.
 */
void kho_inject(const char *point)
{
	unsigned int ms = READ_ONCE(inject_ms);

	if (ms && sysfs_streq(inject, point))
		msleep(ms);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's lockdown forbids.
 *
 * Lockdown can begin at any time, and never ends.  So once something is forbidden, the
 * kernel is not asked again: it would log each question.
 */
#include <linux/bitops.h>
#include <linux/security.h>

#include "compat/compat.h"
#include "lockdown.h"

enum {
	LOCKED_PAGES,
};

static unsigned long locked;

static bool is_locked(unsigned int nr, enum lockdown_reason what)
{
	if (test_bit(nr, &locked))
		return true;
	if (!security_locked_down(what))
		return false;
	set_bit(nr, &locked);
	return true;
}

/**
 * kho_locked_pages() - does lockdown forbid access to memory by its address?
 *
 * Context: any.
 */
bool kho_locked_pages(void)
{
	return is_locked(LOCKED_PAGES, LOCKDOWN_DEV_MEM);
}

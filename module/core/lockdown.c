// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's lockdown forbids.  docs/secure-boot.md says what follows from that.
 *
 * Lockdown can begin at any time, and never ends.  So once something is forbidden, the
 * kernel is not asked again: it would log each question.  Except where it is forbidden to
 * some only, by SELinux.
 */
#include <linux/bitops.h>
#include <linux/security.h>

#include "compat/compat.h"
#include "lockdown.h"

enum {
	LOCKED_KEXEC,
	LOCKED_PAGES,
	LOCKED_SECRETS,
};

static unsigned long locked;

static bool is_locked(unsigned int nr, enum lockdown_reason what)
{
	if (test_bit(nr, &locked))
		return true;
	if (!security_locked_down(what))
		return false;
	if (!KHO_LOCKDOWN_BY_TASK)
		set_bit(nr, &locked);
	return true;
}

/**
 * kho_locked_kexec() - does lockdown forbid kexec_load()?
 *
 * Context: any.
 */
bool kho_locked_kexec(void)
{
	return is_locked(LOCKED_KEXEC, LOCKDOWN_KEXEC);
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

/**
 * kho_locked_secrets() - does lockdown forbid that root reads the kernel's memory?
 *
 * Context: any.
 */
bool kho_locked_secrets(void)
{
	return is_locked(LOCKED_SECRETS, LOCKDOWN_KCORE);
}

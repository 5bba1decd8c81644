// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machines on which a handover would be lost: better to say so than to try.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/printk.h>
#include <linux/security.h>
#include <xen/xen.h>

#include "internal.h"

/**
 * kho_platform_locked_down() - can this machine still jump to another kernel?
 *
 * Lockdown can begin at any time, and from then on kexec_load is refused, so
 * nothing that is preserved would ever reach another kernel.
 *
 * Return: 0, or -EPERM if the kernel is locked down.
 */
int kho_platform_locked_down(void)
{
	/* A kernel with KHO of its own goes by kexec_file_load, which may do. */
	if (kho_native())
		return 0;
	return security_locked_down(LOCKDOWN_KEXEC);
}

/**
 * kho_platform_check() - refuse where a handover can't work
 *
 * Return: 0, -EOPNOTSUPP, or -EPERM if the kernel is locked down.
 */
int kho_platform_check(void)
{
	/* Nearly all memory is that of the kernel that has crashed, to be saved. */
	if (is_kdump_kernel()) {
		pr_err("refused: this kernel is to save what another one has left when it crashed\n");
		return -EOPNOTSUPP;
	}
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		pr_err("refused: memory is encrypted (SEV, TDX or SME), the next kernel could not read it\n");
		return -EOPNOTSUPP;
	}
	if (xen_pv_domain()) {
		pr_err("refused: a Xen PV guest can't kexec and has no physical addresses of its own\n");
		return -EOPNOTSUPP;
	}
	if (kho_native() && !kho_native_enabled() && !kho_native_booted()) {
		pr_err("refused: the kernel's own KHO is off, and nothing can be preserved: boot with kho=on\n");
		return -EOPNOTSUPP;
	}
	if (kho_platform_locked_down()) {
		pr_err("refused: the kernel is locked down, kexec_load would be refused\n");
		return -EPERM;
	}
	return 0;
}

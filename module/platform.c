// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machines on which a handover can't work, and on which the module refuses to load.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/printk.h>
#include <xen/xen.h>

#include "compat/compat.h"
#include "platform.h"

/**
 * kho_platform_check() - check whether a handover can work on this machine
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int kho_platform_check(void)
{
	/* Nearly all memory still belongs to the crashed kernel. */
	if (is_kdump_kernel()) {
		pr_err("refused: this is a kdump kernel, which only saves the memory of a crashed one\n");
		return -EOPNOTSUPP;
	}
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		pr_err("refused: memory is encrypted (SEV, TDX or SME), so the next kernel could not read it\n");
		return -EOPNOTSUPP;
	}
	if (xen_pv_domain()) {
		pr_err("refused: a Xen PV guest can't kexec and has no physical addresses of its own\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

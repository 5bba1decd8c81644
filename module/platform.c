// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machines on which a handover would be lost: better to say so than to try.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/printk.h>
#include <xen/xen.h>

#include "compat/compat.h"
#include "platform.h"

/**
 * kho_platform_check() - refuse where a handover can't work
 *
 * Return: 0 or -EOPNOTSUPP.
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
	return 0;
}

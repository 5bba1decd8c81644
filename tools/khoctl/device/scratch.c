// SPDX-License-Identifier: GPL-2.0
/*
 * Scratch, the memory that the next kernel is loaded into and boots in.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/sysinfo.h"
#include "device/scratch.h"

int scratch_take(int dev, struct kho_query *q, __u64 bytes, __u64 *held)
{
	struct kho_scratch_take arg = {
		.size = sizeof(arg),
		.bytes = bytes,
	};

	if (!(q->features & KHO_FEATURE_SCRATCH))
		return -EOPNOTSUPP;
	if (ioctl(dev, KHO_SCRATCH, &arg))
		return -errno;
	if (held)
		*held = arg.held;
	return kho_query(dev, q);
}

char *scratch_fix(const struct kho_query *q, __u64 need)
{
	unsigned long long mib = (need + MIB - 1) / MIB;

	if (!(q->features & KHO_FEATURE_GROW))
		return xasprintf("load the module with scratch_mib=%llu", mib);
	return xasprintf("%skhoctl scratch %lluM", sys_kexec_loaded() == 1 ?
			 "khoctl unload, then " : "", mib);
}

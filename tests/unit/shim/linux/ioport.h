/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_IOPORT_H
#define SHIM_LINUX_IOPORT_H

#include <linux/types.h>

struct resource {
	u64 start;
	u64 end;
};

#endif

/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the boot stub reports to the module in the same running kernel.
 *
 * The stub exports it as kho_boot_info.  The module looks the symbol up at run
 * time, so that it also loads on kernels without the stub.
 */
#ifndef KHO_BOOT_INFO_H
#define KHO_BOOT_INFO_H

#include "abi.h"

#define KHO_BOOT_INFO_VERSION	1

enum {
	KHO_BOOT_NONE = 0,	/* no handover was sent */
	KHO_BOOT_KEPT = 1,	/* all marked pages are reserved */
	KHO_BOOT_REFUSED = 2,	/* invalid: nothing is reserved, see error */
	KHO_BOOT_OFF = 3,	/* turned off, or a kdump kernel */
	KHO_BOOT_TAKEN = 4,	/* set by the module: it owns the pages now */
};

struct kho_boot_info {
	__u32 version;		/* KHO_BOOT_INFO_VERSION */
	__u32 state;		/* KHO_BOOT_* */
	__u64 fdt_addr;
	__u64 fdt_size;
	__u64 scratch_addr;	/* the array */
	__u64 scratch_size;
	__u64 pages;		/* base pages that are marked */
	__u64 nodes;		/* nodes of the tree */
	__u64 extents;		/* contiguous ranges of marked pages */
	__u64 usecs;		/* time that the stub took */
	char error[128];	/* why it was refused */
};

#ifdef __KERNEL__
/* The stub defines it; the module uses it only through symbol_get(). */
extern struct kho_boot_info kho_boot_info;
#endif

#endif /* KHO_BOOT_INFO_H */

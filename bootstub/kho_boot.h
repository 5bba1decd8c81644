/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The boot stub: reserves what the previous kernel handed over.
 *
 * kho_boot.c, kho_keep.c and kho_release.c are common to all architectures.  An
 * architecture finds the hand-off, calls kho_boot_found() and kho_boot_reserve()
 * during its boot, and implements the kho_arch_*() functions.
 */
#ifndef KHO_BOOT_H
#define KHO_BOOT_H

#include <linux/init.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <kho/abi.h>
#include <kho/boot_info.h>
#include <kho/kho_hooks.h>

extern struct kho_boot_info kho_boot_info;

/* Records a hand-off at physical address @where, @len bytes long by its own account. */
void kho_boot_found(u64 where, u32 len, const struct kho_data *data);

/* In kho_release.c, with kernel-doc. */
void kho_release_later(unsigned long *stays, unsigned long nr, u64 size);

/* The lowest physical address that may be preserved. */
u64 kho_arch_lowest(void);
/* The end of a sentence about what the boot loader put at @addr, or NULL. */
const char *kho_arch_holder(u64 addr);
/*
 * Calls kho_release_not() for RAM that the architecture reserved after
 * kho_boot_reserve() and without a resource of its own.  Later reservations for EFI
 * need no call: their resource is not System RAM.
 */
void kho_arch_reserved(void);
/* A clock that runs this early; its ticks in microseconds, or -1 if unknown. */
u64 kho_arch_clock(void);
s64 kho_arch_usecs(u64 ticks);

#endif /* KHO_BOOT_H */

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

extern struct kho_boot_info kho_boot_info;

#ifdef CONFIG_KHO_BOOTSTUB

/* Records a hand-off at physical address @where, @len bytes long by its own account. */
void kho_boot_found(u64 where, u32 len, const struct kho_data *data);
/*
 * Checks the hand-off and reserves all of its pages, or none.  Call it when
 * memblock knows all RAM and everything that this kernel was started with, and
 * before anything is allocated from memblock.
 */
void kho_boot_reserve(void);

/* In kho_release.c, with kernel-doc. */
void kho_release_later(unsigned long *stays, unsigned long nr, u64 size);
/* Also called for ACPI tables: some firmware has them in RAM that it calls usable. */
void kho_release_not(u64 addr, u64 size);

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

/* x86: called by parse_setup_data() for a node of type SETUP_KEXEC_KHO. */
void kho_boot_setup_data(u64 phys, u32 len);
/* x86: hides an envelope, which is for kernels without the stub and is not reserved. */
static inline bool kho_boot_envelope(void *node) { return kho_setup_seal(node); }

#else

static inline void kho_boot_reserve(void) { }
static inline void kho_boot_setup_data(u64 phys, u32 len) { }
static inline bool kho_boot_envelope(void *node) { return false; }
static inline void kho_release_not(u64 addr, u64 size) { }

#endif
#endif /* KHO_BOOT_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The boot stub: keeps what the previous kernel handed over.
 *
 * kho_boot.c and kho_keep.c are common to all architectures.  An architecture finds the
 * hand-off, calls the two functions at the right moments of its boot, and
 * answers the questions below.
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

/* A hand-off that claims to have @len bytes was found at @where. */
void kho_boot_found(u64 where, u32 len, const struct kho_data *data);
/*
 * Checks what was found and reserves all of it, or nothing.  To be called when
 * memblock knows all RAM and all that this kernel was started with, and before
 * anything is allocated from it.
 */
void kho_boot_reserve(void);

/* kho_release.c: see there. */
void kho_release_later(unsigned long *stays, unsigned long nr, u64 size);
/* Also called for tables of ACPI, which some firmware has in RAM that it calls usable. */
void kho_release_not(u64 addr, u64 size);

/* The lowest address that may be kept. */
u64 kho_arch_lowest(void);
/* What this kernel was started with at @addr, to end a sentence, or NULL. */
const char *kho_arch_holder(u64 addr);
/*
 * Tells kho_release_not() of RAM that the architecture has reserved without a resource
 * of its own, later than kho_boot_reserve().  What is reserved for EFI then is made a
 * resource that is no RAM.
 */
void kho_arch_reserved(void);
/* A clock that runs this early; its ticks in microseconds, -1 if not known. */
u64 kho_arch_clock(void);
s64 kho_arch_usecs(u64 ticks);

/* x86: parse_setup_data() met a node of type SETUP_KEXEC_KHO. */
void kho_boot_setup_data(u64 phys, u32 len);
/* x86: envelopes are for kernels without the stub.  They are not reserved. */
static inline bool kho_boot_envelope(void *node) { return kho_setup_seal(node); }

#else

static inline void kho_boot_reserve(void) { }
static inline void kho_boot_setup_data(u64 phys, u32 len) { }
static inline bool kho_boot_envelope(void *node) { return false; }
static inline void kho_release_not(u64 addr, u64 size) { }

#endif
#endif /* KHO_BOOT_H */

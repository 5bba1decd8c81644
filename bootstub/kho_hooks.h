/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The boot stub: what the hooks in the kernel's own files call.  They have that
 * kernel's headers too, and some kernels define what include/kho/abi.h does, so this
 * includes nothing of it.
 */
#ifndef KHO_HOOKS_H
#define KHO_HOOKS_H

#include <linux/types.h>

/* x86: SETUP_KEXEC_KHO, which kernels before 6.16 do not know. */
#define KHO_SETUP_HANDOVER	10

#ifdef CONFIG_KHO_BOOTSTUB

/*
 * Checks the hand-off and reserves all of its pages, or none.  Call it when
 * memblock knows all RAM and everything that this kernel was started with, and
 * before anything is allocated from memblock.
 */
void kho_boot_reserve(void);

/* ACPI tables: some firmware has them in RAM that it calls usable. */
void kho_release_not(u64 addr, u64 size);

/* x86: called by parse_setup_data() for a node of that type. */
void kho_boot_setup_data(u64 phys, u32 len);
/* x86: hides an envelope, which is for kernels without the stub and is not reserved. */
bool kho_boot_envelope(void *node);

#else

static inline void kho_boot_reserve(void) { }
static inline void kho_boot_setup_data(u64 phys, u32 len) { }
static inline bool kho_boot_envelope(void *node) { return false; }
static inline void kho_release_not(u64 addr, u64 size) { }

#endif
#endif /* KHO_HOOKS_H */

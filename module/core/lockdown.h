/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's lockdown forbids.
 */
#ifndef KHO_CORE_LOCKDOWN_H
#define KHO_CORE_LOCKDOWN_H

#include <linux/types.h>

bool kho_locked_kexec(void);
bool kho_locked_pages(void);
bool kho_locked_secrets(void);

#endif /* KHO_CORE_LOCKDOWN_H */

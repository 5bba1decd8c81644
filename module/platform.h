/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machines on which a handover would be lost.
 */
#ifndef KHO_PLATFORM_H
#define KHO_PLATFORM_H

int kho_platform_check(void);

#endif /* KHO_PLATFORM_H */

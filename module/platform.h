/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machines on which a handover can't work.
 */
#ifndef KHO_PLATFORM_H
#define KHO_PLATFORM_H

int kho_platform_check(void);

#endif /* KHO_PLATFORM_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hibernation.
 */
#ifndef KHO_SLEEP_H
#define KHO_SLEEP_H

int kho_sleep_init(void);
void kho_sleep_ready(void);
void kho_sleep_exit(void);

#endif /* KHO_SLEEP_H */

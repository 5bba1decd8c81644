/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leaving everything to another module in the same kernel.
 */
#ifndef KHO_LEAVE_H
#define KHO_LEAVE_H

int kho_leave_prepare(unsigned int *others);
void kho_leave_cancel(void);
void kho_leave_if_forced(void);
void kho_leave(void);

#endif /* KHO_LEAVE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The order in which what arrived is taken over.
 */
#ifndef KHO_TAKEOVER_H
#define KHO_TAKEOVER_H

int kho_takeover(void);
void kho_takeover_commit(void);
void kho_takeover_exit(void);

#endif /* KHO_TAKEOVER_H */

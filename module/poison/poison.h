/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Poisoned pages: keeping users from reading them, and telling the next kernel.
 */
#ifndef KHO_POISON_MODULE_H
#define KHO_POISON_MODULE_H

#include <linux/types.h>

/* watch.c */
void kho_poison_init(void);
void kho_poison_exit(void);
void kho_poison_at_jump(void);
void kho_poison_search(void);

/* list.c */
void kho_poison_list_init(void);
void kho_poison_update(void);
void kho_poison_drop(void);
void kho_poison_arrived(void);
void kho_poison_forget(void);
void kho_poison_commit(void);

#endif /* KHO_POISON_MODULE_H */

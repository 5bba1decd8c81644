/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that the next kernel will have.
 */
#ifndef KHO_RAM_H
#define KHO_RAM_H

#include <linux/types.h>

#include "left.h"

int kho_ram_init(void);
void kho_ram_watch(void);
void kho_ram_exit(void);
int kho_ram_check(unsigned long pfn, unsigned long nr_pages);
bool kho_ram_has(unsigned long pfn);
bool kho_ram_piece(unsigned long *pfn, unsigned long *end);
bool kho_ram_piece_below(unsigned long *pfn, unsigned long *end);
unsigned long kho_ram_last(void);
bool kho_ram_stays(unsigned long pfn, unsigned long nr_pages);
unsigned int kho_ram_renewals(void);
int kho_ram_image_begin(u64 limit);
int kho_ram_image_end(void);
bool kho_ram_image_begun(void);
void kho_ram_image_stop(void);
void kho_ram_image_forget(void);
u32 kho_ram_image_state(void);
bool kho_ram_image_known(void);
void kho_ram_leave(struct kho_left *left);
int kho_ram_left(void);

#endif /* KHO_RAM_H */

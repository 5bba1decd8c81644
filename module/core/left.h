/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record by which a module leaves everything to the next one in the same kernel.
 */
#ifndef KHO_CORE_LEFT_H
#define KHO_CORE_LEFT_H

#include <linux/types.h>

#include <kho/left.h>

/* ---- When a module is loaded ---- */

int kho_left_find(void);
const struct kho_left *kho_left(void);
bool kho_left_page(u64 pfn);
int kho_left_read(u64 chain, void *data, size_t bytes);
void kho_left_refuse(const char *why, u64 value);
void kho_left_done(void);

/* ---- When one leaves ---- */

int kho_left_prepare(void);
void kho_left_cancel(void);
struct kho_left *kho_left_begin(void);
u64 kho_left_write(const void *data, size_t bytes);
void kho_left_publish(void);

#endif /* KHO_CORE_LEFT_H */

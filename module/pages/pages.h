/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages by number: those that userspace preserves, and those that arrived.
 */
#ifndef KHO_PAGES_H
#define KHO_PAGES_H

#include <linux/types.h>

#include <linux/kho.h>

struct file;
struct kho_left;

int kho_pages_init(void);
void kho_pages_exit(void);
int kho_pages_check_lockdown(void);
int kho_pages_add(const struct kho_page_entry *entry, u32 nr, u32 *failed);
int kho_pages_del(const struct kho_page_entry *entry, u32 nr, u32 *failed);
void kho_pages_list(u64 first, u32 capacity, void *entry, u32 *filled, u64 *total);
void kho_pages_query(struct kho_query *query);
void kho_pages_leave(struct kho_left *left);
int kho_pages_left(void);

/* file.c */
int kho_page_open(u64 pfn, unsigned int order, struct file **file);

#endif /* KHO_PAGES_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/kho.
 */
#ifndef KHO_DEV_H
#define KHO_DEV_H

#include <linux/types.h>

#include <linux/kho.h>

struct file;
struct inode;
struct poll_table_struct;

int kho_dev_init(void);
void kho_dev_exit(void);

/* upgrade.c */
int kho_dev_release(struct inode *inode, struct file *file);
__poll_t kho_dev_poll(struct file *file, struct poll_table_struct *wait);
int kho_dev_upgrade(struct file *file, u32 state, u32 *others);

/* query.c */
void kho_query(struct kho_query *query);

/* meta.c */
void kho_meta_copy(u64 first, u32 room, struct kho_meta_entry *entry,
		   void *pages, u32 *filled, u64 *total);

#endif /* KHO_DEV_H */

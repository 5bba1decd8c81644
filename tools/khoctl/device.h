/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/kho, one function per command.
 *
 * They print nothing and keep no state.  All return a negative errno when
 * they fail; see linux/kho.h for what each means.
 */
#ifndef KHOCTL_DEVICE_H
#define KHOCTL_DEVICE_H

#include <linux/kho.h>

#define KHO_DEV_PATH "/dev/kho"

/* Return: a file descriptor (close-on-exec) that the others take. */
int kho_dev_open(const char *path);

int kho_dev_query(int dev, struct kho_query *query);

int kho_dev_page_add(int dev, __u64 pfn, __u32 order);
int kho_dev_page_del(int dev, __u64 pfn, __u32 order);

/*
 * @failed: index of the first that failed; @count if the call failed for a
 * reason that is no element's
 */
int kho_dev_batch_add(int dev, const struct kho_page_entry *entries,
		      __u32 count, __u32 *failed);
int kho_dev_batch_del(int dev, const struct kho_page_entry *entries,
		      __u32 count, __u32 *failed);

/* Return: a file descriptor (close-on-exec) of the pages. */
int kho_dev_page_open(int dev, __u64 pfn, __u32 order);

/* @count: in: room; out: entries filled.  @total: entries that there are */
int kho_dev_page_list(int dev, __u64 first, struct kho_page_entry *entries,
		      __u32 *count, __u64 *total);

/* Return: a file descriptor (close-on-exec) of the new object. */
int kho_dev_obj_create(int dev, const char *name, __u64 bytes);

/* Return: a file descriptor (close-on-exec) of the object. */
int kho_dev_obj_open(int dev, const char *name, __u64 *bytes);

int kho_dev_obj_remove(int dev, const char *name);

int kho_dev_obj_list(int dev, __u64 first, struct kho_obj_entry *entries,
		     __u32 *count, __u64 *total);

/* @pages: room for *@count pages of kho_query.page_size bytes */
int kho_dev_meta_read(int dev, __u64 first, struct kho_meta_entry *entries,
		      void *pages, __u32 *count, __u64 *total);

/* @flags: KHO_ENVELOPE_ARRIVED or 0 */
int kho_dev_envelope_list(int dev, __u32 flags, __u64 first,
			  struct kho_envelope_entry *entries, __u32 *count,
			  __u64 *total);

int kho_dev_subtree_list(int dev, __u64 first,
			 struct kho_subtree_entry *entries, __u32 *count,
			 __u64 *total);

#endif /* KHOCTL_DEVICE_H */

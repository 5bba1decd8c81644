/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of pseudo file systems, such as sysfs.
 */
#ifndef KHO_READ_FILE_H
#define KHO_READ_FILE_H

#include <linux/types.h>

struct file;

typedef ssize_t (*kho_read_t)(struct file *file, void *to, size_t size, loff_t pos);

ssize_t kho_read_file(const char *type, const char *path, kho_read_t read,
		      void *to, size_t size, loff_t pos);

#endif /* KHO_READ_FILE_H */

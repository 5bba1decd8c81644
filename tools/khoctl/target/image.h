/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading kernel images.
 */
#ifndef KHOCTL_IMAGE_H
#define KHOCTL_IMAGE_H

#include <stddef.h>

#include <linux/types.h>

#include "arch/arch.h"
#include "base/defs.h"

/* Kernels have about 10 MiB.  The whole file is read into memory. */
#define IMAGE_SIZE_MAX	(512 * MIB)

/**
 * struct image_file - a file that arch_image_check() accepts
 */
struct image_file {
	const char *path;
	unsigned char *data;
	size_t size;
	struct image image;
};

/* Reads and checks an image; prints errors.  Return: DONE or FAILED */
int image_read(struct image_file *file, const char *path);
void image_free(struct image_file *file);
/* Sets @size to that of an initrd, or to 0 if @path is NULL.  Return: DONE or FAILED */
int initrd_size(const char *path, __u64 *size);

#endif /* KHOCTL_IMAGE_H */

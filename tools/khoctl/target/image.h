/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading a kernel image.
 */
#ifndef KHOCTL_IMAGE_H
#define KHOCTL_IMAGE_H

#include <stddef.h>

#include <linux/types.h>

#include "arch/arch.h"
#include "base/defs.h"

/* Kernels have some 10 MiB.  All of it is read into memory. */
#define IMAGE_SIZE_MAX	(512 * MIB)

/**
 * struct image_file - a file that arch_image_check() finds sound
 */
struct image_file {
	const char *path;
	unsigned char *data;
	size_t size;
	struct image image;
};

/* Reads all of it, once.  Prints what goes wrong; returns DONE or FAILED. */
int image_read(struct image_file *file, const char *path);
void image_free(struct image_file *file);
/* Size of an initrd, @path, or 0 if that is NULL.  The same. */
int initrd_size(const char *path, __u64 *size);

#endif /* KHOCTL_IMAGE_H */

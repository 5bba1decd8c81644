/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel images: what differs between architectures.
 */
#ifndef KHOCTL_IMAGE_H
#define KHOCTL_IMAGE_H

#include <stddef.h>

#include <linux/types.h>

#include "base/defs.h"

/**
 * struct image - what an image says of itself
 */
struct image {
	/** @version: the kernel's release, or "". */
	char version[96];
	/** @format: such as "bzImage, boot protocol 2.15". */
	char format[48];
	/** @memory: bytes that it needs to start, without an initrd. */
	__u64 memory;
	/** @init_size: of these, bytes that it says it unpacks itself in. */
	__u64 init_size;
	/** @payload: where in the file the compressed kernel is. */
	__u64 payload;
	/** @payload_size: bytes of it. */
	__u64 payload_size;
	/** @cmdline: longest command line that it takes. */
	__u64 cmdline;
	/** @note: where and what image_place() writes, for --dry-run. */
	char note[96];
};

/* Kernels have some 10 MiB.  All of it is read into memory. */
#define IMAGE_SIZE_MAX	(512 * MIB)
/* So much of a file is enough for image_check() */
#define IMAGE_HEAD_SIZE (64 * 1024)

/*
 * Looks at the first @len bytes of a file of @size bytes.  Return: NULL, or
 * what is wrong with it, in a static buffer.
 */
const char *image_check(const void *head, size_t len, __u64 size,
			struct image *image);
/*
 * Puts the address of the first setup_data node into the image that @fd is a
 * copy of.  Return: 0 or a negative errno.
 */
int image_place(int fd, __u64 setup_addr, struct image *image);
/* Bytes of scratch that the image takes with an initrd of @initrd bytes */
__u64 image_needs(const struct image *image, __u64 initrd);

/**
 * struct image_file - a file that image_check() finds sound
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

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel images: what differs between architectures.
 */
#ifndef KHOCTL_IMAGE_H
#define KHOCTL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

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
	/** @cmdline: longest command line that it takes. */
	__u64 cmdline;
	/** @note: where and what image_place() writes, for --dry-run. */
	char note[96];
};

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

#endif /* KHOCTL_IMAGE_H */

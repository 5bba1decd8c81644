/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading kernel images.
 */
#ifndef KHOCTL_IMAGE_H
#define KHOCTL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <linux/types.h>

#include "arch/arch.h"
#include "base/defs.h"

/* Kernels have about 10 MiB. */
#define IMAGE_SIZE_MAX	(512 * MIB)

/**
 * struct image_file - a file with an image in it that arch_image_check() accepts
 */
struct image_file {
	const char *path;
	/** @fd: a copy of the image in a memfd, close-on-exec. */
	int fd;
	/** @size: its size in bytes. */
	size_t size;
	struct image image;
	/** @from: what the file is, if it is more than the image, such as "a UKI"; or NULL. */
	const char *from;
	/** @initrd_fd: the initrd that came with it, in another memfd, or -1. */
	int initrd_fd;
	/** @initrd: a path of that file, or NULL. */
	char *initrd;
	/** @cmdline: the command line that came with it, or NULL. */
	char *cmdline;
};

/*
 * Reads and checks an image; prints errors.  A UKI is taken apart, an EFI zboot image is
 * unpacked.  Call image_free() in any case.  Return: DONE or FAILED
 */
int image_read(struct image_file *file, const char *path);
/* Lets programs inherit the copies. */
void image_pass_on(const struct image_file *file);
void image_free(struct image_file *file);
/**
 * struct watched - a file that is read several times and must be the same each time
 */
struct watched {
	/** @path: of the file, or NULL. */
	const char *path;
	/** @st: what it was at first; all zeros if that is unknown. */
	struct stat st;
};

/* @path: may be NULL */
void watch_file(struct watched *w, const char *path);
/* Return: DONE, or FAILED after saying that it is another file now, or was written to */
int check_watched(const struct watched *w);
/* Sets @size to that of an initrd, or to 0 if @path is NULL.  Return: DONE or FAILED */
int initrd_size(const char *path, __u64 *size);

#endif /* KHOCTL_IMAGE_H */

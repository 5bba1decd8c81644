/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walking through a cpio archive of the format newc as the kernel's init/initramfs.c does,
 * in pieces of any size and without keeping contents.
 */
#ifndef KHOCTL_CPIO_H
#define KHOCTL_CPIO_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define CPIO_HEAD	110	/* bytes */
#define CPIO_NAME_MAX	4096	/* bytes, with the NUL, as in the kernel */

/**
 * struct cpio_entry - a file of the archive
 */
struct cpio_entry {
	/** @name: its path, without a leading "/" or "./". */
	const char *name;
	__u32 mode;
	/** @size: bytes of contents. */
	__u32 size;
};

/**
 * struct cpio - the state between two pieces
 */
struct cpio {
	/** @entry: called for each entry that the kernel unpacks. */
	void (*entry)(const struct cpio_entry *entry, void *ctx);
	void *ctx;
	/** @offset: bytes since the archive's start: headers are aligned to 4 of them. */
	__u64 offset;
	/** @skip: bytes that follow and do not matter. */
	__u64 skip;
	/** @why: why the kernel stops to unpack it, or "". */
	char why[160];

	/* Private */
	bool between;		/* between two entries */
	size_t have;		/* bytes of head and name */
	__u32 mode, size, name_size;
	char head[CPIO_HEAD];
	char name[CPIO_NAME_MAX];
};

/*
 * Starts with an archive.  @offset: 0, or the offset in the file of an archive that is not
 * compressed
 */
void cpio_begin(struct cpio *c, __u64 offset);
/*
 * Takes the next @len bytes.  Return: the number of those taken; less than @len if there is
 * an error, or if what follows the padding is no header
 */
size_t cpio_feed(struct cpio *c, const void *data, size_t len);
/* Goes on after @n bytes of @skip that the caller has skipped. */
void cpio_skipped(struct cpio *c, __u64 n);
/* True if an archive may end here */
bool cpio_complete(const struct cpio *c);

#endif /* KHOCTL_CPIO_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unpacking the payload of a kernel image by the usual programs.
 */
#ifndef KHOCTL_PAYLOAD_H
#define KHOCTL_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/types.h>

/* What to do about PAYLOAD_NOT_NOW */
#define PAYLOAD_NOT_NOW_FIX "free memory, or raise the limit, and try again"

enum payload_result {
	PAYLOAD_OK,
	PAYLOAD_STOPPED,	/* the function wants no more */
	PAYLOAD_UNKNOWN,	/* unknown format */
	PAYLOAD_NO_PROGRAM,	/* the program that unpacks it is not installed */
	PAYLOAD_NOT_NOW,	/* there is no memory for it, or a limit forbids it */
	PAYLOAD_DAMAGED,	/* the kernel itself could not unpack it */
};

/**
 * struct packed - what is to be unpacked
 */
struct packed {
	/** @fd: the file that it is part of. */
	int fd;
	/** @at: where it begins in the file. */
	__u64 at;
	/** @len: its length in bytes. */
	__u64 len;
	/**
	 * @sized: as in the kernel's build, the unpacked size follows the data as 4 bytes;
	 * they are part of @len.
	 */
	bool sized;
	/** @limit: it may unpack to so many bytes. */
	__u64 limit;
};

/* Gets the unpacked bytes, piece by piece.  Return: false if no more is wanted */
typedef bool (*payload_fn_t)(void *data, const unsigned char *bytes, size_t nr);

struct payload {
	/** @size: bytes that came out of it. */
	__u64 size;
	/** @format: such as "xz", or NULL. */
	const char *format;
	/** @package: with PAYLOAD_NO_PROGRAM, the Debian package of the program. */
	const char *package;
	/** @why: the reason for a failure, or "". */
	char why[256];
};

/*
 * Unpacks @in and passes it to @fn, whose first argument is @data.  What it gets is worth
 * nothing unless all of it was good.  Prints nothing, leaves no files, and needs little
 * memory of its own.
 */
enum payload_result payload_unpack(const struct packed *in, payload_fn_t fn, void *data,
				   struct payload *out);
/* Name of the format of packed data, by its first bytes, or NULL */
const char *payload_format(const unsigned char *data, size_t len);
/* Writes @nr bytes to @fd.  Return: 0 or a negative errno */
int write_all(int fd, const void *bytes, size_t nr);

#endif /* KHOCTL_PAYLOAD_H */

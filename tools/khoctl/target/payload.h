/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unpacking the payload of a kernel image by the usual programs.
 */
#ifndef KHOCTL_PAYLOAD_H
#define KHOCTL_PAYLOAD_H

#include <stddef.h>

#include <linux/types.h>

enum payload_result {
	PAYLOAD_OK,
	PAYLOAD_UNKNOWN,	/* unknown format */
	PAYLOAD_NO_PROGRAM,	/* the program that unpacks it is not installed */
	PAYLOAD_DAMAGED,	/* the kernel itself could not unpack it */
};

struct payload {
	/** @data: with PAYLOAD_OK, the unpacked data, or NULL if there is none. */
	unsigned char *data;
	size_t size;
	/** @format: such as "xz", or NULL. */
	const char *format;
	/** @package: with PAYLOAD_NO_PROGRAM, the Debian package of the program. */
	const char *package;
	/** @why: the reason for a failure, or "". */
	char why[256];
};

/*
 * Unpacks @len bytes at @data into at most @limit bytes.  As in the kernel's build, the
 * unpacked size follows the data as 4 bytes in most formats.  Prints nothing and leaves no
 * files.
 */
enum payload_result payload_unpack(const unsigned char *data, size_t len,
				   __u64 limit, struct payload *out);
void payload_free(struct payload *p);

#endif /* KHOCTL_PAYLOAD_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unpacking what is in a kernel image, by the programs that everyone has.
 */
#ifndef KHOCTL_PAYLOAD_H
#define KHOCTL_PAYLOAD_H

#include <stddef.h>

#include <linux/types.h>

enum payload_result {
	PAYLOAD_OK,
	PAYLOAD_UNKNOWN,	/* no format that is known here */
	PAYLOAD_NO_PROGRAM,	/* what unpacks it is not installed */
	PAYLOAD_DAMAGED,	/* the kernel itself could not unpack it either */
};

struct payload {
	/** @data: what was unpacked, with PAYLOAD_OK; NULL if that is nothing. */
	unsigned char *data;
	size_t size;
	/** @format: such as "xz", or NULL. */
	const char *format;
	/** @package: Debian's package with the program, with NO_PROGRAM. */
	const char *package;
	/** @why: what is wrong, or "". */
	char why[256];
};

/*
 * Unpacks @len bytes at @data as the kernel's build packs them: in most
 * formats the size that they unpack to follows as 4 bytes.  At most @limit
 * bytes come out.  Nothing is printed, and no file is left.
 */
enum payload_result payload_unpack(const unsigned char *data, size_t len,
				   __u64 limit, struct payload *out);
void payload_free(struct payload *p);

#endif /* KHOCTL_PAYLOAD_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between architectures.
 *
 * The Makefile compiles one of the folders beside this file.  It knows nothing but
 * base/: whatever else it needs comes by argument.
 */
#ifndef KHOCTL_ARCH_H
#define KHOCTL_ARCH_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "base/ranges.h"

/* ---- Kernel images ---- */

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
	/** @note: where and what arch_image_announce() writes, for --dry-run. */
	char note[96];
};

/* What the format is called in messages, such as "bzImage (x86 boot image)" */
extern const char arch_image_format[];
/* So much of a file is enough for arch_image_check(). */
#define ARCH_IMAGE_HEAD	(64 * 1024)

/*
 * Looks at the first @len bytes of a file of @size bytes.  Return: NULL, or
 * what is wrong with it, in a static buffer.
 */
const char *arch_image_check(const void *head, size_t len, __u64 size,
			     struct image *image);
/*
 * Announces a handover to the image that @fd is a copy of.  @addr: where the
 * module says that the description of it starts (setup_addr of KHO_QUERY).
 * Return: 0 or a negative errno.
 */
int arch_image_announce(int fd, __u64 addr, struct image *image);
/* Bytes of scratch that the image takes with an initrd of @initrd bytes */
__u64 arch_image_needs(const struct image *image, __u64 initrd);

/* ---- Memory ---- */

/*
 * RAM that kexec would tell the next kernel of, to be freed by the caller; none if
 * that can't be told, or if kexec tells it of what /proc/iomem has.
 */
void arch_told_ram(struct ranges *r);
/* Where kexec has it from, and what to do if that says too much */
extern const char arch_told_ram_source[];
extern const char arch_told_ram_fix[];
/* True if the command line says which RAM there is. */
bool arch_ram_is_given(const char *cmdline);
/*
 * The least address at which the command line (or NULL) has memory end, or @limit
 * if that is less.  @others: set to an option that says more about memory than that,
 * if there is one.
 */
__u64 arch_memory_limit(const char *cmdline, __u64 limit, const char **others);
/* NULL, or why memory can't be read by another kernel; @fix: what to do about it */
const char *arch_memory_encryption(const char **fix);

/* ---- What arrived, before the module is loaded ---- */

enum arrived_kind {
	ARRIVED_UNKNOWN,	/* see arrived.err */
	ARRIVED_OTHER,		/* nothing of ours */
	ARRIVED_HANDOVER,	/* the description of a handover */
	ARRIVED_ENVELOPE,	/* memory with preserved pages in it */
	ARRIVED_HIDDEN,		/* an envelope that the module no longer shows */
};

/**
 * struct arrived - a file in which the kernel shows what the previous one left
 */
struct arrived {
	enum arrived_kind kind;
	/** @nr: its number. */
	unsigned int nr;
	/** @mode: permission bits of the file, or 0 if these are not known. */
	unsigned int mode;
	/** @err: negative errno: why kind is not known. */
	int err;
};

/* Where these files are */
extern const char arch_arrived_dir[];
/* Sorted by number; none is no error.  Return: 0, or a negative errno */
int arch_arrived_read(struct arrived **list, size_t *nr);
/* Path of the file; the caller frees it. */
char *arch_arrived_path(const struct arrived *arrived);
/* True if @arrived is a handover that nobody has taken over. */
bool arch_arrived_waits(const struct arrived *arrived);

#endif /* KHOCTL_ARCH_H */

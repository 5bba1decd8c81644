/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface to the architecture.
 *
 * The Makefile compiles one of the folders beside this file.  Its files depend on base/
 * alone and get everything else as arguments.
 */
#ifndef KHOCTL_ARCH_H
#define KHOCTL_ARCH_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "base/params.h"
#include "base/ranges.h"

/* ---- Kernel images ---- */

/**
 * struct image - properties of a kernel image
 */
struct image {
	/** @version: release of the kernel, or "". */
	char version[96];
	/** @format: such as "bzImage, boot protocol 2.15". */
	char format[48];
	/** @memory: bytes of RAM needed to start it, without an initrd. */
	__u64 memory;
	/** @init_size: bytes that the kernel unpacks itself in, part of @memory. */
	__u64 init_size;
	/** @payload: file offset of the compressed kernel. */
	__u64 payload;
	/** @payload_size: its size in bytes. */
	__u64 payload_size;
	/** @cmdline: maximum length of the command line. */
	__u64 cmdline;
	/** @note: what arch_image_announce() writes and where, for --dry-run. */
	char note[96];
};

/* Name of the format, for messages, such as "bzImage (x86 boot image)" */
extern const char arch_image_format[];
/* arch_image_check() needs no more of a file than this. */
#define ARCH_IMAGE_HEAD	(64 * 1024)

/* True if a file that begins with these @len bytes is such an image, good or bad */
bool arch_image_is(const void *head, size_t len);
/*
 * Checks an image of @size bytes by its first @len bytes at @head.  Return: NULL, or what
 * is wrong with it, in a static buffer
 */
const char *arch_image_check(const void *head, size_t len, __u64 size,
			     struct image *image);
/*
 * Makes the image in @fd, a copy, announce the handover to its kernel.  @addr: setup_addr
 * of KHO_QUERY.  Return: 0 or a negative errno
 */
int arch_image_announce(int fd, __u64 addr, struct image *image);
/* Bytes of scratch needed by the image with an initrd of @initrd bytes */
__u64 arch_image_needs(const struct image *image, __u64 initrd);

/* ---- Memory ---- */

/*
 * Adds the RAM that kexec reports to the next kernel; the caller frees the list.  It
 * stays empty if this is unknown, or if kexec reports what /proc/iomem shows.
 */
void arch_told_ram(struct ranges *r);
/* The source of that report, and what to do if it contains too much */
extern const char arch_told_ram_source[];
extern const char arch_told_ram_fix[];
/* True if the command line, which this changes, overrides the RAM that firmware reports */
bool arch_ram_is_given(char *cmdline);

struct arch_map_entry {
	__u64 addr;
	__u64 end;
	unsigned int type;
};

/**
 * struct arch_map - the memory map of the next kernel, while its command line is applied
 */
struct arch_map {
	struct arch_map_entry *list;
	size_t nr;
	size_t room;
};

/* Begins with the RAM that the next kernel is told of; arch_map_free() frees the map. */
void arch_map_start(struct arch_map *m, const struct ranges *ram);
void arch_map_free(struct arch_map *m);
/* True if options like @p, which must have a value, change the map */
bool arch_map_is_changed_by(const struct param *p);
/*
 * Applies the next element of the value of @p.  @at: the value at first; set to the rest, or
 * NULL.  Return: the element, in a static buffer, or NULL if the kernel would ignore it
 */
const char *arch_map_apply(struct arch_map *m, const struct param *p, const char **at);
/* Replaces @ram by what is RAM in the map */
void arch_map_ram(const struct arch_map *m, struct ranges *ram);
/* Sizes of huge pages: the default, and the one that is allocated at boot only */
extern const __u64 arch_huge_page_default, arch_huge_page_giant;
bool arch_is_huge_page(__u64 size);
/* Returns NULL, or how memory is encrypted.  @fix: set to what to do about it */
const char *arch_memory_encryption(const char **fix);

/* ---- Handovers that sysfs shows, whether or not the module is loaded ---- */

enum arrived_kind {
	ARRIVED_UNKNOWN,	/* see arrived.err */
	ARRIVED_OTHER,		/* not part of a handover */
	ARRIVED_HANDOVER,	/* describes a handover */
	ARRIVED_ENVELOPE,	/* memory that contains preserved pages */
	ARRIVED_HIDDEN,		/* an envelope that the module hides */
};

/**
 * struct arrived - a file that shows something from the previous kernel
 */
struct arrived {
	enum arrived_kind kind;
	/** @nr: its number. */
	unsigned int nr;
	/** @mode: permission bits of the file, or 0 if unknown. */
	unsigned int mode;
	/** @err: negative errno, for ARRIVED_UNKNOWN. */
	int err;
};

/* The directory of these files */
extern const char arch_arrived_dir[];
/*
 * Lists the files, sorted by number; an empty list is no error.  Return: 0 or a negative
 * errno
 */
int arch_arrived_read(struct arrived **list, size_t *nr);
/* Path of the file; the caller frees it. */
char *arch_arrived_path(const struct arrived *arrived);
/* True if @arrived is a handover that no module has taken over yet */
bool arch_arrived_waits(const struct arrived *arrived);

#endif /* KHOCTL_ARCH_H */

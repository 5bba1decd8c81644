/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unified kernel images (UKI), and other files of the format PE.
 */
#ifndef KHOCTL_UKI_H
#define KHOCTL_UKI_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* uki_read() and zboot_read() need no more of a file than this. */
#define PE_HEAD		(64 * 1024)

/* The sections that matter here */
enum uki_section {
	UKI_LINUX,		/* the kernel image */
	UKI_INITRD,
	UKI_UCODE,		/* an initrd that comes before it */
	UKI_CMDLINE,
	UKI_OSREL,
	UKI_UNAME,
	UKI_NR_SECTIONS,
};

/**
 * struct part - a part of a file
 */
struct part {
	__u64 at;
	__u64 size;
};

/**
 * struct uki - a PE file that has a kernel in it
 */
struct uki {
	/** @machine: the machine that it is for, such as 0x8664. */
	__u16 machine;
	/** @profiles: number of profiles; only the first one counts here. */
	unsigned int profiles;
	/** @has: bit N is set if it has section N. */
	unsigned int has;
	/** @section: where the sections are in the file. */
	struct part section[UKI_NR_SECTIONS];
};

/* True if a file that begins like this may be a PE file */
bool pe_is(const unsigned char *head, size_t len);
/* Name of a machine that PE files are for, or NULL */
const char *pe_machine(__u16 machine);
/*
 * Reads the headers of a PE file of @size bytes, of which @head has the first @len.  The
 * sections lie inside the file and do not overlap.  @uki: without UKI_LINUX in @has, it is
 * another kind of PE file.  Return: NULL, or what is wrong with it, in a static buffer
 */
const char *uki_read(const unsigned char *head, size_t len, __u64 size, struct uki *uki);
/* True if it is an EFI zboot image: a kernel image, packed, in a PE file */
bool zboot_is(const unsigned char *head, size_t len);
/*
 * Finds the payload of an EFI zboot image.  Return: NULL, or what is wrong with it, in a
 * static buffer
 */
const char *zboot_read(const unsigned char *head, size_t len, __u64 size,
		       struct part *payload);
/* What a file is that is no kernel image for this machine, by its first bytes, or NULL */
const char *file_kind(const unsigned char *head, size_t len);

#endif /* KHOCTL_UKI_H */

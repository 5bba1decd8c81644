// SPDX-License-Identifier: GPL-2.0
/*
 * Unified kernel images (UKI), and other files of the format PE.
 *
 * The UAPI group's specification describes the sections of a UKI: what comes before the
 * first .profile is for all profiles, and what a profile has of its own replaces it.
 * Without further words, systemd-stub boots the first profile, and so do we.
 *
 * All of this may be hostile.  So it depends on nothing but the bytes that it gets, and
 * tests/fuzz/ tries it with any.
 */
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "target/uki.h"

#define MZ_PE_OFFSET		0x3c	/* u32: where the PE header is */
#define PE_MACHINE		4	/* u16, as the following, relative to that */
#define PE_NR_SECTIONS		6	/* u16 */
#define PE_OPTIONAL_SIZE	20	/* u16 */
#define PE_OPTIONAL		24

#define SECTION_NAME		0	/* 8 bytes, padded with NULs */
#define SECTION_MEMORY		8	/* u32: size in memory */
#define SECTION_SIZE		16	/* u32: size in the file */
#define SECTION_OFFSET		20	/* u32: where it is in the file */
#define SECTION_HEADER		40

/* systemd-stub reads no more either. */
#define SECTIONS_MAX		1024

#define ZBOOT_OFFSET		8	/* u32: where the payload is in the file */
#define ZBOOT_SIZE		12	/* u32: its size */
#define ZBOOT_HEADER		0x40

static __u32 get(const unsigned char *p, unsigned int bytes)
{
	__u32 v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

bool pe_is(const unsigned char *head, size_t len)
{
	return len >= 2 && !memcmp(head, "MZ", 2);
}

const char *pe_machine(__u16 machine)
{
	static const struct {
		__u16 machine;
		const char *name;
	} names[] = {
		{ 0x014c, "32-bit x86" },
		{ 0x01c2, "32-bit ARM" },
		{ 0x01c4, "32-bit ARM" },
		{ 0x5032, "32-bit RISC-V" },
		{ 0x5064, "RISC-V" },
		{ 0x6232, "32-bit LoongArch" },
		{ 0x6264, "LoongArch" },
		{ 0x8664, "x86-64" },
		{ 0xaa64, "arm64" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return NULL;
}

static const char * const section_names[UKI_NR_SECTIONS] = {
	[UKI_LINUX] = ".linux",
	[UKI_INITRD] = ".initrd",
	[UKI_UCODE] = ".ucode",
	[UKI_CMDLINE] = ".cmdline",
	[UKI_OSREL] = ".osrel",
	[UKI_UNAME] = ".uname",
};

static bool has_name(const unsigned char *header, const char *name)
{
	char padded[9] = "";

	snprintf(padded, sizeof(padded), "%s", name);
	return !memcmp(header + SECTION_NAME, padded, 8);
}

static int section_number(const unsigned char *header)
{
	int i;

	for (i = 0; i < UKI_NR_SECTIONS; i++)
		if (has_name(header, section_names[i]))
			return i;
	return -1;
}

static char why[160];

/* Reads the header of a section that matters. */
static const char *read_section(const unsigned char *header, __u64 file_size,
				const char *name, struct part *part)
{
	__u64 memory = get(header + SECTION_MEMORY, 4);
	__u64 size = get(header + SECTION_SIZE, 4);
	__u64 at = get(header + SECTION_OFFSET, 4);

	if (at > file_size || size > file_size - at) {
		snprintf(why, sizeof(why),
			 "its section %s of %llu bytes at 0x%llx extends beyond the end of the file",
			 name, size, at);
		return why;
	}
	/* In the file, a section is padded; 0 means that it is not. */
	if (memory && memory < size)
		size = memory;
	part->at = at;
	part->size = size;
	return NULL;
}

static bool overlap(const struct part *a, const struct part *b)
{
	return a->size && b->size && a->at < b->at + b->size && b->at < a->at + a->size;
}

static const char *check_overlaps(const struct uki *uki)
{
	unsigned int i, j;

	for (i = 0; i < UKI_NR_SECTIONS; i++) {
		for (j = 0; j < i; j++) {
			if (!(uki->has & 1U << i) || !(uki->has & 1U << j) ||
			    !overlap(&uki->section[i], &uki->section[j]))
				continue;
			snprintf(why, sizeof(why), "its sections %s and %s overlap",
				 section_names[j], section_names[i]);
			return why;
		}
	}
	return NULL;
}

/* Finds the PE header.  Return: false if there is none in the first @len bytes */
static bool find_pe(const unsigned char *head, size_t len, __u64 *pe)
{
	if (!pe_is(head, len) || len < MZ_PE_OFFSET + 4)
		return false;
	*pe = get(head + MZ_PE_OFFSET, 4);
	return *pe + PE_OPTIONAL <= len && !memcmp(head + *pe, "PE\0\0", 4);
}

const char *uki_read(const unsigned char *head, size_t len, __u64 size, struct uki *uki)
{
	const unsigned char *header;
	unsigned int own = 0, nr, i;
	__u64 pe, table;

	memset(uki, 0, sizeof(*uki));
	if (!find_pe(head, len, &pe))
		return "begins like a PE file, but has no PE header";
	uki->machine = get(head + pe + PE_MACHINE, 2);
	nr = get(head + pe + PE_NR_SECTIONS, 2);
	table = pe + PE_OPTIONAL + get(head + pe + PE_OPTIONAL_SIZE, 2);
	if (nr > SECTIONS_MAX) {
		snprintf(why, sizeof(why), "a PE file that claims to have %u sections", nr);
		return why;
	}
	if (table + nr * SECTION_HEADER > len) {
		snprintf(why, sizeof(why),
			 "a PE file whose %u section headers at 0x%llx extend beyond %s", nr,
			 table, len == size ? "the end of the file" : "its first 64 KiB");
		return why;
	}
	for (i = 0, header = head + table; i < nr; i++, header += SECTION_HEADER) {
		unsigned int bit;
		const char *wrong;
		int n;

		if (has_name(header, ".profile")) {
			uki->profiles++;
			continue;
		}
		n = section_number(header);
		if (n < 0 || uki->profiles > 1)
			continue;
		bit = 1U << n;
		if (uki->profiles ? own & bit : uki->has & bit) {
			snprintf(why, sizeof(why), "it has the section %s twice",
				 section_names[n]);
			return why;
		}
		if (uki->profiles)
			own |= bit;
		uki->has |= bit;
		wrong = read_section(header, size, section_names[n], &uki->section[n]);
		if (wrong)
			return wrong;
	}
	return check_overlaps(uki);
}

bool zboot_is(const unsigned char *head, size_t len)
{
	return pe_is(head, len) && len >= ZBOOT_HEADER && !memcmp(head + 4, "zimg", 4);
}

const char *zboot_read(const unsigned char *head, size_t len, __u64 size,
		       struct part *payload)
{
	if (!zboot_is(head, len))
		return "is no EFI zboot image";
	payload->at = get(head + ZBOOT_OFFSET, 4);
	payload->size = get(head + ZBOOT_SIZE, 4);
	if (payload->at > size || payload->size > size - payload->at) {
		snprintf(why, sizeof(why),
			 "its payload of %llu bytes at 0x%llx extends beyond the end of the file",
			 payload->size, payload->at);
		return why;
	}
	if (!payload->size)
		return "its payload is empty";
	return NULL;
}

/* ---- What a file is ---- */

static const struct kind {
	const char *name;
	size_t at;
	const char *magic;
	size_t len;
} kinds[] = {
	/* Before PE, as which they may pose for EFI */
	{ "an arm64 Image", 0x38, "ARM\x64", 4 },
	{ "a RISC-V Image", 0x38, "RSC\x05", 4 },
	{ "a LoongArch Image", 0x38, "\xcd\x23\x82\x81", 4 },
	{ "a PE file", 0, "MZ", 2 },
	{ "an initrd (cpio)", 0, "070701", 6 },
	{ "an initrd (cpio)", 0, "070702", 6 },
	{ "a cpio archive", 0, "070707", 6 },
	{ "a gzip file", 0, "\x1f\x8b", 2 },
	{ "an xz file", 0, "\xfd\067zXZ", 6 },
	{ "a zstd file", 0, "\x28\xb5\x2f\xfd", 4 },
	{ "an lz4 file", 0, "\x02\x21\x4c\x18", 4 },
	{ "an lz4 file", 0, "\x04\x22\x4d\x18", 4 },
	{ "a bzip2 file", 0, "BZh", 3 },
	{ "an lzma file", 0, "\x5d\0\0", 3 },
	{ "an lzop file", 0, "\x89LZO", 4 },
	{ "a squashfs image", 0, "hsqs", 4 },
	{ "an EROFS image", 1024, "\xe2\xe1\xf5\xe0", 4 },
	{ "an ext2, ext3 or ext4 image", 1080, "\x53\xef", 2 },
	{ "an ISO 9660 image", 0x8001, "CD001", 5 },
	{ "a uImage", 0, "\x27\x05\x19\x56", 4 },
	{ "a device tree or FIT image", 0, "\xd0\x0d\xfe\xed", 4 },
	{ "an Android boot image", 0, "ANDROID!", 8 },
	{ "a qcow2 disk image", 0, "QFI\xfb", 4 },
	{ "a tar archive", 257, "ustar", 5 },
	{ "a Debian package", 0, "!<arch>\ndebian", 14 },
	{ "an ar archive", 0, "!<arch>\n", 8 },
	{ "an RPM package", 0, "\xed\xab\xee\xdb", 4 },
	{ "a ZIP archive", 0, "PK\x03\x04", 4 },
	{ "a script", 0, "#!", 2 },
};

static const char *elf_kind(const unsigned char *head, size_t len)
{
	unsigned int type = len >= 20 && head[5] == 1 ? get(head + 16, 2) : 0;

	/* A kernel is linked to fixed addresses; so were programs, long ago. */
	return type == 1 ? "an ELF file (an object or module)" :
	       type == 2 ? "an ELF file (vmlinux?)" :
	       type == 3 ? "an ELF file (a program or library)" :
	       type == 4 ? "an ELF file (a core dump)" : "an ELF file";
}

static bool is_text(const unsigned char *head, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (head[i] < ' ' && head[i] != '\n' && head[i] != '\t' && head[i] != '\r')
			return false;
	return len;
}

static bool is_zero(const unsigned char *head, size_t len)
{
	return len && !*head && !memcmp(head, head + 1, len - 1);
}

const char *file_kind(const unsigned char *head, size_t len)
{
	size_t i;

	if (!len)
		return "an empty file";
	if (len >= 4 && !memcmp(head, "\177ELF", 4))
		return elf_kind(head, len);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (len >= kinds[i].at + kinds[i].len &&
		    !memcmp(head + kinds[i].at, kinds[i].magic, kinds[i].len))
			return kinds[i].name;
	if (is_text(head, len < 4096 ? len : 4096))
		return "a text file";
	return is_zero(head, len) ? "a file that begins with zeros alone" : NULL;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel images: the x86 bzImage.  Documentation/arch/x86/boot.rst of the kernel describes
 * the header.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <kho/abi.h>

#include "arch/arch.h"
#include "base/defs.h"

/* Offsets in the file */
#define SETUP_SECTS		0x1f1	/* u8, of 512 bytes, 0 meaning 4 */
#define SYSSIZE			0x1f4	/* u32, of 16 bytes */
#define BOOT_FLAG		0x1fe	/* u16 */
#define JUMP			0x201	/* u8: length of the header from 0x202 */
#define MAGIC			0x202
#define VERSION			0x206	/* u16 */
#define KERNEL_VERSION		0x20e	/* u16, relative to 0x200 */
#define LOADFLAGS		0x211	/* u8 */
#define KERNEL_ALIGNMENT	0x230	/* u32 */
#define RELOCATABLE		0x234	/* u8 */
#define XLOADFLAGS		0x236	/* u16 */
#define CMDLINE_SIZE		0x238	/* u32 */
#define PAYLOAD_OFFSET		0x248	/* u32, relative to the end of the setup */
#define PAYLOAD_LENGTH		0x24c	/* u32 */
#define INIT_SIZE		0x260	/* u32 */
#define HEADER_END		0x264

#define BOOT_MAGIC		0xaa55
#define LOADED_HIGH		1
#define XLF_KERNEL_64		1
#define XLF_ABOVE_4G		2
#define PROTOCOL_SETUP_DATA	0x0209
#define PROTOCOL_64BIT		0x020c

/* What kexec-tools adds: purgatory, boot_params, the command line, setup_data */
#define KEXEC_OVERHEAD		MIB

#define FORMAT			"bzImage (x86 boot image)"

const char arch_image_format[] = FORMAT;

static __u32 get(const unsigned char *p, unsigned int bytes)
{
	__u32 v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void get_version(const unsigned char *head, size_t len,
			struct image *image)
{
	size_t at = get(head + KERNEL_VERSION, 2), n = 0;

	image->version[0] = '\0';
	if (!at)
		return;
	at += 0x200;
	/* The release ends at the first space. */
	while (at + n < len && n + 1 < sizeof(image->version) &&
	       head[at + n] > ' ' && head[at + n] < 0x7f) {
		image->version[n] = head[at + n];
		n++;
	}
	image->version[n] = '\0';
}

bool arch_image_is(const void *data, size_t len)
{
	const unsigned char *head = data;

	return len >= HEADER_END && get(head + BOOT_FLAG, 2) == BOOT_MAGIC &&
	       !memcmp(head + MAGIC, "HdrS", 4);
}

const char *arch_image_check(const void *data, size_t len, __u64 size,
			     struct image *image)
{
	static char why[192];
	const unsigned char *head = data;
	unsigned int protocol, sects, xload;
	__u64 setup, expected, payload, payload_size;

	memset(image, 0, sizeof(*image));
	if (!arch_image_is(head, len))
		return "is not a " FORMAT;

	protocol = get(head + VERSION, 2);
	if (protocol < PROTOCOL_SETUP_DATA) {
		snprintf(why, sizeof(why),
			 "boot protocol %u.%02u is too old: setup_data, which carries a handover, came with 2.09",
			 protocol >> 8, protocol & 255);
		return why;
	}
	xload = get(head + XLOADFLAGS, 2);
	if (protocol < PROTOCOL_64BIT || !(xload & XLF_KERNEL_64)) {
		snprintf(why, sizeof(why),
			 "is not a 64-bit kernel (boot protocol %u.%02u, xloadflags 0x%x)",
			 protocol >> 8, protocol & 255, xload);
		return why;
	}
	if (!(xload & XLF_ABOVE_4G) || !head[RELOCATABLE] ||
	    !(head[LOADFLAGS] & LOADED_HIGH))
		return "is not relocatable (CONFIG_RELOCATABLE): it can't be kept inside scratch";
	if (MAGIC + head[JUMP] < HEADER_END) {
		snprintf(why, sizeof(why),
			 "its setup header ends at 0x%x, before init_size at 0x%x",
			 MAGIC + head[JUMP], INIT_SIZE);
		return why;
	}

	sects = head[SETUP_SECTS] ? head[SETUP_SECTS] : 4;
	setup = (sects + 1) * 512;
	expected = setup + get(head + SYSSIZE, 4) * 16ULL;
	/* syssize counts paragraphs; the last one may be incomplete. */
	if (size + 15 < expected) {
		snprintf(why, sizeof(why),
			 "is truncated: it has %llu bytes, but its header says %llu",
			 size, expected);
		return why;
	}
	if (expected == setup)
		return "has no kernel in it: syssize is 0";
	if (get(head + INIT_SIZE, 4) == 0)
		return "init_size is 0: the memory that it needs is unknown";

	payload = get(head + PAYLOAD_OFFSET, 4);
	payload_size = get(head + PAYLOAD_LENGTH, 4);
	if (!payload_size)
		return "has no kernel in it: payload_length is 0";
	if (setup + payload + payload_size > expected ||
	    setup + payload + payload_size > size) {
		snprintf(why, sizeof(why),
			 "its payload of %llu bytes at 0x%llx extends beyond the end of the file",
			 payload_size, setup + payload);
		return why;
	}

	get_version(head, len < setup ? len : setup, image);
	snprintf(image->format, sizeof(image->format),
		 "bzImage, boot protocol %u.%02u", protocol >> 8,
		 protocol & 255);
	image->init_size = get(head + INIT_SIZE, 4);
	image->memory = image->init_size + get(head + KERNEL_ALIGNMENT, 4);
	image->payload = setup + payload;
	image->payload_size = payload_size;
	image->cmdline = get(head + CMDLINE_SIZE, 4);
	return NULL;
}

int arch_image_announce(int fd, __u64 addr, struct image *image)
{
	__u64 value = htole64(addr);
	ssize_t n;

	snprintf(image->note, sizeof(image->note),
		 "u64 0x%llx at file offset 0x%x (hdr.setup_data)",
		 addr, KHO_SETUP_DATA_OFFSET);
	n = pwrite(fd, &value, sizeof(value), KHO_SETUP_DATA_OFFSET);
	if (n < 0)
		return -errno;
	return n == sizeof(value) ? 0 : -EIO;
}

__u64 arch_image_needs(const struct image *image, __u64 initrd)
{
	__u64 page = sysconf(_SC_PAGESIZE);

	return ((image->memory + page - 1) & ~(page - 1)) +
	       ((initrd + page - 1) & ~(page - 1)) + KEXEC_OVERHEAD;
}

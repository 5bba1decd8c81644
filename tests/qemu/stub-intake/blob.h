/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a previous kernel and kexec would have left in a guest's RAM, made by
 * hand.  blob.c has what mkblob.c and mklayout.c share.
 */
#ifndef BLOB_H
#define BLOB_H

#include <stddef.h>
#include <linux/types.h>
#include <asm/bootparam.h>

#define KHO_PAGE_SHIFT	12
#include "../../../include/kho/abi.h"
#include "../../../include/kho/fdt.h"
#include "layout.h"

#define SHIFT		12
#define PAGE		4096UL
#define DEPTH		KHO_TREE_DEPTH(SHIFT)

/* QEMU puts what does not fit below this above 4 GiB. */
#define LOW_MAX		0xc0000000UL
#define HIGH		0x100000000UL

#define BLOB_USED	1	/* has content */
#define BLOB_KEPT	2	/* belongs to the handover */
#define BLOB_MARKED	4	/* has a key */

/* What a case may change before it is all written to the file. */
struct blob {
	__u8 *ram;		/* by guest-physical address */
	__u8 *state;		/* of each page: BLOB_* */
	__u64 bytes;		/* of RAM */
	__u64 end;		/* guest-physical */
	__u64 top;		/* nothing is written from here on */
	struct kho_data data;
	struct kho_scratch scratch[512];
	unsigned int nr_scratch;
	struct kho_fdt fdt;
	__u32 len;
	__u64 next;		/* first free page for a node */
	unsigned int nr_nodes;
	const char *cmdline;
	char expect[256];
	struct boot_e820_entry e820[16];
	unsigned int nr_e820;
};

extern struct blob blob;

void blob_start(__u64 bytes);
void blob_finish(void);
void add_e820(__u64 start, __u64 end, __u32 type);

void *use(__u64 phys, __u64 size, int state);
void *keep(__u64 phys, __u64 size);
__u64 new_node(void);
__u64 *entry(__u64 key, unsigned int level);
void set_key(__u64 key);
void mark(__u64 phys, unsigned int order);
void mark_bare(__u64 phys, unsigned int order);
void expect_kept(void);

void boot_params(const char *kernel, const char *initrd, const char *append);
void write_ram(const char *name);
int check_ram(const char *name, int state);

#endif

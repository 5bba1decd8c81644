/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of metadata pages, from /dev/kho or from a file.
 *
 * The file, written by "khoctl dump --save" and described in khoctl(8), is
 *
 *	struct dumpfile_header
 *	count times: struct kho_meta_entry, then the page that it describes
 *
 * and nothing after that.  Numbers are in the byte order of the machine that
 * wrote it: a file of the other byte order has an impossible page size.
 */
#ifndef KHOCTL_DUMPFILE_H
#define KHOCTL_DUMPFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <kho/abi.h>
#include <linux/kho.h>

#define DUMPFILE_MAGIC "KHODUMP1"

struct dumpfile_header {
	__u8 magic[8];		/* DUMPFILE_MAGIC, without a NUL */
	__u32 page_size;	/* 4096, 16384 or 65536 */
	__u32 count;		/* of entries */
	__u64 memory_end;	/* where RAM ends, or 0: not known */
	__u64 setup_addr;	/* of the setup_data node, or 0: none */
	__u64 reserved[4];	/* 0 */
};

KHO_ABI_SIZE(struct dumpfile_header, 64);
KHO_ABI_SIZE(struct kho_meta_entry, 16);

/**
 * struct meta - the pages
 */
struct meta {
	unsigned int shift;		/* log2 of page_size */
	__u32 page_size;
	size_t count;
	__u64 memory_end;
	__u64 setup_addr;
	struct kho_meta_entry *entries;	/* sorted by addr, none twice */
	unsigned char *pages;		/* in the order of entries */
	bool *used;			/* that the decoder has come by */
	/* A bare FDT blob instead of all that: */
	void *fdt;
	size_t fdt_size;
};

/* These print what goes wrong; they return DONE or FAILED. */
int meta_from_device(struct meta *m);
int meta_from_file(struct meta *m, const char *path);
int meta_save(const struct meta *m, const char *path);
void meta_free(struct meta *m);

/* Index of the page that @addr lies in, or -1 */
long meta_find(const struct meta *m, __u64 addr);
/* @len bytes at @addr, or NULL if they don't lie within one of the pages */
const void *meta_at(const struct meta *m, __u64 addr, __u64 len);

#endif /* KHOCTL_DUMPFILE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A set of metadata pages, from /dev/kho or from a file.
 *
 * "khoctl dump --save" writes the file, and khoctl(5) describes it:
 *
 *	struct dumpfile_header
 *	count times: struct kho_meta_entry, then the page that it describes
 *
 * Nothing follows.  Numbers have the byte order of the machine that wrote the file; in the
 * other byte order, the page size is invalid.
 */
#ifndef KHOCTL_DUMPFILE_H
#define KHOCTL_DUMPFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <kho/abi.h>
#include <linux/kho.h>

#define DUMPFILE_MAGIC "KHODUMP1"

struct dumpfile_header {
	__u8 magic[8];		/* DUMPFILE_MAGIC without the NUL */
	__u32 page_size;	/* 4096, 16384 or 65536 */
	__u32 count;		/* number of entries */
	__u64 memory_end;	/* where RAM ends, or 0: unknown */
	__u64 setup_addr;	/* address of the setup_data node, or 0: none */
	__u64 reserved[4];	/* 0 */
};

KHO_ABI_SIZE(struct dumpfile_header, 64);
KHO_ABI_SIZE(struct kho_meta_entry, 16);

/**
 * struct meta - a set of metadata pages
 */
struct meta {
	unsigned int shift;		/* log2 of page_size */
	__u32 page_size;
	size_t count;
	__u64 memory_end;
	__u64 setup_addr;
	struct kho_meta_entry *entries;	/* sorted by addr, without duplicates */
	unsigned char *pages;		/* in the same order */
	bool *used;			/* pages that the decoder has seen */
	/* A bare FDT, in which case there are no pages */
	void *fdt;
	size_t fdt_size;
};

/* These print errors.  Return: DONE or FAILED */
int meta_from_device(struct meta *m);
int meta_from_file(struct meta *m, const char *path);
int meta_save(const struct meta *m, const char *path);
void meta_free(struct meta *m);

/* Index of the page that contains @addr, or -1 */
long meta_find(const struct meta *m, __u64 addr);
/* The @len bytes at @addr, or NULL unless a single page contains them */
const void *meta_at(const struct meta *m, __u64 addr, __u64 len);

#endif /* KHOCTL_DUMPFILE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that files show: extents of pages, and what is done with them.  Objects have
 * such memory, and so have files of pages that were preserved by number.
 */
#ifndef KHO_MEMORY_H
#define KHO_MEMORY_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rwsem.h>
#include <linux/types.h>
#include <linux/uidgid.h>

/**
 * struct kho_extent - adjacent pages
 */
struct kho_extent {
	/** @index: index of the first page within the memory. */
	u64 index;
	/** @pfn: its page number. */
	u64 pfn;
	/** @nr_pages: number of pages. */
	u64 nr_pages;
	/** @order: order of these pages; both ends are aligned to it. */
	unsigned int order;
};

/**
 * struct kho_mem - memory that files show
 */
struct kho_mem {
	/** @lock: held for reading by whoever relies on what follows; a leaf. */
	struct rw_semaphore lock;
	/** @size: in bytes. */
	u64 size;
	/** @nr_pages: number of base pages. */
	u64 nr_pages;
	/** @nr_extents: number of extents. */
	u64 nr_extents;
	/** @pmd_pages: number of pages of the PMD's size in them, */
	u64 pmd_pages;
	/** @pud_pages: and of the PUD's size. */
	u64 pud_pages;
	/** @chunk: the extents, by rising index: see extents.c. */
	struct kho_extent **chunk;
	/** @chunks: capacity of @chunk. */
	u64 chunks;
	/** @room: number of extents that fit into the chunks. */
	u64 room;
	/** @cuts: how often pages were cut off; changed with @lock held. */
	u64 cuts;
	/** @pinned: the pages belong to a process, and we have pinned them. */
	bool pinned;
	/** @huge: it has, or had, pages of the PMD's size or larger. */
	bool huge;
	/** @folios_made: its huge pages are folios of the PMD's size, where possible. */
	bool folios_made;
	/** @inode: set while there are files; changes with kho.lock held. */
	struct inode *inode;
	/** @open: entry in the list of memory with files, while there are any. */
	struct list_head open;
	/** @ops: of its owner. */
	const struct kho_mem_ops *ops;
};

/**
 * struct kho_mem_ops - callbacks of the owner of memory
 */
struct kho_mem_ops {
	/** @release: a file was closed. */
	void (*release)(struct kho_mem *mem);
	/** @ioctl: an ioctl on a file; NULL if there are none. */
	long (*ioctl)(struct file *file, struct kho_mem *mem, unsigned int cmd,
		      void __user *user);
	/** @may_write: 0, or the errno that refuses a write; the inode is locked. */
	int (*may_write)(struct kho_mem *mem);
};

/* Extents in a chunk: one page of them, which can always be allocated. */
#define KHO_CHUNK	(PAGE_SIZE / sizeof(struct kho_extent))

/**
 * kho_extent_at() - get an extent by its position
 * @mem: the memory
 * @i: the position, below the number of extents
 */
static inline struct kho_extent *kho_extent_at(const struct kho_mem *mem, u64 i)
{
	return &mem->chunk[i / KHO_CHUNK][i % KHO_CHUNK];
}

/* extents.c */
int kho_extents_add_room(struct kho_mem *mem);
void kho_extents_free(struct kho_mem *mem);
void kho_extents_swap(struct kho_mem *mem, struct kho_mem *to);

/* alloc.c */
void kho_mem_init(struct kho_mem *mem, const struct kho_mem_ops *ops);
int kho_mem_add(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages,
		unsigned int order);
int kho_mem_append(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages,
		   unsigned int order);
u64 kho_mem_put_piece(struct kho_mem *mem);
void kho_mem_put_pages(struct kho_mem *mem);
int kho_mem_mark(const struct kho_mem *mem);
void kho_mem_unmark(const struct kho_mem *mem);
bool kho_mem_folios_made(const struct kho_mem *mem);
int kho_mem_make_folios(struct kho_mem *mem);
struct page *kho_mem_page(const struct kho_mem *mem, u64 index);
unsigned int kho_mem_order(const struct kho_mem *mem, u64 index);
bool kho_mem_splits(const struct kho_mem *mem, u64 nr_pages);
int kho_extent_each(const struct kho_extent *extent,
		    int (*fn)(u64 pfn, u64 nr_pages));
u64 kho_extent_cut(const struct kho_extent *extent, u64 nr_pages,
		   unsigned int *order, u64 *end);
u64 kho_mem_poisoned(const struct kho_mem *mem);
int kho_mem_alloc(struct kho_mem *mem, u64 index, u64 nr_pages, bool huge,
		  int nid);

/* file.c */
#define KHO_FS_MAGIC	0x4b484f46

struct file *kho_mem_file(const char *name, struct kho_mem *mem,
			  unsigned int flags, bool largest);
void kho_mem_files_keep(bool keep);
void kho_mem_unmap_page(unsigned long pfn);
void kho_mem_no_file(struct kho_mem *mem);
void kho_mem_unmap(struct kho_mem *mem, const struct kho_mem *pages);
int kho_mem_deny_writers(struct kho_mem *mem);
void kho_mem_allow_writers(struct kho_mem *mem);
void kho_mem_set_inode(struct kho_mem *mem, kuid_t uid, kgid_t gid, umode_t mode);
/* in-use.c */
int kho_mem_in_use(struct kho_mem *mem);

#endif /* KHO_MEMORY_H */

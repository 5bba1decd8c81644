/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that files show: extents of pages, and what is done with them.  An object has
 * such memory, and so has a file of pages that were preserved by number.
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
 * struct kho_extent - pages that lie side by side
 */
struct kho_extent {
	/** @index: number of the first of them within the object. */
	u64 index;
	/** @pfn: its page number. */
	u64 pfn;
	/** @nr_pages: how many. */
	u64 nr_pages;
	/** @order: of the pages it is made of; both ends are multiples of that. */
	unsigned int order;
};

/**
 * struct kho_mem - memory that files show
 */
struct kho_mem {
	/** @lock: a reader relies on what follows; a leaf. */
	struct rw_semaphore lock;
	/** @size: bytes. */
	u64 size;
	/** @nr_pages: base pages. */
	u64 nr_pages;
	/** @nr_extents: how many extents. */
	u64 nr_extents;
	/** @pmd_pages: pages of the PMD's size in them, */
	u64 pmd_pages;
	/** @pud_pages: and of the PUD's. */
	u64 pud_pages;
	/** @chunk: the extents, by rising index: see extents.c. */
	struct kho_extent **chunk;
	/** @chunks: room in @chunk. */
	u64 chunks;
	/** @room: extents that there is room for. */
	u64 room;
	/** @cuts: how often pages were cut off; changed with @lock held. */
	u64 cuts;
	/** @pinned: the pages belong to a process, and are pinned for us. */
	bool pinned;
	/** @huge: it has, or had, pages of the PMD's size or above. */
	bool huge;
	/** @whole: extents of huge pages are folios of the PMD's size. */
	bool whole;
	/** @inode: while there are files; comes and goes with kho.lock held. */
	struct inode *inode;
	/** @open: on the list of those with files, just as long. */
	struct list_head open;
	/** @ops: of its owner. */
	const struct kho_mem_ops *ops;
};

/**
 * struct kho_mem_ops - what the owner of memory wants to know
 */
struct kho_mem_ops {
	/** @release: a file was closed. */
	void (*release)(struct kho_mem *mem);
	/** @ioctl: called on a file; NULL if there is nothing to call. */
	long (*ioctl)(struct file *file, struct kho_mem *mem, unsigned int cmd,
		      void __user *user);
	/** @may_write: 0, or why it can't be written; the inode is locked. */
	int (*may_write)(struct kho_mem *mem);
};

/* Extents in a chunk: a page of them, so that it can always be had. */
#define KHO_CHUNK	(PAGE_SIZE / sizeof(struct kho_extent))

/**
 * kho_extent_at() - an extent by its place
 * @mem: of what
 * @i: which, of those there are
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
bool kho_mem_is_whole(const struct kho_mem *mem);
int kho_mem_make_whole(struct kho_mem *mem);
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

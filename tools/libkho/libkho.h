/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkho: preserving memory across kexec, for agents.
 *
 * There is one function per operation of /dev/kho, with the structs of linux/kho.h.  On
 * failure, a function returns a negative errno, which linux/kho.h explains.  On success, it
 * returns 0 or what is said here.  No function prints anything, keeps state, or sets errno
 * deliberately.  All may be called from any thread.
 */
#ifndef LIBKHO_H
#define LIBKHO_H

#include <stddef.h>
#include <stdint.h>

#include <linux/kho.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KHO_DEV_PATH		"/dev/kho"

/* ---- The device: @dev is what kho_open() returned ---- */

/* @path: NULL for KHO_DEV_PATH.  Return: a descriptor (close-on-exec) */
int kho_open(const char *path);
int kho_query(int dev, struct kho_query *query);

/* ---- Objects, by name ---- */

/*
 * Creates an object of zeroed memory.  @flags: KHO_CREATE_*; @node: NUMA node with
 * KHO_CREATE_NODE.  Return: a descriptor of the object (close-on-exec)
 */
int kho_object_create(int dev, const char *name, uint64_t bytes,
		      uint32_t flags, uint32_t node);

/* What could not be preserved, and why */
struct kho_refusal {
	uint32_t why;			/* KHO_WHY_* */
	uint64_t addr;			/* first bad address, or 0 */
};

/*
 * Preserves memory that the caller has mapped.  @flags: KHO_PRESERVE_*; @refusal may be
 * NULL.  Return: a descriptor of the object (close-on-exec)
 */
int kho_object_preserve(int dev, const char *name, const void *addr,
			uint64_t bytes, uint32_t flags,
			struct kho_refusal *refusal);

/*
 * @flags: KHO_OPEN_*; @bytes: set to the size unless NULL.
 * Return: a descriptor of the object (close-on-exec)
 */
int kho_object_open(int dev, const char *name, uint32_t flags, uint64_t *bytes);
int kho_object_remove(int dev, const char *name);

/* @count: in: room for entries; out: entries filled in.  @total: all entries */
int kho_object_list(int dev, uint64_t first, struct kho_obj_info *infos,
		    uint32_t *count, uint64_t *total);

/* ---- One object: @obj is a descriptor of it ---- */

int kho_object_commit(int obj);
/* @flags: KHO_SEAL_* */
int kho_object_seal(int obj, uint32_t flags);
int kho_object_resize(int obj, uint64_t bytes);
int kho_object_info(int obj, struct kho_obj_info *info);
/* @bytes: at most KHO_DATA_MAX; 0 removes the data */
int kho_object_set_data(int obj, const void *data, uint32_t bytes);
/* @bytes: in: room; out: size of the data, which may be more than was copied */
int kho_object_get_data(int obj, void *data, uint32_t *bytes);
/* @which: KHO_OWNER_*: which of the other arguments to set */
int kho_object_set_owner(int obj, uint32_t which, uint32_t uid, uint32_t gid,
			 uint32_t mode);
/* Compares base pages from @first on.  @count: in: how many; out: how many were compared */
int kho_object_verify(int obj, uint64_t first, uint64_t *count, uint64_t *bad,
		      uint64_t *first_bad);
/* The same with all results, such as poisoned pages.  @verify: set first and count */
int kho_object_verify_pages(int obj, struct kho_obj_verify *verify);

/*
 * Maps @bytes of an object from @offset on, shared, at an address that lets the kernel use
 * the largest pages of that memory.  @prot: as for mmap(); @addr: set to the address.
 * munmap() removes the mapping.
 */
int kho_object_map(int obj, uint64_t offset, size_t bytes, int prot,
		   void **addr);

/* ---- Pages by number, and diagnostics; these need CAP_SYS_ADMIN ---- */

int kho_page_add(int dev, uint64_t pfn, uint32_t order);
int kho_page_del(int dev, uint64_t pfn, uint32_t order);
/*
 * Adds or deletes all pages or none.  @failed: set to the index of the first page that
 * failed, or to @count if no page is the reason
 */
int kho_batch_add(int dev, const struct kho_page_entry *entries,
		  uint32_t count, uint32_t *failed);
int kho_batch_del(int dev, const struct kho_page_entry *entries,
		  uint32_t count, uint32_t *failed);
/* Return: a descriptor of the pages (close-on-exec) */
int kho_page_open(int dev, uint64_t pfn, uint32_t order);
int kho_page_list(int dev, uint64_t first, struct kho_page_entry *entries,
		  uint32_t *count, uint64_t *total);

/* @pages: room for *@count pages of kho_query.page_size bytes */
int kho_meta_read(int dev, uint64_t first, struct kho_meta_entry *entries,
		  void *pages, uint32_t *count, uint64_t *total);
/* @flags: KHO_ENVELOPE_ARRIVED or 0 */
int kho_envelope_list(int dev, uint32_t flags, uint64_t first,
		      struct kho_envelope_entry *entries, uint32_t *count,
		      uint64_t *total);
int kho_subtree_list(int dev, uint64_t first,
		     struct kho_subtree_entry *entries, uint32_t *count,
		     uint64_t *total);

/* ---- For messages ---- */

/* Describes a KHO_WHY_* value in a few words of English. */
const char *kho_why_text(uint32_t why);
/* Version of the running library, such as "0.1.0" */
const char *kho_version(void);

#ifdef __cplusplus
}
#endif

#endif /* LIBKHO_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkho: preserving memory across kexec, for agents.
 *
 * One function per operation of /dev/kho; the structs are those of linux/kho.h.
 * All of them return a negative errno when they fail, with the meaning that
 * linux/kho.h gives it, and 0 or what is said here when they don't.  None prints
 * anything, keeps any state, or changes errno on purpose; all may be called from
 * any thread.
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

/* @path: NULL for KHO_DEV_PATH.  Return: a descriptor (close-on-exec). */
int kho_open(const char *path);
int kho_query(int dev, struct kho_query *query);

/* ---- Objects, by name ---- */

/*
 * Zeroed memory.  @flags: KHO_CREATE_*; @node: NUMA node with KHO_CREATE_NODE.
 * Return: a descriptor of the object (close-on-exec).
 */
int kho_object_create(int dev, const char *name, uint64_t bytes,
		      uint32_t flags, uint32_t node);

/* What could not be preserved, and why. */
struct kho_refusal {
	uint32_t why;			/* KHO_WHY_* */
	uint64_t addr;			/* first bad address, or 0 */
};

/*
 * Memory that the caller has mapped.  @flags: KHO_PRESERVE_*; @refusal may be
 * NULL.  Return: a descriptor of the object (close-on-exec).
 */
int kho_object_preserve(int dev, const char *name, const void *addr,
			uint64_t bytes, uint32_t flags,
			struct kho_refusal *refusal);

/*
 * @flags: KHO_OPEN_*; @bytes: set to the size unless NULL.
 * Return: a descriptor of the object (close-on-exec).
 */
int kho_object_open(int dev, const char *name, uint32_t flags, uint64_t *bytes);
int kho_object_remove(int dev, const char *name);

/* @count: in: room; out: entries filled.  @total: entries that there are. */
int kho_object_list(int dev, uint64_t first, struct kho_obj_info *infos,
		    uint32_t *count, uint64_t *total);

/* ---- One object: @obj is a descriptor of it ---- */

int kho_object_commit(int obj);
/* @flags: KHO_SEAL_* */
int kho_object_seal(int obj, uint32_t flags);
int kho_object_resize(int obj, uint64_t bytes);
int kho_object_info(int obj, struct kho_obj_info *info);
/* At most KHO_DATA_MAX bytes; 0 for none. */
int kho_object_set_data(int obj, const void *data, uint32_t bytes);
/* @bytes: in: room; out: how many there are, maybe more than were copied. */
int kho_object_get_data(int obj, void *data, uint32_t *bytes);
/* @which: KHO_OWNER_*: which of the others to set */
int kho_object_set_owner(int obj, uint32_t which, uint32_t uid, uint32_t gid,
			 uint32_t mode);
/* Base pages from @first on.  @count: in: how many; out: how many were compared. */
int kho_object_verify(int obj, uint64_t first, uint64_t *count, uint64_t *bad,
		      uint64_t *first_bad);
/* The same with all that is told, poisoned pages as well.  @verify: first, count. */
int kho_object_verify_pages(int obj, struct kho_obj_verify *verify);

/*
 * Maps @bytes of an object from @offset on, shared, at an address that lets the
 * kernel use the largest pages that the memory is made of.  @prot: as for
 * mmap(); @addr: set to where.  munmap() ends it.
 */
int kho_object_map(int obj, uint64_t offset, size_t bytes, int prot,
		   void **addr);

/* ---- Pages by number, and what there is to see; for CAP_SYS_ADMIN ---- */

int kho_page_add(int dev, uint64_t pfn, uint32_t order);
int kho_page_del(int dev, uint64_t pfn, uint32_t order);
/*
 * All or none.  @failed: index of the first that failed; @count if the call
 * failed for a reason that is no element's.
 */
int kho_batch_add(int dev, const struct kho_page_entry *entries,
		  uint32_t count, uint32_t *failed);
int kho_batch_del(int dev, const struct kho_page_entry *entries,
		  uint32_t count, uint32_t *failed);
/* Return: a descriptor of the pages (close-on-exec). */
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

/* What KHO_WHY_* means, in a few words of English. */
const char *kho_why_text(uint32_t why);
/* The version of the library that is running, such as "0.1.0". */
const char *kho_version(void);

#ifdef __cplusplus
}
#endif

#endif /* LIBKHO_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend keeps pages for the next kernel: either this module does, with its own tree
 * and handover (backend/own/), or in-kernel KHO does (backend/native/).
 *
 * Kbuild links one of the two, depending on CONFIG_KEXEC_HANDOVER.  The rest of the
 * module does not know which one.  tests/unit/ has a third one.
 *
 * Unless noted otherwise, each function may sleep and is called with kho.lock held.
 */
#ifndef KHO_BACKEND_H
#define KHO_BACKEND_H

#include <linux/types.h>

#include "tree/tree.h"

#include <kho/left.h>
#include <linux/kho.h>

/* Module parameters that only a backend uses */
extern unsigned int kho_abi;
extern unsigned long kho_scratch_mib;

/* ---- Loading and unloading ---- */

/*
 * Checks whether this kernel can hand anything over.  None of our locks held.  Returns 0,
 * or an errno after logging the reason.
 */
int kho_backend_probe(void);

/* The opposite; also if that was not called, or has failed. */
void kho_backend_unprobe(void);

/*
 * These prepare the outgoing handover, in this order.  kho_backend_scratch_init() is
 * called once the incoming handover is known.  Between kho_backend_outgoing_init() and
 * kho_backend_outgoing_ready() the objects add their child.  The function that undoes a
 * step is called even if the step failed.
 */
int kho_backend_scratch_init(void);
int kho_backend_outgoing_init(void);
int kho_backend_outgoing_ready(void);

/* Withdraws the announcement; children may still be dropped. */
void kho_backend_outgoing_withdraw(void);
void kho_backend_outgoing_exit(void);
void kho_backend_scratch_exit(void);

/*
 * These end work in the background: the first one before, the second one after the exit
 * functions.  None of our locks held.
 */
void kho_backend_quiet(void);
void kho_backend_flush(void);

/* Describes the backend for the log: "kho-v4, scratch 64 MiB at 0x...". */
void kho_backend_describe(char *text, size_t size);

/* ---- Whether and where pages may be preserved ---- */

/*
 * Context: kho.lock or kho.gate held.  Returns 0, or an errno after logging the reason.
 */
int kho_backend_may_preserve(void);

/* Returns true if this machine can no longer jump to another kernel.  Context: any. */
bool kho_backend_locked_down(void);

/* Below that nothing can be preserved, nor in the last page of RAM if that is spared. */
extern const u64 kho_backend_lowest_pfn;
extern const bool kho_backend_spares_last;

/* Is any of these pages in scratch?  Context: any. */
bool kho_backend_in_scratch(u64 pfn, u64 nr_pages);

/*
 * The first page from @pfn on that lies in scratch, or U64_MAX.  So that not each page
 * takes a call: while kho.gate or kho.lock is held, scratch stays where it is.
 */
u64 kho_backend_next_scratch(u64 pfn);

/* Else no page can be preserved by number.  Context: any. */
bool kho_backend_scratch_known(void);

/*
 * Is it impossible to preserve these newly allocated pages where they are?  No locks but
 * ours held.
 */
bool kho_backend_unfit(u64 pfn, u64 nr_pages);

/*
 * Does the backend want to set aside pages that begin here?  If so, kho_backend_keep()
 * gives them to it.
 */
bool kho_backend_may_keep(u64 pfn);
void kho_backend_keep(u64 pfn, u64 nr_pages);

/* Must a page of a process be moved before it can be preserved?  Context: any. */
bool kho_backend_has_to_move(u64 pfn, u64 nr_pages);

/* Sets aside free or movable pages of scratch in this range.  No locks held. */
void kho_backend_set_aside(unsigned long pfn, unsigned long end);

/* Does the same for all of scratch, later.  Context: any. */
void kho_backend_set_aside_later(void);

/* ---- Marking ---- */

/*
 * Called when pages are marked in, or unmarked from, our own tree.  Context: kho.lock or
 * kho.gate held.  After an error nothing has changed; for a batch, only the blocks before
 * @done have.
 */
int kho_backend_preserve(u64 pfn, u64 nr_pages);
void kho_backend_unpreserve(u64 pfn, u64 nr_pages);
int kho_backend_preserve_batch(const unsigned long *pfn, unsigned long nr,
			       unsigned int order, unsigned long *done);
void kho_backend_unpreserve_batch(const unsigned long *pfn, unsigned long nr,
				  unsigned int order);

/*
 * Adds pages to the boot tree, or removes them: in-kernel KHO of the next kernel must
 * know them, as its users will ask it for them.
 */
int kho_backend_boot_add(unsigned long pfn, unsigned long nr_pages);
void kho_backend_boot_del(unsigned long pfn, unsigned long nr_pages);

/* Called after the set of preserved pages has changed. */
void kho_backend_changed(void);

/* Called after the last change, before a jump: kho.gate is held for writing. */
void kho_backend_settle(void);

/* ---- Memory hotplug; kho.gate held for writing ---- */

void kho_backend_memory_changed(void);
void kho_backend_image_changed(void);

/*
 * kexec_file_load(): see from now on what it loads; let the calling process, or a child of
 * it, be the next to load a kernel that gets the handover; wait until it is known what is
 * loaded; is it such a kernel?  None of our locks held, but for the last.
 */
int kho_backend_follow_image(void);
void kho_backend_expect_image(bool expect);
void kho_backend_sync_image(void);
bool kho_backend_image_carried(void);

/* Returns 0, or -EOPNOTSUPP if in-kernel KHO looks after the loaded kernel. */
int kho_backend_check_image(void);

/* Returns what the backend has in this range, for the log, or NULL. */
const char *kho_backend_holds(unsigned long pfn, unsigned long end);

/* Frees pages in this range that the backend holds only so that nobody else gets them. */
void kho_backend_let_go(unsigned long pfn, unsigned long nr_pages);

/* ---- Subtrees: data that the next kernel finds by name ---- */

/* The caller preserves @data.  @flags: KHO_SUBTREE_OWN for our own subtrees, or 0. */
int kho_backend_add_child(const char *name, void *data, u64 size, u32 flags);
int kho_backend_drop_child(const void *data);

/* These take kho.lock themselves. */
int kho_backend_set_abi(unsigned int abi);
int kho_backend_set_mode(u32 mode);
int kho_backend_ask_scratch(u64 bytes);
void kho_backend_scratch_size(u64 *bytes, u64 *held);
void kho_backend_list_children(u64 first, u32 room, void *entries, u32 *filled,
			       u64 *total);
void kho_backend_list_envelopes(u64 first, u32 room, void *entries, u32 *filled,
				u64 *total);

/* ---- The incoming handover ---- */

/*
 * Reads the incoming handover, and lists its pages as preserved and unclaimed.  Nothing
 * else changes.  Returns 0 or -ENOMEM; refusing the handover is not an error.
 */
int kho_backend_incoming_read(void);

/* Lists the pages anew, after the records of objects turned out to be bad. */
int kho_backend_incoming_reset(void);

/* Finds the data of a child of the FDT.  Returns 0 or -ENOENT. */
int kho_backend_incoming_find(const char *name, u64 *addr, u64 *size);

/* Has the page at this address arrived, so that it can be read? */
bool kho_backend_incoming_has(u64 addr);

/* Claims pages for an object or as metadata, as they were preserved; and undoes that. */
int kho_backend_incoming_get(u64 pfn, u64 nr_pages);
int kho_backend_incoming_put(u64 pfn, u64 nr_pages);

/* The remaining steps of the takeover; see takeover.c.  Only the first one can fail. */
int kho_backend_incoming_keep(void);
void kho_backend_incoming_commit(void);
void kho_backend_incoming_finish(void);

/* Frees what describes the handover; calls the takeover off if it was not committed. */
void kho_backend_incoming_exit(void);

/*
 * Pages that in-kernel KHO keeps until they are retrieved by number.  The first two ask
 * whether it keeps exactly this block, and whether the block may be retrieved now.  The
 * list function returns the number of blocks.
 */
bool kho_backend_unretrieved(u64 pfn, unsigned int order);
bool kho_backend_may_retrieve(u64 pfn, unsigned int order);
int kho_backend_retrieve(u64 pfn, unsigned int order);
void kho_backend_drop(u64 pfn, unsigned int order);
u64 kho_backend_unretrieved_pages(void);
u64 kho_backend_unretrieved_list(u64 *skip, kho_radix_range_callback_t cb, void *data);

/* ---- Leaving what is preserved to another module in this kernel: leave.c ---- */

/* Returns 0, or -EOPNOTSUPP after logging the reason.  kho.gate held for writing. */
int kho_backend_may_leave(void);

/* Adds to the record what the next module has to know, and forgets it.  Can't fail. */
void kho_backend_leave(struct kho_left *left);

/* ---- Information for users ---- */

void kho_backend_query(struct kho_query *query);

/* Pages that the next kernel reads and that are in no list of metapages, or NULL. */
void *kho_backend_setup_page(void);
void *kho_backend_fdt_page(void);
u64 kho_backend_walk_boot_tree(const struct kho_walk_ops *ops, void *ctx);

#endif /* KHO_BACKEND_H */

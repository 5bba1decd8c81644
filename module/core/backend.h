/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who keeps the pages for the next kernel: this module, by a tree and a hand-off of its
 * own (backend/own/), or the kernel's own KHO (backend/native/).
 *
 * Kbuild links one of these two, as CONFIG_KEXEC_HANDOVER says, so the rest of the module
 * calls it and does not ask which it is.  tests/unit/ has a third one.
 *
 * Unless it says otherwise, each function may sleep and is called with kho.lock held.
 */
#ifndef KHO_BACKEND_H
#define KHO_BACKEND_H

#include <linux/types.h>

#include "tree/tree.h"

#include <linux/kho.h>

/* Module parameters that only a backend knows what to do with */
extern unsigned int kho_abi;
extern unsigned long kho_scratch_mib;

/* ---- Loading and unloading ---- */

/*
 * Can this kernel hand anything on?  None of our locks held.  0, or an errno whose reason
 * has been logged.
 */
int kho_backend_probe(void);

/*
 * Gets everything ready for a jump, in this order.  kho_backend_scratch_init() is called
 * once it is known what arrived; between kho_backend_outgoing_init() and
 * kho_backend_outgoing_ready() the objects add their child.  Each has an opposite that is
 * called after it has failed as well.
 */
int kho_backend_scratch_init(void);
int kho_backend_outgoing_init(void);
int kho_backend_outgoing_ready(void);

/* What was announced says nothing any more; children may still be dropped. */
void kho_backend_outgoing_withdraw(void);
void kho_backend_outgoing_exit(void);
void kho_backend_scratch_exit(void);

/* Ends what runs in the background.  None of our locks held; before and after the exits. */
void kho_backend_quiet(void);
void kho_backend_flush(void);

/* Says in the log what there is to hand over by: "kho-v4, scratch 64 MiB at 0x...". */
void kho_backend_describe(char *text, size_t size);

/* ---- May pages be preserved, and where ---- */

/* Context: kho.lock or kho.gate held.  0, or an errno whose reason has been logged. */
int kho_backend_may_preserve(void);

/* Can this machine still jump to another kernel?  Context: any. */
bool kho_backend_locked_down(void);

/* Below that nothing can be preserved, nor in the last page of RAM if that is spared. */
extern const u64 kho_backend_lowest_pfn;
extern const bool kho_backend_spares_last;

/* Does any of these pages lie in scratch?  Context: any. */
bool kho_backend_in_scratch(u64 pfn, u64 nr_pages);

/*
 * The first page from @pfn on that lies in scratch, or U64_MAX.  So that not each page
 * takes a call: while kho.gate or kho.lock is held, scratch stays where it is.
 */
u64 kho_backend_next_scratch(u64 pfn);

/* Else no page can be preserved by number.  Context: any. */
bool kho_backend_scratch_known(void);

/* Has the allocator given what nobody can preserve there?  No locks but ours held. */
bool kho_backend_unfit(u64 pfn, u64 nr_pages);

/* May the backend have them, if they begin there?  Then they are its from now on. */
bool kho_backend_may_keep(u64 pfn);
void kho_backend_keep(u64 pfn, u64 nr_pages);

/* Can't a page of a process be preserved where it is, but could elsewhere?  Context: any. */
bool kho_backend_has_to_move(u64 pfn);

/* Sets aside free or movable pages of scratch between these.  No locks held. */
void kho_backend_set_aside(unsigned long pfn, unsigned long end);

/* The same later, for all of scratch.  Context: any. */
void kho_backend_set_aside_later(void);

/* ---- Marking ---- */

/*
 * What is marked in our own tree is about to be, or is no more.  Context: kho.lock or
 * kho.gate held.  An errno means that nothing has changed; for a batch, that only the
 * blocks before @done have.
 */
int kho_backend_preserve(u64 pfn, u64 nr_pages);
void kho_backend_unpreserve(u64 pfn, u64 nr_pages);
int kho_backend_preserve_batch(const unsigned long *pfn, unsigned long nr,
			       unsigned int order, unsigned long *done);
void kho_backend_unpreserve_batch(const unsigned long *pfn, unsigned long nr,
				  unsigned int order);

/*
 * The in-kernel KHO of the next kernel has to know of these pages, or need not any more:
 * somebody there asks it for them.
 */
int kho_backend_boot_add(unsigned long pfn, unsigned long nr_pages);
void kho_backend_boot_del(unsigned long pfn, unsigned long nr_pages);

/* What is preserved has changed. */
void kho_backend_changed(void);

/* Nothing changes any more: kho.gate is held for writing. */
void kho_backend_settle(void);

/* ---- Memory that comes and goes; kho.gate held for writing ---- */

void kho_backend_memory_changed(void);
void kho_backend_image_changed(void);

/* 0, or -EOPNOTSUPP if a kernel that is loaded is none of our business. */
int kho_backend_check_image(void);

/* What of the backend's lies there, or NULL. */
const char *kho_backend_holds(unsigned long pfn, unsigned long end);

/* Gives up what it has there only so that nobody else has it. */
void kho_backend_let_go(unsigned long pfn, unsigned long nr_pages);

/* ---- What the next kernel finds by name ---- */

/* @data is preserved by the caller; @flags: KHO_SUBTREE_OWN, or 0 for others. */
int kho_backend_add_child(const char *name, void *data, u64 size, u32 flags);
int kho_backend_drop_child(const void *data);

/* Without kho.lock: these take it. */
int kho_backend_set_abi(unsigned int abi);
int kho_backend_set_mode(u32 mode);
int kho_backend_ask_scratch(u64 bytes);
void kho_backend_scratch_size(u64 *bytes, u64 *held);
void kho_backend_list_children(u64 first, u32 room, void *entries, u32 *filled,
			       u64 *total);
void kho_backend_list_envelopes(u64 first, u32 room, void *entries, u32 *filled,
				u64 *total);

/* ---- What arrived ---- */

/*
 * Finds out what came, and lists it as preserved and unclaimed.  Nothing else changes.
 * 0 or -ENOMEM; a handover that was refused is no error.
 */
int kho_backend_incoming_read(void);

/* The objects were no good: list it anew. */
int kho_backend_incoming_reset(void);

/* What a child of the FDT leads to: 0 or -ENOENT. */
int kho_backend_incoming_find(const char *name, u64 *addr, u64 *size);

/* Can the page there be read, as something that arrived? */
bool kho_backend_incoming_has(u64 addr);

/* Gets pages for an object or as metadata, as they were preserved, and the opposite. */
int kho_backend_incoming_get(u64 pfn, u64 nr_pages);
int kho_backend_incoming_put(u64 pfn, u64 nr_pages);

/* The steps of the takeover after that: see takeover.c.  The first one can fail. */
int kho_backend_incoming_keep(void);
void kho_backend_incoming_commit(void);
void kho_backend_incoming_finish(void);

/* Calls the takeover off if it was not committed, and lets go. */
void kho_backend_incoming_exit(void);

/*
 * Pages that the kernel's own KHO keeps until somebody asks for them by number.  Does it
 * keep such a block, and may it be asked for?  The list returns how many blocks there are.
 */
bool kho_backend_unretrieved(u64 pfn, unsigned int order);
bool kho_backend_may_retrieve(u64 pfn, unsigned int order);
int kho_backend_retrieve(u64 pfn, unsigned int order);
void kho_backend_drop(u64 pfn, unsigned int order);
u64 kho_backend_unretrieved_pages(void);
u64 kho_backend_unretrieved_list(u64 *skip, kho_radix_range_callback_t cb, void *data);

/* ---- What there is to be seen ---- */

void kho_backend_query(struct kho_query *query);

/* Pages that the next kernel reads and that are in no list, or NULL. */
void *kho_backend_setup_page(void);
void *kho_backend_fdt_page(void);
u64 kho_backend_walk_boot_tree(const struct kho_walk_ops *ops, void *ctx);

#endif /* KHO_BACKEND_H */

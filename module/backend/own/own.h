/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend for kernels without KHO: what the files of this folder share.
 */
#ifndef KHO_OWN_H
#define KHO_OWN_H

#include <linux/types.h>

#include "arch/envelope.h"
#include "core/left.h"
#include "tree/tree.h"

#include <kho/fdt.h>
#include <kho/walk.h>
#include <linux/kho.h>

/*
 * Both ends of scratch are multiples of this number of pages.  The buddy allocator looks at
 * the neighbours of a block, up to its largest order.  If the neighbours are preserved,
 * mainline has no struct pages for them yet (797fe91e50d6).  Whole blocks of the largest
 * order have no such neighbours.
 */
#define KHO_SCRATCH_ALIGN	BIT(MAX_PAGE_ORDER)

/* scratch.c */
void kho_scratch_find(void);
int kho_scratch_alloc(unsigned long nr_pages, unsigned long *where);
int kho_scratch_alloc_largest(unsigned long *nr_pages, unsigned long *where);
bool kho_scratch_alloc_beside(unsigned long pfn, unsigned long neighbour);
unsigned long kho_scratch_wanted(unsigned long mib);

/* scratch-previous.c */
bool kho_scratch_previous(unsigned long align, unsigned long least,
			  unsigned long *pfn, unsigned long *nr_pages);

/**
 * struct kho_scratch_old - what was scratch, and is to be freed
 */
struct kho_scratch_old {
	/** @pfn: number of the first page. */
	unsigned long pfn;
	/** @nr_pages: how many. */
	unsigned long nr_pages;
	/** @held: a bit for each page that was set aside; NULL if all were. */
	unsigned long *held;
};

/* scratch-hold.c */
unsigned long kho_scratch_pfn(void);
unsigned long kho_scratch_pages(void);
int kho_scratch_set(unsigned long pfn, unsigned long nr_pages, bool whole);
void kho_scratch_move(unsigned long pfn, unsigned long nr_pages,
		      struct kho_scratch_old *old);
int kho_scratch_widen(unsigned long below, unsigned long above);
void kho_scratch_free(struct kho_scratch_old *old);
void kho_scratch_quiet(void);
void kho_scratch_clear(void);
void kho_scratch_hold_all(void);
int kho_scratch_left(void);
void kho_scratch_leave(struct kho_left *left);
void kho_scratch_forget(void);
u64 kho_scratch_held(void);

/* scratch-late.c */
void kho_scratch_later(void);
void kho_scratch_flush(void);

/* scratch-grow.c */
int kho_scratch_grow(u64 bytes);

/* envelopes.c */
int kho_envelopes_init(void);
void kho_envelopes_exit(void);
void kho_envelopes_update(void);
void kho_envelopes_flush(void);
void kho_envelopes_leave_open(unsigned long pfn, unsigned long nr_pages);
void kho_envelopes_query(struct kho_query *query);

/* spared.c: pages that no envelope may contain */
void kho_spared_hold(void);
void kho_spared_drop(void);

/* outgoing.c */
bool kho_outgoing_exists(void);
void kho_outgoing_announce(const struct kho_envelope *envelope, unsigned int nr);
void kho_outgoing_new_scratch(void);
void kho_outgoing_query(struct kho_query *query);
const char *kho_outgoing_check(const struct kho_fdt *in);
void kho_outgoing_take_over(void);
void kho_outgoing_leave(struct kho_left *left);

/* file-load.c */
#if defined(CONFIG_KEXEC_FILE) && defined(CONFIG_KPROBES)
void kho_file_load_init(void);
void kho_file_load_exit(void);
bool kho_file_load_possible(void);
int kho_file_load_follow(void);
void kho_file_load_ask(bool ask);
void kho_file_load_offer(u64 addr);
bool kho_file_load_withdraw(void);
bool kho_file_load_stop(void);
void kho_file_load_resume(void);
bool kho_file_load_carries(void);
void kho_file_load_sync(void);
#else
static inline void kho_file_load_init(void) { }
static inline void kho_file_load_exit(void) { }
static inline bool kho_file_load_possible(void) { return false; }
static inline int kho_file_load_follow(void) { return -EOPNOTSUPP; }
static inline void kho_file_load_ask(bool ask) { }
static inline void kho_file_load_offer(u64 addr) { }
static inline bool kho_file_load_withdraw(void) { return false; }
static inline bool kho_file_load_stop(void) { return true; }
static inline void kho_file_load_resume(void) { }
static inline bool kho_file_load_carries(void) { return false; }
static inline void kho_file_load_sync(void) { }
#endif

/* boot-tree.c */
int kho_boot_tree_init(void);
void kho_boot_tree_exit(void);
void kho_boot_tree_leave(struct kho_left *left);
void kho_boot_tree_drop_left(void);
u64 kho_boot_tree_root(void);
bool kho_boot_tree_lies_in(unsigned long pfn, unsigned long nr_pages);
void kho_boot_tree_watch(kho_radix_watch_t watch);
void kho_boot_tree_walk(const struct kho_walk_ops *ops, void *ctx);
u64 kho_boot_tree_nodes(void);
u64 kho_boot_tree_keys(void);

#endif /* KHO_OWN_H */

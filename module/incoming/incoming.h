/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The incoming handover: which parts of it are believed, and which are unclaimed.
 *
 * Unless noted otherwise, each function is called with kho.lock held and may sleep.
 */
#ifndef KHO_INCOMING_H
#define KHO_INCOMING_H

#include <linux/types.h>

#include "arch/arch.h"
#include "core/left.h"
#include "tree/tree.h"

#include <kho/boot_info.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <linux/kho.h>

/**
 * struct kho_incoming - state of the incoming handover
 */
struct kho_incoming {
	/** @outcome: KHO_ARRIVAL_*. */
	u32 outcome;
	/** @left: another module in this kernel has left it: see left.c. */
	bool left;
	/** @boot_outcome: in that case, @outcome of what this kernel was started with, */
	u32 boot_outcome;
	/** @boot_kind: and its @kind. */
	u32 boot_kind;
	/** @kind: KHO_KIND_*. */
	u32 kind;
	/** @generation: number of handovers that led to this kernel. */
	u32 generation;
	/** @two_trees: the FDT leads to the boot tree, and a child of it to the full tree. */
	bool two_trees;
	/** @root: physical address of the root of the tree of everything that arrived. */
	u64 root;
	/** @fdt: content of the root FDT, or NULL. */
	struct kho_fdt *fdt;
	/** @boot: the boot stub's report, or one that the module made without a stub. */
	struct kho_boot_info boot;
	/** @list: the setup_data that this kernel was started with. */
	struct kho_boot_list list;
	/** @error: why the handover, or a part of it, was refused. */
	char error[128];
	/** @previous_release: release of the previous kernel. */
	char previous_release[KHO_METADATA_RELEASE];
};

/* incoming.c */
const struct kho_incoming *kho_incoming(void);
void kho_incoming_find_list(void);
void kho_incoming_set_boot(const struct kho_boot_info *boot);
void kho_incoming_set_kind(u32 kind);
void kho_incoming_refuse(const char *why, u64 where, u64 value);
void kho_incoming_refused_at_boot(void);
void kho_incoming_off(void);
void kho_incoming_take(void);
void kho_incoming_complain(const char *what, const char *why);
void kho_incoming_set_previous(const struct kho_metadata *metadata);
bool kho_incoming_taken(void);
bool kho_incoming_refused(void);
const struct kho_fdt_child *kho_incoming_child(const char *name);
void kho_incoming_ours(const char *name, bool ours);
bool kho_incoming_is_ours(const char *name);
bool kho_incoming_page_waits(u64 pfn);
void kho_incoming_query(struct kho_query *query);

/* left.c: if another module in this kernel has left what there is */
void kho_incoming_set_left(void);
void kho_incoming_restore(void);
void kho_incoming_leave(struct kho_left *left);
u32 kho_incoming_arrival(void);

/* fdt.c */
int kho_incoming_alloc_fdt(void);
const char *kho_incoming_read_fdt(const void *fdt, u32 size);
void kho_incoming_free_fdt(void);
int kho_incoming_find_root(void);

/* setup-list.c */
const char *kho_list_check_envelopes(u64 *where, u64 *value);
const char *kho_list_check(u64 *where, u64 *value);
bool kho_list_covers(u64 pfn, u64 nr_pages);
u32 kho_envelope_entries(const struct kho_envelope *envelope, unsigned int nr, u64 first,
			 u32 capacity, struct kho_envelope_entry *entry);
void kho_list_envelopes(u64 first, u32 capacity, void *entries, u32 *filled, u64 *total);

/* announcement.c: the pages that lead to a handover, which nobody can claim */
int kho_announcement_read(void);
bool kho_announcement_has(u64 pfn, u64 nr_pages);
bool kho_announcement_has_others(u64 pfn, u64 nr_pages);
bool kho_announcement_allows_node(u64 pfn);
bool kho_announcement_allows_mark(u64 pfn);
int kho_announcement_unlist(void);
void kho_announcement_forget(void);

/* unclaimed.c: pages that arrived, and that nothing in this kernel has claimed */
int kho_unclaimed_init(void);
void kho_unclaimed_destroy(void);
bool kho_unclaimed_has(u64 pfn, unsigned int order);
bool kho_unclaimed_marks(u64 pfn, u64 nr_pages);
int kho_unclaimed_add(u64 pfn, u64 nr_pages);
int kho_unclaimed_add_run(u64 pfn, unsigned int order, u64 nr);
int kho_unclaimed_del(u64 pfn, u64 nr_pages);
u64 kho_unclaimed_pages(void);
u64 kho_unclaimed_keys(void);
int kho_unclaimed_each(u64 pfn, u64 nr_pages, kho_radix_range_callback_t cb, void *data);
void kho_unclaimed_each_from(u64 *skip, kho_radix_range_callback_t cb, void *data);
int kho_unclaimed_walk(const struct kho_walk_ops *ops, void *ctx);

/* trim.c: freeing the parts of envelopes that are not preserved */
extern bool kho_drop;

int kho_trim_prepare(u64 root, bool keep_nodes);
void kho_trim_start(void);
void kho_trim_refused(void);
void kho_trim_exit(void);
void kho_trim_on_done(void (*done)(void));
void kho_trim_query(struct kho_query *query);
void kho_trim_restore(u32 state, u64 total, u64 done);

#endif /* KHO_INCOMING_H */

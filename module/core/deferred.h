/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving back later what takes a while to be freed.
 */
#ifndef KHO_DEFERRED_H
#define KHO_DEFERRED_H

#include <linux/list.h>
#include <linux/types.h>

#include <linux/kho.h>

/**
 * struct kho_deferred - pages that are given up, of somebody who embeds this
 */
struct kho_deferred {
	/** @list: of those that wait. */
	struct list_head list;
	/** @late: they are given back in the background. */
	bool late;
	/** @ops: of whoever embeds it. */
	const struct kho_deferred_ops *ops;
};

/**
 * struct kho_deferred_ops - how such pages are given back
 */
struct kho_deferred_ops {
	/** @free_piece: gives back some of the pages, and returns how many; 0: all are. */
	u64 (*free_piece)(struct kho_deferred *one);
	/** @free: gives back the rest, with any pages that there still are. */
	void (*free)(struct kho_deferred *one);
};

void kho_deferred_begin(struct kho_deferred *one, u64 nr_pages,
			const struct kho_deferred_ops *ops);
void kho_deferred_free(struct kho_deferred *one);
bool kho_deferred_wait(void);
bool kho_deferred_any(void);
void kho_deferred_query(struct kho_query *query);
void kho_deferred_exit(void);

#endif /* KHO_DEFERRED_H */

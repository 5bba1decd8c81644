/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deferred free: freeing pages in the background.
 */
#ifndef KHO_DEFERRED_H
#define KHO_DEFERRED_H

#include <linux/list.h>
#include <linux/types.h>

#include <linux/kho.h>

/**
 * struct kho_deferred - a request to free pages; embedded in the struct that has them
 */
struct kho_deferred {
	/** @list: entry in the list of requests. */
	struct list_head list;
	/** @late: the pages are freed in the background. */
	bool late;
	/** @ops: functions of the embedding struct. */
	const struct kho_deferred_ops *ops;
};

/**
 * struct kho_deferred_ops - functions that free the pages of a request
 */
struct kho_deferred_ops {
	/** @free_piece: frees some pages and returns how many; 0 if there are none left. */
	u64 (*free_piece)(struct kho_deferred *one);
	/** @free: frees the embedding struct, and any pages that are left. */
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

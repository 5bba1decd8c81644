/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages with records: what reading those that arrived has to know of them.
 */
#ifndef KHO_RECORDS_H
#define KHO_RECORDS_H

#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/types.h>

#include <kho/objects.h>

#define KHO_RECORDS_PER_PAGE	KHO_OBJS_PER_PAGE(PAGE_SHIFT)

/**
 * struct kho_record_page - a page of records, as we know it
 */
struct kho_record_page {
	/** @list: on pages, in the order in which they lead to each other. */
	struct list_head list;
	/** @room: on with_room, if it has a free record. */
	struct list_head room;
	/** @page: the page itself. */
	struct kho_objs_page *page;
	/** @used: how many of its records are. */
	unsigned int used;
	/** @good: of those that arrived, the ones that were found good. */
	DECLARE_BITMAP(good, KHO_RECORDS_PER_PAGE);
};

struct kho_record_page *kho_record_page_add(struct kho_objs_page *page);
void kho_record_page_use(struct kho_record_page *known);
void kho_records_adopt(struct kho_objs_head *arrived);
void kho_records_drop_bad(void);
void kho_records_forget(void);

/* restore.c */
void kho_records_commit(void);

#endif /* KHO_RECORDS_H */

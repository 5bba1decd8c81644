/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of records: what restore.c has to know of them.
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
 * struct kho_record_page - what is known of a page of records
 */
struct kho_record_page {
	/** @list: entry in the list of pages, in the order of their chain. */
	struct list_head list;
	/** @room: entry in the list of pages with a free record, if it has one. */
	struct list_head room;
	/** @page: the page itself. */
	struct kho_objs_page *page;
	/** @used: number of records in use. */
	unsigned int used;
	/** @good: records that arrived and were found valid. */
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

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LIST_H
#define SHIM_LINUX_LIST_H

#include <linux/kernel.h>

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

struct hlist_node {
	struct hlist_node *next;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void list_insert(struct list_head *entry, struct list_head *before)
{
	entry->next = before;
	entry->prev = before->prev;
	before->prev->next = entry;
	before->prev = entry;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	list_insert(entry, list);
}

static inline void list_add(struct list_head *entry, struct list_head *list)
{
	list_insert(entry, list->next);
}

static inline void list_del_init(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	entry->next = entry;
	entry->prev = entry;
}

#define list_del(entry)		list_del_init(entry)

static inline bool list_empty(const struct list_head *list)
{
	return list->next == list;
}

static inline bool list_is_first(const struct list_head *entry, const struct list_head *list)
{
	return entry->prev == list;
}

#define list_entry(ptr, type, member)	container_of(ptr, type, member)
#define list_first_entry(list, type, member)	list_entry((list)->next, type, member)
#define list_last_entry(list, type, member)	list_entry((list)->prev, type, member)
#define list_prev_entry(pos, member)	\
	list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_for_each_entry_safe(pos, n, list, member)				\
	for (pos = list_first_entry(list, __typeof__(*pos), member),		\
	     n = list_entry(pos->member.next, __typeof__(*pos), member);	\
	     &pos->member != (list);						\
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))
#define list_for_each_entry(pos, list, member)					\
	for (pos = list_first_entry(list, __typeof__(*pos), member);		\
	     &pos->member != (list);						\
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_GFP_H
#define SHIM_LINUX_GFP_H

#include "../../pages.h"

#define gfp_t		unsigned int

#define GFP_KERNEL	0xcc0U

static inline unsigned long get_zeroed_page(unsigned int gfp)
{
	if (gfp != GFP_KERNEL)
		__builtin_trap();
	return pages_get();
}

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

struct page {
	struct rcu_head rcu_head;
	unsigned long private;
};

static inline struct page *virt_to_page(const void *virt)
{
	return (struct page *)pages_extra(virt, sizeof(struct page));
}

static inline void *page_address(const struct page *page)
{
	return pages_of_extra(page);
}

static inline void free_page(unsigned long addr)
{
	pages_put(addr);
}

#endif

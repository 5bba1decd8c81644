/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ranges of addresses.
 */
#ifndef KHOCTL_RANGES_H
#define KHOCTL_RANGES_H

#include <stddef.h>

#include <linux/types.h>

/* Bytes that lie side by side: @end is the first that does not belong */
struct range {
	__u64 addr;
	__u64 end;
};

/* For qsort() */
int range_by_addr(const void *a, const void *b);

/* After ranges_tidy() they rise by address and don't touch each other. */
struct ranges {
	struct range *list;
	size_t nr;
	size_t room;
	__u64 bytes;
};

/* An empty one is left out. */
void ranges_add(struct ranges *r, __u64 start, __u64 end);
/* Sorts and merges what was added in any order. */
void ranges_tidy(struct ranges *r);
/* Bytes of [@start, @end) that are in @r, which is tidy */
__u64 ranges_overlap(const struct ranges *r, __u64 start, __u64 end);

#endif /* KHOCTL_RANGES_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of address ranges.
 */
#ifndef KHOCTL_RANGES_H
#define KHOCTL_RANGES_H

#include <stddef.h>

#include <linux/types.h>

/* Contiguous bytes; @end is exclusive. */
struct range {
	__u64 addr;
	__u64 end;
};

/* Comparison for qsort() */
int range_by_addr(const void *a, const void *b);

/* After ranges_tidy(), they are sorted by address and do not touch each other. */
struct ranges {
	struct range *list;
	size_t nr;
	size_t room;
	__u64 bytes;
};

/* Adds a range unless it is empty. */
void ranges_add(struct ranges *r, __u64 start, __u64 end);
/* Sorts and merges the ranges. */
void ranges_tidy(struct ranges *r);
/* Takes [@start, @end) out of @r, which must be tidy, and stays so. */
void ranges_cut(struct ranges *r, __u64 start, __u64 end);
/* Number of bytes of [@start, @end) that are in @r, which must be tidy */
__u64 ranges_overlap(const struct ranges *r, __u64 start, __u64 end);

#endif /* KHOCTL_RANGES_H */

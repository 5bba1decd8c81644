// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of address ranges.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/ranges.h"

int range_by_addr(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

void ranges_add(struct ranges *r, __u64 start, __u64 end)
{
	if (start >= end)
		return;
	r->list = grow(r->list, r->nr, &r->room, sizeof(*r->list));
	r->list[r->nr++] = (struct range){ start, end };
}

void ranges_tidy(struct ranges *r)
{
	size_t i, n = 0;

	if (r->nr)
		qsort(r->list, r->nr, sizeof(*r->list), range_by_addr);
	for (i = 0; i < r->nr; i++) {
		const struct range one = r->list[i];

		if (n && one.addr <= r->list[n - 1].end) {
			if (one.end > r->list[n - 1].end)
				r->list[n - 1].end = one.end;
		} else {
			r->list[n++] = one;
		}
	}
	r->nr = n;
	r->bytes = 0;
	for (i = 0; i < n; i++)
		r->bytes += r->list[i].end - r->list[i].addr;
}

void ranges_cut(struct ranges *r, __u64 start, __u64 end)
{
	size_t i, n = r->nr;

	for (i = 0; i < n; i++) {
		struct range one = r->list[i];

		if (one.end <= start || one.addr >= end)
			continue;
		r->list[i].end = one.addr < start ? start : one.addr;
		ranges_add(r, end, one.end);
	}
	/* Pieces of which nothing is left */
	for (i = 0, n = 0; i < r->nr; i++)
		if (r->list[i].addr < r->list[i].end)
			r->list[n++] = r->list[i];
	r->nr = n;
	ranges_tidy(r);
}

__u64 ranges_overlap(const struct ranges *r, __u64 start, __u64 end)
{
	size_t low = 0, high = r->nr;
	__u64 sum = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->list[mid].end <= start)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < r->nr && r->list[low].addr < end; low++) {
		__u64 from = r->list[low].addr, to = r->list[low].end;

		sum += (to < end ? to : end) - (from > start ? from : start);
	}
	return sum;
}

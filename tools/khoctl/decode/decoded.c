// SPDX-License-Identifier: GPL-2.0
/*
 * Decoded metadata, and queries about it.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "decode/decoded.h"
#include "decode/dumpfile.h"

void decode_err(struct decoded *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (d->nr_problems < MAX_PROBLEMS)
		d->problems[d->nr_problems] = xvasprintf(fmt, args);
	va_end(args);
	d->nr_problems++;
}

size_t find_extent(const struct decoded *d, __u64 addr)
{
	size_t low = 0, high = d->nr_extents;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->extents[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool is_preserved(const struct decoded *d, __u64 addr, __u64 end)
{
	size_t i = find_extent(d, addr);

	return i < d->nr_extents && d->extents[i].addr <= addr &&
	       d->extents[i].end >= end;
}

bool has_keys(const struct meta *m, const struct decoded *d, __u64 addr,
	      __u64 end, unsigned int order)
{
	const struct run *runs = d->runs + d->first_run[order];
	size_t nr = d->order_runs[order], low = 0, high = nr;
	__u64 run_end;

	/* Find the first run that ends above addr.  Runs may be adjacent. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (runs[mid].addr + (runs[mid].nr << (m->shift + order)) <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < nr && runs[low].addr <= addr; low++) {
		run_end = runs[low].addr + (runs[low].nr << (m->shift + order));
		if (run_end >= end)
			return true;
		addr = run_end;
	}
	return false;
}

void decoded_free(struct decoded *d)
{
	size_t i;

	for (i = 0; i < d->nr_objects; i++) {
		free(d->objects[i].name);
		free(d->objects[i].comm);
		free(d->objects[i].release);
		free(d->objects[i].extents);
	}
	for (i = 0; i < d->nr_problems && i < MAX_PROBLEMS; i++)
		free(d->problems[i]);
	free(d->objects);
	free(d->scratch);
	free(d->runs);
	free(d->extents);
}

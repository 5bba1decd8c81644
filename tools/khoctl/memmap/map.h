/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What lies where in physical memory.
 */
#ifndef KHOCTL_MAP_H
#define KHOCTL_MAP_H

#include <stdbool.h>

#include <linux/kho.h>

#include "base/ranges.h"

/**
 * struct map - physical memory
 */
struct map {
	struct kho_query query;
	struct ranges ram;
	struct ranges kernel;		/* code and data of this one */
	struct ranges scratch;
	struct ranges preserved;	/* pages in the tree */
	struct ranges meta;		/* pages that describe them */
	struct ranges kept;		/* both */
	struct ranges envelopes;	/* to be sent */
	struct ranges arrived;		/* envelopes that arrived */
	__u64 enveloped;		/* RAM in envelopes that is not kept */
	__u64 other;			/* RAM that is in none of these */
};

/* Prints what goes wrong; returns DONE or FAILED. */
int map_read(struct map *m);
void map_free(struct map *m);

/* What a stretch of memory is drawn as: the first of these that it has */
enum stretch {
	STRETCH_NO_RAM,
	STRETCH_KEPT,			/* all RAM of it */
	STRETCH_PART,			/* some of it */
	STRETCH_SCRATCH,
	STRETCH_ENVELOPE,
	STRETCH_KERNEL,
	STRETCH_ARRIVED,
	STRETCH_RAM,
	NR_STRETCHES
};

enum stretch map_stretch(const struct map *m, __u64 start, __u64 end);

/**
 * struct rows - physical memory in aligned rows of the same size
 */
struct rows {
	__u64 bytes;			/* of a row, a power of two */
	__u64 cell;			/* of a cell of it */
	unsigned int cells;		/* in a row, a power of two */
	__u64 next;			/* for map_next_row() */
};

/* At most @max rows have RAM. */
void map_rows(const struct map *m, unsigned int cells, unsigned int max,
	      struct rows *rows);
/* Address of the next row with RAM; false at the end */
bool map_next_row(const struct map *m, struct rows *rows, __u64 *start);

/* The three ways to show it; these return DONE or FAILED. */
int map_text(const struct map *m, unsigned int width);
int map_svg(const struct map *m, const char *path);
int map_json(const struct map *m);

#endif /* KHOCTL_MAP_H */

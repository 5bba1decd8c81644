/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The map of physical memory.
 */
#ifndef KHOCTL_MAP_H
#define KHOCTL_MAP_H

#include <stdbool.h>

#include <linux/kho.h>

#include "base/ranges.h"

/**
 * struct map - what physical memory is used for
 */
struct map {
	struct kho_query query;
	struct ranges ram;
	struct ranges kernel;		/* code and data of the running kernel */
	struct ranges scratch;
	struct ranges preserved;	/* memory in the tree */
	struct ranges meta;		/* metadata */
	struct ranges kept;		/* preserved and meta */
	struct ranges envelopes;	/* outgoing */
	struct ranges arrived;		/* incoming envelopes */
	__u64 enveloped;		/* RAM in outgoing envelopes that is not kept */
	__u64 other;			/* RAM in none of the above */
};

/* Prints errors.  Return: DONE or FAILED */
int map_read(struct map *m);
void map_free(struct map *m);

/* How a stretch of memory is drawn: the first of these that applies */
enum stretch {
	STRETCH_NO_RAM,
	STRETCH_KEPT,			/* all of its RAM is kept */
	STRETCH_PART,			/* some of its RAM is kept */
	STRETCH_SCRATCH,
	STRETCH_ENVELOPE,
	STRETCH_KERNEL,
	STRETCH_ARRIVED,
	STRETCH_RAM,
	NR_STRETCHES
};

enum stretch map_stretch(const struct map *m, __u64 start, __u64 end);

/**
 * struct rows - physical memory, divided into aligned rows of equal size
 */
struct rows {
	__u64 bytes;			/* size of a row, a power of two */
	__u64 cell;			/* size of a cell */
	unsigned int cells;		/* cells in a row, a power of two */
	__u64 next;			/* where map_next_row() continues */
};

/* Chooses the size of a row so that at most @max rows contain RAM. */
void map_rows(const struct map *m, unsigned int cells, unsigned int max,
	      struct rows *rows);
/* Sets @start to the next row that contains RAM.  Return: false at the end */
bool map_next_row(const struct map *m, struct rows *rows, __u64 *start);

/* Show the map.  Return: DONE or FAILED */
int map_text(const struct map *m, unsigned int width);
int map_svg(const struct map *m, const char *path);
int map_json(const struct map *m);

#endif /* KHOCTL_MAP_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a command line takes of the RAM of its kernel.
 */
#ifndef KHOCTL_TAKES_H
#define KHOCTL_TAKES_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

enum take_kind {
	TAKE_HUGE,		/* huge pages */
	TAKE_CRASH,		/* for a crash kernel */
	TAKE_CMA,		/* for contiguous allocations: movable pages only */
	TAKE_BUFFERS,		/* everything else */
	NR_TAKES,
};

/**
 * struct take - RAM that an option takes
 */
struct take {
	enum take_kind kind;
	/** @option: the option, such as "hugepages=300". */
	char *option;
	/** @at: where its word begins in the command line. */
	size_t at;
	__u64 bytes;
	/** @addr: where it must lie, if @fixed. */
	__u64 addr;
	bool fixed;
};

/**
 * struct takes - all RAM that a command line takes
 */
struct takes {
	struct take *list;
	size_t nr;
	size_t room;
	/** @sums: bytes of each kind; they saturate. */
	__u64 sums[NR_TAKES];
	/** @core: RAM in which the kernel itself may allocate, or 0: all. */
	__u64 core;
	/** @core_option: the option that says so, or NULL. */
	char *core_option;
	size_t core_at;
};

/**
 * struct machine - what the effect of options depends on
 */
struct machine {
	__u64 ram;		/* bytes */
	__u64 other_ram;	/* what ram may be as well, or 0 */
	unsigned int nodes;	/* with memory */
};

/* Reads a command line; takes_free() frees the result. */
void takes_read(struct takes *t, const char *line, const struct machine *m);
void takes_free(struct takes *t);
/* @a + @b, or the largest number */
__u64 sum_of(__u64 a, __u64 b);

#endif /* KHOCTL_TAKES_H */

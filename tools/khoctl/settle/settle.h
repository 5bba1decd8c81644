/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel sized by the memory that it saw when it booted, which can be little after
 * a handover: most of the rest came when the module was loaded.
 */
#ifndef KHOCTL_SETTLE_H
#define KHOCTL_SETTLE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/kho.h>

/* What settle has done in this boot */
#define SETTLED_FILE	"/run/kho/settled.json"

enum size_kind { SIZE_SYSCTL, SIZE_LIMIT, SIZE_TMPFS, SIZE_TABLE };

enum size_state {
	SIZE_SMALL,		/* smaller than it would be with all memory */
	SIZE_RAISED,		/* was that, and has been put right */
	SIZE_FAILED,		/* could not be */
	SIZE_KEPT,		/* somebody else has set it */
	SIZE_FIXED,		/* small, and can't be changed while the kernel runs */
};

/**
 * struct size_item - something that the kernel sized
 */
struct size_item {
	enum size_kind kind;
	enum size_state state;
	/** @name: "kernel.threads-max", "/dev/shm", "Max processes". */
	char *name;
	/** @from: its value now, as text; @to: the one it should have, or NULL. */
	char *from;
	char *to;
	/** @why: why it is kept or failed, or NULL. */
	char *why;
	/** @resource: of a limit of process 1. */
	int resource;
};

/**
 * struct sizes - all of them
 */
struct sizes {
	/** @boot: pages of RAM that the kernel saw when it sized things. */
	__u64 boot;
	/** @now: pages of RAM that it has now. */
	__u64 now;
	/** @grown: there are enough more to care. */
	bool grown;
	struct size_item *list;
	size_t nr;
	size_t room;
	/** @small: how many are SIZE_SMALL. */
	size_t small;
	/** @before: what settle has done before, or NULL. */
	struct json_object *before;
};

/* Looks at everything; changes nothing. */
void sizes_look(struct sizes *sizes, const struct kho_query *q);
/*
 * Puts right what is SIZE_SMALL.  @failed: how many of them could not be.  Return: 0, or a
 * negative errno if what was done can't be noted
 */
int sizes_raise(struct sizes *sizes, size_t *failed);
void sizes_free(struct sizes *sizes);

/* ---- Between the files of this folder ---- */

/* Adds an item; @from, @to and @why are freed with it.  Return: valid until the next one */
struct size_item *size_add(struct sizes *sizes, enum size_kind kind, enum size_state state,
			   const char *name, char *from, char *to, char *why);
/*
 * How many pages there were when @name got its present value @from: those at boot, or those
 * when settle raised it
 */
__u64 size_base(const struct sizes *sizes, const char *name, const char *from);
/* Returns the file below sysctl.d that sets @name, allocated, or NULL. */
char *size_configured(const char *name);
void sizes_look_tmpfs(struct sizes *sizes);
void sizes_look_tables(struct sizes *sizes);
/* Return: 0 or a negative errno */
int size_raise_tmpfs(const struct size_item *item);

#endif /* KHOCTL_SETTLE_H */

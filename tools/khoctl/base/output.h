/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that are complete or not there.
 */
#ifndef KHOCTL_OUTPUT_H
#define KHOCTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

struct output {
	const char *path;		/* NULL: stdout */
	char *temp;
	bool nameless;			/* gets its name at the end */
	int fd;
};

/* These print what goes wrong and return DONE or FAILED. */
int output_open(struct output *out, const char *path);
int output_write(struct output *out, const void *data, size_t len);
int output_commit(struct output *out);
/* Leaves nothing behind; no effect after output_commit(). */
void output_abort(struct output *out);
/* The contents of @fd, which is mapped, to @path (NULL or "-": stdout). */
int output_mapping(int fd, __u64 bytes, const char *path,
		   const char *label);

#endif /* KHOCTL_OUTPUT_H */

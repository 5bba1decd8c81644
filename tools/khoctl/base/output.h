/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Output files that are either complete or absent.
 */
#ifndef KHOCTL_OUTPUT_H
#define KHOCTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

struct output {
	const char *path;		/* NULL: stdout */
	char *temp;
	bool nameless;			/* is named by output_commit() */
	int fd;
};

/* These print errors.  Return: DONE or FAILED */
int output_open(struct output *out, const char *path);
int output_write(struct output *out, const void *data, size_t len);
int output_commit(struct output *out);
/* Removes the file; does nothing after output_commit(). */
void output_abort(struct output *out);
/* Maps @fd and writes the contents to @path (NULL or "-": stdout). */
int output_mapping(int fd, __u64 bytes, const char *path,
		   const char *label);

#endif /* KHOCTL_OUTPUT_H */

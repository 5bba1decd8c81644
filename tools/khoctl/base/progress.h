/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A progress bar on stderr.
 */
#ifndef KHOCTL_PROGRESS_H
#define KHOCTL_PROGRESS_H

#include <stdbool.h>

#include <linux/types.h>

struct progress {
	const char *label;
	__u64 total;			/* 0: unknown */
	double started;
	double drawn;
	int width;			/* of the text on the screen */
	bool on;
};

void progress_start(struct progress *p, const char *label, __u64 total);
void progress_update(struct progress *p, __u64 done);
void progress_end(struct progress *p);

#endif /* KHOCTL_PROGRESS_H */

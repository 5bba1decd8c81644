/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khoctl status --metrics.
 */
#ifndef KHOCTL_METRICS_H
#define KHOCTL_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/kho.h>

/* What the metrics are of; all 0 if there is no device */
struct metrics {
	bool up;
	struct kho_query query;
	bool has_objects;		/* the list below could be read */
	const struct kho_obj_info *objects;
	size_t nr_objects;
	bool loaded;
	bool stale;
	int health;			/* the exit status of khoctl status */
};

/* Prints them as text for Prometheus. */
void metrics_print(const struct metrics *m);

#endif /* KHOCTL_METRICS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The boot protocol's setup_data list, as sysfs shows it.
 */
#ifndef KHOCTL_SETUPDATA_H
#define KHOCTL_SETUPDATA_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define SETUPDATA_DIR "/sys/kernel/boot_params/setup_data"

struct setupdata_node {
	unsigned int nr;
	/* Of an indirect node: the type inside */
	__u64 type;
	/* Permission bits of the file that shows what the node is about */
	unsigned int mode;
	/* Negative errno: the type is not known, and with mode 0 neither is that */
	int err;
};

/* Sorted by number; none is no error.  Return: 0, or a negative errno */
int setupdata_read(struct setupdata_node **nodes, size_t *nr);
/* True if @node is an envelope that others than its owner may read */
bool setupdata_is_open(const struct setupdata_node *node);
/* True if @node hands something over that nobody has taken */
bool setupdata_waits(const struct setupdata_node *node);
/* Path of the file that shows what @node is about; the caller frees it */
char *setupdata_path(const struct setupdata_node *node);

#endif /* KHOCTL_SETUPDATA_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Owner and mode of an object.
 */
#ifndef KHOCTL_OWNER_H
#define KHOCTL_OWNER_H

#include <linux/types.h>

struct owner {
	__u32 which;			/* KHO_OWNER_*: which of the others to set */
	__u32 uid;
	__u32 gid;
	__u32 mode;
};

/* Arguments of --owner and --mode; DONE or USAGE */
int parse_owner(const char *arg, struct owner *owner);
int parse_mode(const char *arg, struct owner *owner);
/* These print what goes wrong and return DONE or FAILED. */
int set_owner(int obj, const char *name, const struct owner *owner);

#endif /* KHOCTL_OWNER_H */

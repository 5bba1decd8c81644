/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Owner and mode of an object.
 */
#ifndef KHOCTL_OWNER_H
#define KHOCTL_OWNER_H

#include <linux/types.h>

struct owner {
	__u32 which;			/* KHO_OWNER_*: which of the fields below to set */
	__u32 uid;
	__u32 gid;
	__u32 mode;
};

/* Parse the arguments of --owner and --mode.  Return: DONE or USAGE */
int parse_owner(const char *arg, struct owner *owner);
int parse_mode(const char *arg, struct owner *owner);
/* Prints errors.  Return: DONE or FAILED */
int set_owner(int obj, const char *name, const struct owner *owner);

#endif /* KHOCTL_OWNER_H */

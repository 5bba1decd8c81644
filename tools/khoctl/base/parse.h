/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arguments and texts of /proc and /sys.
 */
#ifndef KHOCTL_PARSE_H
#define KHOCTL_PARSE_H

#include <linux/types.h>

/* Decimal or 0x hex, all of @s; 0 or -EINVAL or -ERANGE */
int parse_u64(const char *s, __u64 *value);
/* The same with K, M, G, T or KiB... after a decimal number */
int parse_size(const char *s, __u64 *bytes);
/* NULL, or why @name can't be an object's */
const char *bad_name(const char *name);

#endif /* KHOCTL_PARSE_H */

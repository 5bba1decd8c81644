/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parsing numbers and names.
 */
#ifndef KHOCTL_PARSE_H
#define KHOCTL_PARSE_H

#include <linux/types.h>

/* Parses all of @s, decimal or 0x hex.  Return: 0, -EINVAL or -ERANGE */
int parse_u64(const char *s, __u64 *value);
/* The same, with an optional K, M, G, T, KiB, ... after a decimal number */
int parse_size(const char *s, __u64 *bytes);
/* Returns NULL, or why @name is not a valid name of an object. */
const char *bad_name(const char *name);

#endif /* KHOCTL_PARSE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Formatting for people.
 */
#ifndef KHOCTL_TEXT_H
#define KHOCTL_TEXT_H

#include <stddef.h>

#include <linux/types.h>

/* "64 MiB".  This and the next two functions return one of 16 static buffers in turn. */
const char *size_str(__u64 bytes);
/* "3 pages", "1 page" */
const char *count_str(__u64 n, const char *thing);
/* "2026-01-31 12:00:00", local time */
const char *time_str(__u64 seconds);
/* Escapes what a terminal might interpret; the caller frees the text. */
char *printable(const void *name, size_t len);

#endif /* KHOCTL_TEXT_H */

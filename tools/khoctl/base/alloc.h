/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory allocation that cannot fail: khoctl prints a message and exits instead.
 */
#ifndef KHOCTL_ALLOC_H
#define KHOCTL_ALLOC_H

#include <stdarg.h>
#include <stddef.h>

#include "base/defs.h"

/* Returns @p; exits if it is NULL. */
void *check_alloc(void *p);
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);
char *xvasprintf(const char *fmt, va_list args) PRINTF(1, 0);
/* Doubles an array of *@room elements if all @n are in use. */
void *grow(void *array, size_t n, size_t *room, size_t size);

#endif /* KHOCTL_ALLOC_H */

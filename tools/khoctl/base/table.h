/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables with columns as wide as they need to be.
 */
#ifndef KHOCTL_TABLE_H
#define KHOCTL_TABLE_H

#include "base/defs.h"

struct table;

/* @columns: titles divided by '|'; one that starts with '>' is right-aligned */
struct table *table_new(const char *columns);
/* Starts a new row with the first cell of @fmt; cells are divided by '\t'. */
void table_row(struct table *t, const char *fmt, ...) PRINTF(2, 3);
/* Prints and frees it */
void table_print(struct table *t, int indent);

#endif /* KHOCTL_TABLE_H */

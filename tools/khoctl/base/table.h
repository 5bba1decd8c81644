/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables with aligned columns.
 */
#ifndef KHOCTL_TABLE_H
#define KHOCTL_TABLE_H

#include "base/defs.h"

struct table;

/* @columns: titles separated by '|'; a leading '>' aligns a column to the right. */
struct table *table_new(const char *columns);
/* Adds a row; '\t' separates the cells. */
void table_row(struct table *t, const char *fmt, ...) PRINTF(2, 3);
/* Prints and frees the table. */
void table_print(struct table *t, int indent);

#endif /* KHOCTL_TABLE_H */

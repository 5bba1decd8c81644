// SPDX-License-Identifier: GPL-2.0
/*
 * Tables with aligned columns.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/table.h"

#define MAX_COLUMNS 16

struct table {
	unsigned int columns;
	bool right[MAX_COLUMNS];
	int width[MAX_COLUMNS];
	char **rows;			/* cells of a row, separated by '\t' */
	size_t nr;
	size_t room;
};

/* Width on a terminal, in characters rather than bytes */
static int cell_width(const char *s, size_t len)
{
	int width = 0;

	while (len--)
		width += (*s++ & 0xc0) != 0x80;
	return width;
}

static void add_row(struct table *t, char *row)
{
	const char *cell = row;
	unsigned int i;
	int width;

	for (i = 0; i < t->columns; i++) {
		size_t len = strcspn(cell, "\t");

		width = cell_width(cell, len);
		if (width > t->width[i])
			t->width[i] = width;
		cell += len + (cell[len] == '\t');
	}
	t->rows = grow(t->rows, t->nr, &t->room, sizeof(*t->rows));
	t->rows[t->nr++] = row;
}

struct table *table_new(const char *columns)
{
	struct table *t = xcalloc(1, sizeof(*t));
	char *row = xmalloc(strlen(columns) + 1), *to = row;
	const char *p = columns;

	while (*p && t->columns < MAX_COLUMNS) {
		if (*p == '>') {
			t->right[t->columns] = true;
			p++;
		}
		while (*p && *p != '|')
			*to++ = *p++;
		t->columns++;
		if (*p) {
			*to++ = '\t';
			p++;
		}
	}
	*to = '\0';
	add_row(t, row);
	return t;
}

void table_row(struct table *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_row(t, xvasprintf(fmt, args));
	va_end(args);
}

void table_print(struct table *t, int indent)
{
	size_t r;

	for (r = 0; r < t->nr; r++) {
		const char *cell = t->rows[r];
		unsigned int i;

		printf("%*s", indent, "");
		for (i = 0; i < t->columns; i++) {
			size_t len = strcspn(cell, "\t");
			int pad = t->width[i] - cell_width(cell, len);
			bool last = i + 1 == t->columns;

			if (t->right[i])
				printf("%*s", pad, "");
			printf("%.*s", (int)len, cell);
			if (!t->right[i] && !last)
				printf("%*s", pad, "");
			if (!last)
				fputs("  ", stdout);
			cell += len + (cell[len] == '\t');
		}
		putchar('\n');
		free(t->rows[r]);
	}
	free(t->rows);
	free(t);
}

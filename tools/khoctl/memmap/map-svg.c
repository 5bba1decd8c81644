// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl map --svg
 *
 * The picture has the same rows as the text, with a finer resolution.  A style sheet in
 * the file defines the colours, with a second set for dark mode.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kho.h>

#include "base/alloc.h"
#include "base/output.h"
#include "base/ranges.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "memmap/map.h"

#define MAX_ROWS	24
#define CELLS		512
#define CELL_WIDTH	1.5
#define BAR_WIDTH	(CELLS * CELL_WIDTH)
#define BAR_HEIGHT	16
#define ROW_HEIGHT	26
#define BEYOND		1.6	/* distance of an outline from the bar */
#define LEFT		128
#define RIGHT		88
#define MARGIN		24
#define TOP		92
#define WIDTH		(LEFT + BAR_WIDTH + RIGHT)
#define LEGEND_HEIGHT	22
#define LEGEND_COLUMNS	2

static const char style[] =
	"<style>\n"
	"text{font-family:system-ui,'DejaVu Sans',sans-serif;font-size:13px;fill:#24292f}\n"
	".page{fill:#ffffff}\n"
	".head{font-size:19px;font-weight:600}\n"
	".soft{fill:#57606a}\n"
	".addr{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:12px;fill:#57606a}\n"
	".ram{fill:#dfe3e8}\n"
	".kernel{fill:#8b95a5}\n"
	".scratch{fill:#6aa9e9}\n"
	".kept{fill:#d4500c}\n"
	".part{fill:#d4500c;fill-opacity:.62}\n"
	".env{fill:none;stroke:#1a7f37;stroke-width:1.6}\n"
	".arrived{fill:none;stroke:#8250df;stroke-width:1.4;stroke-dasharray:4 3}\n"
	"@media(prefers-color-scheme:dark){\n"
	"text{fill:#e6edf3}\n"
	".page{fill:#0d1117}\n"
	".soft,.addr{fill:#9aa4af}\n"
	".ram{fill:#2b323b}\n"
	".kernel{fill:#6c7787}\n"
	".scratch{fill:#2f74b8}\n"
	".kept,.part{fill:#ff8b45}\n"
	".env{stroke:#4cc366}\n"
	".arrived{stroke:#bc8cff}\n"
	"}\n"
	"</style>\n";

/* Escapes markup. */
static void put_escaped(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("<>&\"'", *text))
			fprintf(f, "&#%d;", *text);
		else
			fputc(*text, f);
	}
}

static double place(const struct rows *rows, __u64 offset)
{
	return LEFT + BAR_WIDTH * ((double)offset / rows->bytes);
}

/* Draws the ranges of @r in a row as rectangles of @class. */
static void put_ranges(FILE *f, const struct rows *rows, __u64 start,
		       double y, const struct ranges *r, const char *class)
{
	__u64 end = start + rows->bytes;
	size_t i;

	for (i = 0; i < r->nr; i++) {
		__u64 from = r->list[i].addr, to = r->list[i].end;
		double x, width;

		if (to <= start || from >= end)
			continue;
		x = place(rows, from > start ? from - start : 0);
		width = place(rows, to < end ? to - start : rows->bytes) - x;
		/* Even the smallest range has to be visible. */
		if (width < 1)
			width = 1;
		fprintf(f, "<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\"/>\n",
			class, x, y, width, BAR_HEIGHT);
	}
}

/* Draws the cells of a row that are @what as one path; adjacent cells are merged. */
static void put_cells(FILE *f, const struct map *m, const struct rows *rows,
		      __u64 start, double y, enum stretch what,
		      const char *class)
{
	unsigned int i, run = 0;
	bool any = false;

	for (i = 0; i <= rows->cells; i++) {
		__u64 cell = start + i * rows->cell;

		if (i < rows->cells &&
		    map_stretch(m, cell, cell + rows->cell) == what) {
			run++;
			continue;
		}
		if (!run)
			continue;
		fprintf(f, "%sM%g %gh%gv%dh-%gz", any ? "" : "<path d=\"",
			LEFT + (i - run) * CELL_WIDTH, y, run * CELL_WIDTH,
			BAR_HEIGHT, run * CELL_WIDTH);
		any = true;
		run = 0;
	}
	if (any)
		fprintf(f, "\" class=\"%s\"/>\n", class);
}

/* Draws outlines slightly outside the bar, so that they do not hide its contents. */
static void put_outlines(FILE *f, const struct rows *rows, __u64 start,
			 double y, const struct ranges *r, const char *class,
			 double beyond)
{
	__u64 end = start + rows->bytes;
	size_t i;

	for (i = 0; i < r->nr; i++) {
		__u64 from = r->list[i].addr, to = r->list[i].end;
		double top = y - beyond, bottom = y + BAR_HEIGHT + beyond;
		double left, right;

		if (to <= start || from >= end)
			continue;
		left = place(rows, from > start ? from - start : 0);
		right = place(rows, to < end ? to - start : rows->bytes);
		if (right - left < 2)
			right = left + 2;
		/* Keep two outlines of the same range apart. */
		if (from >= start)
			left -= beyond - BEYOND;
		if (to <= end)
			right += beyond - BEYOND;
		/* Leave a side open where the range continues in another row. */
		fprintf(f, "<path class=\"%s\" d=\"", class);
		if (from >= start && to <= end)
			fprintf(f, "M%.2f %gH%.2fV%gH%.2fz", left, top, right,
				bottom, left);
		else if (from >= start)
			fprintf(f, "M%.2f %gH%.2fV%gH%.2f", right, top, left,
				bottom, right);
		else if (to <= end)
			fprintf(f, "M%.2f %gH%.2fV%gH%.2f", left, top, right,
				bottom, left);
		else
			fprintf(f, "M%.2f %gH%.2fM%.2f %gH%.2f", left, top,
				right, left, bottom, right);
		fputs("\"/>\n", f);
	}
}

/* Draws RAM first, then what is in it.  Return: y of the next row */
static double put_row(FILE *f, const struct map *m, const struct rows *rows,
		      __u64 start, double y)
{
	__u64 kept = ranges_overlap(&m->kept, start, start + rows->bytes);

	fprintf(f, "<text class=\"addr\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">0x%llx</text>\n",
		LEFT - 12, y + 12.5, start);
	put_ranges(f, rows, start, y, &m->ram, "ram");
	put_ranges(f, rows, start, y, &m->kernel, "kernel");
	put_ranges(f, rows, start, y, &m->scratch, "scratch");
	put_cells(f, m, rows, start, y, STRETCH_PART, "part");
	put_cells(f, m, rows, start, y, STRETCH_KEPT, "kept");
	put_outlines(f, rows, start, y, &m->arrived, "arrived", BEYOND + 2);
	put_outlines(f, rows, start, y, &m->envelopes, "env", BEYOND);
	if (kept)
		fprintf(f, "<text class=\"soft\" x=\"%.0f\" y=\"%.1f\">%s</text>\n",
			LEFT + BAR_WIDTH + 12, y + 12.5, size_str(kept));
	return y + ROW_HEIGHT;
}

struct legend {
	FILE *f;
	double y;
	unsigned int nr;
};

static void PRINTF(3, 4) put_legend(struct legend *l, const char *class,
				    const char *fmt, ...)
{
	double x = LEFT + l->nr % LEGEND_COLUMNS * BAR_WIDTH / LEGEND_COLUMNS;
	double y = l->y + l->nr / LEGEND_COLUMNS * LEGEND_HEIGHT;
	va_list args;

	fprintf(l->f, "<rect class=\"%s\" x=\"%g\" y=\"%g\" width=\"22\" height=\"12\"/>\n<text x=\"%g\" y=\"%g\">",
		class, x, y, x + 32, y + 11);
	va_start(args, fmt);
	vfprintf(l->f, fmt, args);
	va_end(args);
	fputs("</text>\n", l->f);
	l->nr++;
}

static void put_legends(FILE *f, const struct map *m, const struct rows *rows,
			double y)
{
	struct legend l = { .f = f, .y = y };
	const char *release = m->query.release == KHO_RELEASE_KEPT ?
			      "kept reserved" :
			      m->query.release == KHO_RELEASE_RUNNING ?
			      "being given back" : "given back";

	put_legend(&l, "kept", "preserved: %s in %s",
		   size_str(m->preserved.bytes),
		   count_str(m->preserved.nr, "extent"));
	put_legend(&l, "part", "preserved in part (a column is %s)",
		   size_str(rows->cell));
	if (m->envelopes.nr)
		put_legend(&l, "env", "%s: %s, %s of it not preserved",
			   count_str(m->envelopes.nr, "envelope"),
			   size_str(m->envelopes.bytes), size_str(m->enveloped));
	if (m->arrived.nr)
		put_legend(&l, "arrived", "%s that arrived: %s, the rest %s",
			   count_str(m->arrived.nr, "envelope"),
			   size_str(m->arrived.bytes), release);
	if (m->scratch.nr)
		put_legend(&l, "scratch", "scratch: %s",
			   size_str(m->scratch.bytes));
	if (m->kernel.nr)
		put_legend(&l, "kernel", "this kernel: %s",
			   size_str(m->kernel.bytes));
	put_legend(&l, "ram", "other RAM: %s", size_str(m->other));
}

static unsigned int nr_legends(const struct map *m)
{
	return 3 + !!m->envelopes.nr + !!m->arrived.nr + !!m->scratch.nr +
	       !!m->kernel.nr;
}

/* Return: y below all rows */
static double put_rows(FILE *f, const struct map *m, struct rows *rows)
{
	__u64 start, expected = 0;
	double y = TOP;

	while (map_next_row(m, rows, &start)) {
		if (start > expected) {
			fprintf(f, "<text class=\"soft\" x=\"%d\" y=\"%.1f\">no RAM</text>\n",
				LEFT, y + 11);
			y += ROW_HEIGHT - 4;
		}
		y = put_row(f, m, rows, start, y);
		expected = start + rows->bytes;
	}
	return y;
}

static void put_picture(FILE *f, const struct map *m)
{
	char *body = NULL;
	struct rows rows;
	size_t size, lines;
	double y, height;
	FILE *b;

	/* The height is only known once the rows are drawn. */
	b = check_alloc(open_memstream(&body, &size));
	map_rows(m, CELLS, MAX_ROWS, &rows);
	y = put_rows(b, m, &rows) + 14;
	put_legends(b, m, &rows, y);
	fclose(b);
	lines = (nr_legends(m) + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS;
	height = y + lines * LEGEND_HEIGHT + MARGIN - 8;

	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n<title>Physical memory, Linux ",
		WIDTH, height);
	put_escaped(f, sys_release());
	fprintf(f, "</title>\n<desc>%s of RAM, %s preserved in %s, %s</desc>\n%s",
		size_str(m->ram.bytes), size_str(m->preserved.bytes),
		count_str(m->preserved.nr, "extent"),
		count_str(m->envelopes.nr, "envelope"), style);
	fprintf(f, "<rect class=\"page\" width=\"%.0f\" height=\"%.0f\"/>\n<text class=\"head\" x=\"%d\" y=\"38\">Physical memory, Linux ",
		WIDTH, height, MARGIN);
	put_escaped(f, sys_release());
	fprintf(f, "</text>\n<text class=\"soft\" x=\"%d\" y=\"60\">%s of RAM. A row is %s; at its right, how much of it is preserved.</text>\n",
		MARGIN, size_str(m->ram.bytes), size_str(rows.bytes));
	fwrite(body, 1, size, f);
	fputs("</svg>\n", f);
	free(body);
}

int map_svg(const struct map *m, const char *path)
{
	char *text = NULL;
	struct output out;
	size_t size;
	FILE *f;
	int ret;

	f = check_alloc(open_memstream(&text, &size));
	put_picture(f, m);
	fclose(f);
	ret = output_open(&out, path);
	if (!ret) {
		ret = output_write(&out, text, size);
		if (ret)
			output_abort(&out);
		else
			ret = output_commit(&out);
	}
	free(text);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl map as text and as JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include <linux/kho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/ranges.h"
#include "base/table.h"
#include "base/text.h"
#include "memmap/map.h"

#define MAX_ROWS	32
#define MIN_CELLS	16

static const char letters[NR_STRETCHES] = {
	[STRETCH_NO_RAM] = ' ',
	[STRETCH_KEPT] = '#',
	[STRETCH_PART] = '+',
	[STRETCH_SCRATCH] = 's',
	[STRETCH_ENVELOPE] = '=',
	[STRETCH_KERNEL] = 'k',
	[STRETCH_ARRIVED] = '-',
	[STRETCH_RAM] = '.',
};

static int address_digits(const struct map *m)
{
	__u64 end = m->ram.list[m->ram.nr - 1].end;
	int n = 8;

	while (n < 16 && end >> 4 * n)
		n++;
	return n;
}

static void print_rows(const struct map *m, unsigned int width)
{
	int digits = address_digits(m);
	unsigned int cells = MIN_CELLS, i;
	__u64 start, expected = 0;
	struct rows rows;

	while (2 * cells + digits + 4 <= width)
		cells *= 2;
	map_rows(m, cells, MAX_ROWS, &rows);
	printf("physical memory: a line is %s, a character %s\n\n",
	       size_str(rows.bytes), size_str(rows.cell));
	while (map_next_row(m, &rows, &start)) {
		char *bar = xmalloc(cells + 1);
		size_t len = 0;

		for (i = 0; i < cells; i++) {
			__u64 cell = start + i * rows.cell;
			enum stretch what = map_stretch(m, cell,
							cell + rows.cell);

			bar[i] = letters[what];
			if (what != STRETCH_NO_RAM)
				len = i + 1;
		}
		if (start > expected)
			printf("%*s  ...\n", digits + 2, "");
		printf("0x%0*llx  %.*s\n", digits, start, (int)len, bar);
		expected = start + rows.bytes;
		free(bar);
	}
}

static void legend(struct table *t, enum stretch what, const char *name,
		   __u64 bytes, const char *more)
{
	table_row(t, "%c\t%s\t%s\t%s", letters[what], name,
		  bytes ? size_str(bytes) : "", more);
}

static void print_legend(const struct map *m)
{
	struct table *t = table_new("|LEGEND|>SIZE|NOTE");
	char *text;

	text = xasprintf("in %s; %s describe them",
			 count_str(m->preserved.nr, "extent"),
			 size_str(m->meta.bytes));
	legend(t, STRETCH_KEPT, "preserved", m->preserved.bytes, text);
	free(text);
	legend(t, STRETCH_PART, "preserved in part", 0,
	       "other pages are in the same character");
	if (m->envelopes.nr) {
		text = xasprintf("%s of it not preserved",
				 size_str(m->enveloped));
		legend(t, STRETCH_ENVELOPE, "envelopes", m->envelopes.bytes,
		       text);
		free(text);
	}
	if (m->arrived.nr)
		legend(t, STRETCH_ARRIVED, "arrived envelopes",
		       m->arrived.bytes,
		       m->query.release == KHO_RELEASE_KEPT ? "kept reserved" :
		       m->query.release == KHO_RELEASE_RUNNING ?
		       "is being given back" : "given back");
	if (m->scratch.nr)
		legend(t, STRETCH_SCRATCH, "scratch", m->scratch.bytes,
		       "for the next kernel; never preserved");
	if (m->kernel.nr)
		legend(t, STRETCH_KERNEL, "this kernel", m->kernel.bytes,
		       "code and data");
	text = xasprintf("of %s in all", size_str(m->ram.bytes));
	legend(t, STRETCH_RAM, "other RAM", m->other, text);
	free(text);
	putchar('\n');
	table_print(t, 0);
}

static void print_list(const struct map *m, const struct ranges *r,
		       const char *title)
{
	struct table *t;
	size_t i;

	if (!r->nr)
		return;
	t = table_new("|>FROM|>TO|>SIZE|>PRESERVED");
	for (i = 0; i < r->nr; i++) {
		const struct range *e = &r->list[i];

		table_row(t, "%s\t0x%llx\t0x%llx\t%s\t%s", i ? "" : title,
			  e->addr, e->end - 1, size_str(e->end - e->addr),
			  size_str(ranges_overlap(&m->kept, e->addr, e->end)));
	}
	putchar('\n');
	table_print(t, 0);
}

int map_text(const struct map *m, unsigned int width)
{
	print_rows(m, width);
	print_legend(m);
	print_list(m, &m->envelopes, "envelopes");
	print_list(m, &m->arrived, "arrived");
	return DONE;
}

static void ranges_json(struct json_object *root, const char *key,
			const struct ranges *r)
{
	struct json_object *list = json_list(root, key);
	size_t i;

	for (i = 0; i < r->nr; i++) {
		struct json_object *obj = json_new();

		json_add_u64(obj, "addr", r->list[i].addr);
		json_add_u64(obj, "bytes", r->list[i].end - r->list[i].addr);
		json_object_array_add(list, obj);
	}
}

int map_json(const struct map *m)
{
	struct json_object *root = json_new(), *sums = json_new();

	json_add_u64(root, "page_size", m->query.page_size);
	ranges_json(root, "ram", &m->ram);
	ranges_json(root, "kernel", &m->kernel);
	ranges_json(root, "scratch", &m->scratch);
	ranges_json(root, "preserved", &m->preserved);
	ranges_json(root, "metadata", &m->meta);
	ranges_json(root, "envelopes", &m->envelopes);
	ranges_json(root, "arrived_envelopes", &m->arrived);
	json_object_object_add(root, "total_bytes", sums);
	json_add_u64(sums, "ram", m->ram.bytes);
	json_add_u64(sums, "kernel", m->kernel.bytes);
	json_add_u64(sums, "scratch", m->scratch.bytes);
	json_add_u64(sums, "preserved", m->preserved.bytes);
	json_add_u64(sums, "metadata", m->meta.bytes);
	json_add_u64(sums, "envelopes", m->envelopes.bytes);
	json_add_u64(sums, "enveloped_not_preserved", m->enveloped);
	json_add_u64(sums, "arrived_envelopes", m->arrived.bytes);
	json_add_u64(sums, "other", m->other);
	json_print(root);
	return DONE;
}

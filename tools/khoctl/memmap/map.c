// SPDX-License-Identifier: GPL-2.0
/*
 * The map of physical memory, from /proc/iomem and the module.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/ranges.h"
#include "base/sysinfo.h"
#include "decode/decode.h"
#include "decode/decoded.h"
#include "decode/dumpfile.h"
#include "device/device.h"
#include "device/lists.h"
#include "memmap/map.h"

static int read_iomem(struct map *m)
{
	char *path = sys_path("/proc/iomem"), *line = NULL;
	FILE *f = fopen(path, "re");
	__u64 start, last;
	size_t room = 0;

	if (!f) {
		cmd_errno_err(errno, "%s", path);
		free(path);
		return FAILED;
	}
	free(path);
	while (getline(&line, &room, f) >= 0) {
		/* Without CAP_SYS_ADMIN, all addresses are 0. */
		if (sscanf(line, "%llx-%llx", &start, &last) != 2 || !last ||
		    last < start || last == ~0ULL)
			continue;
		if (strstr(line, " : System RAM"))
			ranges_add(&m->ram, start, last + 1);
		else if (strstr(line, " : Kernel "))
			ranges_add(&m->kernel, start, last + 1);
	}
	free(line);
	fclose(f);
	ranges_tidy(&m->ram);
	ranges_tidy(&m->kernel);
	if (!m->ram.nr)
		return cmd_err("/proc/iomem shows no address of System RAM: run khoctl as root");
	return DONE;
}

static int read_tree(struct map *m)
{
	struct decoded d;
	struct meta meta;
	int ret = DONE;
	size_t i;

	ret = meta_from_device(&meta);
	if (ret)
		return ret;
	decode(&meta, &d);
	if (!d.walked)
		ret = cmd_err("the tree of preserved pages can't be read: 'khoctl dump' says why");
	for (i = 0; i < d.nr_extents; i++) {
		ranges_add(&m->preserved, d.extents[i].addr, d.extents[i].end);
		ranges_add(&m->kept, d.extents[i].addr, d.extents[i].end);
	}
	for (i = 0; i < meta.count; i++) {
		__u64 addr = meta.entries[i].addr;

		/* The tree contains the other metadata pages. */
		if (is_preserved(&d, addr, addr + meta.page_size))
			continue;
		ranges_add(&m->meta, addr, addr + meta.page_size);
		ranges_add(&m->kept, addr, addr + meta.page_size);
	}
	ranges_tidy(&m->preserved);
	ranges_tidy(&m->meta);
	ranges_tidy(&m->kept);
	decoded_free(&d);
	meta_free(&meta);
	return ret;
}

static int read_envelopes(int dev, bool arrived, struct ranges *r)
{
	struct kho_envelope_entry *list;
	size_t nr, i;
	int ret;

	ret = list_envelopes(dev, arrived, &list, &nr);
	if (ret == -EAGAIN)
		return cmd_err("the envelopes change faster than they can be read");
	if (ret)
		return cmd_err("%s: %s", device_path(), device_error(ret));
	for (i = 0; i < nr; i++)
		ranges_add(r, list[i].addr, list[i].addr + list[i].bytes);
	free(list);
	ranges_tidy(r);
	return DONE;
}

static void sum_up(struct map *m)
{
	const struct ranges *all[] = { &m->kernel, &m->scratch, &m->kept,
				       &m->envelopes, &m->arrived };
	struct ranges some = { 0 };
	size_t i, j;

	for (i = 0; i < m->envelopes.nr; i++) {
		const struct range *e = &m->envelopes.list[i];

		m->enveloped += ranges_overlap(&m->ram, e->addr, e->end) -
				ranges_overlap(&m->kept, e->addr, e->end);
	}
	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (j = 0; j < all[i]->nr; j++)
			ranges_add(&some, all[i]->list[j].addr, all[i]->list[j].end);
	ranges_tidy(&some);
	m->other = m->ram.bytes;
	for (i = 0; i < some.nr; i++)
		m->other -= ranges_overlap(&m->ram, some.list[i].addr,
					some.list[i].end);
	free(some.list);
}

int map_read(struct map *m)
{
	const struct kho_query *q = &m->query;
	int dev, ret;

	memset(m, 0, sizeof(*m));
	dev = open_device_query(&m->query, KHO_FEATURE_META);
	if (dev < 0)
		return FAILED;
	ret = read_iomem(m);
	if (!ret)
		ret = read_tree(m);
	/* An older module has no envelopes. */
	if (!ret && q->features & KHO_FEATURE_ENVELOPES)
		ret = read_envelopes(dev, false, &m->envelopes);
	if (!ret && q->features & KHO_FEATURE_ENVELOPES)
		ret = read_envelopes(dev, true, &m->arrived);
	close(dev);
	ranges_add(&m->scratch, q->scratch_addr, q->scratch_addr + q->scratch_size);
	ranges_tidy(&m->scratch);
	sum_up(m);
	return ret;
}

void map_free(struct map *m)
{
	free(m->ram.list);
	free(m->kernel.list);
	free(m->scratch.list);
	free(m->preserved.list);
	free(m->meta.list);
	free(m->kept.list);
	free(m->envelopes.list);
	free(m->arrived.list);
}

enum stretch map_stretch(const struct map *m, __u64 start, __u64 end)
{
	__u64 ram = ranges_overlap(&m->ram, start, end);
	__u64 kept = ranges_overlap(&m->kept, start, end);

	if (!ram)
		return STRETCH_NO_RAM;
	if (kept)
		return kept >= ram ? STRETCH_KEPT : STRETCH_PART;
	if (ranges_overlap(&m->scratch, start, end))
		return STRETCH_SCRATCH;
	if (ranges_overlap(&m->envelopes, start, end))
		return STRETCH_ENVELOPE;
	if (ranges_overlap(&m->kernel, start, end))
		return STRETCH_KERNEL;
	if (ranges_overlap(&m->arrived, start, end))
		return STRETCH_ARRIVED;
	return STRETCH_RAM;
}

static unsigned int count_rows(const struct map *m, struct rows *rows)
{
	unsigned int n = 0;
	__u64 start;

	rows->next = 0;
	while (map_next_row(m, rows, &start))
		n++;
	rows->next = 0;
	return n;
}

bool map_next_row(const struct map *m, struct rows *rows, __u64 *start)
{
	size_t i;

	for (i = 0; i < m->ram.nr; i++) {
		const struct range *r = &m->ram.list[i];
		__u64 from = r->addr > rows->next ? r->addr : rows->next;

		if (r->end <= rows->next)
			continue;
		*start = from & ~(rows->bytes - 1);
		rows->next = *start + rows->bytes;
		/* This is false after the last row of the address space. */
		return rows->next > *start;
	}
	return false;
}

void map_rows(const struct map *m, unsigned int cells, unsigned int max,
	      struct rows *rows)
{
	__u64 end = m->ram.list[m->ram.nr - 1].end;

	rows->cells = cells;
	rows->cell = m->query.page_size;
	/* Skip sizes that would give far too many rows to count. */
	while (rows->cell < m->ram.bytes / cells / max)
		rows->cell *= 2;
	rows->bytes = rows->cell * cells;
	while (count_rows(m, rows) > max && rows->bytes < end) {
		rows->cell *= 2;
		rows->bytes = rows->cell * cells;
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Decoding metadata: setup node, scratch, FDT and tree.
 *
 * A decoder that stops at the first error is of little help with a broken handover.  This
 * one records each error and goes on with what is still readable.
 */
#include <libfdt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <kho/abi.h>
#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <kho/walk.h>
#include <linux/kho.h>

#include "base/alloc.h"
#include "base/ranges.h"
#include "decode/decode.h"
#include "decode/decoded.h"
#include "decode/dumpfile.h"
#include "decode/objects.h"

/* No architecture that Linux supports has wider physical addresses. */
#define ADDRESS_LIMIT	((__u64)1 << 52)

static void decode_setup(struct meta *m, struct decoded *d)
{
	const void *p;

	if (!m->setup_addr) {
		decode_err(d, "there is no setup_data node: no kernel would be told");
		return;
	}
	p = meta_at(m, m->setup_addr,
		    sizeof(struct kho_setup_node) + sizeof(struct kho_data));
	if (!p) {
		decode_err(d, "setup node: 0x%llx is in none of the pages",
			   m->setup_addr);
		return;
	}
	memcpy(&d->node, p, sizeof(d->node));
	memcpy(&d->data, (const char *)p + sizeof(d->node), sizeof(d->data));
	d->has_setup = true;
	m->used[meta_find(m, m->setup_addr)] = true;

	if (d->node.type != SETUP_KEXEC_KHO)
		decode_err(d, "setup node: type is %u, not %d", d->node.type,
			   SETUP_KEXEC_KHO);
	if (d->node.len != sizeof(struct kho_data))
		decode_err(d, "setup node: length is %u, not %zu", d->node.len,
			   sizeof(struct kho_data));
	if (d->data.fdt_size != m->page_size)
		decode_err(d, "setup node: fdt_size is %llu, not a page",
			   d->data.fdt_size);
}

static void decode_scratch(struct meta *m, struct decoded *d)
{
	const struct kho_data *data = &d->data;
	struct kho_scratch area;
	const char *p;
	size_t i;

	if (!data->scratch_size || data->scratch_size % sizeof(area)) {
		decode_err(d, "setup node: scratch_size is %llu, not a multiple of %zu",
			   data->scratch_size, sizeof(area));
		return;
	}
	p = meta_at(m, data->scratch_addr, data->scratch_size);
	if (!p) {
		decode_err(d, "scratch array: %llu bytes at 0x%llx are in none of the pages",
			   data->scratch_size,
			   data->scratch_addr);
		return;
	}
	m->used[meta_find(m, data->scratch_addr)] = true;
	d->nr_scratch = data->scratch_size / sizeof(area);
	d->scratch = xcalloc(d->nr_scratch, sizeof(*d->scratch));
	for (i = 0; i < d->nr_scratch; i++) {
		memcpy(&area, p + i * sizeof(area), sizeof(area));
		d->scratch[i].addr = area.addr;
		d->scratch[i].end = area.addr + area.size;
		if (!area.size || area.addr + area.size < area.addr ||
		    (area.addr | area.size) & (m->page_size - 1) ||
		    area.addr + area.size > (m->memory_end ? m->memory_end :
					     ADDRESS_LIMIT)) {
			decode_err(d, "scratch area %zu: 0x%llx bytes at 0x%llx are not a range of pages in memory",
				   i, area.size, area.addr);
			d->scratch[i].end = d->scratch[i].addr;
		}
	}
}

/* The root property leads to the kernel's own tree; the child has the full tree. */
static const char *find_exact(struct meta *m, struct decoded *d)
{
	const void *p = NULL;
	struct kho_exact exact;
	unsigned int i;

	for (i = 0; i < d->root.nr; i++)
		if (!strcmp(d->root.child[i].name, KHO_EXACT_NODE))
			p = meta_at(m, d->root.child[i].addr, sizeof(exact));
	if (!p)
		return "there is no /" KHO_EXACT_NODE ", or it leads nowhere";
	memcpy(&exact, p, sizeof(exact));
	d->lean_root = d->root.root;
	d->root.root = exact.root;
	return kho_exact_check(&exact, m->shift);
}

static void decode_fdt(struct meta *m, struct decoded *d)
{
	const char *why;
	long page = -1;
	void *plain;
	int exact;
	size_t i;
	int ret;

	if (d->has_setup) {
		d->fdt_addr = d->data.fdt_addr;
		page = meta_find(m, d->fdt_addr);
		if (page < 0 || d->fdt_addr & (m->page_size - 1)) {
			decode_err(d, "setup node: fdt_addr 0x%llx is not that of any page here",
				   d->fdt_addr);
			page = -1;
		}
	}
	/* The next kernel would stop here.  For debugging, go on. */
	for (i = 0; page < 0 && i < m->count; i++)
		if (m->entries[i].kind == KHO_META_FDT)
			page = i;
	if (page < 0) {
		decode_err(d, "there is no FDT");
		return;
	}
	m->used[page] = true;
	d->fdt_addr = m->entries[page].addr;
	d->fdt = m->pages + (size_t)page * m->page_size;
	d->fdt_room = m->page_size;

	ret = fdt_check_full(d->fdt, d->fdt_room);
	d->fdt_ok = !ret;
	if (ret)
		decode_err(d, "FDT: libfdt says %s", fdt_strerror(ret));
	plain = xcalloc(1, d->fdt_room);
	exact = kho_exact_unwrap(d->fdt, d->fdt_room, plain);
	why = kho_fdt_read(exact ? plain : d->fdt, d->fdt_room, &d->root);
	free(plain);
	if (!why && exact)
		why = find_exact(m, d);
	d->root_ok = !why;
	if (why)
		decode_err(d, "FDT: %s", why);
}

/* ---- The tree ---- */

struct walk_ctx {
	struct meta *m;
	struct decoded *d;
};

static const void *map_node(void *ctx, __u64 phys)
{
	const struct walk_ctx *w = ctx;

	return meta_at(w->m, phys, w->m->page_size);
}

/* Differs from all results of the walker itself. */
#define WALK_STOP	1

static int see_node(void *ctx, __u64 phys, unsigned int level)
{
	struct walk_ctx *w = ctx;
	long i = meta_find(w->m, phys);

	if (i < 0) {
		decode_err(w->d, "tree: a node of level %u at 0x%llx is in none of the pages",
			   level, phys);
		return WALK_STOP;
	}
	/*
	 * A valid tree has each node once.  Refusing repeated nodes bounds the walk by
	 * the size of the file, whatever addresses it contains.
	 */
	if (w->m->used[i]) {
		decode_err(w->d, "tree: the page at 0x%llx is in it twice, or is not a node",
			   phys);
		return WALK_STOP;
	}
	w->m->used[i] = true;
	if (w->m->entries[i].kind != KHO_META_NODE)
		decode_err(w->d, "tree: the page at 0x%llx was not read as a node",
			   phys);
	else if (w->m->entries[i].level != level)
		decode_err(w->d, "tree: the node at 0x%llx is of level %u, not %u",
			   phys, level, w->m->entries[i].level);
	w->d->nodes[level]++;
	return 0;
}

static int see_run(void *ctx, __u64 phys, unsigned int order, __u64 nr)
{
	struct walk_ctx *w = ctx;
	struct decoded *d = w->d;

	d->runs = grow(d->runs, d->nr_runs, &d->room_runs, sizeof(*d->runs));
	if (!d->order_runs[order]++)
		d->first_run[order] = d->nr_runs;
	d->runs[d->nr_runs++] = (struct run){ phys, nr, order };
	d->keys[order] += nr;
	/* This cannot overflow: the walker checks that the blocks are in memory. */
	d->pages += nr << order;
	return 0;
}

static void decode_tree(struct meta *m, struct decoded *d)
{
	static const struct kho_walk_ops ops = {
		.map = map_node,
		.node = see_node,
		.run = see_run,
	};
	struct walk_ctx ctx = { m, d };
	struct kho_walk w = {
		.ops = &ops,
		.ctx = &ctx,
		.shift = m->shift,
		.end = m->memory_end ? m->memory_end : ADDRESS_LIMIT,
	};
	size_t i;
	int ret;

	ret = kho_walk_tree(&w, d->root.root);
	d->walked = !ret;
	if (ret == KHO_WALK_BAD)
		decode_err(d, "tree: %s: value 0x%llx, in the node at 0x%llx",
			   w.why, w.value, w.where);
	for (i = 0; i < m->count && d->walked; i++)
		if (m->entries[i].kind == KHO_META_NODE && !m->used[i])
			decode_err(d, "tree: no entry leads to the node at 0x%llx",
				   m->entries[i].addr);
}

static void merge_extents(struct meta *m, struct decoded *d)
{
	struct range *r = xcalloc(d->nr_runs, sizeof(*r));
	size_t i, n = 0;

	for (i = 0; i < d->nr_runs; i++) {
		r[i].addr = d->runs[i].addr;
		r[i].end = r[i].addr +
			   (d->runs[i].nr << (m->shift + d->runs[i].order));
	}
	qsort(r, d->nr_runs, sizeof(*r), range_by_addr);
	for (i = 0; i < d->nr_runs; i++) {
		if (n && r[i].addr < r[n - 1].end)
			decode_err(d, "tree: the page at 0x%llx is marked twice",
				   r[i].addr);
		if (n && r[i].addr <= r[n - 1].end) {
			if (r[i].end > r[n - 1].end)
				r[n - 1].end = r[i].end;
		} else {
			r[n++] = r[i];
		}
	}
	d->extents = r;
	d->nr_extents = n;
}

/* Preserved memory must not be in scratch, nor be used twice. */
static void check_overlaps(struct meta *m, struct decoded *d)
{
	size_t i, s, e;

	for (s = 0; s < d->nr_scratch; s++) {
		const struct range *area = &d->scratch[s];

		e = find_extent(d, area->addr);
		if (e < d->nr_extents && d->extents[e].addr < area->end)
			decode_err(d, "scratch area %zu: preserved pages at 0x%llx lie in it",
				   s, d->extents[e].addr > area->addr ?
				   d->extents[e].addr : area->addr);
		for (i = 0; i < m->count; i++)
			if (m->entries[i].addr >= area->addr &&
			    m->entries[i].addr < area->end)
				decode_err(d, "scratch area %zu: the metadata page at 0x%llx lies in it",
					   s, m->entries[i].addr);
	}
	for (i = 0; i < m->count; i++) {
		__u64 addr = m->entries[i].addr;

		if (m->entries[i].kind == KHO_META_NODE &&
		    is_preserved(d, addr, addr + m->page_size))
			decode_err(d, "tree: the node at 0x%llx is marked as preserved itself",
				   addr);
	}
}

static void decode_children(struct meta *m, struct decoded *d)
{
	const struct kho_fdt_child *c;
	const void *p;
	size_t i;

	for (i = 0; i < d->root.nr; i++) {
		c = &d->root.child[i];
		if (!(c->has & 1)) {
			decode_err(d, "FDT: /%s has no " KHO_PROP_DATA, c->name);
			continue;
		}
		if (!(c->has & 2))
			decode_err(d, "FDT: /%s has no " KHO_PROP_BLOB_SIZE,
				   c->name);
		if (!strcmp(c->name, KHO_METADATA_NODE)) {
			p = meta_at(m, c->addr, sizeof(d->metadata));
			if (!p) {
				decode_err(d, "FDT: the data of /%s at 0x%llx is in none of the pages",
					   c->name, c->addr);
				continue;
			}
			memcpy(&d->metadata, p, sizeof(d->metadata));
			d->has_metadata = true;
		} else if (!strcmp(c->name, KHO_OBJS_NODE)) {
			decode_objects(m, d, c);
		}
	}
}

/*
 * In-kernel KHO keeps FDT and scratch to itself, and makes the setup node when it loads
 * the next kernel.  The module then has only the tree and the blobs.
 */
static bool is_own_kho(const struct meta *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (m->entries[i].kind == KHO_META_SETUP ||
		    m->entries[i].kind == KHO_META_FDT)
			return false;
	return !m->setup_addr;
}

/* The root is the only node of the highest level. */
static void find_root(struct meta *m, struct decoded *d)
{
	size_t i, nr = 0;

	for (i = 0; i < m->count; i++) {
		if (m->entries[i].kind != KHO_META_NODE ||
		    m->entries[i].level != KHO_TREE_DEPTH(m->shift) - 1)
			continue;
		d->root.root = m->entries[i].addr;
		nr++;
	}
	if (nr == 1)
		d->root_ok = true;
	else
		decode_err(d, "tree: there are %zu root nodes", nr);
}

/* Finds the blob by its compatible string, of any version. */
static void find_objects(struct meta *m, struct decoded *d)
{
	static const char compatible[] = KHO_OBJS_NODE "-v";
	struct kho_fdt_child child = { .name = KHO_OBJS_NODE };
	size_t i;

	for (i = 0; i < m->count; i++) {
		if (m->entries[i].kind != KHO_META_BLOB ||
		    memcmp(m->pages + i * m->page_size, compatible,
			   sizeof(compatible) - 1))
			continue;
		child.addr = m->entries[i].addr;
		decode_objects(m, d, &child);
		return;
	}
}

void decode(struct meta *m, struct decoded *d)
{
	memset(d, 0, sizeof(*d));
	d->own_kho = is_own_kho(m);
	if (d->own_kho) {
		find_root(m, d);
	} else {
		decode_setup(m, d);
		if (d->has_setup)
			decode_scratch(m, d);
		decode_fdt(m, d);
	}
	if (!d->root_ok)
		return;
	decode_tree(m, d);
	merge_extents(m, d);
	check_overlaps(m, d);
	if (d->own_kho)
		find_objects(m, d);
	else
		decode_children(m, d);
}

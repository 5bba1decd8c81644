// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl dump --json.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <kho/abi.h>
#include <kho/objects.h>

#include "base/json.h"
#include "base/ranges.h"
#include "base/text.h"
#include "decode/decoded.h"
#include "decode/dump.h"
#include "decode/dumpfile.h"

static void ranges_json(struct json_object *root, const char *key,
			const struct range *r, size_t nr)
{
	struct json_object *list = json_list(root, key);

	for (; nr--; r++) {
		struct json_object *obj = json_new();

		json_add_u64(obj, "addr", r->addr);
		json_add_u64(obj, "bytes", r->end - r->addr);
		json_object_array_add(list, obj);
	}
}

static void setup_json(struct json_object *root, const struct meta *m,
		       const struct decoded *d)
{
	struct json_object *obj;

	if (!d->has_setup) {
		json_object_object_add(root, "setup", NULL);
		return;
	}
	obj = json_new();
	json_object_object_add(root, "setup", obj);
	json_add_u64(obj, "addr", m->setup_addr);
	json_add_u64(obj, "next", d->node.next);
	json_add_u64(obj, "type", d->node.type);
	json_add_u64(obj, "bytes", d->node.len);
	json_add_u64(obj, "fdt_addr", d->data.fdt_addr);
	json_add_u64(obj, "fdt_bytes", d->data.fdt_size);
	json_add_u64(obj, "scratch_addr", d->data.scratch_addr);
	json_add_u64(obj, "scratch_bytes", d->data.scratch_size);
}

static void metadata_json(struct json_object *root, const struct decoded *d)
{
	struct json_object *obj;
	char *release;

	if (!d->has_metadata) {
		json_object_object_add(root, "metadata", NULL);
		return;
	}
	obj = json_new();
	json_object_object_add(root, "metadata", obj);
	json_add_u64(obj, "version", d->metadata.version);
	release = printable(d->metadata.previous_release, KHO_METADATA_RELEASE);
	json_add_str(obj, "previous_release", release);
	free(release);
	json_add_u64(obj, "generation", d->metadata.kexec_count);
}

static void tree_json(struct json_object *root, const struct meta *m,
		      const struct decoded *d, bool keys)
{
	struct json_object *tree, *list, *obj;
	unsigned int i;
	size_t r;

	if (!d->root_ok) {
		json_object_object_add(root, "tree", NULL);
		return;
	}
	tree = json_new();
	json_object_object_add(root, "tree", tree);
	json_add_u64(tree, "root_addr", d->root.root);
	json_add_u64(tree, "lean_root_addr", d->lean_root);
	json_add_u64(tree, "depth", KHO_TREE_DEPTH(m->shift));
	json_add_bool(tree, "complete", d->walked);
	json_add_u64(tree, "pages", d->pages);
	/* Indexed by level: the leaves come first. */
	list = json_list(tree, "nodes");
	for (i = 0; i < KHO_TREE_DEPTH(m->shift); i++)
		json_add_u64(list, NULL, d->nodes[i]);
	list = json_list(tree, "orders");
	for (i = 0; i < MAX_ORDERS; i++) {
		if (!d->keys[i])
			continue;
		obj = json_new();
		json_add_u64(obj, "order", i);
		json_add_u64(obj, "keys", d->keys[i]);
		json_add_u64(obj, "pages", d->keys[i] << i);
		json_object_array_add(list, obj);
	}
	ranges_json(tree, "extents", d->extents, d->nr_extents);
	if (!keys)
		return;
	list = json_list(tree, "runs");
	for (r = 0; r < d->nr_runs; r++) {
		obj = json_new();
		json_add_u64(obj, "addr", d->runs[r].addr);
		json_add_u64(obj, "order", d->runs[r].order);
		json_add_u64(obj, "keys", d->runs[r].nr);
		json_object_array_add(list, obj);
	}
}

static void extents_json(struct json_object *root, const struct extent *e,
			 size_t nr)
{
	struct json_object *list = json_list(root, "extents");

	for (; nr--; e++) {
		struct json_object *obj = json_new();

		json_add_u64(obj, "addr", e->range.addr);
		json_add_u64(obj, "bytes", e->range.end - e->range.addr);
		json_add_u64(obj, "order", e->order);
		json_object_array_add(list, obj);
	}
}

static void objects_json(struct json_object *root, const struct decoded *d)
{
	struct json_object *list;
	char mode[16];
	size_t i;

	list = json_list(root, "objects");
	for (i = 0; i < d->nr_objects; i++) {
		const struct object *o = &d->objects[i];
		struct json_object *obj = json_new();

		json_add_str(obj, "name", o->name);
		json_add_u64(obj, "bytes", o->size);
		json_add_u64(obj, "pages", o->pages);
		json_add_u64(obj, "created", o->created);
		json_add_u64(obj, "generation", o->generation);
		json_add_u64(obj, "idle", o->idle);
		json_add_u64(obj, "uid", o->uid);
		json_add_u64(obj, "gid", o->gid);
		snprintf(mode, sizeof(mode), "%04o", o->mode);
		json_add_str(obj, "mode", mode);
		json_add_bool(obj, "uncommitted", o->flags & KHO_OBJS_UNCOMMITTED);
		json_add_bool(obj, "sealed", o->flags & KHO_OBJS_SEALED);
		json_add_bool(obj, "sum_at_jump", o->flags & KHO_OBJS_SUM_AT_JUMP);
		json_add_bool(obj, "summed", o->flags & KHO_OBJS_SUMMED);
		json_add_u64(obj, "sum_pages", o->sum_pages);
		json_add_u64(obj, "data_bytes", o->data_bytes);
		json_add_str(obj, "comm", o->comm);
		json_add_str(obj, "release", o->release);
		extents_json(obj, o->extents, o->nr_extents);
		json_object_array_add(list, obj);
	}
}

void dump_problems_json(struct json_object *root, const struct decoded *d)
{
	struct json_object *list;
	size_t i;

	json_add_bool(root, "sound", !d->nr_problems);
	list = json_list(root, "problems");
	for (i = 0; i < d->nr_problems && i < MAX_PROBLEMS; i++)
		json_add_str(list, NULL, d->problems[i]);
}

void dump_json(const struct meta *m, const struct decoded *d,
	       const char *source, bool keys)
{
	struct json_object *root = json_new();

	json_add_str(root, "source", source);
	json_add_u64(root, "page_size", m->page_size);
	json_add_u64(root, "metadata_pages", m->count);
	json_add_u64(root, "memory_end", m->memory_end);
	setup_json(root, m, d);
	ranges_json(root, "scratch", d->scratch, d->nr_scratch);
	json_add_u64(root, "fdt_addr", d->fdt_addr);
	dump_fdt_json(root, d->fdt_ok ? d->fdt : NULL);
	metadata_json(root, d);
	tree_json(root, m, d, keys);
	objects_json(root, d);
	dump_problems_json(root, d);
	json_print(root);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Old names of members in JSON.
 *
 * Members once had several names for one thing: "size" and "bytes", "meta_pages" and
 * "metadata_pages".  Programs that use an old one go on working while the version of the
 * document is 1; the schemas say that it is deprecated.
 */
#include <string.h>

#include "base/defs.h"
#include "base/json-names.h"

static const struct {
	const char *schema;
	const char *in;			/* the member that has it, or "" for the document */
	const char *name;
	const char *old;
} names[] = {
	{ "check", "", "kernel", "target" },
	{ "check", "", "ram_left_bytes", "ram_left" },
	{ "check", "", "ram_needed_bytes", "ram_needed" },
	{ "check", "", "scratch_bytes", "scratch_size" },
	{ "check", "", "scratch_needed_bytes", "scratch_needed" },
	{ "dump", "extents", "bytes", "size" },
	{ "dump", "fdt", "bytes", "size" },
	{ "dump", "metadata", "generation", "kexec_count" },
	{ "dump", "properties", "hex", "bytes" },
	{ "dump", "scratch", "bytes", "size" },
	{ "dump", "setup", "bytes", "len" },
	{ "dump", "setup", "fdt_bytes", "fdt_size" },
	{ "dump", "setup", "scratch_bytes", "scratch_size" },
	{ "dump", "tree", "lean_root_addr", "lean_root" },
	{ "dump", "tree", "root_addr", "root" },
	{ "load", "", "checksum", "checks" },
	{ "load", "", "ram_left_bytes", "ram_left" },
	{ "load", "", "ram_needed_bytes", "ram_needed" },
	{ "load", "", "scratch_bytes", "scratch_size" },
	{ "load", "", "scratch_needed_bytes", "needed" },
	{ "load", "", "scratch_needed_bytes", "scratch_needed" },
	{ "load", "segments", "bytes", "size" },
	{ "ls", "objects", "open", "busy" },
	{ "map", "", "total_bytes", "bytes" },
	{ "map", "arrived_envelopes", "bytes", "size" },
	{ "map", "envelopes", "bytes", "size" },
	{ "map", "kernel", "bytes", "size" },
	{ "map", "metadata", "bytes", "size" },
	{ "map", "preserved", "bytes", "size" },
	{ "map", "ram", "bytes", "size" },
	{ "map", "scratch", "bytes", "size" },
	{ "scratch", "", "held_bytes", "held" },
	{ "scratch", "", "scratch_bytes", "scratch_size" },
	{ "status", "", "fdt_bytes", "fdt_size" },
	{ "status", "", "freeing_done_pages", "freeing_done" },
	{ "status", "", "metadata_pages", "meta_pages" },
	{ "status", "", "release_done_pages", "release_done" },
	{ "status", "", "release_state", "release" },
	{ "status", "", "scratch_bytes", "scratch_size" },
	{ "verify", "objects", "bad_pages", "bad" },
	{ "verify", "objects", "first_bad_offset", "offset" },
	{ "verify", "objects", "first_poisoned_offset", "poisoned_offset" },
	{ "verify", "objects", "poisoned_pages", "poisoned" },
};

static void add_in(struct json_object *obj, const char *schema, const char *in);

static void add_in_members(struct json_object *obj, const char *schema)
{
	json_object_object_foreach(obj, key, member)
		add_in(member, schema, key);
}

static void add_in(struct json_object *obj, const char *schema, const char *in)
{
	struct json_object *value;
	size_t i;

	if (json_object_is_type(obj, json_type_array)) {
		for (i = 0; i < json_object_array_length(obj); i++)
			add_in(json_object_array_get_idx(obj, i), schema, in);
		return;
	}
	if (!json_object_is_type(obj, json_type_object))
		return;
	add_in_members(obj, schema);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].schema, schema) || strcmp(names[i].in, in) ||
		    !json_object_object_get_ex(obj, names[i].name, &value) ||
		    json_object_object_get_ex(obj, names[i].old, NULL))
			continue;
		json_object_object_add(obj, names[i].old, json_object_get(value));
	}
}

void json_add_old_names(struct json_object *doc, const char *schema)
{
	add_in(doc, schema, "");
}

// SPDX-License-Identifier: GPL-2.0
/*
 * JSON output.  docs/json/ has a schema for each command, with what it prints.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/json-names.h"
#include "base/message.h"
#include "base/text.h"

/* The version of docs/json/error.schema.json */
#define ERROR_VERSION	1

static const char *schema;
static unsigned int schema_version;
static bool printed;

struct json_object *json_new(void)
{
	return check_alloc(json_object_new_object());
}

static void json_add(struct json_object *obj, const char *key,
		     struct json_object *value)
{
	check_alloc(value);
	if (json_object_is_type(obj, json_type_array))
		json_object_array_add(obj, value);
	else
		json_object_object_add(obj, key, value);
}

void json_add_str(struct json_object *obj, const char *key, const char *value)
{
	const char *p = value;
	char *text;

	while (*p && !(*p & 0x80))
		p++;
	if (!*p) {
		json_add(obj, key, json_object_new_string(value));
		return;
	}
	/* JSON is UTF-8, which arguments and names of files need not be. */
	text = printable(value, strlen(value));
	json_add(obj, key, json_object_new_string(text));
	free(text);
}

void json_add_u64(struct json_object *obj, const char *key, __u64 value)
{
	json_add(obj, key, json_object_new_uint64(value));
}

void json_add_bool(struct json_object *obj, const char *key, bool value)
{
	json_add(obj, key, json_object_new_boolean(value));
}

struct json_object *json_list(struct json_object *obj, const char *key)
{
	struct json_object *list = json_object_new_array();

	json_add(obj, key, list);
	return list;
}

void json_schema(const char *name, unsigned int version)
{
	schema = name;
	schema_version = version;
}

static void share_members(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
		json_object_object_add(to, key, json_object_get(value));
}

static void print(const char *name, unsigned int version,
		  struct json_object *obj)
{
	struct json_object *doc = json_new();
	const char *text;

	json_add_str(doc, "schema", name);
	json_add_u64(doc, "version", version);
	share_members(doc, obj);
	json_add_old_names(doc, name);
	text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	puts(check_alloc((void *)text));
	json_object_put(doc);
	json_object_put(obj);
	printed = true;
}

void json_print(struct json_object *obj)
{
	print(schema, schema_version, obj);
}

void json_finish(bool ok, int status)
{
	struct json_object *root, *error, *list;
	const struct message *m;

	if (printed)
		return;
	root = json_new();
	if (ok) {
		json_add_bool(root, "ok", true);
		json_print(root);
		return;
	}
	if (schema)
		json_add_str(root, "command", schema);
	error = json_new();
	json_object_object_add(root, "error", error);
	json_add_str(error, "kind", status == USAGE ? "usage" : "failed");
	json_add_u64(error, "exit_status", status);
	m = first_error();
	json_add_str(error, "message", m ? m->text : "stderr says what is wrong");
	if (m && m->err && strerrorname_np(m->err))
		json_add_str(error, "errno", strerrorname_np(m->err));
	list = json_list(error, "messages");
	for (m = first_message(); m; m = m->next)
		json_add_str(list, NULL, m->text);
	print("error", ERROR_VERSION, root);
}

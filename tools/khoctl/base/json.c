// SPDX-License-Identifier: GPL-2.0
/*
 * JSON output.
 */
#include <stdbool.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"

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
	json_add(obj, key, json_object_new_string(value));
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

void json_print(struct json_object *obj)
{
	const char *text;

	text = json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	puts(check_alloc((void *)text));
	json_object_put(obj);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON: json-c, where running out of memory is the end.
 */
#ifndef KHOCTL_JSON_H
#define KHOCTL_JSON_H

#include <stdbool.h>

#include <json-c/json.h>
#include <linux/types.h>

/* To an object by @key, or to the end of an array; @key is NULL then. */
void json_add_str(struct json_object *obj, const char *key, const char *value);
void json_add_u64(struct json_object *obj, const char *key, __u64 value);
void json_add_bool(struct json_object *obj, const char *key, bool value);
struct json_object *json_new(void);
/* A new array in @obj */
struct json_object *json_list(struct json_object *obj, const char *key);
/* Prints @obj on stdout and frees it. */
void json_print(struct json_object *obj);

#endif /* KHOCTL_JSON_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * JSON output: json-c, except that khoctl exits if it runs out of memory.
 */
#ifndef KHOCTL_JSON_H
#define KHOCTL_JSON_H

#include <stdbool.h>

#include <json-c/json.h>
#include <linux/types.h>

/* These add to an object by @key, or append to an array (@key is NULL). */
void json_add_str(struct json_object *obj, const char *key, const char *value);
void json_add_u64(struct json_object *obj, const char *key, __u64 value);
void json_add_bool(struct json_object *obj, const char *key, bool value);
struct json_object *json_new(void);
/* Adds a new array to @obj. */
struct json_object *json_list(struct json_object *obj, const char *key);
/* Prints @obj on stdout and frees it. */
void json_print(struct json_object *obj);

#endif /* KHOCTL_JSON_H */

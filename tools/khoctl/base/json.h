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
/* Sets what all documents say first: the schema, which has the command's name. */
void json_schema(const char *name, unsigned int version);
/* Prints @obj on stdout, after the name of its schema, and frees it. */
void json_print(struct json_object *obj);
/*
 * Unless a document was printed, prints that all is well (@ok), or an error with what was
 * said on stderr.
 */
void json_finish(bool ok, int status);

#endif /* KHOCTL_JSON_H */

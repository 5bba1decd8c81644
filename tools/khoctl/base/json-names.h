/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Old names of members in JSON.
 */
#ifndef KHOCTL_JSON_NAMES_H
#define KHOCTL_JSON_NAMES_H

#include <json-c/json.h>

/* Adds members by their old names to @doc, a document of @schema. */
void json_add_old_names(struct json_object *doc, const char *schema);

#endif /* KHOCTL_JSON_NAMES_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts of "khoctl dump".
 */
#ifndef KHOCTL_DUMP_H
#define KHOCTL_DUMP_H

#include <stdbool.h>

#include "base/json.h"
#include "decode/decoded.h"
#include "decode/dumpfile.h"

/* Prints all nodes and properties of an FDT that fdt_check_full() accepts. */
void dump_fdt(const void *fdt);
/* Adds them to @root as "fdt", which is null if @fdt is NULL. */
void dump_fdt_json(struct json_object *root, const void *fdt);
void dump_problems_json(struct json_object *root, const struct decoded *d);
void dump_json(const struct meta *m, const struct decoded *d,
	       const char *source, bool keys);

#endif /* KHOCTL_DUMP_H */

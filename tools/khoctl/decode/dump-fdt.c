// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl dump: the FDT.
 *
 * Unlike in other FDTs, numbers in KHO's are native-endian.  A property of 8 bytes is
 * shown as such a number, text as text, and everything else as bytes.
 */
#include <libfdt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "decode/dump.h"

#define PATH_MAX_FDT	1024

/* True if @data looks like "compatible": NUL-terminated strings */
static bool is_text(const char *data, int len)
{
	int i;

	if (len < 2 || data[len - 1])
		return false;
	for (i = 0; i < len - 1; i++) {
		/* Eight bytes that include a NUL may be a number. */
		if (!data[i] && i && data[i - 1] && len != 8)
			continue;
		if (data[i] < 0x20 || data[i] > 0x7e)
			return false;
	}
	return true;
}

static void print_texts(const char *data, int len)
{
	int at;

	for (at = 0; at < len; at += strlen(data + at) + 1)
		printf("%s\"%s\"", at ? ", " : "", data + at);
	putchar('\n');
}

static __u64 native_u64(const char *data)
{
	__u64 v;

	memcpy(&v, data, sizeof(v));
	return v;
}

static char *hex(const char *data, int len)
{
	char *text = xmalloc(2 * (size_t)len + 1);
	int i;

	for (i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", (unsigned char)data[i]);
	text[2 * len] = '\0';
	return text;
}

static char *node_path(const void *fdt, int node)
{
	char path[PATH_MAX_FDT];

	if (fdt_get_path(fdt, node, path, sizeof(path)))
		return xstrdup("(a path that is too long)");
	return printable(path, strlen(path));
}

void dump_fdt(const void *fdt)
{
	int node, prop, len;

	printf("  %u bytes\n", fdt_totalsize(fdt));
	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
		char *path = node_path(fdt, node);

		printf("  %s\n", path);
		free(path);
		fdt_for_each_property_offset(prop, fdt, node) {
			const char *name, *data;
			char *shown;

			data = fdt_getprop_by_offset(fdt, prop, &name, &len);
			if (!data)
				continue;
			shown = printable(name, strlen(name));
			printf("    %s = ", shown);
			free(shown);
			if (is_text(data, len)) {
				print_texts(data, len);
			} else if (len == 8) {
				printf("0x%llx (%llu)\n",
				       native_u64(data), native_u64(data));
			} else {
				shown = hex(data, len);
				printf("[%s]\n", shown);
				free(shown);
			}
		}
	}
}

void dump_fdt_json(struct json_object *root, const void *fdt)
{
	struct json_object *top, *nodes;
	int node, prop, len;

	if (!fdt) {
		json_object_object_add(root, "fdt", NULL);
		return;
	}
	top = json_new();
	json_object_object_add(root, "fdt", top);
	json_add_u64(top, "bytes", fdt_totalsize(fdt));
	nodes = json_list(top, "nodes");
	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL)) {
		struct json_object *obj = json_new(), *props;
		char *text = node_path(fdt, node);

		json_add_str(obj, "path", text);
		free(text);
		props = json_list(obj, "properties");
		json_object_array_add(nodes, obj);
		fdt_for_each_property_offset(prop, fdt, node) {
			struct json_object *p;
			const char *name, *data;

			data = fdt_getprop_by_offset(fdt, prop, &name, &len);
			if (!data)
				continue;
			p = json_new();
			text = printable(name, strlen(name));
			json_add_str(p, "name", text);
			free(text);
			text = hex(data, len);
			json_add_str(p, "hex", text);
			free(text);
			if (is_text(data, len))
				json_add_str(p, "string", data);
			else if (len == 8)
				json_add_u64(p, "u64", native_u64(data));
			json_object_array_add(props, p);
		}
	}
}

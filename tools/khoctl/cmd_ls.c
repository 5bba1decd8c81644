// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl ls
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "khoctl.h"

static const char *flag_names(__u32 flags)
{
	static const char * const names[] = {
		"-", "arrived", "open", "arrived,open"
	};

	return names[(flags & KHO_OBJ_ARRIVED ? 1 : 0) |
		     (flags & KHO_OBJ_BUSY ? 2 : 0)];
}

static void objects_json(struct json_object *root,
			 const struct kho_obj_entry *e, size_t nr)
{
	struct json_object *list = json_list(root, "objects");

	for (; nr--; e++) {
		struct json_object *obj = json_new();
		char *name = printable(e->name, sizeof(e->name));

		json_add_str(obj, "name", name);
		json_add_u64(obj, "bytes", e->bytes);
		json_add_u64(obj, "pages", e->pages);
		json_add_u64(obj, "extents", e->extents);
		json_add_u64(obj, "created", e->created);
		json_add_u64(obj, "generation", e->generation);
		json_add_bool(obj, "arrived", e->flags & KHO_OBJ_ARRIVED);
		json_add_bool(obj, "busy", e->flags & KHO_OBJ_BUSY);
		json_object_array_add(list, obj);
		free(name);
	}
}

static void objects_text(const struct kho_obj_entry *e, size_t nr, bool full)
{
	struct table *t = table_new(full ?
		"NAME|>SIZE|>BYTES|>PAGES|>EXTENTS|CREATED|>GENERATION|FLAGS" :
		"NAME|>SIZE|CREATED|FLAGS");

	for (; nr--; e++) {
		char *name = printable(e->name, sizeof(e->name));

		if (full)
			table_row(t, "%s\t%s\t%llu\t%llu\t%llu\t%s\t%u\t%s",
				  name, size_str(e->bytes),
				  e->bytes,
				  e->pages,
				  e->extents,
				  time_str(e->created), e->generation,
				  flag_names(e->flags));
		else
			table_row(t, "%s\t%s\t%s\t%s", name, size_str(e->bytes),
				  time_str(e->created), flag_names(e->flags));
		free(name);
	}
	table_print(t, 0);
}

static void pages_json(struct json_object *root,
		       const struct kho_page_entry *e, size_t nr)
{
	struct json_object *list = json_list(root, "pages");

	for (; nr--; e++) {
		struct json_object *obj = json_new();

		json_add_u64(obj, "pfn", e->pfn);
		json_add_u64(obj, "order", e->order);
		json_add_bool(obj, "arrived", e->flags & KHO_PAGE_ARRIVED);
		json_object_array_add(list, obj);
	}
}

static void pages_text(const struct kho_page_entry *e, size_t nr,
		       __u32 page_size)
{
	struct table *t = table_new(">PFN|>ORDER|>SIZE|FLAGS");

	for (; nr--; e++)
		table_row(t, "0x%llx\t%u\t%s\t%s", e->pfn,
			  e->order,
			  e->order < 48 ?
			  size_str((__u64)page_size << e->order) : "?",
			  e->flags & KHO_PAGE_ARRIVED ? "arrived" : "-");
	table_print(t, 0);
}

static const char *subtree_flags(__u32 flags)
{
	return flags & KHO_SUBTREE_OWN ? "own" :
	       flags & KHO_SUBTREE_CARRIED ? "carried on" : "-";
}

static void subtrees_json(struct json_object *root,
			  const struct kho_subtree_entry *e, size_t nr)
{
	struct json_object *list = json_list(root, "subtrees");

	for (; nr--; e++) {
		struct json_object *obj = json_new();
		char *name = printable(e->name, sizeof(e->name));

		json_add_str(obj, "name", name);
		json_add_u64(obj, "addr", e->addr);
		json_add_u64(obj, "bytes", e->bytes);
		json_add_bool(obj, "own", e->flags & KHO_SUBTREE_OWN);
		json_add_bool(obj, "carried", e->flags & KHO_SUBTREE_CARRIED);
		json_object_array_add(list, obj);
		free(name);
	}
}

static void subtrees_text(const struct kho_subtree_entry *e, size_t nr)
{
	struct table *t = table_new("SUBTREE|>SIZE|>ADDRESS|FLAGS");

	for (; nr--; e++) {
		char *name = printable(e->name, sizeof(e->name));

		table_row(t, "%s\t%s\t0x%llx\t%s", name, size_str(e->bytes),
			  e->addr, subtree_flags(e->flags));
		free(name);
	}
	table_print(t, 0);
}

int cmd_ls(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "long", no_argument, NULL, 'l' },
		{ "pages", no_argument, NULL, 'p' },
		{ "subtrees", no_argument, NULL, 's' },
		END_OF_OPTIONS
	};
	bool full = false, with_pages = false, with_subtrees = false;
	struct kho_obj_entry *objs = NULL;
	struct kho_page_entry *pages = NULL;
	struct kho_subtree_entry *trees = NULL;
	size_t nr_objs = 0, nr_pages = 0, nr_trees = 0;
	struct kho_query query;
	int c, dev, ret;

	while ((c = next_option(argc, argv, ":l", longs)) != -1) {
		if (c == BAD_OPTION)
			return USAGE;
		if (c == 'l')
			full = true;
		else if (c == 'p')
			with_pages = true;
		else
			with_subtrees = true;
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);

	dev = open_device_query(&query, KHO_FEATURE_OBJECTS |
				(with_pages ? KHO_FEATURE_PAGES : 0) |
				(with_subtrees ? KHO_FEATURE_SUBTREES : 0));
	if (dev < 0)
		return FAILED;
	ret = list_objects(dev, &objs, &nr_objs);
	if (!ret && with_pages)
		ret = list_pages(dev, &pages, &nr_pages);
	if (!ret && with_subtrees)
		ret = list_subtrees(dev, &trees, &nr_trees);
	close(dev);
	if (ret == -EAGAIN) {
		ret = cmd_err("the list changes faster than it can be read");
		goto out;
	}
	if (ret) {
		ret = cmd_err("%s: %s", device_path(), device_error(ret));
		goto out;
	}

	if (want_json()) {
		struct json_object *root = json_new();

		objects_json(root, objs, nr_objs);
		if (with_pages)
			pages_json(root, pages, nr_pages);
		if (with_subtrees)
			subtrees_json(root, trees, nr_trees);
		json_print(root);
	} else {
		objects_text(objs, nr_objs, full);
		if (with_pages) {
			putchar('\n');
			pages_text(pages, nr_pages, query.page_size);
		}
		if (with_subtrees) {
			putchar('\n');
			subtrees_text(trees, nr_trees);
		}
	}
out:
	free(objs);
	free(pages);
	free(trees);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl ls
 */
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/table.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/lists.h"
#include "device/objects.h"

/* Origin and claim first, then the other states */
static char *state_words(__u32 flags, bool poisoned)
{
	static const struct {
		__u32 flag;
		const char *word;
	} words[] = {
		{ KHO_OBJ_BUSY, "open" },
		{ KHO_OBJ_SEALED, "sealed" },
		{ KHO_OBJ_UNCOMMITTED, "uncommitted" },
		{ KHO_OBJ_PINNED, "pinned" },
		{ KHO_OBJ_SUMMED, "summed" },
	};
	char *text = xmalloc(96);
	size_t i;

	strcpy(text, !(flags & KHO_OBJ_ARRIVED) ? "new" :
	       flags & KHO_OBJ_CLAIMED ? "claimed" : "arrived");
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (flags & words[i].flag) {
			strcat(text, ",");
			strcat(text, words[i].word);
		}
	}
	if (poisoned)
		strcat(text, ",poisoned");
	return text;
}

/* Cache the last result: most objects have the same owner. */
static const char *owner_str(__u32 uid, __u32 gid)
{
	static char *text;
	static __u32 last_uid, last_gid;
	const struct passwd *pw;
	const struct group *gr;
	char user[16], group[16];

	if (text && uid == last_uid && gid == last_gid)
		return text;
	free(text);
	snprintf(user, sizeof(user), "%u", uid);
	snprintf(group, sizeof(group), "%u", gid);
	pw = getpwuid(uid);
	gr = getgrgid(gid);
	text = xasprintf("%s:%s", pw ? pw->pw_name : user,
			 gr ? gr->gr_name : group);
	last_uid = uid;
	last_gid = gid;
	return text;
}

/* Base pages that are not part of a larger page */
static __u64 small_pages(const struct kho_obj_info *e, __u32 page_size)
{
	__u64 ratio = page_size / 8, large;

	/* Do not trust the numbers to be consistent. */
	if (__builtin_mul_overflow(e->pud_pages, ratio, &large) ||
	    __builtin_add_overflow(large, e->pmd_pages, &large) ||
	    __builtin_mul_overflow(large, ratio, &large) || large > e->pages)
		return 0;
	return e->pages - large;
}

static void objects_json(struct json_object *root, const struct kho_obj_info *e,
			 size_t nr)
{
	struct json_object *list = json_list(root, "objects");
	char mode[16], *text;

	for (; nr--; e++) {
		struct json_object *obj = json_new();

		text = printable(e->name, sizeof(e->name));
		json_add_str(obj, "name", text);
		free(text);
		json_add_u64(obj, "bytes", e->bytes);
		json_add_u64(obj, "pages", e->pages);
		json_add_u64(obj, "extents", e->extents);
		json_add_u64(obj, "created", e->created);
		json_add_u64(obj, "generation", e->generation);
		json_add_bool(obj, "arrived", e->flags & KHO_OBJ_ARRIVED);
		json_add_bool(obj, "open", e->flags & KHO_OBJ_BUSY);
		json_add_bool(obj, "claimed", e->flags & KHO_OBJ_CLAIMED);
		json_add_bool(obj, "sealed", e->flags & KHO_OBJ_SEALED);
		json_add_bool(obj, "uncommitted", e->flags & KHO_OBJ_UNCOMMITTED);
		json_add_bool(obj, "pinned", e->flags & KHO_OBJ_PINNED);
		json_add_bool(obj, "sum_at_jump", e->flags & KHO_OBJ_SUM_AT_JUMP);
		json_add_bool(obj, "summed", e->flags & KHO_OBJ_SUMMED);
		json_add_u64(obj, "pmd_pages", e->pmd_pages);
		json_add_u64(obj, "pud_pages", e->pud_pages);
		json_add_u64(obj, "idle", e->idle);
		json_add_u64(obj, "uid", e->uid);
		json_add_u64(obj, "gid", e->gid);
		snprintf(mode, sizeof(mode), "%04o", e->mode);
		json_add_str(obj, "mode", mode);
		json_add_u64(obj, "data_bytes", e->data_bytes);
		json_add_u64(obj, "poisoned_pages", e->poisoned_pages);
		text = printable(e->comm, sizeof(e->comm));
		json_add_str(obj, "comm", text);
		free(text);
		text = printable(e->release, sizeof(e->release));
		json_add_str(obj, "release", text);
		free(text);
		json_object_array_add(list, obj);
	}
}

/* Formats "2MiB": a title without a space is a single word for scripts. */
static void add_size(char *to, size_t room, __u64 size)
{
	const char *text = size_str(size);
	int number = strcspn(text, " ");

	snprintf(to, room, "%.*s%s", number, text, text + number + 1);
}

static struct table *long_table(__u32 page_size)
{
	char size[3][16], *titles;
	struct table *t;
	int i;

	for (i = 0; i < 3; i++)
		add_size(size[i], sizeof(size[i]), (__u64)page_size *
			 (i > 0 ? page_size / 8 : 1) * (i > 1 ? page_size / 8 : 1));
	titles = xasprintf("NAME|>SIZE|OWNER|>GEN|FROM|STATE|MODE|>%s|>%s|>%s|>EXTENTS|>DATA|CREATED|COMM|>IDLE",
			   size[0], size[1], size[2]);
	t = table_new(titles);
	free(titles);
	return t;
}

static void objects_text(const struct kho_obj_info *e, size_t nr, bool full,
			 __u32 page_size)
{
	struct table *t = full ? long_table(page_size) :
			  table_new("NAME|>SIZE|OWNER|>GEN|FROM|STATE");

	for (; nr--; e++) {
		char *name = printable(e->name, sizeof(e->name));
		char *release = printable(e->release, sizeof(e->release));
		char *comm = printable(e->comm, sizeof(e->comm));
		char *state = state_words(e->flags, e->poisoned_pages);
		char *start = xasprintf("%s\t%s\t%s\t%u\t%s\t%s", name,
					size_str(e->bytes),
					owner_str(e->uid, e->gid),
					e->generation,
					*release ? release : "-", state);

		if (full)
			table_row(t, "%s\t%04o\t%llu\t%llu\t%llu\t%llu\t%u\t%s\t%s\t%u",
				  start, e->mode, small_pages(e, page_size),
				  e->pmd_pages, e->pud_pages, e->extents,
				  e->data_bytes, time_str(e->created),
				  *comm ? comm : "-", e->idle);
		else
			table_row(t, "%s", start);
		free(start);
		free(state);
		free(comm);
		free(release);
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
		json_add_bool(obj, "poisoned", e->flags & KHO_PAGE_POISONED);
		json_object_array_add(list, obj);
	}
}

static const char *page_flags(__u32 flags)
{
	if (flags & KHO_PAGE_POISONED)
		return flags & KHO_PAGE_ARRIVED ? "arrived,poisoned" : "poisoned";
	return flags & KHO_PAGE_ARRIVED ? "arrived" : "-";
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
			  page_flags(e->flags));
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
	struct kho_obj_info *objs = NULL;
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

	dev = open_objects(&query,
			   (with_pages ? KHO_FEATURE_PAGES : 0) |
			   (with_subtrees ? KHO_FEATURE_SUBTREES : 0));
	if (dev < 0)
		return FAILED;
	ret = list_objects(dev, &objs, &nr_objs);
	if (!ret && with_pages)
		ret = list_error(list_pages(dev, &pages, &nr_pages));
	if (!ret && with_subtrees)
		ret = list_error(list_subtrees(dev, &trees, &nr_trees));
	close(dev);
	if (ret)
		goto out;

	if (want_json()) {
		struct json_object *root = json_new();

		objects_json(root, objs, nr_objs);
		if (with_pages)
			pages_json(root, pages, nr_pages);
		if (with_subtrees)
			subtrees_json(root, trees, nr_trees);
		json_print(root);
	} else {
		objects_text(objs, nr_objs, full, query.page_size);
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

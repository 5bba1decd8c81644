// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl verify [NAME...]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/color.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/lists.h"
#include "device/objects.h"

#define STEP	16384		/* base pages per call, after which progress is shown */

enum result { OK, BAD, POISONED, PENDING, UNVERIFIABLE, ERROR };

/* The result for one object */
struct verdict {
	enum result result;
	__u64 bytes;
	__u64 pages;
	__u64 bad;
	__u64 first_bad;
	__u64 poisoned;
	__u64 first_poisoned;
	const char *why;		/* why the rest could not be compared */
};

/* Of an object that has no checksum yet, but asked for one */
static const char pending_text[] = "it gets its checksum at the jump";

/* Poisoned pages are known even if an object has no checksum. */
static bool is_pending(__u32 flags)
{
	return flags & KHO_OBJ_SUM_AT_JUMP &&
	       !(flags & (KHO_OBJ_SUMMED | KHO_OBJ_ARRIVED));
}

static void not_compared(int obj, int err, struct verdict *v)
{
	struct kho_obj_info info;

	v->result = ERROR;
	v->why = sum_error(err);
	if (err != -ENODATA)
		return;
	v->result = UNVERIFIABLE;
	if (kho_object_info(obj, &info))
		return;
	if (is_pending(info.flags)) {
		v->result = PENDING;
		v->why = pending_text;
	}
	if (!info.poisoned_pages)
		return;
	v->result = POISONED;
	v->poisoned = info.poisoned_pages;
}

static void compare(int obj, const char *label, __u32 page_size,
		    struct verdict *v)
{
	struct progress progress;
	__u64 at = 0;
	int ret = 0;

	v->pages = v->bytes / page_size + !!(v->bytes % page_size);
	progress_start(&progress, label, v->bytes);
	while (at < v->pages) {
		struct kho_obj_verify piece = {
			.first = at,
			.count = v->pages - at < STEP ? v->pages - at : STEP,
		};

		ret = kho_object_verify_pages(obj, &piece);
		if (!ret && !piece.count)
			ret = -EPROTO;
		if (!ret && caught_signal())
			ret = -EINTR;
		if (ret)
			break;
		if (piece.bad && !v->bad)
			v->first_bad = piece.first_bad;
		if (piece.poisoned && !v->poisoned)
			v->first_poisoned = piece.first_poisoned;
		v->bad += piece.bad;
		v->poisoned += piece.poisoned;
		at += piece.count;
		progress_update(&progress, at * page_size);
	}
	progress_end(&progress);

	if (ret)
		not_compared(obj, ret, v);
	else
		v->result = v->bad ? BAD : v->poisoned ? POISONED : OK;
}

static void verify(int dev, const char *name, const char *label,
		   __u32 page_size, struct verdict *v)
{
	uint64_t bytes;
	/* Open it for reading: opening it for writing would invalidate the checksum. */
	int obj = kho_object_open(dev, name, KHO_OPEN_READ, &bytes);

	memset(v, 0, sizeof(*v));
	if (obj < 0) {
		v->result = ERROR;
		v->why = object_error(obj);
		return;
	}
	v->bytes = bytes;
	compare(obj, label, page_size, v);
	close(obj);
}

static void show(const char *label, const struct verdict *v, __u32 page_size)
{
	const char *red = color_on(COLOR_BAD), *end = color_off(COLOR_BAD);

	switch (v->result) {
	case OK:
		printf("%s: ok, %s\n", label, count_str(v->pages, "page"));
		break;
	case BAD:
		printf("%s: %sBAD%s: %llu of %s differ, the first is number %llu, at offset 0x%llx\n",
		       label, red, end, v->bad, count_str(v->pages, "page"),
		       v->first_bad, v->first_bad * page_size);
		break;
	case POISONED:
		break;
	case PENDING:
		printf("%s: not verifiable yet: %s\n", label, v->why);
		break;
	case UNVERIFIABLE:
		printf("%s: not verifiable: %s\n", label, v->why);
		break;
	case ERROR:
		cmd_err("%s: %s", label, v->why);
		break;
	}
	if (v->poisoned && v->why)
		printf("%s: %sPOISONED%s: %llu of %s lost; the rest is not verifiable: %s\n",
		       label, red, end, v->poisoned, count_str(v->pages, "page"), v->why);
	else if (v->poisoned)
		printf("%s: %sPOISONED%s: %llu of %s lost, the first is number %llu, at offset 0x%llx\n",
		       label, red, end, v->poisoned,
		       count_str(v->pages, "page"), v->first_poisoned,
		       v->first_poisoned * page_size);
}

static void show_json(struct json_object *list, const char *label,
		      const struct verdict *v, __u32 page_size)
{
	static const char * const words[] = {
		[OK] = "ok", [BAD] = "bad", [POISONED] = "poisoned",
		[PENDING] = "pending", [UNVERIFIABLE] = "unverifiable",
		[ERROR] = "error",
	};
	struct json_object *obj = json_new();

	json_add_str(obj, "name", label);
	json_add_str(obj, "result", words[v->result]);
	json_add_u64(obj, "pages", v->pages);
	json_add_u64(obj, "bad_pages", v->bad);
	if (v->bad) {
		json_add_u64(obj, "first_bad", v->first_bad);
		json_add_u64(obj, "first_bad_offset", v->first_bad * page_size);
	}
	if (v->poisoned)
		json_add_u64(obj, "poisoned_pages", v->poisoned);
	if (v->poisoned && !v->why) {
		json_add_u64(obj, "first_poisoned", v->first_poisoned);
		json_add_u64(obj, "first_poisoned_offset", v->first_poisoned * page_size);
	}
	if (v->why)
		json_add_str(obj, "why", v->why);
	json_object_array_add(list, obj);
}

/*
 * Lists the names of all objects that have a checksum or get one at the jump, that should
 * have arrived with one, or that have lost a page.
 */
static int all_names(int dev, char ***names, size_t *nr)
{
	struct kho_obj_info *infos = NULL;
	size_t n, i;
	int ret;

	ret = list_objects(dev, &infos, &n);
	if (ret)
		return ret;
	*names = xcalloc(n, sizeof(**names));
	for (i = 0; i < n; i++) {
		if (infos[i].flags & (KHO_OBJ_SUMMED | KHO_OBJ_SUM_AT_JUMP) ||
		    infos[i].poisoned_pages)
			(*names)[(*nr)++] = xasprintf("%.*s", KHO_NAME_SIZE,
						      infos[i].name);
	}
	free(infos);
	return DONE;
}

/* Verifies all of @names.  @named: the user gave the names */
static int verify_all(int dev, char **names, size_t nr, bool named,
		      __u32 page_size)
{
	struct json_object *root = NULL, *list = NULL;
	int status = DONE;
	struct verdict v;
	size_t i;

	if (want_json()) {
		root = json_new();
		list = json_list(root, "objects");
	}
	for (i = 0; i < nr && !caught_signal(); i++) {
		char *label = printable(names[i], strlen(names[i]));

		verify(dev, names[i], label, page_size, &v);
		if (v.result == BAD || v.result == POISONED || v.result == ERROR ||
		    ((v.result == UNVERIFIABLE || v.result == PENDING) && named))
			status = FAILED;
		if (root)
			show_json(list, label, &v, page_size);
		else
			show(label, &v, page_size);
		free(label);
	}
	if (root) {
		json_add_bool(root, "ok", status == DONE);
		json_print(root);
	} else if (!nr) {
		puts("no object has a checksum");
	}
	return status;
}

int cmd_verify(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		COLOR_OPTION,
		END_OF_OPTIONS
	};
	struct kho_query query;
	char **names = NULL;
	size_t nr = 0, i;
	int dev, ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	for (i = optind; i < (size_t)argc; i++) {
		const char *why = bad_name(argv[i]);

		if (why)
			return usage_error("'%s': %s", argv[i], why);
	}

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	catch_signals();
	if (optind < argc) {
		ret = verify_all(dev, argv + optind, argc - optind, true,
				 query.page_size);
	} else {
		ret = all_names(dev, &names, &nr);
		if (!ret)
			ret = verify_all(dev, names, nr, false, query.page_size);
	}
	close(dev);
	for (i = 0; i < nr; i++)
		free(names[i]);
	free(names);
	die_of_signal();
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl rm NAME...
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/lists.h"
#include "device/objects.h"

static const struct kho_obj_info *find(const char *name,
				       const struct kho_obj_info *infos, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strncmp((const char *)infos[i].name, name, KHO_NAME_SIZE))
			return &infos[i];
	return NULL;
}

/* What removing it would return, as far as can be told without trying */
static int would_fail(const struct kho_obj_info *info)
{
	if (!info)
		return -ENOENT;
	if (geteuid() && geteuid() != info->uid)
		return -EPERM;
	return info->flags & KHO_OBJ_BUSY ? -EBUSY : 0;
}

static const char *why(int err)
{
	return err == -EPERM ?
	       "not permitted: it is somebody else's, or the kernel is locked down" :
	       object_error(err);
}

/* @info: the object, for --dry-run, or NULL; @err: why it was not, or would not be removed */
static void report(struct json_object *list, const char *name, bool dry_run,
		   const struct kho_obj_info *info, int err)
{
	struct json_object *obj;

	if (err)
		cmd_err("%s: %s", name, why(err));
	if (list) {
		obj = json_new();
		json_add_str(obj, "name", name);
		if (info)
			json_add_u64(obj, "bytes", info->bytes);
		json_add_bool(obj, "removed", !dry_run && !err);
		if (err)
			json_add_str(obj, "why", why(err));
		json_object_array_add(list, obj);
	} else if (dry_run && !err) {
		printf("would remove %s, %s\n", name, size_str(info->bytes));
	}
}

/* Goes on after a failure: the other objects can be released. */
static int remove_all(int dev, char **names, bool dry_run)
{
	struct json_object *root = want_json() ? json_new() : NULL;
	struct json_object *list = root ? json_list(root, "objects") : NULL;
	const struct kho_obj_info *info = NULL;
	struct kho_obj_info *infos = NULL;
	int ret, status = DONE;
	size_t nr = 0;

	if (dry_run)
		status = list_objects(dev, &infos, &nr);
	if (status) {
		if (root)
			json_object_put(root);
		return status;
	}
	for (; *names; names++) {
		if (dry_run)
			info = find(*names, infos, nr);
		ret = dry_run ? would_fail(info) : kho_object_remove(dev, *names);
		report(list, *names, dry_run, info, ret);
		if (ret)
			status = FAILED;
	}
	if (root)
		json_print(root);
	free(infos);
	return status;
}

int cmd_rm(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "dry-run", no_argument, NULL, 'n' },
		END_OF_OPTIONS
	};
	struct kho_query query;
	bool dry_run = false;
	int dev, i, ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1) {
		if (ret == BAD_OPTION)
			return USAGE;
		dry_run = true;
	}
	if (optind == argc)
		return usage_error("which objects? NAME is missing");
	for (i = optind; i < argc; i++) {
		const char *wrong = bad_name(argv[i]);

		if (wrong)
			return usage_error("'%s': %s", argv[i], wrong);
	}

	/* To list objects, it takes a module that has owners. */
	dev = dry_run ? open_objects(&query, 0) :
			open_device_query(&query, KHO_FEATURE_OBJECTS);
	if (dev < 0)
		return FAILED;
	ret = remove_all(dev, argv + optind, dry_run);
	close(dev);
	return ret;
}

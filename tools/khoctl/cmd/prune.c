// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl prune --idle N
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/lists.h"
#include "device/objects.h"

static void prune(int dev, const struct kho_obj_info *info, bool dry_run,
		  struct json_object *list, int *status)
{
	char *shown = printable(info->name, sizeof(info->name));
	char name[KHO_NAME_SIZE + 1] = "";
	int ret = 0;

	/* Use the real name: the printable one may be that of another object. */
	snprintf(name, sizeof(name), "%.*s", KHO_NAME_SIZE, info->name);
	if (!dry_run)
		ret = kho_object_remove(dev, name);
	if (ret)
		*status = cmd_err("%s: %s", shown, object_error(ret));
	if (list) {
		struct json_object *obj = json_new();

		json_add_str(obj, "name", shown);
		json_add_u64(obj, "bytes", info->bytes);
		json_add_u64(obj, "idle", info->idle);
		json_add_bool(obj, "removed", !dry_run && !ret);
		json_object_array_add(list, obj);
	} else if (!ret) {
		printf("%s %s, %s, not opened for %s\n",
		       dry_run ? "would remove" : "removed", shown,
		       size_str(info->bytes), count_str(info->idle, "handover"));
	}
	free(shown);
}

int cmd_prune(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "idle", required_argument, NULL, 'i' },
		{ "dry-run", no_argument, NULL, 'n' },
		END_OF_OPTIONS
	};
	struct json_object *root = NULL, *list = NULL;
	struct kho_obj_info *infos = NULL;
	bool dry_run = false;
	struct kho_query query;
	size_t nr = 0, i, old = 0;
	int c, dev, status;
	__u64 idle = 0;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		switch (c) {
		case 'i':
			/* 0 would remove all objects by mistake. */
			if (parse_u64(optarg, &idle) || !idle)
				return usage_error("--idle: '%s': a number of handovers, at least 1",
						   optarg);
			break;
		case 'n':
			dry_run = true;
			break;
		default:
			return USAGE;
		}
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	if (!idle)
		return usage_error("--idle N is missing: for how many handovers");

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	status = list_objects(dev, &infos, &nr);
	if (status)
		goto out;
	if (want_json()) {
		root = json_new();
		list = json_list(root, "objects");
	}
	for (i = 0; i < nr; i++) {
		if (infos[i].idle < idle || infos[i].flags & KHO_OBJ_BUSY)
			continue;
		old++;
		prune(dev, &infos[i], dry_run, list, &status);
	}
	if (root)
		json_print(root);
	else if (!old)
		puts("nothing to remove");
	free(infos);
out:
	close(dev);
	return status;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl settle
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "settle/settle.h"

static const char * const states[] = {
	[SIZE_SMALL] = "small",
	[SIZE_RAISED] = "raised",
	[SIZE_FAILED] = "failed",
	[SIZE_KEPT] = "kept",
	[SIZE_FIXED] = "fixed",
};

static const char * const kinds[] = {
	[SIZE_SYSCTL] = "sysctl",
	[SIZE_LIMIT] = "limit",
	[SIZE_TMPFS] = "tmpfs",
	[SIZE_TABLE] = "table",
};

static void settle_json(const struct sizes *sizes, bool dry_run)
{
	struct json_object *root = json_new(), *list;
	size_t i;

	json_add_u64(root, "boot_pages", sizes->boot);
	json_add_u64(root, "now_pages", sizes->now);
	json_add_bool(root, "dry_run", dry_run);
	list = json_list(root, "sizes");
	for (i = 0; i < sizes->nr; i++) {
		const struct size_item *item = &sizes->list[i];
		struct json_object *obj = json_new();

		json_add_str(obj, "name", item->name);
		json_add_str(obj, "kind", kinds[item->kind]);
		json_add_str(obj, "state", states[item->state]);
		json_add_str(obj, "from", item->from);
		if (item->to)
			json_add_str(obj, "to", item->to);
		if (item->why)
			json_add_str(obj, "why", item->why);
		json_object_array_add(list, obj);
	}
	json_print(root);
}

static void settle_text(const struct sizes *sizes)
{
	size_t i;

	if (!sizes->grown) {
		puts("nothing to do: the kernel saw its memory when it booted");
		return;
	}
	printf("RAM     %s at boot, %s now\n", size_str(sizes->boot * 4096),
	       size_str(sizes->now * 4096));
	for (i = 0; i < sizes->nr; i++) {
		const struct size_item *item = &sizes->list[i];

		printf("%-7s %s%s: %s%s%s%s%s\n", states[item->state],
		       item->kind == SIZE_LIMIT ? "process 1: " : "", item->name, item->from,
		       item->to ? " -> " : "", item->to ? item->to : "",
		       item->why ? ": " : "", item->why ? item->why : "");
	}
	if (!sizes->nr)
		puts("all of it is as it should be");
}

/* The module frees memory in the background; how much there is decides about the sizes. */
static void await_release(int dev, struct kho_query *q)
{
	static const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	unsigned int tries;

	for (tries = 0; tries < 3000 && q->release == KHO_RELEASE_RUNNING; tries++) {
		nanosleep(&pause, NULL);
		if (kho_query(dev, q))
			return;
	}
}

int cmd_settle(int argc, char **argv)
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
	struct sizes sizes;
	size_t failed = 0;
	int ret, dev;

	while ((ret = next_option(argc, argv, ":", longs)) != -1) {
		if (ret == BAD_OPTION)
			return USAGE;
		dry_run = true;
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	dev = open_device_query(&query, 0);
	if (dev < 0)
		return FAILED;
	if (!dry_run)
		await_release(dev, &query);
	close(dev);
	sizes_look(&sizes, &query);
	ret = dry_run ? 0 : sizes_raise(&sizes, &failed);
	if (want_json())
		settle_json(&sizes, dry_run);
	else
		settle_text(&sizes);
	sizes_free(&sizes);
	if (failed)
		return cmd_err("%s could not be raised", count_str(failed, "size"));
	if (ret)
		return cmd_errno_err(ret, "cannot write %s: the next settle won't know what this one has set",
				     SETTLED_FILE);
	if (query.release == KHO_RELEASE_RUNNING && !dry_run)
		return cmd_err("the module is still giving memory back: settle again when status says that it is done");
	return DONE;
}

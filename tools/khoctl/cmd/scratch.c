// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl scratch [SIZE]
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/kho.h>

#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/scratch.h"

static const char *scratch_error(int err, const struct kho_query *q)
{
	switch (err) {
	case -EOPNOTSUPP:
		return q->backend == KHO_BACKEND_KERNEL ?
		       "in-kernel KHO has its own scratch" :
		       "the module is older than khoctl";
	case -EEXIST:
		return "scratch exists and can't grow: load the module with scratch_mib=N";
	case -ENOMEM:
		return "no such piece of memory is available: release something, or ask for less";
	case -EINVAL:
		return "that is more than the machine has";
	default:
		return device_error(err);
	}
}

int cmd_scratch(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		END_OF_OPTIONS
	};
	struct json_object *root;
	struct kho_query query;
	__u64 bytes = 0, held = 0;
	int dev, ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (argc - optind > 1)
		return usage_error("too many arguments: '%s'", argv[optind + 1]);
	if (optind < argc && (parse_size(argv[optind], &bytes) || !bytes))
		return usage_error("'%s' is not a size", argv[optind]);
	dev = open_device_query(&query, 0);
	if (dev < 0)
		return FAILED;
	ret = scratch_take(dev, &query, bytes, &held);
	close(dev);
	if (ret)
		return cmd_err("%s", scratch_error(ret, &query));
	if (want_json()) {
		root = json_new();
		json_add_u64(root, "scratch_addr", query.scratch_addr);
		json_add_u64(root, "scratch_size", query.scratch_size);
		json_add_u64(root, "held", held);
		json_print(root);
		return DONE;
	}
	printf("scratch     %s", size_str(query.scratch_size));
	if (held < query.scratch_size)
		printf(", of which this kernel uses %s itself until the jump",
		       size_str(query.scratch_size - held));
	putchar('\n');
	return DONE;
}

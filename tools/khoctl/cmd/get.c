// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl get NAME [FILE|-]
 */
#include <unistd.h>

#include <linux/kho.h>

#include "base/defs.h"
#include "base/options.h"
#include "base/output.h"
#include "cmd/commands.h"
#include "device/objects.h"

int cmd_get(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		END_OF_OPTIONS
	};
	struct kho_query query;
	const char *name;
	int dev, obj, ret;
	__u64 bytes;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	ret = name_argument(argc, argv, 2, &name);
	if (ret)
		return ret;

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	obj = open_object(dev, name, KHO_OPEN_READ, &bytes);
	close(dev);
	if (obj < 0)
		return FAILED;
	ret = output_mapping(obj, bytes, argv[optind + 1], name);
	close(obj);
	return ret;
}

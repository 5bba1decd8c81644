// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl rm NAME...
 */
#include <errno.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/objects.h"

int cmd_rm(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		END_OF_OPTIONS
	};
	struct kho_query query;
	int dev, i, ret, status = DONE;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (optind == argc)
		return usage_error("which objects? NAME is missing");
	for (i = optind; i < argc; i++) {
		const char *why = bad_name(argv[i]);

		if (why)
			return usage_error("'%s': %s", argv[i], why);
	}

	dev = open_device_query(&query, KHO_FEATURE_OBJECTS);
	if (dev < 0)
		return FAILED;
	/* Go on after a failure: the other objects can be released. */
	for (i = optind; i < argc; i++) {
		ret = kho_object_remove(dev, argv[i]);
		if (ret == -EPERM)
			status = cmd_err("%s: not permitted: it is somebody else's, or the kernel is locked down",
					 argv[i]);
		else if (ret)
			status = cmd_err("%s: %s", argv[i], object_error(ret));
	}
	close(dev);
	return status;
}

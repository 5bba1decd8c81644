// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl freeze NAME
 */
#include <errno.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "cmd/commands.h"
#include "device/objects.h"

int cmd_freeze(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		{ "sum", no_argument, NULL, 's' },
		END_OF_OPTIONS
	};
	struct kho_query query;
	const char *name;
	int c, dev, obj, ret;
	__u32 flags = 0;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == BAD_OPTION)
			return USAGE;
		flags |= KHO_SEAL_SUM;
	}
	ret = name_argument(argc, argv, 1, &name);
	if (ret)
		return ret;

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	obj = open_object(dev, name, 0, NULL);
	close(dev);
	if (obj < 0)
		return FAILED;
	ret = kho_object_seal(obj, flags);
	if (ret == -EBUSY)
		ret = cmd_err("%s: is mapped for writing by a process, or in use by direct I/O",
			      name);
	else if (ret == -EPERM || ret == -EBADF)
		ret = cmd_err("%s: not permitted: it is somebody else's, or sealed already",
			      name);
	else if (ret)
		ret = cmd_err("%s: %s", name, flags ? sum_error(ret) :
			      object_error(ret));
	close(obj);
	return ret;
}

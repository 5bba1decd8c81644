// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl seal NAME
 *
 * Two deprecated spellings still work: "freeze NAME" for this command, and "seal" without a
 * name for "restrict".
 */
#include <errno.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "cmd/commands.h"
#include "cmd/restrict.h"
#include "device/objects.h"

static int seal(const char *name, __u32 flags)
{
	struct kho_query query;
	int dev, obj, ret;

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

static int parse(int argc, char **argv, __u32 *flags)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "sum", no_argument, NULL, 's' },
		END_OF_OPTIONS
	};
	int c;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == BAD_OPTION)
			return USAGE;
		*flags |= KHO_SEAL_SUM;
	}
	return DONE;
}

int cmd_seal(int argc, char **argv)
{
	const char *name;
	__u32 flags = 0;
	int ret;

	ret = parse(argc, argv, &flags);
	if (ret)
		return ret;
	/* --sum only makes sense for an object, so the name is missing. */
	if (optind == argc && !flags) {
		cmd_warn("warning: without NAME this is deprecated: use 'khoctl restrict'");
		return restrict_arrived();
	}
	ret = name_argument(argc, argv, 1, &name);
	return ret ? ret : seal(name, flags);
}

int cmd_freeze(int argc, char **argv)
{
	const char *name;
	__u32 flags = 0;
	int ret;

	ret = parse(argc, argv, &flags);
	if (!ret)
		ret = name_argument(argc, argv, 1, &name);
	if (ret)
		return ret;
	cmd_warn("warning: this spelling is deprecated: use 'khoctl seal'");
	return seal(name, flags);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl own NAME
 */
#include <errno.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "cmd/commands.h"
#include "device/objects.h"
#include "device/owner.h"

int cmd_own(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "owner", required_argument, NULL, 'o' },
		{ "mode", required_argument, NULL, 'm' },
		END_OF_OPTIONS
	};
	struct owner owner = { 0 };
	struct kho_query query;
	int c, dev, obj, ret;
	const char *name;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == BAD_OPTION)
			return USAGE;
		ret = c == 'o' ? parse_owner(optarg, &owner) :
		      parse_mode(optarg, &owner);
		if (ret)
			return ret;
	}
	ret = name_argument(argc, argv, 1, &name);
	if (ret)
		return ret;
	if (!owner.which)
		return usage_error("nothing to change: --owner, --mode or both");

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	/* Opening it for writing is not needed and would invalidate the checksum. */
	obj = kho_object_open(dev, name, KHO_OPEN_READ, NULL);
	close(dev);
	if (obj == -EACCES)
		return cmd_err("%s: permission denied: its mode does not let you read it, so only root can change it",
			       name);
	if (obj < 0)
		return cmd_err("%s: %s", name, object_error(obj));
	ret = set_owner(obj, name, &owner);
	close(obj);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl resize NAME SIZE
 */
#include <errno.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/objects.h"

static int resize(int obj, const char *name, __u64 bytes,
		  const struct kho_query *query)
{
	struct kho_obj_info info;
	int ret = kho_object_resize(obj, bytes);

	if (!ret)
		return DONE;
	if (ret == -EINVAL && !kho_object_info(obj, &info) &&
	    info.flags & KHO_OBJ_PINNED)
		return cmd_err("%s: is memory of a process, which has a fixed size",
			       name);
	if (ret == -EINVAL)
		return cmd_err("%s: can't have a size of %llu bytes: it is too large, or the object has huge pages and this is no multiple of %s",
			       name, bytes, size_str(huge_page_size(query)));
	if (ret == -EBADF)
		return cmd_err("%s: is sealed, or its mode lets you only read it",
			       name);
	if (ret == -ENOMEM)
		return cmd_err("%s: not enough memory for %s", name,
			       size_str(bytes));
	return cmd_err("%s: %s", name, object_error(ret));
}

int cmd_resize(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		END_OF_OPTIONS
	};
	struct kho_query query;
	int dev, obj, ret;
	const char *name;
	__u64 bytes;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	ret = name_argument(argc, argv, 2, &name);
	if (ret)
		return ret;
	if (optind + 1 == argc)
		return usage_error("to which SIZE?");
	if (parse_size(argv[optind + 1], &bytes))
		return usage_error("'%s': is not a size (bytes, or a number with K, M, G or T)",
				   argv[optind + 1]);
	if (!bytes)
		return usage_error("'%s': an object has at least one byte",
				   argv[optind + 1]);

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	obj = open_object(dev, name, 0, NULL);
	close(dev);
	if (obj < 0)
		return FAILED;
	ret = resize(obj, name, bytes, &query);
	close(obj);
	return ret;
}

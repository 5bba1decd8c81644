// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl get NAME [FILE|-]
 */
#include <errno.h>
#include <unistd.h>

#include "khoctl.h"

int cmd_get(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		END_OF_OPTIONS
	};
	struct kho_query query;
	const char *name, *why;
	int dev, fd, ret;
	__u64 bytes;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (optind == argc)
		return usage_error("which object? NAME is missing");
	if (argc - optind > 2)
		return usage_error("too many arguments: '%s'", argv[optind + 2]);
	name = argv[optind];
	why = bad_name(name);
	if (why)
		return usage_error("'%s': %s", name, why);

	dev = open_device_query(&query, KHO_FEATURE_OBJECTS);
	if (dev < 0)
		return FAILED;
	fd = kho_dev_obj_open(dev, name, &bytes);
	if (fd == -ENOENT)
		ret = cmd_err("%s: no such object ('khoctl ls' lists them)", name);
	else if (fd < 0)
		ret = cmd_err("%s: %s", name, device_error(fd));
	if (fd < 0)
		goto out_close;
	ret = output_mapping(fd, bytes, argv[optind + 1], name);
	close(fd);
out_close:
	close(dev);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl getpage PFN[:ORDER] [FILE|-]
 */
#include <errno.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/output.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/pages.h"

int cmd_getpage(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		END_OF_OPTIONS
	};
	struct kho_page_entry entry;
	struct kho_query query;
	const char *why;
	int dev, fd, ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (optind == argc)
		return usage_error("which page? PFN[:ORDER]");
	if (argc - optind > 2)
		return usage_error("too many arguments: '%s'", argv[optind + 2]);
	why = parse_page(argv[optind], &entry);
	if (why)
		return usage_error("'%s': %s", argv[optind], why);

	dev = open_device_query(&query, KHO_FEATURE_PAGES);
	if (dev < 0)
		return FAILED;
	fd = kho_page_open(dev, entry.pfn, entry.order);
	if (fd == -ENOENT)
		ret = cmd_err("pfn 0x%llx order %u: no such page arrived (see khoctl ls --pages)",
			      entry.pfn, entry.order);
	else if (fd == -EBUSY)
		ret = cmd_err("pfn 0x%llx order %u: it was added in this kernel",
			      entry.pfn, entry.order);
	else if (fd < 0)
		ret = cmd_err("pfn 0x%llx order %u: %s",
			      entry.pfn, entry.order,
			      page_error(fd, &entry));
	if (fd < 0)
		goto out_close;
	ret = output_mapping(fd, (__u64)query.page_size << entry.order,
			     argv[optind + 1], "page");
	close(fd);
out_close:
	close(dev);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl getdata NAME [FILE|-], khoctl setdata NAME [FILE|-]
 */
#include <stdlib.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/output.h"
#include "base/signals.h"
#include "cmd/commands.h"
#include "device/objects.h"

static const struct option longs[] = {
	DEVICE_OPTION,
	HELP_OPTION,
	JSON_OPTION,
	END_OF_OPTIONS
};

static int write_data(int obj, const char *name, const char *path)
{
	char *data = xmalloc(KHO_DATA_MAX);
	__u32 bytes = KHO_DATA_MAX;
	struct output out;
	int ret;

	ret = kho_object_get_data(obj, data, &bytes);
	if (ret) {
		ret = cmd_err("%s: %s", name, object_error(ret));
		goto out;
	}
	catch_signals();
	ret = output_open(&out, path);
	if (ret)
		goto out;
	ret = output_write(&out, data, bytes);
	if (ret)
		output_abort(&out);
	else
		ret = output_commit(&out);
out:
	free(data);
	die_of_signal();
	return ret;
}

int cmd_getdata(int argc, char **argv)
{
	struct kho_query query;
	const char *name;
	int dev, obj, ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	ret = name_argument(argc, argv, 2, &name);
	if (ret)
		return ret;

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	obj = open_object(dev, name, KHO_OPEN_READ, NULL);
	close(dev);
	if (obj < 0)
		return FAILED;
	ret = write_data(obj, name, argv[optind + 1]);
	close(obj);
	return ret;
}

int cmd_setdata(int argc, char **argv)
{
	struct kho_query query;
	const char *name;
	int dev, obj, ret;
	__u32 bytes;
	void *data;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	ret = name_argument(argc, argv, 2, &name);
	if (ret)
		return ret;

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	/* Read all data before touching the object. */
	ret = read_user_data(argv[optind + 1], &data, &bytes);
	if (ret)
		goto out_close_dev;
	ret = FAILED;
	obj = open_object(dev, name, 0, NULL);
	if (obj < 0)
		goto out_free;
	ret = kho_object_set_data(obj, data, bytes);
	if (ret)
		ret = cmd_err("%s: %s", name, object_error(ret));
	close(obj);
out_free:
	free(data);
out_close_dev:
	close(dev);
	return ret;
}

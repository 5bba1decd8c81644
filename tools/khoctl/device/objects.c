// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: what the commands on them share.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/signals.h"
#include "base/text.h"
#include "device/device.h"
#include "device/objects.h"

int open_objects(struct kho_query *query, __u64 more)
{
	return open_device_query(query, KHO_FEATURE_OBJECTS |
				 KHO_FEATURE_AGENTS | more);
}

const char *object_error(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such object, or none that you may see ('khoctl ls' lists them)";
	case -EEXIST:
		return "an object of this name exists ('khoctl rm' releases it)";
	case -EBUSY:
		return "is open or mapped by a process";
	case -EPERM:
		return "not permitted: it is somebody else's, or sealed, or there is lockdown";
	case -EACCES:
		return "permission denied: its mode does not let you (see 'khoctl own')";
	default:
		return device_error(err);
	}
}

const char *sum_error(int err)
{
	/* The module knows all flags, so this is the only possible reason. */
	if (err == -EOPNOTSUPP)
		return "this kernel has no checksums: it was built without CONFIG_XXHASH";
	return object_error(err);
}

int open_object(int dev, const char *name, __u32 flags, __u64 *bytes)
{
	uint64_t size;
	int obj = kho_object_open(dev, name, flags, &size);

	if (obj < 0) {
		cmd_err("%s: %s", name, object_error(obj));
		return -1;
	}
	if (bytes)
		*bytes = size;
	return obj;
}

int name_argument(int argc, char **argv, int most, const char **name)
{
	const char *why;

	if (optind == argc)
		return usage_error("which object? NAME is missing");
	if (argc - optind > most)
		return usage_error("too many arguments: '%s'",
				   argv[optind + most]);
	*name = argv[optind];
	why = bad_name(*name);
	if (why)
		return usage_error("'%s': %s", *name, why);
	return DONE;
}

int read_user_data(const char *path, void **data, __u32 *bytes)
{
	bool is_stdin = !path || !strcmp(path, "-");
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	/* One byte more, to detect data that is too long. */
	char *buf = xmalloc(KHO_DATA_MAX + 1);
	int ret = DONE;
	size_t at = 0;
	ssize_t n;

	if (is_stdin)
		path = "stdin";
	if (fd < 0) {
		ret = cmd_errno_err(errno, "%s", path);
		goto out;
	}
	do {
		n = read(fd, buf + at, KHO_DATA_MAX + 1 - at);
		if (n > 0)
			at += n;
		else if (n < 0 && errno != EINTR)
			ret = cmd_errno_err(errno, "%s: cannot read", path);
		if (caught_signal())
			ret = cmd_err("interrupted");
	} while (!ret && n && at <= KHO_DATA_MAX);
	close(fd);
	if (!ret && at > KHO_DATA_MAX)
		ret = cmd_err("%s: has more than %s, the maximum of user data",
			      path, size_str(KHO_DATA_MAX));
out:
	if (ret) {
		free(buf);
		return ret;
	}
	*data = buf;
	*bytes = at;
	return DONE;
}

__u32 huge_page_size(const struct kho_query *query)
{
	/* A huge page replaces a page of 8-byte entries. */
	return query->page_size / 8 * query->page_size;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl scratch [SIZE]
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <linux/kho.h>

#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/loaded.h"
#include "device/scratch.h"
#include "target/guard.h"

static const char *scratch_error(int err, const struct kho_query *q)
{
	switch (err) {
	case -EOPNOTSUPP:
		return q->backend == KHO_BACKEND_KERNEL ?
		       "in-kernel KHO has its own scratch" :
		       "the module is older than khoctl";
	case -EEXIST:
		return "scratch exists, and this module can't make it larger: see scratch_mib=N";
	case -EBUSY:
		return "scratch stays as it is while a kernel is loaded there: khoctl unload first";
	case -ENOMEM:
		return q->release == KHO_RELEASE_RUNNING ?
		       "no such piece of memory is available yet: envelopes are being freed" :
		       "no such piece of memory is available: release something, or ask for less";
	case -EINVAL:
		return "that is more than the machine has";
	default:
		return device_error(err);
	}
}

/*
 * The module does not change scratch while a kernel is loaded, as far as it was told.  It
 * may be wrong: loading may have failed, or somebody else unloaded the kernel.  While we
 * hold the lock of khoctl load, none is being loaded.
 */
static int larger(int dev, struct kho_query *q, __u64 bytes, __u64 *held)
{
	int ret = 0, lock = load_lock();

	if (sys_kexec_loaded() == 1)
		ret = -EBUSY;
	else if (lock >= 0 && q->features & KHO_FEATURE_GROW)
		ret = image_tell(dev, KHO_IMAGE_NONE, 0, false);
	if (!ret)
		ret = scratch_take(dev, q, bytes, held);
	if (lock >= 0)
		close(lock);
	return ret;
}

int cmd_scratch(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		END_OF_OPTIONS
	};
	struct json_object *root;
	struct kho_query query;
	__u64 bytes = 0, held = 0;
	int dev, ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (argc - optind > 1)
		return usage_error("too many arguments: '%s'", argv[optind + 1]);
	if (optind < argc && (parse_size(argv[optind], &bytes) || !bytes))
		return usage_error("'%s' is not a size", argv[optind]);
	dev = open_device_query(&query, 0);
	if (dev < 0)
		return FAILED;
	if (query.scratch_size && query.scratch_size < bytes)
		ret = larger(dev, &query, bytes, &held);
	else
		ret = scratch_take(dev, &query, bytes, &held);
	close(dev);
	if (ret)
		return cmd_err("%s", scratch_error(ret, &query));
	if (want_json()) {
		root = json_new();
		json_add_u64(root, "scratch_addr", query.scratch_addr);
		json_add_u64(root, "scratch_bytes", query.scratch_size);
		json_add_u64(root, "held_bytes", held);
		json_print(root);
		return DONE;
	}
	printf("scratch     %s", size_str(query.scratch_size));
	if (held < query.scratch_size)
		printf(", of which this kernel uses %s itself until the jump",
		       size_str(query.scratch_size - held));
	putchar('\n');
	return DONE;
}

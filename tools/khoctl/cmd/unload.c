// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl unload
 */
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/sysinfo.h"
#include "cmd/commands.h"
#include "device/loaded.h"
#include "target/guard.h"
#include "target/kexec.h"

static int unload(const char *path)
{
	int ret = sys_kexec_loaded();
	char *program;

	if (ret < 0)
		return cmd_err("this kernel has no kexec (CONFIG_KEXEC)");
	if (ret) {
		program = kexec_find(path);
		if (!program)
			return cmd_err("%s: no such program (try 'apt install kexec-tools')",
				       path ? path : "kexec");
		/* Under lockdown, only kexec_file_load() can have loaded the kernel. */
		ret = kexec_unload(program, sys_kexec_refusal(false) &&
				   !sys_kexec_refusal(true));
		free(program);
	}
	if (!ret)
		image_forget();
	return ret;
}

int cmd_unload(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "kexec", required_argument, NULL, 'k' },
		END_OF_OPTIONS
	};
	const char *path = NULL;
	int ret, lock;

	while ((ret = next_option(argc, argv, ":", longs)) != -1) {
		if (ret == BAD_OPTION)
			return USAGE;
		path = optarg;
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);

	/* Another khoctl may be about to report what it has loaded. */
	lock = load_lock();
	ret = unload(path);
	if (lock >= 0)
		close(lock);
	return ret;
}

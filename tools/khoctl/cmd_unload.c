// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl unload
 */
#include <stdlib.h>
#include <unistd.h>

#include "khoctl.h"
#include "kexec.h"
#include "sysinfo.h"

/* Nothing depends any more on what it knew of the memory. */
static void forget(void)
{
	int dev = kho_open(device_path());

	if (dev < 0)
		return;
	/* An older module has nothing to forget. */
	image_tell(dev, KHO_IMAGE_NONE);
	close(dev);
}

int cmd_unload(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		{ "kexec", required_argument, NULL, 'k' },
		END_OF_OPTIONS
	};
	const char *path = NULL;
	char *program;
	int ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1) {
		if (ret == BAD_OPTION)
			return USAGE;
		path = optarg;
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);

	ret = sys_kexec_loaded();
	if (ret < 0)
		return cmd_err("this kernel has no kexec (CONFIG_KEXEC)");
	if (!ret)
		return DONE;
	program = kexec_find(path);
	if (!program)
		return cmd_err("%s: no such program (try 'apt install kexec-tools')",
			       path ? path : "kexec");
	/* Under lockdown, only what kexec_file_load() loaded can be there. */
	ret = kexec_unload(program, sys_kexec_refusal(false) &&
			   !sys_kexec_refusal(true));
	free(program);
	if (!ret)
		forget();
	return ret;
}

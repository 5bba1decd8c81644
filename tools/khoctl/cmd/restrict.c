// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl restrict
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "arch/arch.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/restrict.h"

#define ROOT_ONLY	0400

static int restrict_one(const struct arrived *arrived)
{
	char *path = arch_arrived_path(arrived);
	struct stat st;
	int ret = DONE;

	if (chmod(path, ROOT_ONLY) || stat(path, &st))
		ret = cmd_errno_err(errno, "%s", path);
	else if ((st.st_mode & 0777) != ROOT_ONLY)
		ret = cmd_err("%s: its mode stays 0%o", path, st.st_mode & 0777);
	free(path);
	return ret;
}

int restrict_arrived(void)
{
	size_t nr, i, done = 0, before = 0;
	struct arrived *list;
	int ret;

	ret = arch_arrived_read(&list, &nr);
	if (ret)
		return cmd_errno_err(ret, "%s", arch_arrived_dir);
	/* Go on after a failure: the other files must not stay open. */
	for (i = 0; i < nr; i++) {
		/* A file of an unknown kind may be an envelope. */
		if (list[i].kind != ARRIVED_ENVELOPE && list[i].kind != ARRIVED_UNKNOWN)
			continue;
		if (list[i].mode == ROOT_ONLY)
			before++;
		else if (restrict_one(&list[i]))
			ret = FAILED;
		else
			done++;
	}
	free(list);
	if (want_json())
		return ret;
	if (done)
		printf("closed %s to all users but root%s\n",
		       count_str(done, "envelope"),
		       before ? "; the others were closed already" : "");
	else if (!ret)
		puts(before ? "all envelopes are closed to all users but root already" :
			      "there are no open envelopes");
	return ret;
}

int cmd_restrict(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		END_OF_OPTIONS
	};

	if (next_option(argc, argv, ":", longs) == BAD_OPTION)
		return USAGE;
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	return restrict_arrived();
}

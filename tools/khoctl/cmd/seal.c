// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl seal
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <kho/abi.h>

#include "arch/x86/setupdata.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/text.h"
#include "cmd/commands.h"

#define SEALED 0400

static int seal(const struct setupdata_node *node)
{
	char *path = setupdata_path(node);
	struct stat st;
	int ret = DONE;

	if (chmod(path, SEALED) || stat(path, &st))
		ret = cmd_errno_err(errno, "%s", path);
	else if ((st.st_mode & 0777) != SEALED)
		ret = cmd_err("%s: its mode stays 0%o", path, st.st_mode & 0777);
	free(path);
	return ret;
}

int cmd_seal(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		END_OF_OPTIONS
	};
	size_t nr, i, done = 0, before = 0;
	struct setupdata_node *nodes;
	int ret;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);

	ret = setupdata_read(&nodes, &nr);
	if (ret)
		return cmd_errno_err(ret, SETUPDATA_DIR);
	/* One that fails must not keep the rest open. */
	for (i = 0; i < nr; i++) {
		/* What can't be told may be an envelope. */
		if (nodes[i].type != KHO_SETUP_ENVELOPE && !nodes[i].err)
			continue;
		if (nodes[i].mode == SEALED)
			before++;
		else if (seal(&nodes[i]))
			ret = FAILED;
		else
			done++;
	}
	free(nodes);
	if (done)
		printf("sealed %s%s\n", count_str(done, "envelope"),
		       before ? "; the others were sealed already" : "");
	else if (!ret)
		puts(before ? "all envelopes are sealed already" :
			      "there are no open envelopes");
	return ret;
}

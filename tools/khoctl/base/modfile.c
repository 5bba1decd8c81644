// SPDX-License-Identifier: GPL-2.0
/*
 * Finding the installed module.
 */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/modfile.h"
#include "base/sysinfo.h"

static char *module_file;

static int look_at(const char *path, const struct stat *st, int type,
		   struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	/* kho.ko, or compressed: kho.ko.xz, .zst, .gz */
	if (type != FTW_F || strncmp(name, "kho.ko", 6) ||
	    (name[6] && name[6] != '.'))
		return 0;
	module_file = xstrdup(path);
	return 1;
}

char *module_find(const char *release)
{
	char *below = xasprintf("/lib/modules/%s", release ? release : "");
	char *dir = sys_path(below);

	module_file = NULL;
	/* Do not follow links: "build" and "source" point to whole kernel trees. */
	nftw(dir, look_at, 16, FTW_PHYS);
	free(below);
	free(dir);
	return module_file;
}

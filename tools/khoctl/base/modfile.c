// SPDX-License-Identifier: GPL-2.0
/*
 * Finding the installed module.
 */
#include <dirent.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/modfile.h"
#include "base/sysinfo.h"
#include "version.h"

#define DKMS_TREE "/var/lib/dkms/kho"

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

/* Version of the module that dkms has, or NULL; the caller frees it. */
static char *dkms_version(void)
{
	char *path = sys_path(DKMS_TREE), *version = NULL, *source;
	struct dirent *entry;
	DIR *dir = opendir(path);

	free(path);
	while (dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		/* Others are links to what is installed for a kernel. */
		if (*name == '.' || !strncmp(name, "kernel-", 7))
			continue;
		source = xasprintf(DKMS_TREE "/%s/source", name);
		if (sys_exists(source) && (!version || strverscmp(name, version) > 0)) {
			free(version);
			version = xstrdup(name);
		}
		free(source);
	}
	if (dir)
		closedir(dir);
	return version;
}

char *module_fix(const char *release)
{
	char *version = dkms_version(), *fix;
	char *headers = xasprintf("/lib/modules/%s/build", release);
	char *built = xasprintf(DKMS_TREE "/%s/%s", version ? version : "", release);
	/* dkms needs no headers for what it has built. */
	bool ready = sys_exists(headers) || (version && sys_exists(built));

	fix = xasprintf("%s%s%s%sdkms install kho/%s -k %s",
			version ? "" : "install the kho-dkms package, or 'make dkms-install' in the source; then ",
			ready ? "" : "apt install linux-headers-", ready ? "" : release,
			ready ? "" : " && ", version ? version : KHO_VERSION, release);
	free(built);
	free(headers);
	free(version);
	return fix;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Finding the installed module.
 */
#include <dirent.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/modfile.h"
#include "base/sysinfo.h"
#include "version.h"

#define DKMS_TREE "/var/lib/dkms/kho"

static char *module_file;

/* Is it kho.ko, or compressed?  Others, such as kho.ko.dpkg-new, are none of modprobe's. */
static bool is_module(const char *name)
{
	static const char * const ends[] = { "", ".xz", ".zst", ".gz" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (!strncmp(name, "kho.ko", 6) && !strcmp(name + 6, ends[i]))
			return true;
	return false;
}

/*
 * What modprobe would take: of several modules of one name, depmod lists the one that comes
 * first by depmod.d.  Return: NULL if it lists none that is there
 */
static char *listed(const char *dir)
{
	char *path = xasprintf("%s/modules.dep", dir), *line = NULL, *found = NULL;
	FILE *f = fopen(path, "re");
	size_t room = 0;

	free(path);
	while (f && !found && getline(&line, &room, f) >= 0) {
		char *slash;

		line[strcspn(line, ":\n")] = '\0';
		slash = strrchr(line, '/');
		if (!is_module(slash ? slash + 1 : line))
			continue;
		found = *line == '/' ? sys_path(line) : xasprintf("%s/%s", dir, line);
		if (access(found, F_OK)) {
			free(found);
			found = NULL;
		}
	}
	if (f)
		fclose(f);
	free(line);
	return found;
}

static int look_at(const char *path, const struct stat *st, int type,
		   struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	if (type != FTW_F || !is_module(name))
		return 0;
	module_file = xstrdup(path);
	return 1;
}

char *module_find(const char *release)
{
	char *below = xasprintf("/lib/modules/%s", release ? release : "");
	char *dir = sys_path(below);

	module_file = release ? listed(dir) : NULL;
	/* Do not follow links: "build" and "source" point to whole kernel trees. */
	if (!module_file)
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

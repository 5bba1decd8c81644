// SPDX-License-Identifier: GPL-2.0
/*
 * Which sysctls has the administrator, or the distribution, set to a value of their own?
 */
#include <ctype.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/sysinfo.h"
#include "settle/settle.h"

/*
 * Does this line set @name?  The part before '=' may begin with '-' (ignore errors), and have
 * '/' instead of '.'.
 */
static bool sets(char *line, const char *name)
{
	char *end = strchr(line, '='), *p = line;

	while (isspace((unsigned char)*p))
		p++;
	if (*p == '#' || *p == ';' || !end)
		return false;
	if (*p == '-')
		p++;
	while (end > p && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	for (end = p; *end; end++)
		if (*end == '/')
			*end = '.';
	return !fnmatch(p, name, 0);
}

static bool file_sets(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return false;
	while (!found && getline(&line, &room, f) >= 0)
		found = sets(line, name);
	free(line);
	fclose(f);
	return found;
}

char *size_configured(const char *name)
{
	static const char * const places[] = {
		"/etc/sysctl.conf", "/etc/sysctl.d/*.conf", "/run/sysctl.d/*.conf",
		"/usr/local/lib/sysctl.d/*.conf", "/usr/lib/sysctl.d/*.conf",
		"/lib/sysctl.d/*.conf",
	};
	char *root = sys_path(""), *found = NULL;
	size_t i, j;
	glob_t files;

	for (i = 0; i < ARRAY_SIZE(places) && !found; i++) {
		char *pattern = sys_path(places[i]);

		if (!glob(pattern, 0, NULL, &files)) {
			for (j = 0; j < files.gl_pathc && !found; j++)
				if (file_sets(files.gl_pathv[j], name))
					found = xstrdup(files.gl_pathv[j] + strlen(root));
			globfree(&files);
		}
		free(pattern);
	}
	free(root);
	return found;
}

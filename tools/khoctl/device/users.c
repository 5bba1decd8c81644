// SPDX-License-Identifier: GPL-2.0
/*
 * Who uses the device and objects, as far as /proc shows it.
 */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/options.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "device/users.h"

/* How the kernel shows files of objects, and of pages by number */
#define OBJECT_FILE	"/kho:"
#define PAGE_FILE	"/kho-page"

/* Returns the name of a file of ours, for people, or NULL; the caller frees it. */
static char *our_file(const char *path)
{
	static const char gone[] = " (deleted)";
	size_t len = strlen(path);

	if (!strcmp(path, device_path()) || !strcmp(path, "/dev/kho"))
		return xstrdup(path);
	if (strncmp(path, OBJECT_FILE, strlen(OBJECT_FILE)) &&
	    strncmp(path, PAGE_FILE, strlen(PAGE_FILE)))
		return NULL;
	if (len > strlen(gone) && !strcmp(path + len - strlen(gone), gone))
		len -= strlen(gone);
	return printable(path + 1, len - 1);
}

static char *open_file(const char *dir)
{
	char *name = xasprintf("%s/fd", dir), *what = NULL;
	DIR *fds = opendir(name);
	struct dirent *entry;

	while (fds && !what && (entry = readdir(fds))) {
		char *link = xasprintf("%s/%s", name, entry->d_name);
		char path[PATH_MAX];
		ssize_t n = readlink(link, path, sizeof(path) - 1);

		free(link);
		if (n <= 0)
			continue;
		path[n] = '\0';
		what = our_file(path);
	}
	if (fds)
		closedir(fds);
	free(name);
	return what;
}

static char *mapped_file(const char *dir)
{
	char *name = xasprintf("%s/maps", dir), *line = NULL, *what = NULL, *at;
	FILE *f = fopen(name, "re");
	size_t room = 0;

	while (f && !what && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		at = strchr(line, '/');
		if (at)
			what = our_file(at);
	}
	if (f)
		fclose(f);
	free(line);
	free(name);
	return what;
}

static void read_comm(const char *pid, struct user *user)
{
	char *path = xasprintf("/proc/%s/comm", pid), *clean;
	int n = sys_read(path, user->comm, sizeof(user->comm));

	free(path);
	if (n < 0)
		n = 0;
	clean = printable(user->comm, n);
	snprintf(user->comm, sizeof(user->comm), "%s", clean);
	free(clean);
}

size_t users_find(struct user **users)
{
	char *proc = sys_path("/proc");
	DIR *dir = opendir(proc);
	struct user *found = NULL;
	size_t nr = 0, room = 0;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *path, *what;
		bool mapped = false;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    atoi(entry->d_name) == getpid())
			continue;
		path = xasprintf("%s/%s", proc, entry->d_name);
		what = open_file(path);
		if (!what) {
			what = mapped_file(path);
			mapped = what;
		}
		free(path);
		if (!what)
			continue;
		found = grow(found, nr, &room, sizeof(*found));
		found[nr].pid = atoi(entry->d_name);
		found[nr].what = what;
		found[nr].mapped = mapped;
		read_comm(entry->d_name, &found[nr]);
		nr++;
	}
	if (dir)
		closedir(dir);
	free(proc);
	*users = found;
	return nr;
}

void users_free(struct user *users, size_t nr)
{
	while (nr)
		free(users[--nr].what);
	free(users);
}

void users_print(const struct user *users, size_t nr, const char *indent)
{
	size_t i;

	for (i = 0; i < nr; i++)
		fprintf(stderr, "%s%s (pid %d) has %s %s\n", indent, users[i].comm,
			(int)users[i].pid, users[i].what,
			users[i].mapped ? "mapped" : "open");
}

// SPDX-License-Identifier: GPL-2.0
/*
 * tmpfs: its size is a part of the memory, computed when it was mounted.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/sysinfo.h"
#include "settle/settle.h"

/*
 * Who mounts them, and how large: the kernel (half), systemd, logind, and Debian's initramfs
 * with /run.  /tmp is systemd's from Debian 13 on.
 */
static const struct {
	const char *path;
	unsigned int percent[2];
} known[] = {
	{ "/dev/shm", { 50 } },
	{ "/run", { 10, 20 } },
	{ "/run/user/", { 10 } },
	{ "/tmp", { 50 } },
};

/* What fstab says of @path: its percentage, 0: another size, -1: nothing */
static int in_fstab(const char *path)
{
	char *file = sys_path("/etc/fstab"), *line = NULL;
	FILE *f = fopen(file, "re");
	size_t room = 0;
	int percent = -1;

	free(file);
	if (!f)
		return -1;
	while (getline(&line, &room, f) >= 0) {
		char at[256], type[32], options[512], *size;
		unsigned int n;
		char sign;

		if (sscanf(line, " %*s %255s %31s %511s", at, type, options) != 3 ||
		    line[strspn(line, " \t")] == '#' || strcmp(at, path) ||
		    strcmp(type, "tmpfs"))
			continue;
		size = strstr(options, "size=");
		if (!size && !strstr(options, "nr_blocks="))
			percent = 50;
		else
			percent = size && sscanf(size, "size=%u%c", &n, &sign) == 2 &&
				  sign == '%' && n <= 100 ? (int)n : 0;
	}
	free(line);
	fclose(f);
	return percent;
}

static bool is_known(const char *path, unsigned int i)
{
	size_t len = strlen(known[i].path);

	return known[i].path[len - 1] == '/' ? !strncmp(path, known[i].path, len) :
					       !strcmp(path, known[i].path);
}

/*
 * The percentage of the memory that @kib was when it was mounted, or 0.  By then the kernel
 * had a little more than @base pages: it has freed its initial RAM disk.
 */
static unsigned int percent_of(const char *path, __u64 kib, __u64 base)
{
	__u64 least = base * 4, most = least + least / 3;
	unsigned int i, j, candidates[2] = { 0 };
	int said = in_fstab(path);

	if (said >= 0)
		candidates[0] = said;
	for (i = 0; i < ARRAY_SIZE(known) && said < 0; i++)
		if (is_known(path, i))
			memcpy(candidates, known[i].percent, sizeof(candidates));
	for (j = 0; j < ARRAY_SIZE(candidates); j++) {
		unsigned int p = candidates[j];

		if (p && kib * 10000 >= least * p * 97 && kib * 100 <= most * p)
			return p;
	}
	return 0;
}

static void look_at(struct sizes *sizes, const char *path, __u64 kib)
{
	char *from = xasprintf("%lluk", kib);
	__u64 base = size_base(sizes, path, from), to;
	unsigned int percent = percent_of(path, kib, base);

	/* Whole pages, so that the kernel says the same afterwards. */
	to = sizes->now * percent / 100 * 4;
	if (!percent || to <= kib + kib / 8) {
		free(from);
		return;
	}
	size_add(sizes, SIZE_TMPFS, SIZE_SMALL, path, from, xasprintf("%lluk", to), NULL);
}

void sizes_look_tmpfs(struct sizes *sizes)
{
	char *file = sys_path("/proc/self/mountinfo"), *line = NULL;
	FILE *f = fopen(file, "re");
	size_t room = 0;

	free(file);
	if (!f)
		return;
	while (getline(&line, &room, f) >= 0) {
		char path[256], type[32], *rest = strstr(line, " - "), *size;
		__u64 kib;

		/* The root of the mount is "/" unless only a part of it is mounted there. */
		if (!rest || sscanf(line, "%*s %*s %*s / %255s", path) != 1 ||
		    sscanf(rest, " - %31s", type) != 1 || strcmp(type, "tmpfs"))
			continue;
		/* The kernel does not show the size if it is half of the memory as it is now. */
		size = strstr(rest, ",size=");
		if (size && sscanf(size, ",size=%lluk", &kib) == 1)
			look_at(sizes, path, kib);
	}
	free(line);
	fclose(f);
}

/* Unlike mount -o remount, this leaves all other options as they are. */
int size_raise_tmpfs(const struct size_item *item)
{
	char *path = sys_path(item->name);
	int fd = fspick(-1, path, FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT), ret = 0;

	free(path);
	if (fd < 0)
		return -errno;
	if (fsconfig(fd, FSCONFIG_SET_STRING, "size", item->to, 0) ||
	    fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		ret = -errno;
	close(fd);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * How much memory this system has now.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/meminfo.h"
#include "base/sysinfo.h"

/* Reads a number that follows a name in a file.  Return: 0 or a negative errno */
static int number_of(const char *path, const char *name, __u64 *value)
{
	char *full = sys_path(path), *line = NULL;
	size_t room = 0, len = strlen(name);
	FILE *f = fopen(full, "re");
	int ret = -ENOENT;

	free(full);
	if (!f)
		return -errno;
	while (ret && getline(&line, &room, f) >= 0)
		if (!strncmp(line, name, len) && sscanf(line + len, " %llu", value) == 1)
			ret = 0;
	free(line);
	fclose(f);
	return ret;
}

int memory_available(__u64 *available, __u64 *swap)
{
	int ret = number_of("/proc/meminfo", "MemAvailable:", available);

	if (ret)
		return ret;
	*available <<= 10;
	if (number_of("/proc/meminfo", "SwapFree:", swap))
		*swap = 0;
	*swap <<= 10;
	return 0;
}

/*
 * The drivers of virtio and VMware count the pages that the balloon took and gave back
 * since this kernel was started.  Hyper-V's does not.
 */
__u64 memory_ballooned(void)
{
	__u64 taken, given;

	if (number_of("/proc/vmstat", "balloon_inflate ", &taken) ||
	    number_of("/proc/vmstat", "balloon_deflate ", &given) || taken < given)
		return 0;
	return (taken - given) * sysconf(_SC_PAGESIZE);
}

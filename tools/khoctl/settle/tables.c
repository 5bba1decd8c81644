// SPDX-License-Identifier: GPL-2.0
/*
 * Hash tables: their sizes are in the kernel's log of its boot, and stay.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/sysinfo.h"
#include "settle/settle.h"

/* alloc_large_system_hash() logs these; others do not depend on the memory. */
static const char * const tables[] = {
	"Dentry cache", "Inode-cache", "Mount-cache", "Mountpoint-cache", "TCP established",
	"TCP bind", "UDP",
};

/* "6,123,0,-;Dentry cache hash table entries: 131072 (order: 8, 1048576 bytes, linear)" */
static void look_at(struct sizes *sizes, const char *line)
{
	const char *text = strchr(line, ';'), *rest;
	__u64 entries;
	size_t i;

	if (!text++)
		return;
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		char *name;

		if (strncmp(text, tables[i], strlen(tables[i])))
			continue;
		rest = text + strlen(tables[i]);
		if (sscanf(rest, " hash table entries: %llu", &entries) != 1)
			continue;
		name = xasprintf("%s hash table", tables[i]);
		size_add(sizes, SIZE_TABLE, SIZE_FIXED, name,
			 xasprintf("%llu entries", entries), NULL,
			 xstrdup("stays so until the next boot"));
		free(name);
		return;
	}
}

void sizes_look_tables(struct sizes *sizes)
{
	char *path = sys_path("/dev/kmsg"), text[16384], *line, *save;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unsigned int records;
	ssize_t n;

	free(path);
	if (fd < 0)
		return;
	/* Each read gets one record.  EPIPE: older ones were overwritten. */
	for (records = 0; records < 100000; records++) {
		n = read(fd, text, sizeof(text) - 1);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		text[n] = '\0';
		for (line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			look_at(sizes, line);
	}
	close(fd);
}

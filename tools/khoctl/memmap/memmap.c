// SPDX-License-Identifier: GPL-2.0
/*
 * Does the next kernel get the memory that this one has?
 *
 * kexec tells it of what /sys/firmware/memmap has, and the module knows what /proc/iomem
 * has.  They differ for a moment when memory is plugged in, and for good when memory is
 * taken out that firmware has told of at boot.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ranges.h"
#include "base/sysinfo.h"
#include "memmap/memmap.h"

#define MEMMAP		"/sys/firmware/memmap"

/* Less is missing for reasons of the kernel's own; memory goes by blocks of this. */
#define BLOCK		(128ULL << 20)

/* RAM that no driver has brought */
static void read_iomem(struct ranges *r)
{
	char *path = sys_path("/proc/iomem"), *line = NULL;
	FILE *f = fopen(path, "re");
	size_t room = 0;

	free(path);
	if (!f)
		return;
	while (getline(&line, &room, f) >= 0) {
		unsigned long long first, last;

		/*
		 * It may lie in something larger, such as a window of CXL's.  Without
		 * CAP_SYS_ADMIN all addresses are 0.
		 */
		if (strstr(line, " : System RAM\n") &&
		    sscanf(line, " %llx-%llx", &first, &last) == 2 && last)
			ranges_add(r, first, last + 1);
	}
	free(line);
	fclose(f);
	ranges_tidy(r);
}

static bool read_hex(const char *entry, const char *name, __u64 *value)
{
	char *path = xasprintf(MEMMAP "/%s/%s", entry, name);
	char text[64];
	bool ok = sys_read(path, text, sizeof(text)) > 0;

	free(path);
	*value = strtoull(text, NULL, 0);
	return ok;
}

static void read_memmap(struct ranges *r)
{
	char *path = sys_path(MEMMAP);
	DIR *dir = opendir(path);
	struct dirent *d;

	free(path);
	if (!dir)
		return;
	while ((d = readdir(dir))) {
		__u64 first, last;
		char type[32];

		if (d->d_name[0] == '.')
			continue;
		path = xasprintf(MEMMAP "/%s/type", d->d_name);
		if (sys_read(path, type, sizeof(type)) > 0 && !strcmp(type, "System RAM") &&
		    read_hex(d->d_name, "start", &first) && read_hex(d->d_name, "end", &last))
			ranges_add(r, first, last + 1);
		free(path);
	}
	closedir(dir);
	ranges_tidy(r);
}

/* The first piece of @a that is not in @b, and is at least @least bytes long */
static bool lacks(const struct ranges *a, const struct ranges *b, __u64 least,
		  struct range *found)
{
	size_t i, j = 0;

	for (i = 0; i < a->nr; i++) {
		__u64 at = a->list[i].addr, end = a->list[i].end;

		for (; j < b->nr && b->list[j].end <= at; j++)
			;
		for (; j < b->nr && b->list[j].addr < end; j++) {
			if (b->list[j].addr > at && b->list[j].addr - at >= least) {
				end = b->list[j].addr;
				break;
			}
			at = b->list[j].end;
			/* The next one of @a may begin in it. */
			if (at >= end)
				break;
		}
		if (at < end && end - at >= least) {
			found->addr = at;
			found->end = end;
			return true;
		}
	}
	return false;
}

/* Is RAM what the command line says that it is? */
static bool is_told(void)
{
	char text[4096];

	return sys_read("/proc/cmdline", text, sizeof(text)) > 0 &&
	       (!strncmp(text, "mem=", 4) || !strncmp(text, "memmap=", 7) ||
		strstr(text, " mem=") || strstr(text, " memmap="));
}

enum memmap memmap_compare(char **text)
{
	struct ranges iomem = {}, memmap = {};
	enum memmap result = MEMMAP_SAME;
	struct range r;

	*text = NULL;
	read_iomem(&iomem);
	read_memmap(&memmap);
	if (!iomem.nr || !memmap.nr || is_told())
		goto out;
	if (lacks(&iomem, &memmap, 1, &r)) {
		result = MEMMAP_LESS;
		*text = xasprintf("the next kernel is not told of RAM at 0x%llx to 0x%llx: %s has none there",
				  r.addr, r.end - 1, MEMMAP);
	} else if (lacks(&memmap, &iomem, BLOCK, &r)) {
		result = MEMMAP_MORE;
		*text = xasprintf("the next kernel is told of RAM at 0x%llx to 0x%llx, which is not there: %s still has it",
				  r.addr, r.end - 1, MEMMAP);
	}
out:
	free(iomem.list);
	free(memmap.list);
	return result;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: what kexec reports to the next kernel, limits, encryption.
 *
 * On x86, kexec passes /sys/firmware/memmap on.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/ranges.h"
#include "base/sysinfo.h"

#define MEMMAP		"/sys/firmware/memmap"

const char arch_told_ram_source[] = MEMMAP;
const char arch_told_ram_fix[] =
	"mem= or memmap= for the next kernel, or a reboot by firmware";

static bool read_hex(const char *entry, const char *name, __u64 *value)
{
	char *path = xasprintf(MEMMAP "/%s/%s", entry, name);
	char text[64];
	bool ok = sys_read(path, text, sizeof(text)) > 0;

	free(path);
	*value = strtoull(text, NULL, 0);
	return ok;
}

void arch_told_ram(struct ranges *r)
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

bool arch_ram_is_given(const char *cmdline)
{
	return !strncmp(cmdline, "mem=", 4) || !strncmp(cmdline, "memmap=", 7) ||
	       strstr(cmdline, " mem=") || strstr(cmdline, " memmap=");
}

/* With nothing but a size, "memmap=" means the same as "mem=". */
__u64 arch_memory_limit(const char *cmdline, __u64 limit, const char **others)
{
	static const char units[] = "kmgt";
	const char *at = cmdline, *unit;
	bool memmap;
	char *end;
	__u64 n;

	for (; at && *at; at = strchr(at, ' ')) {
		at += strspn(at, " ");
		memmap = !strncmp(at, "memmap=", 7);
		if (!memmap && strncmp(at, "mem=", 4))
			continue;
		at = strchr(at, '=') + 1;
		if (!isdigit((unsigned char)*at)) {
			if (memmap)
				*others = "memmap=";
			continue;
		}
		n = strtoull(at, &end, 0);
		unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
		if (memmap && end[!!unit] && !isspace((unsigned char)end[!!unit])) {
			*others = "memmap=";
			continue;
		}
		/* A value that overflows is no limit. */
		if (unit && n > UINT64_MAX >> 10 * (unit - units + 1))
			continue;
		if (unit)
			n <<= 10 * (unit - units + 1);
		if (n < limit)
			limit = n;
	}
	return limit;
}

const char *arch_memory_encryption(const char **fix)
{
	*fix = "use a machine without encrypted guest memory";
	if (sys_exists("/dev/sev-guest"))
		return "this is an AMD SEV guest: encrypted memory can't be handed over";
	if (sys_exists("/dev/tdx_guest") || sys_has_word("/proc/cpuinfo", "tdx_guest"))
		return "this is an Intel TDX guest: encrypted memory can't be handed over";
	*fix = "boot without mem_encrypt=on";
	if (sys_has_word("/proc/cmdline", "mem_encrypt=on"))
		return "memory encryption is on (AMD SME)";
	return NULL;
}

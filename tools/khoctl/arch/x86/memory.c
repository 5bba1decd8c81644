// SPDX-License-Identifier: GPL-2.0
/*
 * Memory: what kexec reports to the next kernel, encryption.
 *
 * On x86, kexec passes /sys/firmware/memmap on.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/ranges.h"
#include "base/sysinfo.h"

#define MEMMAP		"/sys/firmware/memmap"

const char arch_told_ram_source[] = MEMMAP;
const char arch_told_ram_fix[] =
	"mem= or memmap= for the next kernel, or a reboot by firmware";

const __u64 arch_huge_page_default = 2 * MIB;
const __u64 arch_huge_page_giant = 1024 * MIB;

/* A CPU may lack pages of 1 GiB; they are counted all the same. */
bool arch_is_huge_page(__u64 size)
{
	return size == arch_huge_page_default || size == arch_huge_page_giant;
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

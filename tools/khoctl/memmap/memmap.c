// SPDX-License-Identifier: GPL-2.0
/*
 * Does the next kernel get the memory that this one has?
 *
 * kexec tells it of what firmware has told of, and the module knows what /proc/iomem
 * has.  They differ for a moment when memory is plugged in, and for good when memory is
 * taken out that firmware has told of at boot.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/ranges.h"
#include "base/sysinfo.h"
#include "memmap/memmap.h"

/* Less is missing for reasons of the kernel's own; memory goes by blocks of this. */
#define BLOCK		(128ULL << 20)

/* Is RAM what this kernel's command line says that it is? */
static bool is_given(void)
{
	char text[4096];

	return sys_read("/proc/cmdline", text, sizeof(text)) > 0 &&
	       arch_ram_is_given(text);
}

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

enum memmap memmap_compare(char **text)
{
	struct ranges iomem = {}, told = {};
	enum memmap result = MEMMAP_SAME;
	struct range r;

	*text = NULL;
	read_iomem(&iomem);
	arch_told_ram(&told);
	if (!iomem.nr || !told.nr || is_given())
		goto out;
	if (lacks(&iomem, &told, 1, &r)) {
		result = MEMMAP_LESS;
		*text = xasprintf("the next kernel is not told of RAM at 0x%llx to 0x%llx: %s has none there",
				  r.addr, r.end - 1, arch_told_ram_source);
	} else if (lacks(&told, &iomem, BLOCK, &r)) {
		result = MEMMAP_MORE;
		*text = xasprintf("the next kernel is told of RAM at 0x%llx to 0x%llx, which is not there: %s still has it",
				  r.addr, r.end - 1, arch_told_ram_source);
	}
out:
	free(iomem.list);
	free(told.list);
	return result;
}

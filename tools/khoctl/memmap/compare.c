// SPDX-License-Identifier: GPL-2.0
/*
 * Does the next kernel learn of the memory that this one has?
 *
 * kexec reports what firmware reported at boot, while the module uses what /proc/iomem
 * shows.  The two differ for a moment when memory is plugged in, and permanently when
 * memory that firmware reported is removed.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/ranges.h"
#include "base/sysinfo.h"
#include "memmap/compare.h"

/* Memory is removed in blocks of this size; the kernel itself may hide less. */
#define BLOCK		(128ULL << 20)

/* True if the command line of this kernel overrides the RAM that firmware reports */
static bool is_given(void)
{
	char text[4096];

	return sys_read("/proc/cmdline", text, sizeof(text)) > 0 &&
	       arch_ram_is_given(text);
}

void memmap_iomem(struct ranges *r)
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
		 * RAM may be nested in another resource, such as a CXL window.  Without
		 * CAP_SYS_ADMIN, all addresses are 0.
		 */
		if (strstr(line, " : System RAM\n") &&
		    sscanf(line, " %llx-%llx", &first, &last) == 2 && last)
			ranges_add(r, first, last + 1);
	}
	free(line);
	fclose(f);
	ranges_tidy(r);
}

/* Finds the first piece of @a of at least @least bytes that is not in @b. */
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
			/* The next range of @a may start in this range of @b. */
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
	memmap_iomem(&iomem);
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

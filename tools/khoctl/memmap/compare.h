/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparing the memory that kexec reports with the memory that exists.
 */
#ifndef KHOCTL_MEMMAP_H
#define KHOCTL_MEMMAP_H

enum memmap {
	MEMMAP_SAME,		/* or unknown */
	MEMMAP_LESS,		/* kexec does not report all RAM */
	MEMMAP_MORE,		/* kexec reports RAM that does not exist */
};

struct ranges;

/* Adds the RAM of /proc/iomem that does not come from a driver; none if it hides addresses. */
void memmap_iomem(struct ranges *r);

/* What to do about MEMMAP_LESS; arch_told_ram_fix is for MEMMAP_MORE. */
#define MEMMAP_LESS_FIX	"load again once memory that was plugged in is online"

/* @text: set to a description of the difference, or NULL; the caller frees it. */
enum memmap memmap_compare(char **text);

#endif /* KHOCTL_MEMMAP_H */

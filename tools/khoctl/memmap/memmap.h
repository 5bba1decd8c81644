/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kexec tells the next kernel of memory, and what there is.
 */
#ifndef KHOCTL_MEMMAP_H
#define KHOCTL_MEMMAP_H

enum memmap {
	MEMMAP_SAME,		/* or nobody can tell */
	MEMMAP_LESS,		/* it is not told of all RAM */
	MEMMAP_MORE,		/* it is told of RAM that is not there */
};

/* What can be done about MEMMAP_LESS; for MEMMAP_MORE it is arch_told_ram_fix. */
#define MEMMAP_LESS_FIX	"load again once memory that was plugged in is online"

/* @text: what differs, or NULL; the caller frees it */
enum memmap memmap_compare(char **text);

#endif /* KHOCTL_MEMMAP_H */

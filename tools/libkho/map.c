// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libkho: mapping objects with large pages.
 *
 * The kernel maps 2 MiB or 1 GiB as one page only if the address and the offset in the
 * object are equal modulo that size.
 */
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* Attempts, in case another thread takes the place meanwhile */
#define TRIES	8

/* Linux 4.17 added it; some C libraries are older. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif

/*
 * Finds an address to map @bytes at @offset, aligned to @align.  Return: NULL if there is no
 * room.  Nothing stays mapped there: replacing a mapping might hit what another thread has
 * mapped meanwhile.
 */
static void *find_place(uint64_t offset, size_t bytes, size_t align)
{
	size_t want = offset & (align - 1), room = bytes + align, skip;
	uintptr_t start;
	void *p;

	if (room < bytes)
		return NULL;
	p = mmap(NULL, room, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	start = (uintptr_t)p;
	munmap(p, room);
	skip = (want - start) & (align - 1);
	return (void *)(start + skip);
}

int kho_object_map(int obj, uint64_t offset, size_t bytes, int prot,
		   void **addr)
{
	static const size_t aligns[] = { (size_t)1 << 30, (size_t)1 << 21 };
	unsigned int i, tries;
	void *place, *p;

	if (offset > INT64_MAX)
		return -EOVERFLOW;
	for (i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		if (bytes < aligns[i])
			continue;
		for (tries = 0; tries < TRIES; tries++) {
			place = find_place(offset, bytes, aligns[i]);
			if (!place)
				break;
			p = mmap(place, bytes, prot,
				 MAP_SHARED | MAP_FIXED_NOREPLACE, obj, offset);
			if (p != MAP_FAILED) {
				*addr = p;
				return 0;
			}
			if (errno != EEXIST)
				return -errno;
		}
	}
	/* Any address works, but with smaller pages. */
	p = mmap(NULL, bytes, prot, MAP_SHARED, obj, offset);
	if (p == MAP_FAILED)
		return -errno;
	*addr = p;
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libkho: mapping an object where large pages fit.
 *
 * A page of 2 MiB or 1 GiB can be mapped as one only if its address and its
 * place in the object are the same modulo its size.
 */
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

/* How often somebody else may take the place that was found. */
#define TRIES	8

/* Since Linux 4.17; some C libraries are older. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif

/*
 * Where to map @bytes from @offset on, aligned to @align, or NULL if there is
 * no room.  Nothing stays mapped there: if it did, and the object could not be
 * mapped over it, what other threads map meanwhile would be in danger.
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
	/* Anywhere: it works, only with smaller pages. */
	p = mmap(NULL, bytes, prot, MAP_SHARED, obj, offset);
	if (p == MAP_FAILED)
		return -errno;
	*addr = p;
	return 0;
}

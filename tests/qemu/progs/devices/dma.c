// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that is always writing to preserved memory, also when the machine jumps.
 *
 *	dma keep NAME DISK	has the disk write to the first half of an object, by direct
 *				I/O, until the machine ends; says "busy" once it has begun
 *	dma check FILE		checks that each block there is either one of the disk's or
 *				as it was before, and that the second half is unchanged
 *
 * The disk's blocks are full of OF_DISK.
 */
#include <fcntl.h>

#include "ioctl.h"

#define HALF	(4UL << 20)
#define CHUNK	(1UL << 20)
#define BLOCK	512
#define OF_DISK	0xdd
#define STAMP	0x22
#define BESIDE	0x33

static bool is_full_of(const char *p, size_t bytes, int c)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		if (p[i] != (char)c)
			return false;
	return true;
}

static void keep(const char *name, const char *path)
{
	int disk = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC), fd;
	char *p = map_anon(2 * HALF);
	size_t at = 0;

	if (disk < 0)
		die("%s: %s", path, strerror(errno));
	memset(p, STAMP, HALF);
	memset(p + HALF, BESIDE, HALF);
	kho = open_kho();
	need(preserve(name, p, 2 * HALF, 0, &fd), "preserve memory");
	for (;;) {
		memset(p + at, STAMP, CHUNK);
		if (pread(disk, p + at, CHUNK, at) != (ssize_t)CHUNK)
			die("%s: %s", path, strerror(errno));
		if (!is_full_of(p + at, CHUNK, OF_DISK))
			die("%s has something else", path);
		at = (at + CHUNK) % HALF;
		if (!at)
			write(STDOUT_FILENO, "busy\n", 5);
	}
}

static void check(const char *path)
{
	char *p = map_anon(2 * HALF);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t i, old = 0;

	if (fd < 0 || read(fd, p, 2 * HALF) != (ssize_t)(2 * HALF))
		die("%s can't be read", path);
	for (i = 0; i < HALF; i += BLOCK) {
		if (is_full_of(p + i, BLOCK, STAMP))
			old++;
		else if (!is_full_of(p + i, BLOCK, OF_DISK))
			die("at %#zx there is neither what was there nor the disk's", i);
	}
	if (!is_full_of(p + HALF, HALF, BESIDE))
		die("what the disk has not been told to write has changed");
	printf("%zu blocks have not been written\n", old);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "keep"))
		keep(argv[2], argv[3]);
	if (argc != 3 || strcmp(argv[1], "check"))
		die("usage: dma keep NAME DISK | check FILE");
	check(argv[2]);
	return 0;
}

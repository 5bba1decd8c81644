// SPDX-License-Identifier: GPL-2.0
/*
 * Which kernel is loaded?
 *
 * The kernel says only whether one is (/sys/kernel/kexec_loaded), and calls nobody when that
 * changes.  But its variable kexec_image points to a struct kimage, which root can read
 * through /proc/kcore.  That struct does not change while a kernel stays loaded.  It has the
 * segments as kexec_load() got them, with the addresses that they had in the program that
 * called it, and pages allocated for them: no two kernels have the same.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/kcore.h"
#include "device/record.h"

/* Covers all segments; all versions of the struct are allocated with 1 KiB or more */
#define IMAGE_WORDS	128
/* What is hashed: all versions begin with these, and they are set once. */
#define HASHED_WORDS	64

/* KEXEC_SEGMENT_MAX in the kernel */
#define SEGMENTS_MAX	16

static bool plausible(const struct image_segment *seg)
{
	return seg->mem && seg->memsz && !((seg->mem | seg->memsz) & 0xfff) &&
	       seg->bufsz <= seg->memsz;
}

/*
 * Finds nr_segments and, behind it, the array.  The members before them differ between
 * kernels.  Return: the array, or NULL
 */
static const struct image_segment *find_segments(const __u64 *words, size_t *nr)
{
	size_t i, n;

	for (i = 0; i < IMAGE_WORDS; i++) {
		const void *array = &words[i + 1];
		const struct image_segment *seg = array;

		if (!words[i] || words[i] > SEGMENTS_MAX ||
		    i + 1 + words[i] * 4 > IMAGE_WORDS)
			continue;
		for (n = 0; n < words[i] && plausible(&seg[n]); n++)
			;
		if (n == words[i]) {
			*nr = n;
			return seg;
		}
	}
	return NULL;
}

/* FNV-1a */
static __u64 hash(__u64 sum, const void *data, size_t size)
{
	const unsigned char *p = data;

	while (size--)
		sum = (sum ^ *p++) * 0x100000001b3ULL;
	return sum;
}

static int read_image(int fd, __u64 variable, __u64 *image, __u64 *words)
{
	int ret = kcore_read(fd, variable, image, sizeof(*image));

	if (ret)
		return ret;
	return *image ? kcore_read(fd, *image, words, IMAGE_WORDS * sizeof(*words)) : -ENOENT;
}

int image_identity(__u64 *variable, const struct image_segment *segs, size_t nr,
		   __u64 *identity)
{
	__u64 words[IMAGE_WORDS], image, sum;
	const struct image_segment *found;
	size_t nr_found;
	int fd, ret = 0;

	if (!*variable)
		ret = kcore_variable("kexec_image", variable);
	if (ret)
		return ret;
	fd = kcore_open();
	if (fd < 0)
		return fd;
	ret = read_image(fd, *variable, &image, words);
	close(fd);
	if (ret)
		return ret;
	found = find_segments(words, &nr_found);
	if (!found)
		return -ENOEXEC;
	if (segs && (nr != nr_found || memcmp(found, segs, nr * sizeof(*segs))))
		return -ESTALE;
	sum = hash(0xcbf29ce484222325ULL, &image, sizeof(image));
	sum = hash(sum, words, HASHED_WORDS * sizeof(*words));
	*identity = sum ? sum : 1;
	return 0;
}

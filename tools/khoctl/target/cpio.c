// SPDX-License-Identifier: GPL-2.0
/*
 * Walking through a cpio archive of the format newc.
 *
 * The kernel takes more than cpio(1) writes: any number of archives after each other, zeros
 * between them, and none of them needs a trailer.  It is less strict with damaged headers,
 * of which it makes what it can; here, they are errors.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "target/cpio.h"

/* Fields of 8 hex digits, after the magic number */
#define FIELD_MODE	1
#define FIELD_SIZE	6
#define FIELD_NAME_SIZE	11
#define NR_FIELDS	13

void cpio_begin(struct cpio *c, __u64 offset)
{
	c->offset = offset;
	c->skip = 0;
	c->between = true;
	c->have = 0;
	c->why[0] = '\0';
}

/* Bytes between the name's start and the contents: headers have 2 more than a multiple of 4 */
static __u64 name_room(__u32 size)
{
	return ((size + 1ULL) & ~3ULL) + 2;
}

/* Return: 0, or -1: not a number */
static int field(const struct cpio *c, unsigned int nr, __u32 *value)
{
	const char *p = c->head + 6 + 8 * nr;
	unsigned int i;

	*value = 0;
	for (i = 0; i < 8; i++) {
		unsigned char digit = p[i];

		if (!isxdigit(digit))
			return -1;
		*value = *value << 4 | (isdigit(digit) ? digit - '0' :
						tolower(digit) - 'a' + 10);
	}
	return 0;
}

static void read_head(struct cpio *c)
{
	__u64 at = c->offset - CPIO_HEAD;
	__u32 values[NR_FIELDS];
	unsigned int i;

	if (!memcmp(c->head, "070707", 6)) {
		snprintf(c->why, sizeof(c->why),
			 "a cpio archive of another format than newc at offset %llu", at);
		return;
	}
	if (memcmp(c->head, "070701", 6) && memcmp(c->head, "070702", 6)) {
		snprintf(c->why, sizeof(c->why), "no cpio header at offset %llu", at);
		return;
	}
	for (i = 0; i < NR_FIELDS; i++) {
		if (!field(c, i, &values[i]))
			continue;
		snprintf(c->why, sizeof(c->why),
			 "a cpio header at offset %llu: field %u is no number", at, i + 1);
		return;
	}
	c->mode = values[FIELD_MODE];
	c->size = values[FIELD_SIZE];
	c->name_size = values[FIELD_NAME_SIZE];
	if (!c->name_size || c->name_size > CPIO_NAME_MAX)
		snprintf(c->why, sizeof(c->why),
			 "a cpio header at offset %llu: a name of %u bytes, not 1 to %u", at,
			 c->name_size, CPIO_NAME_MAX);
}

/* Does the kernel unpack the entry, or skip it? */
static bool unpacked(const struct cpio *c)
{
	if (S_ISLNK(c->mode))
		return c->size <= CPIO_NAME_MAX;
	return S_ISREG(c->mode) || !c->size;
}

static void read_name(struct cpio *c)
{
	struct cpio_entry entry = { .mode = c->mode, .size = c->size };
	const char *name = c->name;

	c->skip = name_room(c->name_size) - c->name_size + c->size;
	/* The next header is aligned, or what is there instead. */
	c->skip += -(c->offset + c->skip) & 3;
	c->between = true;
	c->have = 0;
	if (!unpacked(c))
		return;
	if (name[c->name_size - 1]) {
		snprintf(c->why, sizeof(c->why),
			 "a cpio header at offset %llu: its name has no NUL at its end",
			 c->offset - c->name_size - CPIO_HEAD);
		return;
	}
	if (!strcmp(name, "TRAILER!!!"))
		return;
	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	entry.name = name;
	if (c->entry)
		c->entry(&entry, c->ctx);
}

/* Takes zeros.  Return: their number; all of @len unless something else follows */
static size_t take_padding(struct cpio *c, const char *data, size_t len)
{
	size_t n = 0;

	while (n < len && !data[n])
		n++;
	c->offset += n;
	if (n == len)
		return n;
	if (c->offset & 3)
		snprintf(c->why, sizeof(c->why), "a cpio archive with broken padding at offset %llu",
			 c->offset);
	else if (data[n] == '0')
		c->between = false;
	return n;
}

/* Takes bytes until there are @want of head and name. */
static size_t take_into(struct cpio *c, char *to, size_t want, const char *data,
			size_t len)
{
	size_t n = want - c->have;

	if (n > len)
		n = len;
	memcpy(to, data, n);
	c->have += n;
	c->offset += n;
	return n;
}

void cpio_skipped(struct cpio *c, __u64 n)
{
	c->skip -= n;
	c->offset += n;
}

size_t cpio_feed(struct cpio *c, const void *bytes, size_t len)
{
	const char *data = bytes;
	size_t at = 0;

	while (at < len && !c->why[0]) {
		const char *p = data + at;
		size_t left = len - at;

		if (c->skip) {
			left = c->skip < left ? c->skip : left;
			cpio_skipped(c, left);
			at += left;
		} else if (c->between) {
			at += take_padding(c, p, left);
			if (at < len && c->between)
				break;
		} else if (c->have < CPIO_HEAD) {
			at += take_into(c, c->head + c->have, CPIO_HEAD, p, left);
			if (c->have == CPIO_HEAD)
				read_head(c);
		} else {
			at += take_into(c, c->name + c->have - CPIO_HEAD,
					CPIO_HEAD + c->name_size, p, left);
			if (c->have == CPIO_HEAD + c->name_size)
				read_name(c);
		}
	}
	return at;
}

bool cpio_complete(const struct cpio *c)
{
	return c->between && !c->skip && !c->why[0];
}

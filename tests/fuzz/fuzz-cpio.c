// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a cpio archive.  Taken in pieces of any size, they have to give the same as
 * in one piece, and names and sizes have to be possible ones.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "target/cpio.h"

#include "../unit/tap.h"

/* What was found, as one number */
struct sum {
	uint64_t hash;
	unsigned int entries;
	size_t input;
};

static void add(struct sum *sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		sum->hash = (sum->hash ^ *p++) * 0x100000001b3;
}

static void entry(const struct cpio_entry *e, void *ctx)
{
	size_t len = strnlen(e->name, CPIO_NAME_MAX);
	struct sum *sum = ctx;

	must(len < CPIO_NAME_MAX, "a name without an end");
	must(strcmp(e->name, "TRAILER!!!"), "the trailer is no entry");
	must(*e->name != '/', "a name with a leading slash");
	sum->entries++;
	/* Each takes a header at least. */
	must(sum->entries <= sum->input / CPIO_HEAD, "%u entries in %zu bytes",
	     sum->entries, sum->input);
	add(sum, e->name, len);
	add(sum, &e->mode, sizeof(e->mode));
	add(sum, &e->size, sizeof(e->size));
}

/* Takes the data in pieces of @piece bytes; skips what may be skipped, if @skip */
static size_t take(struct cpio *c, struct sum *sum, const uint8_t *data, size_t size,
		   size_t piece, int skip)
{
	size_t at = 0;

	memset(c, 0x55, sizeof(*c));
	memset(sum, 0, sizeof(*sum));
	sum->input = size;
	c->entry = entry;
	c->ctx = sum;
	cpio_begin(c, 0);
	while (at < size && !c->why[0]) {
		size_t n = size - at, took;

		if (skip && c->skip) {
			n = c->skip < n ? c->skip : n;
			cpio_skipped(c, n);
			at += n;
			continue;
		}
		if (n > piece)
			n = piece;
		/* The sanitizer sees a read beyond the piece. */
		uint8_t *copy = malloc(n);

		memcpy(copy, data + at, n);
		took = cpio_feed(c, copy, n);
		free(copy);
		must(took <= n, "took %zu of %zu bytes", took, n);
		at += took;
		if (took < n)
			break;
	}
	must(c->offset == at, "offset %llu after %zu bytes", c->offset, at);
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cpio whole, pieces;
	struct sum sum, again;
	size_t at, piece;
	int skip;

	if (!size)
		return 0;
	/* The first byte says how the rest is cut. */
	piece = 1 + (data[0] & 0x7f);
	skip = data[0] >> 7;
	data++;
	size--;
	at = take(&whole, &sum, data, size, size ? size : 1, 0);
	must(take(&pieces, &again, data, size, piece, skip) == at, "it ends elsewhere");
	must(sum.hash == again.hash && sum.entries == again.entries, "other entries");
	must(!strcmp(whole.why, pieces.why), "'%s', and in pieces '%s'", whole.why, pieces.why);
	must(cpio_complete(&whole) == cpio_complete(&pieces), "complete or not");
	return 0;
}

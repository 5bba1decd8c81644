// SPDX-License-Identifier: GPL-2.0
/*
 * Puts a kernel, its initrd and a valid handover of any size into a file that
 * is a guest's RAM.  The stub's tests and the benchmark use it; the kernel is
 * one with the stub, a mainline one with KHO, or any kernel with "envelopes".
 *
 *	mklayout write RAM KERNEL INITRD SETTING...
 *	mklayout show SETTING...	what the stub is to log, as a regular
 *					expression
 *	mklayout check RAM SETTING...	are the handover's pages as they were?
 *	mklayout marked RAM SETTING...	are those that have keys?
 *
 * Settings, in this order where the order matters; K, M and G are powers of 1024, or
 * of 1000 in counts:
 *
 *	ram=SIZE	what the guest has; the default is 512M.  Not between 3G
 *			and 3584M: where QEMU puts the memory would be unclear.
 *	scratch=SIZE	the default, and the least, is 64M
 *	append=WORDS	for the kernel's command line
 *	fill		the marked pages have content, and are checked; without
 *			it they have none, and the file stays sparse
 *	at=ADDRESS	where the next pages begin; the default is 512M, or
 *			the end of scratch if that is higher
 *	isolated=N	every second page from there on
 *	contiguous=N	pages of order 0 side by side
 *	blocks=N:ORDER	blocks of an order, side by side
 *	pitch=N:PAGES	N pages, one out of each PAGES
 *	every-second	of all RAM outside scratch and above 2 MiB
 *	envelopes	around all of it, for an unpatched kernel
 *
 * Compiled with LAYOUT_LARGE, there is room for a larger kernel, and scratch has
 * at least 128M.
 *
 * QEMU is started with jump.S's multiboot image as its kernel, and the file as
 * its memory: see tests/qemu/stub-intake/run.sh.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"

static __u64 at = 0x20000000;
static int fill;
static int envelopes;
static const char *append = "";

static __u64 number(const char *s, unsigned int k)
{
	char *end;
	__u64 n = strtoull(s, &end, 0);

	switch (*end) {
	case 'G':
		n *= k;
		__attribute__((__fallthrough__));
	case 'M':
		n *= k;
		__attribute__((__fallthrough__));
	case 'K':
	case 'k':
		n *= k;
		end++;
	}
	if (end == s || (*end && *end != ':'))
		errx(2, "%s should have a value", s);
	return n;
}

/* What follows NAME= or NULL. */
static const char *value(const char *setting, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(setting, name, len) || setting[len] != '=')
		return NULL;
	return setting + len + 1;
}

static int in_scratch(__u64 start, __u64 bytes)
{
	return start < blob.scratch[0].addr + blob.scratch[0].size &&
	       blob.scratch[0].addr < start + bytes;
}

static int is_ram(__u64 start, __u64 bytes)
{
	unsigned int i;

	for (i = 0; i < blob.nr_e820; i++) {
		const struct boot_e820_entry *e = &blob.e820[i];

		if (e->type == 1 && start >= e->addr &&
		    start + bytes <= e->addr + e->size)
			return 1;
	}
	return 0;
}

static void mark_block(unsigned int order)
{
	__u64 bytes = PAGE << order;

	at = (at + bytes - 1) & -bytes;
	while (!is_ram(at, bytes) || in_scratch(at, bytes)) {
		at += bytes;
		if (at >= blob.end)
			errx(1, "the guest has too little RAM for all that");
	}
	if (fill)
		mark(at, order);
	else
		mark_bare(at, order);
	at += bytes;
}

static void mark_blocks(__u64 nr, unsigned int order, __u64 skip)
{
	while (nr--) {
		mark_block(order);
		at += skip;
	}
}

/* Tree nodes use the even pages where they are.  QEMU puts jump.S below 2 MiB. */
static void mark_every_second(void)
{
	__u64 low = blob.bytes > LOW_MAX ? LOW_MAX : blob.bytes;

	for (at = 0x200000 + PAGE; at < blob.end; at += 2 * PAGE) {
		if (!is_ram(at, PAGE) || in_scratch(at, PAGE) ||
		    blob.state[at / PAGE])
			continue;
		/* SeaBIOS runs from 16 MiB below the end of low RAM, downwards. */
		if (fill && at < low && at >= low - 0x2000000)
			continue;
		/* The page for the setup_data node is not in use yet. */
		if (at == SETUP_ADDR)
			continue;
		if (fill)
			mark(at, 0);
		else
			mark_bare(at, 0);
	}
}

/* ---- Envelopes ---- */

#define ENVELOPE_BYTES	((__u64)1 << KHO_ENVELOPE_SHIFT)
#define ENVELOPE_GAP	((__u64)64 << 20)	/* larger gaps are left open */

struct envelope {
	struct kho_setup_node node;
	struct kho_setup_indirect inner;
};

/* The nodes of envelopes lie in what the first envelope covers. */
static void add_envelope(__u64 start, __u64 end)
{
	static struct envelope *last;
	static unsigned int nr;
	struct kho_setup_node *before = last ? &last->node :
		keep(SETUP_ADDR, sizeof(*before));
	__u64 where = SETUP2_ADDR + nr++ * sizeof(*last);

	if (nr > KHO_ENVELOPES_MAX)
		errx(1, "that would take too many envelopes");
	last = keep(where, sizeof(*last));
	before->next = where;
	last->node.type = KHO_SETUP_INDIRECT;
	last->node.len = sizeof(last->inner);
	last->inner.type = KHO_SETUP_ENVELOPE;
	last->inner.addr = start;
	last->inner.len = end - start;
}

/* Comes last, as it goes by which pages are in use. */
static void add_envelopes(void)
{
	__u64 start = 0, end = 0, block;

	keep(SETUP2_ADDR, KHO_ENVELOPES_MAX * sizeof(struct envelope));
	for (block = 0; block < blob.end; block += ENVELOPE_BYTES) {
		__u64 page, last = 0;

		for (page = block; page < block + ENVELOPE_BYTES; page += PAGE)
			if (page < blob.end && blob.state[page / PAGE])
				last = page + PAGE;
		if (!last)
			continue;
		if (end && (block - end > ENVELOPE_GAP ||
			    in_scratch(end, block - end) ||
			    !is_ram(end, block - end + PAGE))) {
			add_envelope(start, end);
			start = block;
		}
		if (!end)
			start = block;
		end = is_ram(block, ENVELOPE_BYTES) ? block + ENVELOPE_BYTES :
						      last;
	}
	if (end)
		add_envelope(start, end);
}

static void memory_map(__u64 bytes)
{
	__u64 low = bytes > LOW_MAX ? LOW_MAX : bytes;

	if (bytes < 0x20000000 || (bytes > LOW_MAX && bytes < 0xe0000000UL))
		errx(2, "the guest can't have that much RAM");
	blob_start(bytes);
	add_e820(0, 0x9f000, 1);
	add_e820(0xf0000, 0x100000, 2);
	/* The firmware's ACPI tables are at the end. */
	add_e820(0x100000, low - 0x100000, 1);
	add_e820(low - 0x100000, low, 2);
	if (bytes > low)
		add_e820(HIGH, blob.end, 1);
}

static void layout(char **setting)
{
	__u64 bytes = 0x20000000;
	const char *v, *second;
	char **s;

	for (s = setting; *s; s++) {
		v = value(*s, "ram");
		if (v)
			bytes = number(v, 1024);
	}
	memory_map(bytes);

	for (s = setting; *s; s++) {
		if (value(*s, "ram"))
			continue;
		v = value(*s, "scratch");
		if (v) {
			blob.scratch[0].size = number(v, 1024);
			if (blob.scratch[0].size < SCRATCH_SIZE ||
			    !is_ram(SCRATCH, blob.scratch[0].size))
				errx(2, "scratch can't have that size");
			if (at < SCRATCH + blob.scratch[0].size)
				at = SCRATCH + blob.scratch[0].size;
			continue;
		}
		v = value(*s, "append");
		if (v) {
			append = v;
			continue;
		}
		v = value(*s, "at");
		if (v) {
			at = number(v, 1024);
			continue;
		}
		v = value(*s, "isolated");
		if (v) {
			mark_blocks(number(v, 1000), 0, PAGE);
			continue;
		}
		v = value(*s, "contiguous");
		if (v) {
			mark_blocks(number(v, 1000), 0, 0);
			continue;
		}
		v = value(*s, "blocks");
		if (v) {
			second = strchr(v, ':');
			if (!second)
				errx(2, "%s has no order", *s);
			mark_blocks(number(v, 1000), number(second + 1, 1000), 0);
			continue;
		}
		v = value(*s, "pitch");
		if (v) {
			second = strchr(v, ':');
			if (!second || !number(second + 1, 1000))
				errx(2, "%s has no pitch", *s);
			mark_blocks(number(v, 1000), 0,
				    (number(second + 1, 1000) - 1) * PAGE);
			continue;
		}
		if (!strcmp(*s, "fill"))
			fill = 1;
		else if (!strcmp(*s, "envelopes"))
			envelopes = 1;
		else if (!strcmp(*s, "every-second"))
			mark_every_second();
		else
			errx(2, "no setting %s", *s);
	}
	blob_finish();
	if (envelopes)
		add_envelopes();
	expect_kept();
}

int main(int argc, char **argv)
{
	if (argc > 4 && !strcmp(argv[1], "write")) {
		layout(argv + 5);
		boot_params(argv[3], argv[4], append);
		write_ram(argv[2]);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "show")) {
		layout(argv + 2);
		puts(blob.expect);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "check")) {
		layout(argv + 3);
		return check_ram(argv[2], BLOB_KEPT);
	}
	if (argc > 2 && !strcmp(argv[1], "marked")) {
		layout(argv + 3);
		return check_ram(argv[2], BLOB_KEPT | BLOB_MARKED);
	}
	errx(2, "wrong arguments; see the top of mklayout.c");
}

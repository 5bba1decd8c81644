// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/kho/left.h: the record that a module leaves, of other versions and damaged.
 */
#include <string.h>

#include <kho/left.h>

#include "tap.h"

#define PAGE	4096

static unsigned char page[PAGE] __attribute__((aligned(8)));
static struct kho_left *const left = (struct kho_left *)page;

static void seal(unsigned int size)
{
	left->size = size;
	left->sum = kho_left_sum(left, size);
}

static void begin(void)
{
	memset(page, 0, sizeof(page));
	left->magic = KHO_LEFT_MAGIC;
	left->version = KHO_LEFT_VERSION;
	left->page_shift = 12;
	left->fdt = 0x12345000;
	strcpy((char *)left->by, "0.1.0");
	seal(sizeof(*left));
}

static const char *check(void)
{
	return kho_left_check(left, 12);
}

static void test_good(void)
{
	begin();
	ok(!check(), "a record is good");
	seal(sizeof(*left) + 800);
	page[sizeof(*left) + 700] = 1;
	ok(check(), "a byte behind what is known counts for the sum");
	seal(sizeof(*left) + 800);
	ok(!check(), "one of a later version, which is longer, is good");
	begin();
	seal(__builtin_offsetof(struct kho_left, arrival));
	ok(!check(), "one of an earlier version, which is shorter, is good");
	memset(page + KHO_LEFT_RESOURCE, 0xff, 64);
	ok(!check(), "the resource in the same page may change");
}

static void test_bad(void)
{
	unsigned int at, bit, good = 0;

	begin();
	left->version++;
	seal(sizeof(*left));
	is_str(check(), "it has another version", "another version");
	begin();
	left->must = 1ULL << 63;
	seal(sizeof(*left));
	is_str(check(), "it says things that only a newer module knows", "an unknown bit");
	begin();
	is_str(kho_left_check(left, 14), "it has another page size", "another page size");
	begin();
	seal(64);
	is_str(check(), "it has an impossible size", "too short");
	begin();
	left->size = 1U << 31;
	is_str(check(), "it has an impossible size", "far too long");
	begin();
	seal(sizeof(*left) + 4);
	is_str(check(), "it has an impossible size", "no multiple of 8");
	memset(page, 0, sizeof(page));
	is_str(check(), "it is not a record", "a prepared page that was never filled in");

	for (at = 0; at < sizeof(*left); at++)
		for (bit = 0; bit < 8; bit++) {
			begin();
			page[at] ^= 1 << bit;
			good += !check();
		}
	is(good, 0, "a record with any single bit changed is refused");
}

int main(void)
{
	tap_start();
	test_good();
	test_bad();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * include/kho/poison.h: sizes worked out by hand, and lists that are invalid.
 */
#include <string.h>

#include <kho/poison.h>

#include "tap.h"

#define offset(type, member) __builtin_offsetof(type, member)

static void test_sizes(void)
{
	/* 16 bytes, two u32, u64, u64, three u64: 16 + 8 + 16 + 24 = 64. */
	is(sizeof(struct kho_poison), 64, "head: size");
	is(offset(struct kho_poison, compatible), 0, "head: compatible");
	is(offset(struct kho_poison, page_shift), 16, "head: page_shift");
	is(offset(struct kho_poison, reserved0), 20, "head: reserved0");
	is(offset(struct kho_poison, nr), 24, "head: nr");
	is(offset(struct kho_poison, first), 32, "head: first");
	is(offset(struct kho_poison, reserved), 40, "head: reserved");
	is(sizeof(struct kho_poison_page), 16, "page: header");
	is(offset(struct kho_poison_page, next), 0, "page: next");
	is(offset(struct kho_poison_page, nr), 8, "page: nr");
	is(offset(struct kho_poison_page, pfn), 16, "page: pfn");
	/* (4096 - 16) / 8 = 512 - 2 */
	is(KHO_POISON_PER_PAGE(12), 510, "4K: entries per page");
	is(KHO_POISON_PER_PAGE(14), 2046, "16K: entries per page");
	is(KHO_POISON_PER_PAGE(16), 8190, "64K: entries per page");
	is_str(KHO_POISON_NODE, "kho-poison", "node");
	is_str(KHO_POISON_COMPATIBLE, "kho-poison-v1", "compatible");
}

static void reset(struct kho_poison *list)
{
	memset(list, 0, sizeof(*list));
	memcpy(list->compatible, "kho-poison-v1", 13);
	list->page_shift = 12;
	list->nr = 3;
	list->first = 0x1000;
}

static void test_known(void)
{
	struct kho_poison list;

	reset(&list);
	ok(kho_poison_known(&list), "known: version 1");
	list.compatible[12] = '2';
	ok(!kho_poison_known(&list), "known: not version 2");
	reset(&list);
	list.compatible[13] = '0';
	ok(!kho_poison_known(&list), "known: not version 10");
	reset(&list);
	list.compatible[15] = 'x';
	ok(!kho_poison_known(&list), "known: nothing behind it");
	memset(&list, 0, sizeof(list));
	ok(!kho_poison_known(&list), "known: not if there is nothing");
	/* The other members are checked later, by kho_poison_check(). */
	reset(&list);
	list.page_shift = 77;
	ok(kho_poison_known(&list), "known: version 1, though it is wrong");
}

static void test_check(void)
{
	struct kho_poison list;
	unsigned int i;

	reset(&list);
	ok(!kho_poison_check(&list, 12), "check: good");
	ok(kho_poison_check(&list, 14), "check: another page size");
	list.reserved0 = 1;
	ok(kho_poison_check(&list, 12), "check: reserved0");
	for (i = 0; i < 3; i++) {
		reset(&list);
		list.reserved[i] = 1ULL << 63;
		ok(kho_poison_check(&list, 12), "check: reserved");
	}
}

static void test_check_page(void)
{
	struct kho_poison_page page = { .nr = 1 };

	ok(!kho_poison_check_page(&page, 12, 1), "page: one entry");
	ok(!kho_poison_check_page(&page, 12, ~0ULL), "page: of many");
	ok(kho_poison_check_page(&page, 12, 0), "page: of none");
	page.nr = 0;
	ok(kho_poison_check_page(&page, 12, 1), "page: no entry");
	page.nr = 510;
	ok(!kho_poison_check_page(&page, 12, 510), "page: full");
	ok(kho_poison_check_page(&page, 12, 509), "page: more than the head says");
	page.nr = 511;
	ok(kho_poison_check_page(&page, 12, 511), "page: more than full");
	ok(!kho_poison_check_page(&page, 14, 511), "page: not with larger pages");
	page.nr = ~0ULL;
	ok(kho_poison_check_page(&page, 16, ~0ULL), "page: a number that can't be");
}

int main(void)
{
	tap_start();
	test_sizes();
	test_known();
	test_check();
	test_check_page();
	return tap_done();
}

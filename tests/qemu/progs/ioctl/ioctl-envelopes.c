// SPDX-License-Identifier: GPL-2.0
/*
 * The envelopes, while pages come and go: after every change they have to cover all
 * preserved pages, nothing of scratch, and no more than necessary.
 *
 * There must be no objects, because no list tells where their pages are.
 */
#include "ioctl.h"

#include <kho/abi.h>

#define BLOCK_PAGES	(1UL << (KHO_ENVELOPE_SHIFT - 12))
#define BLOCKS_MAX	4096
#define META_MAX	8192
#define ROUNDS		60

static bool used[BLOCKS_MAX];
static struct kho_envelope_entry envelope[KHO_ENVELOPES_MAX];
static struct kho_page_entry pages[POOL_PAGES];
static struct kho_meta_entry meta[META_MAX];
static char *meta_pages;

static __u64 list_envelopes(void)
{
	struct kho_envelope_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(envelope),
		.count = KHO_ENVELOPES_MAX,
	};

	need(call(KHO_ENVELOPE_LIST, &arg), "ENVELOPE_LIST");
	if (arg.total != arg.count)
		die("%llu envelopes, %u listed", (unsigned long long)arg.total,
		    arg.count);
	return arg.count;
}

static void use(__u64 pfn)
{
	if (pfn / BLOCK_PAGES >= BLOCKS_MAX)
		die("pfn %#llx is more than this test can count",
		    (unsigned long long)pfn);
	used[pfn / BLOCK_PAGES] = true;
}

/* Marks in used[] the granules that have to be covered. */
static void find_used(void)
{
	struct kho_page_list page_list = {
		.size = sizeof(page_list),
		.entries = ptr64(pages),
		.count = ARRAY_SIZE(pages),
	};
	struct kho_meta_read meta_read = {
		.size = sizeof(meta_read),
		.entries = ptr64(meta),
		.pages = ptr64(meta_pages),
		.count = META_MAX,
	};
	__u32 i;

	memset(used, 0, sizeof(used));
	need(call(KHO_PAGE_LIST, &page_list), "PAGE_LIST");
	need(call(KHO_META_READ, &meta_read), "META_READ");
	if (page_list.total != page_list.count ||
	    meta_read.total != meta_read.count)
		die("a list is too long for this test");
	for (i = 0; i < page_list.count; i++)
		use(pages[i].pfn);
	for (i = 0; i < meta_read.count; i++)
		if (meta[i].kind != KHO_META_SETUP)
			use(meta[i].addr / PAGE);
}

static int falling(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* The fewest granules that envelopes can cover, if they must not cover scratch. */
static unsigned int fewest(__u64 scratch)
{
	static unsigned int gap[BLOCKS_MAX];
	unsigned int i, last = 0, nr = 0, covered = 0;
	bool any = false;

	for (i = 0; i < BLOCKS_MAX; i++) {
		if (!used[i])
			continue;
		covered += any ? i - last : 1;
		if (any && i - last > 1) {
			gap[nr] = i - last - 1;
			if (last < scratch && scratch < i)
				gap[nr] += BLOCKS_MAX;
			nr++;
		}
		last = i;
		any = true;
	}
	qsort(gap, nr, sizeof(*gap), falling);
	for (i = 0; i < nr && i < KHO_ENVELOPES_MAX - 1; i++)
		covered -= gap[i] % BLOCKS_MAX;
	return covered;
}

/* What is wrong with the envelopes, or NULL. */
static const char *wrong(void)
{
	__u64 nr = list_envelopes(), i, block = 0, covered = 0, end;
	struct kho_query q;

	get_query(kho, &q);
	find_used();
	if (nr != q.envelopes)
		return "the query says another number";
	for (i = 0; i < nr; i++) {
		__u64 first = envelope[i].addr >> KHO_ENVELOPE_SHIFT;

		end = envelope[i].addr + envelope[i].bytes;
		if (end > q.scratch_addr &&
		    envelope[i].addr < q.scratch_addr + q.scratch_size)
			return "an envelope has some of scratch in it";
		if (!first)
			return "an envelope begins below 2 MiB";
		if (i && first <= block)
			return "envelopes touch or are not in order";
		for (; block < first; block++)
			if (used[block])
				return "something is not covered";
		end = (end + (1 << KHO_ENVELOPE_SHIFT) - 1) >> KHO_ENVELOPE_SHIFT;
		covered += end - first;
		block = end;
	}
	for (; block < BLOCKS_MAX; block++)
		if (used[block])
			return "something at the end is not covered";
	if (covered != fewest(q.scratch_addr >> KHO_ENVELOPE_SHIFT))
		return "they cover more than they have to";
	return NULL;
}

static int set_handoff(__u32 how)
{
	struct kho_handoff arg = {
		.size = sizeof(arg),
		.how = how,
	};

	return call(KHO_HANDOFF, &arg);
}

/* Hands over envelopes for a while: pages come and go, and in the end all is as before. */
static void test_handoff(void)
{
	struct kho_handoff bad = {
		.size = sizeof(bad),
		.how = KHO_HANDOFF_ENVELOPES + 1,
	};
	struct kho_query before, q;
	unsigned int i, lean = 0;
	const char *why;

	get_query(kho, &before);
	result(before.handoff == KHO_HANDOFF_EXACT && before.keys > 2,
	       "each page is told at first");
	refused(EINVAL, KHO_HANDOFF, &bad, "a hand-off that there is not");
	need(set_handoff(KHO_HANDOFF_ENVELOPES), "HANDOFF");
	need(set_handoff(KHO_HANDOFF_ENVELOPES), "HANDOFF once more");
	for (i = 0; i < 40; i++)
		need(add_page(pool_pfn[2 * i], 0), "add");
	get_query(kho, &q);
	result(q.handoff == KHO_HANDOFF_ENVELOPES, "envelopes are told");
	result(q.keys == before.keys + 41 && q.lean_keys == before.lean_keys,
	       "the kernel itself is told of no more");
	memset(meta, 0, sizeof(meta));
	why = wrong();
	result(!why, "the envelopes then: %s", why ?: "sound");
	for (i = 0; i < META_MAX && meta[i].addr; i++)
		lean += meta[i].kind == KHO_META_LEAN && meta[i].level == 5;
	result(lean == 1, "the metadata has the lean tree's root");
	need(set_handoff(KHO_HANDOFF_EXACT), "HANDOFF back");
	for (i = 0; i < 40; i++)
		need(del_page(pool_pfn[2 * i], 0), "del");
	unchanged(&before, "told of envelopes and back");
	why = wrong();
	result(!why, "the envelopes after that: %s", why ?: "sound");
}

static int set_image(__u32 state)
{
	struct kho_image arg = { .size = sizeof(arg), .state = state };

	return call(KHO_IMAGE, &arg);
}

static bool image_is(__u32 state)
{
	struct kho_query q;

	get_query(kho, &q);
	return q.image == state;
}

/* The same of one that kexec_file_load() is about to load. */
static void test_image_by_file(void)
{
	struct kho_image none = { .size = sizeof(none), .flags = KHO_IMAGE_BY_FILE };
	struct kho_image loaded = { .size = sizeof(loaded), .state = KHO_IMAGE_LOADED };
	struct kho_image begun = {
		.size = sizeof(begun), .flags = KHO_IMAGE_BY_FILE, .state = KHO_IMAGE_BEGUN,
	};
	struct kho_query q;

	refused(EINVAL, KHO_IMAGE, &none, "none, by a file");
	get_query(kho, &q);
	if (!(q.features & KHO_FEATURE_FILE_LOAD)) {
		refused(EOPNOTSUPP, KHO_IMAGE, &begun, "begun, by a file, without kprobes");
		return;
	}
	need(call(KHO_IMAGE, &begun), "begun, by a file");
	result(image_is(KHO_IMAGE_NONE), "that is not loaded");
	refused(ENOENT, KHO_IMAGE, &loaded, "loaded, but none was seen");
	need(set_image(KHO_IMAGE_BEGUN), "begun, by kexec_load");
	need(set_image(KHO_IMAGE_LOADED), "that one is loaded");
	need(set_image(KHO_IMAGE_NONE), "none");
}

/* What a loader tells the module about a kernel, here without loading one. */
static void test_image(void)
{
	struct kho_image stale = { .size = sizeof(stale), .state = KHO_IMAGE_STALE };
	struct kho_image loaded = { .size = sizeof(loaded), .state = KHO_IMAGE_LOADED };

	struct kho_image limited = { .size = sizeof(limited), .limit = PAGE };
	struct kho_image small = {
		.size = sizeof(small), .state = KHO_IMAGE_BEGUN, .limit = 16ULL << 20,
	};

	result(image_is(KHO_IMAGE_NONE), "no kernel is loaded");
	refused(EINVAL, KHO_IMAGE, &limited, "a limit for none");
	refused(EINVAL, KHO_IMAGE, &stale, "a state that nobody can set");
	refused(EINVAL, KHO_IMAGE, &loaded, "loaded, but not begun");
	need(set_image(KHO_IMAGE_BEGUN), "begun");
	result(image_is(KHO_IMAGE_NONE), "begun is not loaded");
	need(set_image(KHO_IMAGE_BEGUN), "begun once more");
	need(set_image(KHO_IMAGE_LOADED), "loaded");
	result(image_is(KHO_IMAGE_LOADED), "a kernel is loaded");
	refused(EINVAL, KHO_IMAGE, &loaded, "loaded twice, but begun once");
	need(add_page(pool_pfn[0], 0), "add");
	need(del_page(pool_pfn[0], 0), "del");
	need(call(KHO_IMAGE, &small), "begun, one with mem=16M");
	result(image_is(KHO_IMAGE_LOADED), "the one before is still loaded");
	need(set_image(KHO_IMAGE_LOADED), "it is loaded");
	result(image_is(KHO_IMAGE_LOADED), "it knows all memory that it has");
	failed_with(EADDRNOTAVAIL, add_page(pool_pfn[0], 0), "a page that it has not");
	need(set_image(KHO_IMAGE_NONE), "none");
	result(image_is(KHO_IMAGE_NONE), "none is loaded any more");
	refused(EINVAL, KHO_IMAGE, &loaded, "and none was begun");
	test_image_by_file();
}

void test_envelopes(void)
{
	static bool in[POOL_PAGES];
	const char *why;
	unsigned int round, i, state = 1;

	meta_pages = malloc((size_t)META_MAX * PAGE);
	if (!meta_pages)
		die("no memory");
	why = wrong();
	result(!why, "envelopes of nothing: %s", why ?: "sound");
	for (round = 0; round < ROUNDS && !why; round++) {
		/* More and more pages at first, fewer later. */
		for (i = 0; i < 40; i++) {
			unsigned int n;

			state = state * 1103515245 + 12345;
			n = (state >> 8) % POOL_PAGES;
			if (in[n])
				need(del_page(pool_pfn[n], 0), "del");
			else if (round < ROUNDS / 2)
				need(add_page(pool_pfn[n], 0), "add");
			else
				continue;
			in[n] = !in[n];
		}
		why = wrong();
	}
	result(!why, "envelopes after each of %u rounds: %s", round,
	       why ?: "sound");
	for (i = 0; i < POOL_PAGES; i++)
		if (in[i])
			need(del_page(pool_pfn[i], 0), "del");
	why = wrong();
	result(!why, "envelopes after all is gone: %s", why ?: "sound");
	test_handoff();
	test_image();
	free(meta_pages);
}

// SPDX-License-Identifier: GPL-2.0
/* For fail-nth: commands for pages by number, lists, and how to hand over. */
#include "fail-nth.h"

static struct kho_page_entry entries[512];
static struct kho_page_entry list_room[8];
static char meta_pages[8 * PAGE];

static int run_batch(unsigned long cmd)
{
	struct kho_batch arg = {
		.size = sizeof(arg),
		.count = ARRAY_SIZE(entries),
		.entries = ptr64(entries),
	};

	return call(cmd, &arg);
}

static int do_add(void)
{
	return add_page(pool_pfn[0], 0);
}

static void undo_add(void)
{
	need(del_page(pool_pfn[0], 0), "del");
}

static int do_batch(void)
{
	return run_batch(KHO_BATCH_ADD);
}

static void undo_batch(void)
{
	need(run_batch(KHO_BATCH_DEL), "batch del");
}

static void prepare_del(void)
{
	need(add_page(pool_pfn[0], 0), "add");
}

static int do_del(void)
{
	return del_page(pool_pfn[0], 0);
}

static void prepare_batch_del(void)
{
	need(run_batch(KHO_BATCH_ADD), "batch add");
}

static int do_batch_del(void)
{
	return run_batch(KHO_BATCH_DEL);
}

static int do_list(void)
{
	struct kho_page_list arg = {
		.size = sizeof(arg),
		.count = ARRAY_SIZE(list_room),
		.entries = ptr64(list_room),
	};

	return call(KHO_PAGE_LIST, &arg);
}

static int do_meta(void)
{
	static struct kho_meta_entry room[8];
	struct kho_meta_read arg = {
		.size = sizeof(arg),
		.count = ARRAY_SIZE(room),
		.entries = ptr64(room),
		.pages = ptr64(meta_pages),
	};

	return call(KHO_META_READ, &arg);
}

static int do_envelopes(void)
{
	static struct kho_envelope_entry room[8];
	struct kho_envelope_list arg = {
		.size = sizeof(arg),
		.count = ARRAY_SIZE(room),
		.entries = ptr64(room),
	};

	return call(KHO_ENVELOPE_LIST, &arg);
}

static int do_subtrees(void)
{
	static struct kho_subtree_entry room[8];
	struct kho_subtree_list arg = {
		.size = sizeof(arg),
		.count = ARRAY_SIZE(room),
		.entries = ptr64(room),
	};

	return call(KHO_SUBTREE_LIST, &arg);
}

static int hand_over(__u32 how)
{
	struct kho_handoff arg = { .size = sizeof(arg), .how = how };

	return call(KHO_HANDOFF, &arg);
}

static int do_handoff(void)
{
	return hand_over(KHO_HANDOFF_ENVELOPES);
}

static void undo_handoff(void)
{
	need(hand_over(KHO_HANDOFF_EXACT), "handoff");
}

static int set_image(__u32 state)
{
	struct kho_image arg = { .size = sizeof(arg), .state = state };

	return call(KHO_IMAGE, &arg);
}

static int do_begin(void)
{
	return set_image(KHO_IMAGE_BEGUN);
}

static void prepare_image(void)
{
	need(set_image(KHO_IMAGE_BEGUN), "begin");
}

static int do_image(void)
{
	return set_image(KHO_IMAGE_LOADED);
}

static void undo_image(void)
{
	need(set_image(KHO_IMAGE_NONE), "no image");
}

/* Each success makes scratch larger, and nothing makes it smaller. */
static __u64 more_scratch;

static void prepare_scratch(void)
{
	struct kho_query q;

	get_query(kho, &q);
	more_scratch = q.scratch_size + 1;
}

static int do_scratch(void)
{
	struct kho_scratch_take arg = { .size = sizeof(arg), .bytes = more_scratch };

	return call(KHO_SCRATCH, &arg);
}

static int upgrade(__u32 state)
{
	struct kho_upgrade arg = { .size = sizeof(arg), .state = state };

	return call(KHO_UPGRADE, &arg);
}

static int do_leave(void)
{
	return upgrade(KHO_UPGRADE_LEAVE);
}

static void undo_leave(void)
{
	need(upgrade(KHO_UPGRADE_NONE), "stay");
}

/* After make_pool() */
void choose_pages(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		entries[i].pfn = pool_pfn[i];
}

static const struct test_case page_cases[] = {
	/* No other preserved page is near: all levels of the tree are allocated. */
	{ "PAGE_ADD", nothing, do_add, nothing_to_see, undo_add, nothing, 6 },
	{ "PAGE_DEL", prepare_del, do_del, nothing_to_see, nothing, undo_add, 1 },
	{ "BATCH_ADD", nothing, do_batch, nothing_to_see, undo_batch, nothing, 8 },
	{ "BATCH_DEL", prepare_batch_del, do_batch_del, nothing_to_see, nothing,
	  undo_batch, 3 },
	{ "PAGE_LIST", nothing, do_list, nothing_to_see, nothing, nothing, 2 },
	{ "META_READ", nothing, do_meta, nothing_to_see, nothing, nothing, 4 },
	{ "ENVELOPE_LIST", nothing, do_envelopes, nothing_to_see, nothing, nothing,
	  3 },
	{ "SUBTREE_LIST", nothing, do_subtrees, nothing_to_see, nothing, nothing,
	  3 },
	{ "HANDOFF", nothing, do_handoff, nothing_to_see, undo_handoff, nothing,
	  1 },
	{ "IMAGE begun", nothing, do_begin, nothing_to_see, undo_image, nothing, 2 },
	{ "IMAGE loaded", prepare_image, do_image, nothing_to_see, undo_image,
	  undo_image, 2 },
	{ "UPGRADE leave", nothing, do_leave, nothing_to_see, undo_leave, nothing, 3 },
	{ "SCRATCH grows", prepare_scratch, do_scratch, nothing_to_see, nothing, nothing, 6 },
};

void run_page_cases(void)
{
	run_cases(page_cases, ARRAY_SIZE(page_cases));
}

/* ---- Incoming pages ---- */

static struct kho_page_open arrived_page;
static int made_fd;

static int do_page_open(void)
{
	struct kho_page_open arg = arrived_page;
	int err = call(KHO_PAGE_OPEN, &arg);

	made_fd = arg.fd;
	return err;
}

static void undo_page_open(void)
{
	close(made_fd);
}

void find_arrived(void)
{
	need(do_list(), "list");
	if (!(list_room[0].flags & KHO_PAGE_ARRIVED))
		die("no page has arrived");
	arrived_page.size = sizeof(arrived_page);
	arrived_page.pfn = list_room[0].pfn;
	arrived_page.order = list_room[0].order;
}

static const struct test_case arrived_cases[] = {
	{ "PAGE_OPEN", nothing, do_page_open, nothing_to_see, undo_page_open,
	  nothing, 5 },
};

void run_arrived_cases(void)
{
	run_cases(arrived_cases, ARRAY_SIZE(arrived_cases));
}

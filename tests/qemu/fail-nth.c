// SPDX-License-Identifier: GPL-2.0
/*
 * Lets the 1st, 2nd, 3rd ... allocation of a command fail, until one run has
 * none left to fail.  Each failure has to be told and to leave nothing behind.
 * Needs a kernel with CONFIG_FAULT_INJECTION.  Speaks TAP.
 */
#include "ioctl.h"

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

static int made_fd;

static int do_create(void)
{
	return create("failing", 300 * PAGE, &made_fd);
}

static void undo_create(void)
{
	close(made_fd);
	need(remove_object("failing"), "remove");
}

static void prepare_object(void)
{
	int fd;

	need(create("failing", 300 * PAGE, &fd), "create");
	close(fd);
}

static void drop_object(void)
{
	need(remove_object("failing"), "remove");
}

static int do_open(void)
{
	struct kho_obj_name arg = { .size = sizeof(arg), .name = "failing" };
	int err = call(KHO_OBJ_OPEN, &arg);

	made_fd = arg.fd;
	return err;
}

static int do_remove(void)
{
	return remove_object("failing");
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

/* ---- Memory of the caller, that is there and that is not ---- */

#define ANON_PAGES	300

static char *anon;

static int do_preserve(void)
{
	return preserve("failing", anon, ANON_PAGES * PAGE, KHO_PRESERVE_SUM,
			&made_fd);
}

static void empty_memory(void)
{
	if (madvise(anon, ANON_PAGES * PAGE, MADV_DONTNEED))
		die("madvise: %s", strerror(errno));
}

/* ---- What objects can do ---- */

static int do_create_huge(void)
{
	return create_as("failing", HUGE_SIZE,
			 KHO_CREATE_HUGE | KHO_CREATE_SUM |
			 KHO_CREATE_UNCOMMITTED, 0, &made_fd);
}

static void undo_create_huge(void)
{
	close(made_fd);
}

static void prepare_open(void)
{
	need(create("failing", 300 * PAGE, &made_fd), "create");
}

static void prepare_sealed(void)
{
	prepare_open();
	need(seal_object(made_fd, KHO_SEAL_SUM), "seal");
}

static int do_commit(void)
{
	return commit_object(made_fd);
}

static int do_seal(void)
{
	return seal_object(made_fd, KHO_SEAL_SUM);
}

static int do_grow(void)
{
	return resize_object(made_fd, 2000 * PAGE);
}

static int do_shrink(void)
{
	return resize_object(made_fd, 77 * PAGE);
}

static int do_set_data(void)
{
	return set_data(made_fd, pool, 20000);
}

static int do_get_data(void)
{
	static char room[2000];
	struct kho_obj_data arg = {
		.size = sizeof(arg),
		.data = ptr64(room),
		.bytes = sizeof(room),
	};

	return call_on(made_fd, KHO_OBJ_GET_DATA, &arg);
}

static int do_set_owner(void)
{
	return set_owner(made_fd, KHO_OWNER_UID | KHO_OWNER_GID, 1, 1, 0);
}

static int do_verify(void)
{
	struct kho_obj_verify arg = { .count = ~0ULL };

	return verify(made_fd, &arg);
}

static int do_info_list(void)
{
	static struct kho_obj_info room[8];
	struct kho_obj_info_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(room),
		.count = ARRAY_SIZE(room),
		.entry_size = sizeof(room[0]),
	};

	return call(KHO_OBJ_INFO_LIST, &arg);
}

static void nothing(void)
{
}

static const struct {
	const char *name;
	void (*prepare)(void);
	int (*run)(void);
	/* After success, and after failure. */
	void (*undo)(void);
	void (*drop)(void);
	/* Failures that there have to be at least. */
	int least;
} cases[] = {
	/* The levels of the tree: pages that no other pages are near to. */
	{ "PAGE_ADD", nothing, do_add, undo_add, nothing, 5 },
	{ "PAGE_DEL", prepare_del, do_del, nothing, undo_add, 0 },
	{ "BATCH_ADD", nothing, do_batch, undo_batch, nothing, 5 },
	{ "BATCH_DEL", prepare_batch_del, do_batch_del, nothing, undo_batch, 0 },
	{ "OBJ_CREATE", nothing, do_create, undo_create, nothing, 5 },
	{ "OBJ_OPEN", prepare_object, do_open, undo_create, drop_object, 1 },
	{ "OBJ_REMOVE", prepare_object, do_remove, nothing, drop_object, 0 },
	{ "PAGE_LIST", nothing, do_list, nothing, nothing, 0 },
	{ "META_READ", nothing, do_meta, nothing, nothing, 1 },
	{ "OBJ_PRESERVE", nothing, do_preserve, undo_create, nothing, 5 },
	{ "OBJ_PRESERVE of what is not there", empty_memory, do_preserve,
	  undo_create, nothing, 5 },
	{ "OBJ_CREATE of huge pages", nothing, do_create_huge, undo_create_huge,
	  nothing, 5 },
	{ "OBJ_COMMIT", prepare_open, do_commit, undo_create, undo_create, 0 },
	{ "OBJ_SEAL", prepare_open, do_seal, undo_create, undo_create, 1 },
	{ "OBJ_RESIZE to more", prepare_open, do_grow, undo_create, undo_create,
	  2 },
	{ "OBJ_RESIZE to less", prepare_open, do_shrink, undo_create,
	  undo_create, 1 },
	{ "OBJ_SET_DATA", prepare_open, do_set_data, undo_create, undo_create,
	  2 },
	{ "OBJ_GET_DATA", prepare_open, do_get_data, undo_create, undo_create,
	  1 },
	{ "OBJ_SET_OWNER", prepare_open, do_set_owner, undo_create, undo_create,
	  0 },
	{ "OBJ_VERIFY", prepare_sealed, do_verify, undo_create, undo_create, 0 },
	{ "OBJ_INFO_LIST", nothing, do_info_list, nothing, nothing, 0 },
};

#define MOST	2000

/* Opened beforehand: opening it is an allocation too. */
static int nth_fd;

/* Sets which of the following allocations of this thread is to fail. */
static void set_nth(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	if (pwrite(nth_fd, text, len, 0) != len)
		die("fail-nth: %s", strerror(errno));
}

/* Were there fewer? */
static bool was_not_used(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0)
		die("fail-nth: %s", strerror(errno));
	return atoi(text) != 0;
}

int main(void)
{
	struct kho_query before;
	size_t i;
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	kho = open_kho();
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		die("fail-nth: %s", strerror(errno));
	make_pool();
	anon = map_anon(ANON_PAGES * PAGE);
	madvise(anon, ANON_PAGES * PAGE, MADV_NOHUGEPAGE);
	fill(anon, ANON_PAGES * PAGE, 1);
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		entries[i].pfn = pool_pfn[i];

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int failed = 0;
		bool good = true;

		for (n = 1; n < MOST && good; n++) {
			bool over;
			int err;

			get_query(kho, &before);
			cases[i].prepare();
			set_nth(n);
			err = cases[i].run();
			over = was_not_used();
			set_nth(0);
			failed += !!err;
			/* Allocations that can be done without may fail. */
			good = !err || (err == ENOMEM && !over);
			if (!good)
				printf("# allocation %d: %s\n", n,
				       name_of(err));
			if (err)
				cases[i].drop();
			else
				cases[i].undo();
			good = unchanged(&before, cases[i].name) && good;
			if (over)
				break;
		}
		result(good && n < MOST, "%s: %d runs, %d failed with ENOMEM",
		       cases[i].name, n, failed);
		result(failed >= cases[i].least, "%s: at least %d can fail",
		       cases[i].name, cases[i].least);
	}
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

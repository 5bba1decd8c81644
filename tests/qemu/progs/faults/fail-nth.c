// SPDX-License-Identifier: GPL-2.0
/*
 * fail-nth [arrived | unload MODULE]: lets the 1st, 2nd, 3rd ... thing that can fail in a
 * command do so, until one run has none left: allocations, and copies from and to
 * user memory.  Each failure has to be told by an errno that is documented, to
 * leave nothing behind and nothing changed, and the same command works afterwards.
 *
 * Objects are used by a user who has no more locked memory than that: if any stayed
 * charged, there would be too little.  With "arrived" it is only what needs a page
 * that did; with "unload" only that, and the module is not loaded before or after.
 *
 * Needs a kernel with CONFIG_FAULT_INJECTION.  Speaks TAP.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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

#define PAGES		300
/* What the user may lock: two objects, the larger one of a huge page. */
#define LIMIT_PAGES	2048

static int made_fd;
static char *content;

/* Is what the object has what was put there? */
static bool intact(void)
{
	return object_is(made_fd, content, 77 * PAGE);
}

static bool nothing_to_see(void)
{
	return true;
}

static int do_create(void)
{
	return create("failing", PAGES * PAGE, &made_fd);
}

static void undo_create(void)
{
	close(made_fd);
	need(remove_object("failing"), "remove");
}

static void prepare_object(void)
{
	int fd;

	need(create("failing", PAGES * PAGE, &fd), "create");
	close(fd);
}

static void drop_object(void)
{
	need(remove_object("failing"), "remove");
}

static int do_open(void)
{
	return open_object("failing", 0, &made_fd);
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

#define ANON_PAGES	60

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

static void fill_object(size_t bytes)
{
	if (pwrite(made_fd, content, bytes, 0) != (ssize_t)bytes)
		die("pwrite: %s", strerror(errno));
}

static void prepare_open(void)
{
	need(create("failing", PAGES * PAGE, &made_fd), "create");
	fill_object(PAGES * PAGE);
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
	return resize_object(made_fd, 1500 * PAGE);
}

static int do_shrink(void)
{
	return resize_object(made_fd, 77 * PAGE);
}

static int do_set_data(void)
{
	return set_data(made_fd, content, 20000);
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
	return set_owner(made_fd, KHO_OWNER_MODE, 0, 0, 0640);
}

static int do_info(void)
{
	struct kho_obj_info arg = { .size = sizeof(arg) };

	return call_on(made_fd, KHO_OBJ_INFO, &arg);
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

static int do_list_objects(void)
{
	static struct kho_obj_entry room[8];
	struct kho_obj_list arg = {
		.size = sizeof(arg),
		.count = ARRAY_SIZE(room),
		.entries = ptr64(room),
	};

	return call(KHO_OBJ_LIST, &arg);
}

static int do_query(void)
{
	struct kho_query arg = { .size = sizeof(arg) };

	return call(KHO_QUERY, &arg);
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

/* ---- What is done with files ---- */

static char *mapped;
static size_t mapped_bytes;

static int map_pages(size_t nr, int flags)
{
	mapped_bytes = nr * PAGE;
	mapped = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, flags, made_fd,
		      0);
	return mapped == MAP_FAILED ? errno : 0;
}

static int map_object(int flags)
{
	return map_pages(PAGES, flags);
}

static int do_mmap(void)
{
	return map_object(MAP_SHARED);
}

static void undo_mmap(void)
{
	munmap(mapped, mapped_bytes);
	undo_create();
}

static void prepare_shared(void)
{
	prepare_open();
	need(map_object(MAP_SHARED), "mmap");
}

static void prepare_private(void)
{
	prepare_open();
	/* Each page of it is an allocation. */
	need(map_pages(20, MAP_PRIVATE), "mmap");
}

/* By an entry of the PMD's size, if it is one huge page. */
static void prepare_huge(void)
{
	need(create_as("failing", HUGE_SIZE, KHO_CREATE_HUGE, 0, &made_fd),
	     "create");
	fill_object(PAGES * PAGE);
	mapped_bytes = HUGE_SIZE;
	mapped = map_aligned(HUGE_SIZE, HUGE_SIZE, made_fd,
			     PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* Memory of a process, whose mappings are of page numbers. */
static void prepare_numbers(void)
{
	need(preserve("failing", content, PAGES * PAGE, 0, &made_fd), "preserve");
	need(map_object(MAP_SHARED), "mmap");
}

/* 0, or why a page can't be there; without a signal. */
static int populate(int how)
{
	return madvise(mapped, mapped_bytes, how) ? errno : 0;
}

static int do_read_fault(void)
{
	return populate(MADV_POPULATE_READ);
}

static int do_write_fault(void)
{
	return populate(MADV_POPULATE_WRITE);
}

/* The kernel does not populate page numbers: it reads what is there. */
static int do_numbers_fault(void)
{
	ssize_t n = pwrite(made_fd, mapped, PAGE, 0);

	return n < 0 ? errno : n == (ssize_t)PAGE ? 0 : EFAULT;
}

static bool mapping_intact(void)
{
	return intact() && !memcmp(mapped, content, PAGES * PAGE);
}

/* A copy is that process' own. */
static bool copy_intact(void)
{
	if (memcmp(mapped, content, mapped_bytes))
		return false;
	memset(mapped, 1, mapped_bytes);
	return intact();
}

/* Some is as good as none, for who counts failures. */
static int all_of(ssize_t n)
{
	return n < 0 ? errno : n == 3 * (ssize_t)PAGE ? 0 : EFAULT;
}

static int do_read(void)
{
	static char room[3 * PAGE];

	return all_of(pread(made_fd, room, sizeof(room), 100));
}

static int do_write(void)
{
	return all_of(pwrite(made_fd, content + 128, 3 * PAGE, 128));
}

static pid_t child;

static int do_fork(void)
{
	child = fork();
	if (!child)
		_exit(memcmp(mapped, content, PAGES * PAGE) != 0);
	return child < 0 ? errno : 0;
}

static void undo_fork(void)
{
	int status;

	if (waitpid(child, &status, 0) != child || status)
		die("the child has status %#x", status);
	undo_mmap();
}

/* ---- What can't fail, whatever does ---- */

static void prepare_uncommitted(void)
{
	need(create_as("failing", PAGES * PAGE,
		       KHO_CREATE_UNCOMMITTED | KHO_CREATE_SUM, 0, &made_fd),
	     "create");
	need(set_data(made_fd, content, 5000), "data");
}

static int do_close(void)
{
	return close(made_fd) ? errno : 0;
}

/* The file was closed before. */
static void prepare_mapped(void)
{
	prepare_uncommitted();
	need(map_object(MAP_SHARED), "mmap");
	need(populate(MADV_POPULATE_WRITE), "populate");
	close(made_fd);
}

static int do_munmap(void)
{
	return munmap(mapped, mapped_bytes) ? errno : 0;
}

static void drop_mapped(void)
{
	need(do_munmap(), "munmap");
}

static void prepare_preserved(void)
{
	need(preserve("failing", content, PAGES * PAGE,
		      KHO_PRESERVE_UNCOMMITTED, &made_fd), "preserve");
}

/* ---- Pages that arrived ---- */

static struct kho_page_open arrived_page;

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

static void nothing(void)
{
}

struct test_case {
	const char *name;
	void (*prepare)(void);
	int (*run)(void);
	/* Looks whether all is as it should be, failed or not. */
	bool (*look)(void);
	/* After success, and after failure. */
	void (*undo)(void);
	void (*drop)(void);
	/* Failures that there have to be at least. */
	int least;
};

static const struct test_case page_cases[] = {
	/* The levels of the tree: pages that no other pages are near to. */
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
};

static const struct test_case object_cases[] = {
	{ "QUERY", nothing, do_query, nothing_to_see, nothing, nothing, 2 },
	{ "OBJ_CREATE", nothing, do_create, nothing_to_see, undo_create, nothing,
	  7 },
	{ "OBJ_OPEN", prepare_object, do_open, nothing_to_see, undo_create,
	  drop_object, 4 },
	{ "OBJ_REMOVE", prepare_object, do_remove, nothing_to_see, nothing,
	  drop_object, 1 },
	{ "OBJ_LIST", nothing, do_list_objects, nothing_to_see, nothing, nothing,
	  2 },
	{ "OBJ_INFO_LIST", prepare_object, do_info_list, nothing_to_see,
	  drop_object, drop_object, 3 },
	{ "OBJ_PRESERVE", nothing, do_preserve, nothing_to_see, undo_create,
	  nothing, 7 },
	{ "OBJ_PRESERVE of what is not there", empty_memory, do_preserve,
	  nothing_to_see, undo_create, nothing, 7 },
	{ "OBJ_CREATE of huge pages", nothing, do_create_huge, nothing_to_see,
	  undo_create_huge, nothing, 7 },
	{ "OBJ_COMMIT", prepare_open, do_commit, intact, undo_create, undo_create,
	  1 },
	{ "OBJ_SEAL", prepare_open, do_seal, intact, undo_create, undo_create, 2 },
	{ "OBJ_RESIZE to more", prepare_open, do_grow, intact, undo_create,
	  undo_create, 3 },
	{ "OBJ_RESIZE to less", prepare_open, do_shrink, intact, undo_create,
	  undo_create, 2 },
	{ "OBJ_SET_DATA", prepare_open, do_set_data, intact, undo_create,
	  undo_create, 5 },
	{ "OBJ_GET_DATA", prepare_open, do_get_data, intact, undo_create,
	  undo_create, 2 },
	{ "OBJ_SET_OWNER", prepare_open, do_set_owner, intact, undo_create,
	  undo_create, 1 },
	{ "OBJ_INFO", prepare_open, do_info, intact, undo_create, undo_create, 2 },
	{ "OBJ_VERIFY", prepare_sealed, do_verify, intact, undo_create,
	  undo_create, 2 },
	/* A copy that fails is tried again once the memory is there. */
	{ "read", prepare_open, do_read, intact, undo_create, undo_create, 0 },
	{ "write", prepare_open, do_write, intact, undo_create, undo_create, 0 },
	{ "mmap", prepare_open, do_mmap, intact, undo_mmap, undo_create, 1 },
	{ "fault, read", prepare_shared, do_read_fault, mapping_intact, undo_mmap,
	  undo_mmap, 0 },
	{ "fault, write", prepare_shared, do_write_fault, mapping_intact,
	  undo_mmap, undo_mmap, 0 },
	{ "fault, private", prepare_private, do_write_fault, copy_intact,
	  undo_mmap, undo_mmap, 2 },
	{ "fault, huge", prepare_huge, do_write_fault, mapping_intact, undo_mmap,
	  undo_mmap, 0 },
	{ "fault, of page numbers", prepare_numbers, do_numbers_fault,
	  mapping_intact, undo_mmap, undo_mmap, 0 },
	{ "fork", prepare_shared, do_fork, mapping_intact, undo_fork, undo_mmap,
	  10 },
	{ "close, uncommitted", prepare_uncommitted, do_close, nothing_to_see,
	  nothing, nothing, 0 },
	{ "close, uncommitted and of a process", prepare_preserved, do_close,
	  nothing_to_see, nothing, nothing, 0 },
	{ "munmap, uncommitted", prepare_mapped, do_munmap, nothing_to_see,
	  nothing, drop_mapped, 0 },
};

static const struct test_case arrived_cases[] = {
	{ "PAGE_OPEN", nothing, do_page_open, nothing_to_see, undo_page_open,
	  nothing, 5 },
};

#define MOST	2000

/* Opened beforehand: opening it is an allocation too. */
static int nth_fd;

/*
 * Sets which of the following things of this thread is to fail.  Writing that is
 * one itself, as reading it is.
 */
static void set_nth(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n), tries;

	for (tries = 0; tries < 10; tries++) {
		if (pwrite(nth_fd, text, len, 0) == len)
			return;
		if (errno != EFAULT && errno != ENOMEM)
			break;
	}
	die("fail-nth: %s", strerror(errno));
}

/* Were there fewer? */
static bool was_not_used(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) > 0)
		return atoi(text) != 0;
	/* It was the turn of this one. */
	if (errno == EFAULT)
		return true;
	die("fail-nth: %s", strerror(errno));
}

static void open_nth(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		die("fail-nth: %s", strerror(errno));
}

/* What each of them may say: see include/uapi/linux/kho.h. */
static bool is_documented(int err, const struct test_case *c)
{
	return err == ENOMEM || err == EFAULT ||
	       (err == EAGAIN && c->run == do_fork);
}

/* Lets the nth one fail; false if something is wrong, *@over if there is none. */
static bool run_once(const struct test_case *c, int n, bool *over, int *failed)
{
	struct kho_query before;
	bool good;
	int err;

	get_query(kho, &before);
	c->prepare();
	set_nth(n);
	err = c->run();
	*over = was_not_used();
	set_nth(0);
	*failed += !!err;
	/* What can be done without may fail. */
	good = !err || (is_documented(err, c) && !*over);
	if (!good)
		printf("# number %d: %s\n", n, name_of(err));
	if (good && (!err || c->drop != nothing) && !c->look()) {
		printf("# number %d: %s, and the content is not what it was\n", n,
		       name_of(err));
		good = false;
	}
	if (err)
		c->drop();
	else
		c->undo();
	if (!unchanged(&before, c->name)) {
		printf("# number %d: %s\n", n, name_of(err));
		return false;
	}
	if (!err || !good)
		return good;

	/* It works if nothing fails. */
	c->prepare();
	err = c->run();
	if (err) {
		printf("# number %d, and again: %s\n", n, name_of(err));
		return false;
	}
	good = c->look();
	c->undo();
	return unchanged(&before, c->name) && good;
}

static void run_case(const struct test_case *c)
{
	bool good = true, over = false;
	int failed = 0, n = 0;

	while (good && !over && n++ < MOST)
		good = run_once(c, n, &over, &failed);
	result(good && over, "%s: %d runs, %d failed", c->name, n, failed);
	result(failed >= c->least, "%s: at least %d can fail", c->name, c->least);
}

static void run_cases(const struct test_case *c, size_t nr)
{
	struct rlimit limit;
	int fd, err;

	for (; nr--; c++) {
		run_case(c);
		if (!geteuid())
			continue;
		/* All that there is to be had for this user can be had. */
		getrlimit(RLIMIT_MEMLOCK, &limit);
		err = create_as("all", limit.rlim_cur, KHO_CREATE_UNCOMMITTED, 0,
				&fd);
		if (!result(!err, "%s: nothing stays charged", c->name))
			printf("# got %s\n", name_of(err));
		if (!err)
			close(fd);
	}
}

static void as_user(void *arg)
{
	struct rlimit limit = { LIMIT_PAGES * PAGE, LIMIT_PAGES * PAGE };
	int fd;

	(void)arg;
	open_nth();
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setresgid(1, 1, 1) ||
	    setresuid(1, 1, 1))
		die("to be a user: %s", strerror(errno));
	failed_with(EDQUOT, create("more", (LIMIT_PAGES + 1) * PAGE, &fd),
		    "a user has a limit");
	run_cases(object_cases, ARRAY_SIZE(object_cases));
	close(nth_fd);
}

/* The module itself: nothing is preserved. */
static void unload_each(const char *path)
{
	bool good = true, over = false;
	int n = 0, fd, err;

	while (good && !over && n++ < MOST) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			die("%s: %s", path, strerror(errno));
		close(fd);
		set_nth(n);
		err = syscall(SYS_delete_module, "kho", O_NONBLOCK) ? errno : 0;
		over = was_not_used();
		set_nth(0);
		if (err && (over || (err != EFAULT && err != ENOMEM)))
			good = false;
		if (err && syscall(SYS_delete_module, "kho", O_NONBLOCK))
			good = false;
	}
	result(good && over, "delete_module: %d runs", n);
}

int main(int argc, char **argv)
{
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "unload")) {
		open_nth();
		unload_each(argv[2]);
		goto out;
	}
	kho = open_kho();
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "arrived")))
		die("usage: fail-nth [arrived | unload MODULE]");
	if (argc == 2) {
		need(do_list(), "list");
		if (!(list_room[0].flags & KHO_PAGE_ARRIVED))
			die("no page has arrived");
		arrived_page.size = sizeof(arrived_page);
		arrived_page.pfn = list_room[0].pfn;
		arrived_page.order = list_room[0].order;
		open_nth();
		run_cases(arrived_cases, ARRAY_SIZE(arrived_cases));
		goto out;
	}

	anon = map_anon(ANON_PAGES * PAGE);
	madvise(anon, ANON_PAGES * PAGE, MADV_NOHUGEPAGE);
	fill(anon, ANON_PAGES * PAGE, 1);
	content = map_anon(PAGES * PAGE);
	madvise(content, PAGES * PAGE, MADV_NOHUGEPAGE);
	fill(content, PAGES * PAGE, 2);
	/* Objects first: what there is of memory is copied with each fork(). */
	in_child("objects", as_user, NULL);
	make_pool();
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		entries[i].pfn = pool_pfn[i];
	open_nth();
	run_cases(page_cases, ARRAY_SIZE(page_cases));
out:
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Kills an agent at each named point of each command: the command has to be done then,
 * or to have changed nothing.  Needs a module that was built for a debug kernel
 * (module/base/inject.h).  Speaks TAP.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ioctl.h"

#define PAGES		300
#define MORE_PAGES	900
#define LESS_PAGES	77
#define BATCH		512
#define DATA_BYTES	20000

static char *anon;
static struct kho_page_entry entries[BATCH];

/* ---- What can be found afterwards ---- */

enum found {
	NONE,		/* there is no object, or no page is preserved */
	BEFORE,		/* as it was before the call */
	AFTER,		/* as it is after the call */
	WRONG,
};

static const char * const found_names[] = { "none", "before", "after", "wrong" };

static bool there(int *fd)
{
	return !open_object("victim", KHO_OPEN_READ, fd);
}

/* Does the object have @pages, with the content of @anon and zeroes behind that? */
static bool holds(int fd, __u64 pages)
{
	__u64 same = pages < PAGES ? pages : PAGES, i;
	struct kho_obj_info info;
	static char room[PAGE];

	object_info(fd, &info);
	if (info.bytes != pages * PAGE || info.pages != pages ||
	    !object_is(fd, anon, same * PAGE))
		return false;
	for (i = same; i < pages; i++)
		if (pread(fd, room, PAGE, i * PAGE) != (ssize_t)PAGE ||
		    !all_zero(room, PAGE))
			return false;
	return true;
}

static enum found whole_or_none(void)
{
	enum found found;
	int fd;

	if (!there(&fd))
		return NONE;
	found = holds(fd, PAGES) ? AFTER : WRONG;
	close(fd);
	return found;
}

/* Is there an object of zeroes, as it was created, or none? */
static enum found empty_or_none(void)
{
	static char room[PAGES * PAGE];
	struct kho_obj_info info;
	enum found found = WRONG;
	int fd;

	if (!there(&fd))
		return NONE;
	object_info(fd, &info);
	if (info.bytes == PAGES * PAGE &&
	    pread(fd, room, sizeof(room), 0) == (ssize_t)sizeof(room) &&
	    all_zero(room, sizeof(room)))
		found = AFTER;
	close(fd);
	return found;
}

static enum found sized(__u64 after)
{
	enum found found = WRONG;
	int fd;

	if (!there(&fd))
		return WRONG;
	if (holds(fd, PAGES))
		found = BEFORE;
	else if (holds(fd, after))
		found = AFTER;
	close(fd);
	return found;
}

static enum found larger(void)
{
	return sized(MORE_PAGES);
}

static enum found smaller(void)
{
	return sized(LESS_PAGES);
}

static enum found sealed(void)
{
	struct kho_obj_verify sums = { .count = ~0ULL };
	enum found found = WRONG;
	struct kho_obj_info info;
	int fd, writable;

	if (!there(&fd))
		return WRONG;
	object_info(fd, &info);
	if (!holds(fd, PAGES)) {
		found = WRONG;
	} else if (info.flags & KHO_OBJ_SEALED) {
		if (info.flags & KHO_OBJ_SUMMED && !verify(fd, &sums))
			found = AFTER;
	} else if (!open_object("victim", 0, &writable)) {
		/* It can still be mapped for writing, and sealed. */
		munmap(map_fd(writable, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED),
		       PAGE);
		if (!seal_object(writable, 0))
			found = BEFORE;
		close(writable);
	}
	close(fd);
	return found;
}

static enum found with_data(void)
{
	static char room[KHO_DATA_MAX];
	struct kho_obj_data arg = {
		.size = sizeof(arg),
		.data = ptr64(room),
		.bytes = sizeof(room),
	};
	enum found found = WRONG;
	int fd;

	if (!there(&fd))
		return WRONG;
	if (holds(fd, PAGES) && !call_on(fd, KHO_OBJ_GET_DATA, &arg)) {
		if (arg.bytes == 3 && !memcmp(room, "old", 3))
			found = BEFORE;
		else if (arg.bytes == DATA_BYTES && !memcmp(room, anon, DATA_BYTES))
			found = AFTER;
	}
	close(fd);
	return found;
}

static enum found owned(void)
{
	enum found found = WRONG;
	struct kho_obj_info info;
	struct stat st;
	int fd;

	if (!there(&fd))
		return WRONG;
	object_info(fd, &info);
	if (fstat(fd, &st) || st.st_uid != info.uid || st.st_gid != info.gid)
		found = WRONG;
	else if (!info.uid && !info.gid && info.mode == 0600)
		found = BEFORE;
	else if (info.uid == 7 && info.gid == 8 && info.mode == 0640)
		found = AFTER;
	close(fd);
	return found;
}

static enum found gone(void)
{
	return whole_or_none() == NONE ? NONE : WRONG;
}

static enum found removed(void)
{
	enum found found = whole_or_none();

	return found == NONE ? AFTER : found == AFTER ? BEFORE : WRONG;
}

static __u64 raw_before;

static enum found pages(void)
{
	struct kho_query now;

	get_query(kho, &now);
	if (now.raw_pages == raw_before)
		return NONE;
	return now.raw_pages == raw_before + BATCH ? AFTER : WRONG;
}

/* ---- What is done ---- */

static int run_batch(unsigned long cmd)
{
	struct kho_batch arg = {
		.size = sizeof(arg),
		.count = BATCH,
		.entries = ptr64(entries),
	};

	return call(cmd, &arg);
}

static void nothing(void)
{
}

static void prepare_object(void)
{
	int fd;

	need(create("victim", PAGES * PAGE, &fd), "create");
	if (pwrite(fd, anon, PAGES * PAGE, 0) != PAGES * (ssize_t)PAGE)
		die("pwrite: %s", strerror(errno));
	need(set_data(fd, "old", 3), "data");
	close(fd);
}

static void prepare_batch(void)
{
	need(run_batch(KHO_BATCH_ADD), "batch");
}

static int opened(void)
{
	int fd;

	need(open_object("victim", 0, &fd), "open");
	return fd;
}

static void do_create(void)
{
	int fd;

	create("victim", PAGES * PAGE, &fd);
}

static void do_preserve(void)
{
	int fd;

	preserve("victim", anon, PAGES * PAGE, KHO_PRESERVE_SUM, &fd);
}

static void make_uncommitted(int *fd)
{
	need(create_as("victim", PAGES * PAGE, KHO_CREATE_UNCOMMITTED, 0, fd),
	     "create");
	if (pwrite(*fd, anon, PAGES * PAGE, 0) != PAGES * (ssize_t)PAGE)
		die("pwrite: %s", strerror(errno));
}

static void do_commit(void)
{
	int fd;

	make_uncommitted(&fd);
	commit_object(fd);
}

static void do_close(void)
{
	int fd;

	make_uncommitted(&fd);
	close(fd);
}

static void do_grow(void)
{
	resize_object(opened(), MORE_PAGES * PAGE);
}

static void do_shrink(void)
{
	resize_object(opened(), LESS_PAGES * PAGE);
}

static void do_seal(void)
{
	seal_object(opened(), KHO_SEAL_SUM);
}

static void do_data(void)
{
	set_data(opened(), anon, DATA_BYTES);
}

static void do_owner(void)
{
	set_owner(opened(), KHO_OWNER_UID | KHO_OWNER_GID | KHO_OWNER_MODE, 7, 8,
		  0640);
}

static void do_remove(void)
{
	remove_object("victim");
}

static void do_add(void)
{
	run_batch(KHO_BATCH_ADD);
}

static void do_del(void)
{
	run_batch(KHO_BATCH_DEL);
}

static const struct {
	const char *name;
	void (*prepare)(void);
	void (*run)(void);
	enum found (*look)(void);
	/* The points in the order in which @run comes to them, at least once each. */
	const char *points[8];
} cases[] = {
	{ "OBJ_CREATE", nothing, do_create, empty_or_none,
	  { "create-begun", "insert-marked", "insert-locked", "insert-written",
	    "insert-done" } },
	{ "OBJ_PRESERVE", nothing, do_preserve, whole_or_none,
	  { "pin-piece", "insert-marked", "insert-locked", "insert-written",
	    "insert-done" } },
	{ "OBJ_COMMIT", nothing, do_commit, whole_or_none,
	  { "commit", "commit-written" } },
	{ "close", nothing, do_close, gone,
	  { "release", "release-ended", "release-unmarked" } },
	{ "OBJ_RESIZE to more", prepare_object, do_grow, larger,
	  { "larger-begun", "larger-marked", "larger-written" } },
	{ "OBJ_RESIZE to less", prepare_object, do_shrink, smaller,
	  { "smaller-begun", "smaller-written", "smaller-unmarked",
	    "smaller-marked", "smaller-unmapped" } },
	{ "OBJ_SEAL", prepare_object, do_seal, sealed,
	  { "seal", "seal-sums", "seal-summed" } },
	{ "OBJ_SET_DATA", prepare_object, do_data, with_data,
	  { "data", "data-set" } },
	{ "OBJ_SET_OWNER", prepare_object, do_owner, owned, { "owner" } },
	{ "OBJ_REMOVE", prepare_object, do_remove, removed,
	  { "remove-ended", "remove-unmarked" } },
	{ "BATCH_ADD", nothing, do_add, pages, { "add-piece", "add-marked" } },
	{ "BATCH_DEL", prepare_batch, do_del, pages,
	  { "del-checked", "del-done" } },
};

/* ---- Killing ---- */

#define PARAMETERS	"/sys/module/kho/parameters/"

static void set_parameter(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(value);

	if (fd < 0 || write(fd, value, len) != len)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static bool is_held(void)
{
	int fd = open(PARAMETERS "inject_came", O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		die("inject_came: %s", strerror(errno));
	close(fd);
	return atoi(text) > 0;
}

/* Kills a process in @run while it is at @point; false if it does not come there. */
static bool kill_at(const char *point, void (*run)(void))
{
	int i, status;
	bool held;
	pid_t pid;

	set_parameter(PARAMETERS "inject", point);
	set_parameter(PARAMETERS "inject_came", "0");
	set_parameter(PARAMETERS "inject_ms", "300");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		run();
		for (;;)
			pause();
	}
	for (i = 0; i < 3000 && !is_held(); i++)
		usleep(10000);
	held = is_held();
	kill(pid, SIGKILL);
	set_parameter(PARAMETERS "inject_ms", "0");
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork: %s", strerror(errno));
	return held;
}

/* Gives up the object and the batch, as far as there are any. */
static void clean_up(void)
{
	struct kho_query now;

	remove_object("victim");
	get_query(kho, &now);
	if (now.raw_pages != raw_before)
		need(run_batch(KHO_BATCH_DEL), "batch del");
}

int main(void)
{
	static __u64 batch_pfn[BATCH];
	struct kho_query before;
	size_t i, k;
	void *batch;

	setvbuf(stdout, NULL, _IOLBF, 0);
	kho = open_kho();
	/* Few pages, as each child gets a copy of all memory. */
	batch = locked_pages(BATCH);
	pfns_of(batch, batch_pfn, BATCH);
	anon = map_anon(PAGES * PAGE);
	fill(anon, PAGES * PAGE, 5);
	for (i = 0; i < BATCH; i++)
		entries[i].pfn = batch_pfn[i];
	get_query(kho, &before);
	raw_before = before.raw_pages;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (k = 0; k < ARRAY_SIZE(cases[i].points); k++) {
			const char *point = cases[i].points[k];
			const char *what = "never came there";
			enum found found;
			bool held;

			if (!point)
				break;
			cases[i].prepare();
			held = kill_at(point, cases[i].run);
			found = cases[i].look();
			clean_up();
			if (held)
				what = found_names[found];
			result(held && found != WRONG &&
			       unchanged(&before, cases[i].name),
			       "%s, killed at %s: %s", cases[i].name, point,
			       what);
		}
	}
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

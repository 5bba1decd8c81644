// SPDX-License-Identifier: GPL-2.0
/*
 * Races that need no luck: a process is held up at a named place in the module.  Only
 * then do others begin, and only once they are done does it go on.
 */
#include <sys/wait.h>

#include "ioctl.h"
#include "race.h"

/* Longer than anything that is done while a process is held up. */
#define HELD_MS		"60000"

static const char parameters[] = "/sys/module/kho/parameters";

static void set_parameter(const char *name, const char *value)
{
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", parameters, name);
	f = fopen(path, "w");
	if (!f || fputs(value, f) < 0 || fclose(f))
		die("%s: %s", path, strerror(errno));
}

static int nr_held(void)
{
	char path[80];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s/inject_held", parameters);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d", &n) != 1)
		die("%s: %s", path, strerror(errno));
	fclose(f);
	return n;
}

/* Runs @run(@arg) in a process, up to @point.  Its result is the exit status. */
static pid_t hold(const char *point, int (*run)(void *arg), void *arg)
{
	int i, status;
	pid_t pid;

	set_parameter("inject_ms", HELD_MS);
	set_parameter("inject", point);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(run(arg));
	if (pid < 0)
		die("fork: %s", strerror(errno));
	for (i = 0; i < 3000 && !nr_held(); i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			die("%s: nobody comes by, status %#x", point, status);
		usleep(10000);
	}
	result(nr_held(), "%s: a process is held up there", point);
	return pid;
}

/* Lets the process go on to its end; returns its exit status. */
static int let_go(pid_t pid)
{
	int status;

	set_parameter("inject", "none");
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- A page fault, and pages that are cut off ---- */

struct touching {
	char *p;
	bool write;
};

/* A page is copied at once only if it is written before it is read: hence read(). */
static int touch(void *arg)
{
	const struct touching *touching = arg;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (touching->write)
		return read(zero, touching->p, 1) == 1;
	return can_touch(touching->p, false);
}

/* An object is cut off while its last page is faulted in, which must not be mapped then. */
static void fault_and_cut(size_t bytes, size_t left, __u32 flags, int map,
			  bool write, const char *what)
{
	struct touching touching = { .write = write };
	char *p, *again, byte;
	pid_t pid;
	int fd;

	need(create_as("race", bytes, flags, 0, &fd), "create");
	p = map_aligned(bytes, HUGE_SIZE, fd, PROT_READ | PROT_WRITE, map);
	touching.p = p + bytes - PAGE;
	pid = hold("fault", touch, &touching);
	done(resize_object(fd, left), what);
	result(!let_go(pid), "%s: what was to be mapped is gone: SIGBUS", what);
	result(!can_touch(touching.p, write), "%s: for others too", what);

	need(resize_object(fd, bytes), "resize");
	if (map == MAP_SHARED) {
		touching.p[0] = 'w';
		result(pread(fd, &byte, 1, bytes - PAGE) == 1 && byte == 'w',
		       "%s: what is written once it has grown is there", what);
		again = map_fd(fd, bytes, PROT_READ, MAP_SHARED);
		result(again[bytes - PAGE] == 'w', "%s: for others too", what);
		munmap(again, bytes);
	}
	munmap(p, bytes);
	close(fd);
	need(remove_object("race"), "remove");
}

static void test_fault(void)
{
	fault_and_cut(2 * HUGE_SIZE, HUGE_SIZE, KHO_CREATE_HUGE, MAP_SHARED, true,
		      "write to a huge page and cut it off");
	fault_and_cut(2 * HUGE_SIZE, HUGE_SIZE, KHO_CREATE_HUGE, MAP_SHARED, false,
		      "read a huge page and cut it off");
	fault_and_cut(2 * HUGE_SIZE, HUGE_SIZE, KHO_CREATE_HUGE, MAP_PRIVATE, true,
		      "copy from a huge page and cut it off");
}

/* ---- A page fault, and a page that is poisoned meanwhile ---- */

/* The last page is poisoned while it is faulted in; another mapping has it already. */
static void fault_and_poison(size_t bytes, __u32 flags, int map, bool write,
			     const char *what)
{
	struct touching touching = { .write = write };
	struct kho_obj_info info;
	char *p, *other;
	int fd, status;
	pid_t pid;

	need(create_as("race", bytes, flags, 0, &fd), "create");
	other = map_aligned(bytes, HUGE_SIZE, fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	other[bytes - PAGE] = 'o';
	p = map_aligned(bytes, HUGE_SIZE, fd, PROT_READ | PROT_WRITE, map);
	touching.p = p + bytes - PAGE;
	pid = hold("fault-looked", touch, &touching);
	offline_page(pfn_of(other + bytes - PAGE));
	status = let_go(pid);
	/* A process that died in the fault has the page locked for ever. */
	if (!result(status < 128, "%s, and poison it meanwhile", what))
		die("%s: status %#x", what, status);
	object_info(fd, &info);
	result(info.poisoned_pages == 1, "%s: it is told that it is", what);
	result(!can_touch(touching.p, false), "%s: and nobody has it mapped", what);
	result(!can_touch(other + bytes - PAGE, true), "%s: for others too", what);
	munmap(other, bytes);
	munmap(p, bytes);
	close(fd);
	need(remove_object("race"), "remove");
}

static void test_poison(void)
{
	fault_and_poison(HUGE_SIZE, KHO_CREATE_HUGE, MAP_SHARED, false,
			 "read a huge page");
	fault_and_poison(HUGE_SIZE, KHO_CREATE_HUGE, MAP_SHARED, true,
			 "write to a huge page");
	fault_and_poison(HUGE_SIZE, KHO_CREATE_HUGE, MAP_PRIVATE, true,
			 "copy from a huge page");
	fault_and_poison(4 * PAGE, 0, MAP_SHARED, true, "write to a page");
	fault_and_poison(4 * PAGE, 0, MAP_PRIVATE, true, "copy a page");
}

/* ---- Work on one object that takes long, and calls that do not concern it ---- */

/* One call of each kind. */
static void call_all(void)
{
	static struct kho_obj_info room[8];
	struct kho_obj_info_list list = {
		.size = sizeof(list),
		.entries = ptr64(room),
		.count = ARRAY_SIZE(room),
		.entry_size = sizeof(room[0]),
	};
	struct kho_obj_info info;
	int fd, again;

	need(call(KHO_OBJ_INFO_LIST, &list), "list objects");
	need(create("other", 40 * PAGE, &fd), "create");
	object_info(fd, &info);
	need(set_data(fd, "data", 4), "set data");
	need(resize_object(fd, 80 * PAGE), "grow");
	need(resize_object(fd, 30 * PAGE), "shrink");
	need(open_object("other", 0, &again), "open");
	close(again);
	need(commit_object(fd), "commit");
	close(fd);
	need(remove_object("other"), "remove");
	need(add_page(pool_pfn[0], 0), "add a page");
	need(del_page(pool_pfn[0], 0), "delete it");
}

static struct {
	int fd;
	char *p;
	size_t bytes;
} large;

static int open_large(void *arg ATTRIBUTE(unused))
{
	int fd;

	return open_object("large", 0, &fd);
}

static int seal_large(void *arg ATTRIBUTE(unused))
{
	return seal_object(large.fd, 0);
}

static int sum_large(void *arg ATTRIBUTE(unused))
{
	return seal_object(large.fd, KHO_SEAL_SUM);
}

static int preserve_large(void *arg ATTRIBUTE(unused))
{
	int fd;

	return preserve("again", large.p, large.bytes, 0, &fd);
}

/*
 * @run is held up at @point.  A call that waited for it would return only after
 * HELD_MS, when it is held up no more.
 */
static void others_go_on(const char *point, int (*run)(void *arg), int want,
			 const char *what)
{
	pid_t pid;

	need(create("large", large.bytes, &large.fd), "create");
	pid = hold(point, run, NULL);
	/* None of these calls comes to @point, where it would be held up as well. */
	call_all();
	result(nr_held() == 1, "%s: other calls do not wait for it", what);
	result(let_go(pid) == want, "%s: and it comes to its end", what);
	close(large.fd);
	need(remove_object("large"), "remove");
}

static void test_long(void)
{
	int fd;

	large.bytes = 64 * PAGE;
	others_go_on("in_use", seal_large, 0, "look for other users of a page");
	others_go_on("sums", sum_large, 0, "have room for sums");
	/* A child gets copies of the pinned pages of a private mapping. */
	large.p = mmap(NULL, large.bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (large.p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	fill(large.p, large.bytes, 1);
	need(preserve("taken", large.p, large.bytes, 0, &fd), "preserve");
	others_go_on("taken", preserve_large, EEXIST, "look for what is preserved");
	close(fd);
	need(remove_object("taken"), "remove");
	munmap(large.p, large.bytes);
}

/* Here only calls that open nothing can be made: others would be held up as well. */
static void test_opening(void)
{
	struct kho_query q;
	pid_t pid;
	int fd;

	need(create("large", large.bytes, &fd), "create");
	pid = hold("whole", open_large, NULL);
	get_query(kho, &q);
	need(create("other", PAGE, &large.fd), "create");
	close(large.fd);
	need(remove_object("other"), "remove");
	result(nr_held() == 1, "make folios: other calls do not wait for it");
	result(!let_go(pid), "make folios: and it comes to its end");
	close(fd);
	need(remove_object("large"), "remove");
}

/* ---- Pages by number, and scratch that grows ---- */

static int grow(void *arg)
{
	struct kho_scratch_take take = { .size = sizeof(take), .bytes = *(__u64 *)arg };

	return call(KHO_SCRATCH, &take);
}

/* Preserves the page, if it is in use, and notes it. */
static void take_page(__u64 pfn, __u64 *taken, unsigned int *nr)
{
	if (!add_page(pfn, 0))
		taken[(*nr)++] = pfn;
}

static bool none_in_scratch(const __u64 *taken, unsigned int nr)
{
	struct kho_query q;
	unsigned int i;

	get_query(kho, &q);
	for (i = 0; i < nr; i++)
		if (taken[i] * PAGE - q.scratch_addr < q.scratch_size)
			return false;
	return true;
}

/* Waits until scratch has moved. */
static bool has_moved(const struct kho_query *before)
{
	struct kho_query q;
	int i;

	for (i = 0; i < 3000; i++) {
		get_query(kho, &q);
		if (q.scratch_addr != before->scratch_addr)
			return true;
		usleep(10000);
	}
	return false;
}

/*
 * The pages that scratch is about to get, and those that it has just given up, are in use:
 * whoever preserves pages by number may take one.
 */
static void test_scratch(void)
{
	struct kho_query before;
	__u64 bytes, first, end, taken[4];
	unsigned int nr = 0, i, old;
	pid_t pid;

	get_query(kho, &before);
	first = before.scratch_addr / PAGE;
	end = first + before.scratch_size / PAGE;
	bytes = before.scratch_size + 1;
	pid = hold("scratch-change", grow, &bytes);
	take_page(end, taken, &nr);
	take_page(first - 1, taken, &nr);
	result(nr, "pages beside scratch are preserved, which is about to grow: %u", nr);

	/* It can't grow there, so it moves.  That is the next place to be held up at. */
	set_parameter("inject", "scratch-moved");
	result(has_moved(&before), "it moves elsewhere");
	old = nr;
	take_page(first, taken, &nr);
	take_page(first + 7, taken, &nr);
	result(nr == old + 2, "pages that it is about to free are preserved");
	done(let_go(pid), "it has grown");
	result(none_in_scratch(taken, nr), "none of them is in scratch");
	for (i = 0; i < nr; i++)
		need(del_page(taken[i], 0), "give up");
}

void test_held(void)
{
	make_pool();
	test_fault();
	test_poison();
	test_long();
	test_opening();
	test_scratch();
}

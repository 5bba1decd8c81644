// SPDX-License-Identifier: GPL-2.0
/*
 * fail-nth [arrived | unload MODULE]: runs each command again and again, and makes its
 * 1st, 2nd, 3rd ... step fail that can: an allocation, or a copy from or to user memory.
 * It is done when a run has fewer steps.  Each failure has to return a documented errno
 * and to change nothing, and the same command has to work afterwards.
 *
 * The user of the objects may lock only LIMIT_PAGES: if any stayed charged, there would
 * be too few.  "arrived" tests only what needs an incoming page; "unload" only unloading
 * the module, which is not loaded before or after.
 *
 * Needs a kernel with CONFIG_FAULT_INJECTION.  Speaks TAP.
 */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "fail-nth.h"

/* What the user may lock: enough for any of the cases. */
#define LIMIT_PAGES	2048

bool nothing_to_see(void)
{
	return true;
}

void nothing(void)
{
}

#define MOST	2000

/* Opened beforehand: opening it is an allocation too. */
static int nth_fd;

/*
 * Sets which of this thread's next steps is to fail.  Writing the number is such a step
 * itself, and so is reading it.
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

/* Were there fewer steps, so that none has failed? */
static bool was_not_used(void)
{
	char text[16] = "";

	if (pread(nth_fd, text, sizeof(text) - 1, 0) > 0)
		return atoi(text) != 0;
	/* The step that had to fail was this read. */
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

/* The errnos that a command may return: see include/uapi/linux/kho.h. */
static bool is_documented(int err, const struct test_case *c)
{
	return err == ENOMEM || err == EFAULT ||
	       (err == EAGAIN && c->run == do_fork);
}

/* Makes step @n fail; false if something is wrong, *@over if there are fewer steps. */
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
	/* The command may have done without what failed. */
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

	/* If nothing fails, the command works. */
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

void run_cases(const struct test_case *c, size_t nr)
{
	struct rlimit limit;
	int fd, err;

	for (; nr--; c++) {
		run_case(c);
		if (!geteuid())
			continue;
		/* This user can have all of the limit again. */
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
	run_object_cases();
	close(nth_fd);
}

/* Makes each step of unloading the module fail, with nothing preserved. */
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
		find_arrived();
		open_nth();
		run_arrived_cases();
		goto out;
	}

	make_content();
	/* Objects first, while there is little memory for each fork() to copy. */
	in_child("objects", as_user, NULL);
	make_pool();
	choose_pages();
	open_nth();
	run_page_cases();
out:
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Races that need no luck: a process is held up at a named place of the module,
 * until it is there others do nothing, and it goes on once they are done.
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

/* Runs @run(@arg) in a process, whose exit status that is, up to @point. */
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

/* It goes on; its exit status. */
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

/* Only a write that nobody has looked at the page before has it copied at once. */
static int touch(void *arg)
{
	const struct touching *touching = arg;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (touching->write)
		return read(zero, touching->p, 1) == 1;
	return can_touch(touching->p, false);
}

/* What is found at @offset before the object ends there is not to be mapped. */
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
	fault_and_cut(40 * PAGE, 20 * PAGE, 0, MAP_PRIVATE, true,
		      "copy a page and cut it off");
}

void test_held(void)
{
	test_fault();
}

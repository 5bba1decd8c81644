// SPDX-License-Identifier: GPL-2.0
/*
 * RLIMIT_MEMLOCK also limits a user who has many users in a user namespace, and a
 * memory cgroup is charged for objects that its processes allocate.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guard.h"
#include "ioctl.h"

enum { BOB = 1001, EVE = 1004 };

#define LIMIT		(16 * PAGE)
#define SUB_UID		100000
#define SUB_UIDS	40

static void limit(rlim_t bytes)
{
	struct rlimit rlimit = { bytes, bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &rlimit))
		die("RLIMIT_MEMLOCK: %s", strerror(errno));
}

/* Removes the objects whose names begin with @name; returns how many pages they had. */
static __u64 remove_all(const char *name)
{
	struct kho_obj_entry entries[SUB_UIDS + 8];
	struct kho_obj_list list = {
		.size = sizeof(list),
		.entries = ptr64(entries),
		.count = ARRAY_SIZE(entries),
	};
	__u64 pages = 0;
	__u32 i;

	need(call(KHO_OBJ_LIST, &list), "OBJ_LIST");
	for (i = 0; i < list.count; i++) {
		if (strncmp((char *)entries[i].name, name, strlen(name)))
			continue;
		pages += entries[i].pages;
		need(remove_object((char *)entries[i].name), "remove");
	}
	return pages;
}

static void make_one(const char *name, int number)
{
	char full[KHO_NAME_SIZE] = "";
	int fd;

	snprintf(full, sizeof(full), "%s-%d", name, number);
	if (!create(full, LIMIT, &fd))
		close(fd);
}

/*
 * As user @uid of the namespace, in a process of its own, tries to use up the limit;
 * with @inner, from a namespace inside that one.
 */
static void try_as(const char *name, int uid, int inner)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setresuid(uid, uid, uid))
			die("uid %d: %s", uid, strerror(errno));
		if (inner && unshare(CLONE_NEWUSER))
			die("unshare: %s", strerror(errno));
		make_one(name, 2 * uid + inner);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("uid %d: status %#x", uid, status);
}

static void map_ids(pid_t pid)
{
	char path[64], map[128];

	snprintf(map, sizeof(map), "0 %d 1\n1 %d %d\n", EVE, SUB_UID, SUB_UIDS);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_text(path, map);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_text(path, map);
}

/* Becomes root of a user namespace of Eve's, and tries to use up the limit as each user. */
static void many_users(const int *ends, const int *back)
{
	char byte;
	int i;

	limit(LIMIT);
	become_user(EVE, EVE);
	if (unshare(CLONE_NEWUSER))
		die("unshare: %s", strerror(errno));
	if (write(ends[1], "", 1) != 1 || read(back[0], &byte, 1) != 1)
		die("pipe: %s", strerror(errno));
	for (i = 1; i <= SUB_UIDS; i++)
		try_as("uns", i, i % 4 == 0);
	make_one("uns", 0);
}

static void by_real_uid(void *arg)
{
	(void)arg;
	limit(LIMIT);
	/* Like a set-user-ID program of Bob's that Eve runs. */
	become_user(EVE, BOB);
	make_one("suid", 1);
}

static void as_eve(void *arg)
{
	int fd, err;

	(void)arg;
	limit(LIMIT);
	become_user(EVE, EVE);
	err = create("eve", PAGE, &fd);
	failed_with(EDQUOT, err, "Eve has no more outside of it");
	if (!err) {
		close(fd);
		need(remove_object("eve"), "remove");
	}
}

static void eve_has_all(void *arg)
{
	int fd;

	(void)arg;
	limit(LIMIT);
	become_user(EVE, EVE);
	if (!done(create("eve", LIMIT, &fd), "Eve has all of it again"))
		return;
	close(fd);
	need(remove_object("eve"), "remove");
}

void test_namespaces(void)
{
	int ends[2], back[2], status;
	char byte;
	pid_t pid;
	__u64 pages;

	if (pipe2(ends, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		many_users(ends, back);
		_exit(0);
	}
	if (pid < 0 || read(ends[0], &byte, 1) != 1)
		die("a namespace: %s", strerror(errno));
	map_ids(pid);
	if (write(back[1], "", 1) != 1 || waitpid(pid, &status, 0) != pid)
		die("a namespace: %s", strerror(errno));
	result(!status, "40 users of a namespace have tried");
	in_child("Eve", as_eve, NULL);
	pages = remove_all("uns-");
	if (!result(pages == LIMIT / PAGE, "and have as much as one user"))
		printf("# %llu pages\n", (unsigned long long)pages);
	in_child("Eve", eve_has_all, NULL);

	in_child("Eve's program", by_real_uid, NULL);
	in_child("Eve", as_eve, NULL);
	result(remove_all("suid-") == LIMIT / PAGE,
	       "a program of another user's counts for who runs it");
}

/* ---- Memory cgroups ---- */

#define CGROUPS		DIR "/cgroup"
#define OUTER		CGROUPS "/outer"
#define INNER		OUTER "/inner"

#define MIB		(1LL << 20)
/* Each CPU may hold 64 charged pages in stock; the rest is the process's own memory. */
#define SLACK		(2 * MIB)

/* The number in a file: the only one if @word is NULL, else that behind @word. */
static long long number(const char *path, const char *word)
{
	char line[128];
	long long n = -1;
	FILE *f = fopen(path, "r");

	if (!f)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (!word)
			n = atoll(line);
		else if (!strncmp(line, word, strlen(word)) &&
			 line[strlen(word)] == ' ')
			n = atoll(line + strlen(word));
	}
	fclose(f);
	return n;
}

static long long usage(void)
{
	return number(INNER "/memory.current", NULL);
}

/* Checks that the number comes within @slack of @want, at most 10 s from now. */
static void becomes(const char *path, const char *word, long long want,
		    long long slack, const char *what)
{
	long long got = 0;
	int i;

	for (i = 0; i < 200; i++) {
		got = number(path, word);
		if (got >= want - slack && got <= want + slack)
			break;
		usleep(50 * 1000);
	}
	if (!result(i < 200, "%s", what))
		printf("# %lld, not %lld\n", got, want);
}

static void charged(long long want, const char *what)
{
	becomes(INNER "/memory.current", NULL, want, SLACK, what);
}

static void remove_closed(int fd, const char *name)
{
	close(fd);
	need(remove_object(name), "remove");
}

static void limited(void)
{
	long long before = usage();
	char text[32];
	int fd, err;

	snprintf(text, sizeof(text), "%lld", before + 16 * MIB);
	write_text(INNER "/memory.max", text);
	err = create("all", 64 * MIB, &fd);
	failed_with(ENOMEM, err, "create more than the cgroup may have");
	err = create_as("all", 64 * MIB, KHO_CREATE_HUGE, 0, &fd);
	failed_with(ENOMEM, err, "create more huge pages than that");
	need(create("some", 4 * MIB, &fd), "create");
	failed_with(ENOMEM, resize_object(fd, 64 * MIB),
		    "resize to more than it may have");
	remove_closed(fd, "some");
	result(!number(INNER "/memory.events", "oom_kill"), "nobody is killed");
	charged(before, "and what was had of it is given back");
	write_text(INNER "/memory.max", "max");
}

static void in_cgroup(void *arg)
{
	long long before;
	char *p;
	int fd;

	(void)arg;
	write_text(INNER "/cgroup.procs", "0");
	before = usage();
	need(create("a", 16 * MIB + PAGE, &fd), "create");
	charged(before + 16 * MIB, "an object is charged to the cgroup");
	p = map_fd(fd, 16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED);
	memset(p, 1, 16 * MIB);
	munmap(p, 16 * MIB);
	done(resize_object(fd, 24 * MIB), "resize to more");
	charged(before + 24 * MIB, "so is what is added");
	done(resize_object(fd, 6 * MIB - PAGE), "resize to less");
	charged(before + 6 * MIB, "and what is cut off is not");
	remove_closed(fd, "a");
	charged(before, "nor is what is removed");

	need(create_as("huge", 16 * MIB, KHO_CREATE_HUGE, 0, &fd), "create");
	charged(before + 16 * MIB, "so are huge pages");
	p = map_fd(fd, 16 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED);
	memset(p, 1, 16 * MIB);
	munmap(p, 16 * MIB);
	remove_closed(fd, "huge");
	charged(before, "until they are removed");
	limited();

	need(create("kept", 16 * MIB, &fd), "create");
	close(fd);
}

void test_cgroup(void)
{
	long long before;
	int fd, i;

	if (mkdir(CGROUPS, 0755) || mount("none", CGROUPS, "cgroup2", 0, ""))
		die("cgroup2: %s", strerror(errno));
	if (access(CGROUPS "/memory.stat", F_OK)) {
		printf("# this kernel has no memory cgroups\n");
		umount(CGROUPS);
		return;
	}
	write_text(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(OUTER, 0755))
		die("%s: %s", OUTER, strerror(errno));
	write_text(OUTER "/cgroup.subtree_control", "+memory");
	if (mkdir(INNER, 0755))
		die("%s: %s", INNER, strerror(errno));
	before = number(OUTER "/memory.current", NULL);
	in_child("in a cgroup", in_cgroup, NULL);
	/* The process may take a moment to leave the cgroup. */
	for (i = 0; i < 100 && rmdir(INNER); i++)
		usleep(50 * 1000);
	result(i < 100, "the cgroup can be removed while an object is charged to it");
	becomes(OUTER "/memory.current", NULL, before + 16 * MIB, SLACK,
		"the one above has the charge then");
	done(open_object("kept", 0, &fd), "the object is still there");
	remove_closed(fd, "kept");
	becomes(OUTER "/memory.current", NULL, before, SLACK,
		"until it is removed");
	becomes(OUTER "/cgroup.stat", "nr_dying_descendants", 0, 0,
		"nothing is left of the cgroup");
	if (rmdir(OUTER) || umount(CGROUPS))
		die("%s: %s", OUTER, strerror(errno));
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of memory that was preserved by address: when its process forks,
 * unmaps it, is killed; when it is preserved twice; when there is too little of it.
 */
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ioctl.h"

/* ---- Afterwards ---- */

struct pipes {
	int go[2];
	int done[2];
};

static void open_pipes(struct pipes *pipes)
{
	if (pipe2(pipes->go, O_CLOEXEC) || pipe2(pipes->done, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
}

static void close_pipes(struct pipes *pipes)
{
	close(pipes->go[0]);
	close(pipes->go[1]);
	close(pipes->done[0]);
	close(pipes->done[1]);
}

static void send_byte(int fd)
{
	if (write(fd, "", 1) != 1)
		die("pipe: %s", strerror(errno));
}

static void await_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		die("pipe: %s", strerror(errno));
}

/* A child that shares @p, and writes to it when told. */
static pid_t fork_writer(struct pipes *pipes, char *p)
{
	pid_t pid;

	open_pipes(pipes);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		await_byte(pipes->go[0]);
		strcpy(p, "the child's");
		send_byte(pipes->done[1]);
		await_byte(pipes->go[0]);
		_exit(strcmp(p, "the child's") != 0);
	}
	if (pid < 0)
		die("fork: %s", strerror(errno));
	return pid;
}

static void end_writer(struct pipes *pipes, pid_t pid, const char *what)
{
	int status;

	send_byte(pipes->go[1]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	result(WIFEXITED(status) && !WEXITSTATUS(status), "%s", what);
	close_pipes(pipes);
}

static bool object_says(int fd, const char *text)
{
	char room[64] = "";

	if (pread(fd, room, sizeof(room), 0) != sizeof(room))
		return false;
	if (strcmp(room, text))
		printf("# the object says '%.63s'\n", room);
	return !strcmp(room, text);
}

/* Copy on write: the object stays the memory of the process that preserved it. */
static void test_fork(void)
{
	struct kho_query q;
	char *p = map_anon(2 * PAGE);
	struct pipes pipes;
	pid_t pid;
	int fd;

	strcpy(p, "from before");
	pid = fork_writer(&pipes, p);
	need(preserve("fork", p, 2 * PAGE, 0, &fd), "preserve after a fork");
	result(object_says(fd, "from before"), "what a fork shares is preserved");
	strcpy(p, "the parent's");
	send_byte(pipes.go[1]);
	await_byte(pipes.done[0]);
	result(object_says(fd, "the parent's"),
	       "fork, preserve, write: the object has the parent's");
	end_writer(&pipes, pid, "and the child has its own");

	pid = fork_writer(&pipes, p);
	send_byte(pipes.go[1]);
	await_byte(pipes.done[0]);
	result(object_says(fd, "the parent's"),
	       "preserve, fork, child writes: the object has the parent's");
	strcpy(p, "the parent's again");
	result(object_says(fd, "the parent's again"),
	       "preserve, fork, parent writes: the object has it");
	end_writer(&pipes, pid, "and the child still has its own");

	/* Other ways to have pages copied on write. */
	get_query(kho, &q);
	mprotect(p, 2 * PAGE, PROT_READ);
	mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE);
	strcpy(p, "after mprotect");
	if (!(q.features & KHO_FEATURE_PRIVATE)) {
		result(object_says(fd, "the parent's again"),
		       "mprotect() and back: this kernel parts memory and object, and says so");
		close(fd);
		need(remove_object("fork"), "remove");
		return;
	}
	result(object_says(fd, "after mprotect"),
	       "writes after mprotect() and back are in the object");
	madvise(p, 2 * PAGE, MADV_MERGEABLE);
	madvise(p, 2 * PAGE, MADV_PAGEOUT);
	madvise(p, 2 * PAGE, MADV_COLD);
	strcpy(p, "after madvise");
	result(object_says(fd, "after madvise"),
	       "writes after advice to move it away are in the object");
	if (mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   map_anon(2 * PAGE)) == MAP_FAILED)
		die("mremap: %s", strerror(errno));
	result(object_says(fd, "after madvise"), "it stays after mremap()");
	close(fd);
	need(remove_object("fork"), "remove");
}

static void test_lost(void)
{
	char *p = map_anon(4 * PAGE), *copy = calloc(4, PAGE);
	int fd, mem;

	fill(p, 4 * PAGE, 1);
	memcpy(copy, p, 4 * PAGE);
	need(preserve("lost", p, 4 * PAGE, 0, &fd), "preserve");
	madvise(p, 4 * PAGE, MADV_DONTNEED);
	result(all_zero(p, 4 * PAGE) && object_is(fd, copy, 4 * PAGE),
	       "MADV_DONTNEED: the mapping is zero, the object is not");
	strcpy(p, "a page of another object's");
	result(object_is(fd, copy, 4 * PAGE), "and they have parted");
	good_preserve(p, p, 4 * PAGE, "what is mapped now can be preserved too");
	munmap(p, 4 * PAGE);
	close(fd);
	need(open_object("lost", 0, &fd), "open");
	result(object_is(fd, copy, 4 * PAGE), "munmap: the object stays");
	close(fd);
	need(remove_object("lost"), "remove");

	mem = make_memfd("lost", 4 * PAGE);
	p = map_fd(mem, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(p, 4 * PAGE, 2);
	memcpy(copy, p, 4 * PAGE);
	need(preserve("lost", p, 4 * PAGE, 0, &fd), "preserve");
	if (pwrite(mem, "by write()", 10, PAGE) != 10)
		die("pwrite: %s", strerror(errno));
	memcpy(copy + PAGE, "by write()", 10);
	result(object_is(fd, copy, 4 * PAGE), "a write to the memfd is in the object");
	if (fallocate(mem, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE))
		die("fallocate: %s", strerror(errno));
	result(all_zero(p + PAGE, PAGE) && object_is(fd, copy, 4 * PAGE),
	       "a hole in the memfd is none in the object");
	if (ftruncate(mem, 0) || ftruncate(mem, 4 * PAGE))
		die("ftruncate: %s", strerror(errno));
	result(all_zero(p, 4 * PAGE) && object_is(fd, copy, 4 * PAGE),
	       "truncation of the memfd leaves the object");
	close(mem);
	munmap(p, 4 * PAGE);
	result(object_is(fd, copy, 4 * PAGE), "and so does the end of the memfd");
	close(fd);
	need(remove_object("lost"), "remove");
	free(copy);
}

static void preserve_some(void *arg)
{
	char *p = map_anon(4 * PAGE);
	int fd;

	fill(p, 4 * PAGE, 3);
	need(preserve(arg, p, 4 * PAGE, 0, &fd), "preserve");
}

static void preserve_and_exec(void *arg)
{
	preserve_some(arg);
	execl("/bin/busybox", "true", NULL);
}

static void test_exit(void)
{
	char *copy = calloc(4, PAGE);
	int fd, status;
	pid_t pid;

	fill(copy, 4 * PAGE, 3);
	in_child("preserve and exit", preserve_some, "exit");
	done(open_object("exit", 0, &fd), "the object of a process that has exited");
	result(object_is(fd, copy, 4 * PAGE), "has its content");
	close(fd);
	need(remove_object("exit"), "remove");

	kill_child(start_child(preserve_some, "killed"));
	done(open_object("killed", 0, &fd), "the object of a process that was killed");
	result(object_is(fd, copy, 4 * PAGE), "has its content");
	close(fd);
	need(remove_object("killed"), "remove");

	fflush(stdout);
	pid = fork();
	if (!pid) {
		preserve_and_exec("exec");
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("exec: status %#x", status);
	done(open_object("exec", 0, &fd), "the object of a process after exec()");
	result(object_is(fd, copy, 4 * PAGE), "has its content");
	close(fd);
	need(remove_object("exec"), "remove");
	free(copy);
}

void test_afterwards(void)
{
	char line[512], *p = map_anon(4 * PAGE), *q;
	struct kho_obj_info info;
	struct stat st;
	int fd;

	fill(p, 4 * PAGE, 4);
	need(preserve("pinned", p, 4 * PAGE, 0, &fd), "preserve");
	object_info(fd, &info);
	result(info.flags == (KHO_OBJ_BUSY | KHO_OBJ_CLAIMED | KHO_OBJ_PINNED) &&
	       info.bytes == 4 * PAGE && info.pages == 4, "it is said to be pinned");
	result(!fstat(fd, &st) && st.st_size == (off_t)(4 * PAGE),
	       "fstat() tells its size");
	q = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	strcpy(q + PAGE, "through the object");
	strcpy(p + 2 * PAGE, "through the memory");
	result(!memcmp(p, q, 4 * PAGE), "its mapping is the memory");
	result(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED &&
	       errno == EINVAL, "it can't be mapped privately: EINVAL");
	maps_of(q, line, sizeof(line));
	if (!result(strstr(line, "pinned"), "and has its name"))
		printf("# %s", line);
	failed_with(EINVAL, resize_object(fd, PAGE), "it can't be made smaller");
	failed_with(EINVAL, resize_object(fd, 8 * PAGE), "it can't be made larger");
	bad_preserve(EEXIST, KHO_WHY_TAKEN, q, 4 * PAGE, q,
		     "preserve a mapping of the object");
	munmap(q, 4 * PAGE);
	munmap(p, 4 * PAGE);
	close(fd);
	need(remove_object("pinned"), "remove");

	test_fork();
	test_lost();
	test_exit();
}

/* ---- Twice ---- */

static void preserve_shared(void *arg)
{
	char *p = arg;

	bad_preserve(EEXIST, KHO_WHY_TAKEN, p, 4 * PAGE, p,
		     "preserve what another process has preserved");
}

void test_twice(void)
{
	int mem = make_memfd("twice", 4 * PAGE), fd, err;
	char *p = map_fd(mem, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *room = map_anon(12 * PAGE);

	fill(p, 4 * PAGE, 5);
	fill(room, 12 * PAGE, 6);
	need(preserve("first", p, 4 * PAGE, 0, &fd), "preserve");
	bad_preserve(EEXIST, KHO_WHY_TAKEN, p, 4 * PAGE, p, "preserve it again");
	bad_preserve(EEXIST, KHO_WHY_TAKEN, p + 3 * PAGE, PAGE, p + 3 * PAGE,
		     "preserve a page of it again");
	if (mmap(room + 8 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, mem, 0) == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	bad_preserve(EEXIST, KHO_WHY_TAKEN, room, 12 * PAGE, room + 8 * PAGE,
		     "preserve it again behind other memory");
	in_child("preserve in a child", preserve_shared, p);
	result(object_is(fd, p, 4 * PAGE), "the first is as it was");
	close(fd);
	need(remove_object("first"), "remove");

	/* The same memory twice in one range: at 0 and at 8. */
	if (mmap(room, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 mem, 0) == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	bad_preserve(EEXIST, KHO_WHY_TAKEN, room, 12 * PAGE, NULL,
		     "preserve a range with pages twice");
	good_preserve(room, room, 8 * PAGE, "preserve it up to there");

	/* By number first, and by address first. */
	mlock(room + 4 * PAGE, 4 * PAGE);
	need(add_page(pfn_of(room + 6 * PAGE), 0), "add");
	bad_preserve(EEXIST, KHO_WHY_TAKEN, room + 4 * PAGE, 4 * PAGE,
		     room + 6 * PAGE, "preserve a page that was added by number");
	need(del_page(pfn_of(room + 6 * PAGE), 0), "del");
	need(preserve("first", room + 4 * PAGE, 4 * PAGE, 0, &fd), "preserve");
	/* Its key may stand for this page, or for a larger block: that depends on its place. */
	err = add_page(pfn_of(room + 6 * PAGE), 0);
	result(err == EEXIST || err == EBUSY,
	       "add a page of memory that was preserved: EEXIST or EBUSY");
	failed_with(EBUSY, del_page(pfn_of(room + 6 * PAGE), 0), "del it");
	close(fd);
	need(remove_object("first"), "remove");
	munmap(room, 12 * PAGE);
	munmap(p, 4 * PAGE);
	close(mem);
}

/* ---- Not enough ---- */

static void quiet(bool on)
{
	static char was[8];
	int fd = open("/proc/sys/kernel/printk", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("printk: %s", strerror(errno));
	if (on && read(fd, was, 1) != 1)
		die("printk: %s", strerror(errno));
	if (pwrite(fd, on ? "1" : was, 1, 0) != 1)
		die("printk: %s", strerror(errno));
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

#define GROUP	"/run/cgroup"

/*
 * In a cgroup with less memory than the range has: the kernel kills the process in the
 * midst of the call.
 */
static void test_group(void)
{
	struct kho_query before;
	long pins = pinned();
	int status, fd;
	pid_t pid;

	mkdir(GROUP, 0755);
	if (mount("none", GROUP, "cgroup2", 0, NULL)) {
		result(!full, "this kernel has no groups");
		return;
	}
	write_file(GROUP "/cgroup.subtree_control", "+memory");
	mkdir(GROUP "/small", 0755);
	write_file(GROUP "/small/memory.max", "33554432");
	get_query(kho, &before);
	fflush(stdout);
	/* The kernel logs a lot about the kill, all of which is as it should be. */
	quiet(true);
	pid = fork();
	if (!pid) {
		write_file(GROUP "/small/cgroup.procs", "0");
		_exit(preserve("group", map_anon(128 << 20), 128 << 20, 0, &fd));
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	quiet(false);
	if (!result((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM),
		    "preserve more than the group may have: killed, or ENOMEM"))
		printf("# status %#x\n", status);
	result(unchanged(&before, "group") && pins_are(pins),
	       "nothing is left behind");
	rmdir(GROUP "/small");
	umount(GROUP);
}

void test_no_room(void)
{
	size_t ram = (__u64)sysconf(_SC_PHYS_PAGES) * PAGE;
	size_t bytes = (ram + (ram >> 2)) & ~(PAGE - 1);
	struct kho_query before;
	long pins = pinned();
	int fd, err;
	char *p;

	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		die("mmap of %zu bytes: %s", bytes, strerror(errno));
	bad_preserve(ENOMEM, KHO_WHY_NONE, p, bytes, NULL,
		     "preserve more memory than there is");
	/* Less than that, but still more than can be present. */
	get_query(kho, &before);
	if (full && sizeof(long) == 8) {
		err = preserve("all", p, (ram - (ram >> 6)) & ~(PAGE - 1), 0, &fd);
		/* Some of it can't be preserved where it lies, and there is no room to move it. */
		if (!result(err == ENOMEM || err == EADDRNOTAVAIL,
			    "preserve all memory there is: ENOMEM or EADDRNOTAVAIL"))
			printf("# got %s\n", name_of(err));
		result(unchanged(&before, "all memory") && pins_are(pins),
		       "nothing is left behind");
	}
	munmap(p, bytes);
	test_group();
}

/* ---- Killed at every step ---- */

#define KILL_PAGES	512

/* What an agent does, up to the step after which it is to wait. */
static const char *const steps[] = {
	"has opened the device",
	"has made an object that is not committed",
	"has mapped and filled it",
	"has closed its file",
	"has set its data",
	"has preserved memory, uncommitted",
	"has sealed that with a checksum",
	"has committed the first object",
	"has committed both",
};

enum { MADE = 1, PINNED = 5, FIRST = 7, BOTH = 8 };

static void take_steps(void *arg)
{
	int last = *(int *)arg, step = 0, dev, fd = -1, other = -1;
	char *p = NULL, *q;

	/* A file of the device for the agent alone, which is closed when it dies. */
	dev = open_kho();
	dup2(dev, kho);
	close(dev);
	if (step++ == last)
		return;
	need(create_as("step-1", KILL_PAGES * PAGE, KHO_CREATE_UNCOMMITTED, 0, &fd),
	     "create");
	if (step++ == last)
		return;
	p = map_fd(fd, KILL_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(p, KILL_PAGES * PAGE, 7);
	if (step++ == last)
		return;
	close(fd);
	if (step++ == last)
		return;
	need(open_object("step-1", 0, &fd), "open");
	need(set_data(fd, p, 20000), "set data");
	if (step++ == last)
		return;
	q = map_anon(KILL_PAGES * PAGE);
	fill(q, KILL_PAGES * PAGE, 8);
	need(preserve("step-2", q, KILL_PAGES * PAGE, KHO_PRESERVE_UNCOMMITTED,
		      &other), "preserve");
	if (step++ == last)
		return;
	need(seal_object(other, KHO_SEAL_SUM), "seal");
	if (step++ == last)
		return;
	need(commit_object(fd), "commit");
	if (step++ == last)
		return;
	need(commit_object(other), "commit");
}

/* Files may be closed a little later than their process ends. */
static bool settles(const struct kho_query *before)
{
	struct kho_query after;
	int i;

	for (i = 0; i < 100; i++) {
		get_query(kho, &after);
		if (after.objects == before->objects)
			break;
		usleep(20000);
	}
	return unchanged(before, "killed");
}

static void test_steps(void)
{
	struct kho_query before;
	long pins = pinned();
	int i, fd, objects;
	struct kho_query q;
	pid_t pid;

	for (i = 0; i < (int)ARRAY_SIZE(steps); i++) {
		get_query(kho, &before);
		pid = start_child(take_steps, &i);
		get_query(kho, &q);
		objects = (i >= MADE) + (i >= PINNED);
		result(q.objects == before.objects + objects,
		       "an agent that %s", steps[i]);
		kill_child(pid);
		objects = (i >= FIRST) + (i >= BOTH);
		if (objects < 1) {
			result(settles(&before), "is killed: nothing stays");
			continue;
		}
		before.objects += objects;
		get_query(kho, &q);
		for (int n = 0; n < 100 && q.objects != before.objects; n++) {
			usleep(20000);
			get_query(kho, &q);
		}
		result(q.objects == before.objects, "is killed: %d object%s",
		       objects, objects > 1 ? "s stay" : " stays");
		before.objects -= objects;
		done(open_object("step-1", 0, &fd), "it can be opened");
		close(fd);
		need(remove_object("step-1"), "remove");
		if (i >= BOTH) {
			struct kho_obj_verify v = { .count = KILL_PAGES };

			done(open_object("step-2", 0, &fd), "so can the other");
			done(verify(fd, &v), "which has a checksum");
			result(v.count == KILL_PAGES && !v.bad, "that is right");
			close(fd);
			need(remove_object("step-2"), "remove");
		}
		result(settles(&before), "nothing is left behind");
	}
	result(pins_are(pins), "and nothing is pinned");
}

/* Kills agents in the midst of a call. */
static void test_midst(void)
{
	struct kho_query before;
	long pins = pinned();
	int i, hits = 0, fd;

	get_query(kho, &before);
	for (i = 0; i < 12; i++) {
		/* Some are killed in the first call, some later. */
		size_t bytes = (256UL << 10) << i % 4 * 2;
		struct kho_query q;
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			char *p = map_anon(bytes);

			madvise(p, bytes, MADV_NOHUGEPAGE);
			for (;;) {
				if (preserve("hog", p, bytes,
					     KHO_PRESERVE_UNCOMMITTED, &fd))
					_exit(1);
				close(fd);
				if (create_as("hog", bytes,
					      KHO_CREATE_UNCOMMITTED, 0, &fd))
					_exit(1);
				close(fd);
				madvise(p, bytes, MADV_DONTNEED);
			}
		}
		usleep(20000 + i * 17000);
		get_query(kho, &q);
		kill(pid, SIGKILL);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			die("waitpid: %s", strerror(errno));
		hits += q.objects == before.objects;
		if (!WIFSIGNALED(status) || !settles(&before))
			break;
	}
	result(i == 12 && pins_are(pins),
	       "%d agents killed in the midst of calls leave nothing", i);
	printf("# %d of them before the object was there\n", hits);
}

void test_killing(void)
{
	test_steps();
	test_midst();
}

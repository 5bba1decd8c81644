// SPDX-License-Identifier: GPL-2.0
/*
 * race-test [held]: several users of one object at a time.  "held" tests callers that are
 * held up at a named place, for which the module has to be built (module/base/inject.h).
 * Speaks TAP.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "ioctl.h"
#include "race.h"

/* ---- Sealing leaves others' mappings alone ---- */

/* Gives a pipe a reference to the page at @p, until its ends are closed. */
static void pin_page(char *p, int ends[2])
{
	struct iovec page = { .iov_base = p, .iov_len = PAGE };

	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	if (vmsplice(ends[1], &page, 1, 0) != (ssize_t)PAGE)
		die("vmsplice: %s", strerror(errno));
}

static void unpin_page(int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static void copies_stay(size_t bytes, __u32 flags, const char *what)
{
	char *copy, *seen;
	int fd, ends[2];

	need(create_as("race", bytes, flags, 0, &fd), "create");
	if (pwrite(fd, "object", 6, 0) != 6)
		die("pwrite: %s", strerror(errno));
	copy = map_fd(fd, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	seen = map_fd(fd, bytes, PROT_READ, MAP_PRIVATE);
	memcpy(copy, "copied", 6);
	copy[bytes - 1] = 'c';
	(void)*(volatile char *)seen;

	pin_page(seen + bytes - PAGE, ends);
	failed_with(EBUSY, seal_object(fd, 0), "seal what a pipe has a page of");
	result(!memcmp(copy, "copied", 6) && copy[bytes - 1] == 'c',
	       "%s: a seal that fails leaves private copies alone", what);
	unpin_page(ends);
	done(seal_object(fd, 0), "seal it while it is mapped to be read");
	result(!memcmp(copy, "copied", 6) && copy[bytes - 1] == 'c',
	       "%s: and so does one that does not", what);
	result(!memcmp(seen, "object", 6), "%s: the object is what it was", what);
	munmap(copy, bytes);
	munmap(seen, bytes);
	close(fd);
	need(remove_object("race"), "remove");
}

static void test_copies(void)
{
	copies_stay(20 * PAGE, 0, "base pages");
	copies_stay(2 * HUGE_SIZE, KHO_CREATE_HUGE, "huge pages");
}

/* ---- Sealing while others read ---- */

#define READERS		8
#define ROUNDS		12

static struct {
	int fd;
	char *p;
	volatile bool end;
} busy;

/* All threads read the same page: half of them in a mapping, half with pread(). */
static void *keep_reading(void *arg)
{
	bool touch = (uintptr_t)arg % 2;
	char *to = map_anon(PAGE);

	while (!busy.end) {
		if (touch) {
			(void)*(volatile char *)busy.p;
			madvise(busy.p, PAGE, MADV_DONTNEED);
		} else if (pread(busy.fd, to, PAGE, 0) != (ssize_t)PAGE) {
			die("pread: %s", strerror(errno));
		}
	}
	munmap(to, PAGE);
	return NULL;
}

static void busy_seal(int prot, const char *what)
{
	pthread_t reader[READERS];
	int i, fd, ends[2], round, good = 0, refused = 0;
	char *seen;

	for (round = 0; round < ROUNDS; round++) {
		need(create("race", 4 * PAGE, &fd), "create");
		seen = map_fd(fd, 4 * PAGE, PROT_READ, MAP_PRIVATE);
		busy.fd = fd;
		busy.p = map_fd(fd, 4 * PAGE, prot, MAP_PRIVATE);
		busy.end = false;
		for (i = 0; i < READERS; i++)
			if (pthread_create(&reader[i], NULL, keep_reading,
					   (void *)(uintptr_t)i))
				die("no thread");
		pin_page(seen, ends);
		refused += seal_object(fd, 0) == EBUSY;
		unpin_page(ends);
		good += !seal_object(fd, 0);
		busy.end = true;
		for (i = 0; i < READERS; i++)
			pthread_join(reader[i], NULL);
		munmap(busy.p, 4 * PAGE);
		munmap(seen, 4 * PAGE);
		close(fd);
		need(remove_object("race"), "remove");
	}
	if (!result(good == ROUNDS, "%s: each seal succeeds", what))
		printf("# %d of %d\n", good, ROUNDS);
	result(refused == ROUNDS, "%s: but not while a pipe has a page", what);
}

/* ---- userfaultfd's marks ---- */

#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED	(1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC		(1 << 15)
#endif

/* Write-protects @bytes at @p, none of which is present; false if the kernel can't. */
static bool leave_marks(char *p, size_t bytes)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED,
	};
	struct uffdio_register reg = {
		.range = { .start = ptr64(p), .len = bytes },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect wp = {
		.range = { .start = ptr64(p), .len = bytes },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api)) {
		printf("# this kernel has no such userfaultfd\n");
		return false;
	}
	if (ioctl(fd, UFFDIO_REGISTER, &reg)) {
		printf("# this kernel's userfaultfd takes no such mapping\n");
		return false;
	}
	if (ioctl(fd, UFFDIO_WRITEPROTECT, &wp))
		die("UFFDIO_WRITEPROTECT: %s", strerror(errno));
	return true;
}

/*
 * A process that accesses the second page at @p has to exit with @want.  If it never gets
 * the page, it does not end by itself, but the alarm kills it.
 */
static void looks_at(char *p, bool write, int want, const char *what)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(20);
		if (!leave_marks(p, 4 * PAGE))
			_exit(2);
		_exit(can_touch(p + PAGE, write) ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return;
	if (!result(WIFEXITED(status) && WEXITSTATUS(status) == want, "%s", what))
		printf("# status %#x\n", status);
}

static void test_marks(void)
{
	char *p;
	int fd;

	need(create("race", 4 * PAGE, &fd), "create");
	p = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	looks_at(p, false, 0, "a page with a mark of userfaultfd's can be read");
	looks_at(p, true, 0, "and written");
	munmap(p, 4 * PAGE);
	close(fd);

	need(open_object("race", KHO_OPEN_LARGEST, &fd), "open");
	p = map_fd(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	looks_at(p, false, 1, "a page number with such a mark: SIGBUS");
	munmap(p, 4 * PAGE);
	close(fd);
	need(remove_object("race"), "remove");
}

int main(int argc, char **argv)
{
	struct kho_query before;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "held")))
		die("usage: race-test [held]");
	kho = open_kho();
	get_query(kho, &before);
	if (argc == 2) {
		test_held();
	} else {
		test_copies();
		busy_seal(PROT_READ, "while others read");
		test_marks();
	}
	result(unchanged(&before, "all of it"), "nothing is left behind");

	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * An object can be written, so memory that a user may only read must not become one:
 * neither if it is mapped in place of other memory while that is preserved, nor if it
 * is a sealed memfd.
 */
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "guard.h"
#include "ioctl.h"

#ifndef SYS_mseal
#define SYS_mseal	462
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

#define USER		1000
#define INJECT		"/sys/module/kho/parameters/inject"
#define HELD_UP_MS	400

/* A file that a user may only read, and how to race for it. */
struct race {
	const char *what;
	const char *path;	/* root's file, or NULL: a sealed memfd */
	size_t bytes;
	int own_prot;		/* how the user's own file is mapped */
	int flags;		/* how the file that he may only read is mapped */
	int rounds;
	/* For the threads. */
	char *place;
	int own, only_read;
	volatile bool go, stop;
};

static const char secret[] = "root's";

static void put(const struct race *race, int fd)
{
	if (mmap(race->place, race->bytes,
		 fd == race->own ? race->own_prot : PROT_READ,
		 (fd == race->own ? MAP_SHARED : race->flags) | MAP_FIXED, fd,
		 0) == MAP_FAILED)
		die("%s: MAP_FIXED: %s", race->what, strerror(errno));
}

static void *swap_mappings(void *arg)
{
	struct race *race = arg;

	while (!race->stop) {
		put(race, race->only_read);
		put(race, race->own);
	}
	return NULL;
}

static void *swap_once(void *arg)
{
	struct race *race = arg;

	while (!race->go)
		;
	usleep(HELD_UP_MS / 4 * 1000);
	put(race, race->only_read);
	return NULL;
}

static bool still_roots(const struct race *race)
{
	char got[sizeof(secret)] = "";

	/* In some kernels hugetlbfs can't read() a part of a page. */
	char *p = map_fd(race->only_read, race->bytes, PROT_READ, MAP_PRIVATE);

	memcpy(got, p, sizeof(got));
	munmap(p, race->bytes);
	return !strcmp(got, secret);
}

/* Preserves what is mapped at @race->place; if that succeeds, writes to the object. */
static int preserve_and_write(const struct race *race)
{
	int fd, err = preserve("race", race->place, race->bytes,
			       KHO_PRESERVE_UNCOMMITTED, &fd);

	if (err)
		return err;
	if (pwrite(fd, "mine!!", sizeof(secret), 0) != sizeof(secret))
		die("pwrite: %s", strerror(errno));
	close(fd);
	return 0;
}

static void set_up(struct race *race)
{
	bool huge = race->bytes > PAGE;
	unsigned int flags = MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB : 0);
	char *p;

	race->own = memfd_create("own", flags);
	if (race->own < 0 || ftruncate(race->own, race->bytes))
		die("%s: memfd: %s", race->what, strerror(errno));
	if (race->path) {
		race->only_read = open(race->path, O_RDONLY);
		if (race->only_read < 0 || open(race->path, O_RDWR) >= 0)
			die("%s: %s", race->path, strerror(errno));
	} else {
		race->only_read = memfd_create("sealed", flags);
		if (race->only_read < 0 ||
		    ftruncate(race->only_read, race->bytes))
			die("%s: memfd: %s", race->what, strerror(errno));
		p = map_fd(race->only_read, race->bytes, PROT_READ | PROT_WRITE,
			   MAP_SHARED);
		strcpy(p, secret);
		munmap(p, race->bytes);
		if (fcntl(race->only_read, F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
			die("F_SEAL_FUTURE_WRITE: %s", strerror(errno));
	}
	race->place = map_aligned(race->bytes, race->bytes, -1, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS);
	put(race, race->own);
	/* Write to the page first, so that it is present and may be written. */
	p = map_fd(race->own, race->bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
	*p = 1;
	munmap(p, race->bytes);
}

static void run_race(void *arg)
{
	struct race *race = arg;
	int i, good = 0, lost = 0;
	pthread_t thread;

	/* If the module can be told to wait, run_held_up() needs no luck: few rounds do. */
	if (!access(INJECT, F_OK))
		race->rounds /= 10;
	become_user(USER, USER);
	set_up(race);
	if (pthread_create(&thread, NULL, swap_mappings, race))
		die("no thread");
	for (i = 0; i < race->rounds && !lost; i++) {
		good += !preserve_and_write(race);
		if (i % 50 == 49 || i == race->rounds - 1)
			lost = still_roots(race) ? 0 : i + 1;
	}
	race->stop = true;
	pthread_join(thread, NULL);
	printf("# %s: %d of %d were preserved\n", race->what, good, i);
	result(!lost, "%s: is as it was after a race", race->what);
	if (lost)
		printf("# written to within %d rounds\n", lost);
}

/* The same without luck: the module waits while the mapping is replaced. */
static void run_held_up(void *arg)
{
	struct race *race = arg;
	pthread_t thread;
	int err;

	become_user(USER, USER);
	set_up(race);
	if (pthread_create(&thread, NULL, swap_once, race))
		die("no thread");
	race->go = true;
	err = preserve_and_write(race);
	pthread_join(thread, NULL);
	result(still_roots(race), "%s: is as it was after it came just then",
	       race->what);
	result(!err || err == EACCES, "%s: preserved before, or EACCES",
	       race->what);
	printf("# %s\n", name_of(err));
}

#define TMPFS_FILE	DIR "/tmpfs/file"
#define HUGE_FILE	DIR "/huge/file"

static const struct race races[] = {
	{ .what = "tmpfs, shared", .path = TMPFS_FILE, .bytes = PAGE,
	  .own_prot = PROT_READ, .flags = MAP_SHARED, .rounds = 4000 },
	{ .what = "tmpfs, private", .path = TMPFS_FILE, .bytes = PAGE,
	  .own_prot = PROT_READ, .flags = MAP_PRIVATE, .rounds = 2000 },
	{ .what = "tmpfs, instead of what is written", .path = TMPFS_FILE,
	  .bytes = PAGE, .own_prot = PROT_READ | PROT_WRITE,
	  .flags = MAP_SHARED, .rounds = 1000 },
	{ .what = "hugetlbfs, shared", .path = HUGE_FILE, .bytes = HUGE_SIZE,
	  .own_prot = PROT_READ, .flags = MAP_SHARED, .rounds = 1500 },
	{ .what = "a sealed memfd", .bytes = PAGE, .own_prot = PROT_READ,
	  .flags = MAP_SHARED, .rounds = 1500 },
	{ .what = "a sealed memfd of huge pages", .bytes = HUGE_SIZE,
	  .own_prot = PROT_READ, .flags = MAP_SHARED, .rounds = 500 },
};

/* Makes the file anew for each race, so that one that spoils it fails no other. */
static void make_file(const char *path, size_t bytes)
{
	char *p;
	int fd;

	if (!path)
		return;
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
	if (fd < 0 || ftruncate(fd, bytes))
		die("%s: %s", path, strerror(errno));
	p = map_fd(fd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
	strcpy(p, secret);
	munmap(p, bytes);
	if (fchmod(fd, 0444))
		die("%s: %s", path, strerror(errno));
	close(fd);
}

void test_races(void)
{
	static const char * const points[] = { "pin", "pin-view" };
	size_t i, k;

	if (mkdir(DIR "/tmpfs", 0755) || mkdir(DIR "/huge", 0755) ||
	    mount("tmpfs", DIR "/tmpfs", "tmpfs", 0, "") ||
	    mount("huge", DIR "/huge", "hugetlbfs", 0, "mode=0755"))
		die("mount: %s", strerror(errno));

	for (i = 0; i < ARRAY_SIZE(races); i++) {
		struct race race = races[i];

		make_file(race.path, race.bytes);
		in_child(race.what, run_race, &race);
		if (access(INJECT, W_OK))
			continue;
		write_text(INJECT "_ms", "400");
		for (k = 0; k < ARRAY_SIZE(points); k++) {
			race = races[i];
			make_file(race.path, race.bytes);
			write_text(INJECT, points[k]);
			in_child(race.what, run_held_up, &race);
		}
		write_text(INJECT "_ms", "0");
	}
	if (umount(DIR "/tmpfs") || umount(DIR "/huge"))
		die("umount: %s", strerror(errno));
}

/* ---- Seals, before and after ---- */

static void sealed_after(unsigned int flags, size_t bytes, const char *what)
{
	int object, fd = memfd_create("later", MFD_ALLOW_SEALING | flags);
	char *p;

	if (fd < 0 || ftruncate(fd, bytes))
		die("memfd: %s", strerror(errno));
	p = map_fd(fd, bytes, PROT_READ, MAP_SHARED);
	done(preserve("seal", p, bytes, KHO_PRESERVE_UNCOMMITTED, &object), what);
	munmap(p, bytes);
	result(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) && errno == EBUSY,
	       "%s: then it can't be sealed: EBUSY", what);
	done(pwrite(object, "x", 1, 0) == 1 ? 0 : errno, "and the object is written");
	close(object);
	done(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) ? errno : 0,
	     "once the object is gone, it can be sealed");
	close(fd);
}

static void is_protected(const char *p, size_t bytes, const char *what)
{
	struct kho_obj_preserve preserve = {
		.size = sizeof(preserve),
		.addr = ptr64(p),
		.bytes = bytes,
		.name = "protected",
	};

	refused(EACCES, KHO_OBJ_PRESERVE, &preserve, what);
	result(preserve.why == KHO_WHY_PROTECTED && preserve.bad_addr == ptr64(p),
	       "%s: is told why", what);
}

static void sealed_before(unsigned int flags, size_t bytes, const char *what)
{
	int fd = memfd_create("before", MFD_ALLOW_SEALING | flags);
	char *p;

	if (fd < 0 || ftruncate(fd, bytes))
		die("memfd: %s", strerror(errno));
	p = map_fd(fd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
	*p = 1;
	munmap(p, bytes);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
		die("F_SEAL_FUTURE_WRITE: %s", strerror(errno));
	p = map_fd(fd, bytes, PROT_READ, MAP_SHARED);
	is_protected(p, bytes, what);
	munmap(p, bytes);
	/* Before 6.7, F_SEAL_WRITE lets no writable file be mapped shared, not even to read. */
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE))
		die("F_SEAL_WRITE: %s", strerror(errno));
	p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		failed_with(EPERM, errno, "mmap of what is sealed");
	} else {
		is_protected(p, bytes, what);
		munmap(p, bytes);
	}
	close(fd);
}

void test_seals(void)
{
	int fd = make_memfd("mseal", PAGE);
	char *p = map_fd(fd, PAGE, PROT_READ, MAP_SHARED);

	sealed_after(0, PAGE, "preserve a view of a memfd");
	sealed_after(MFD_HUGETLB, HUGE_SIZE, "preserve a view of huge pages");
	sealed_before(0, PAGE, "preserve what is sealed");
	sealed_before(MFD_HUGETLB, HUGE_SIZE, "preserve huge pages that are sealed");
	/* 6.10 and later: mprotect() can never make this mapping writable. */
	if (!syscall(SYS_mseal, p, PAGE, 0))
		is_protected(p, PAGE,
			     "preserve a view that mseal() was called for");
	else
		result(errno != EPERM && errno != ENOMEM, "there is no mseal()");
	close(fd);
}

/* ---- An object that is opened to be read ---- */

void test_readers(void)
{
	struct kho_obj_resize resize = { .size = sizeof(resize), .bytes = 1 };
	struct kho_obj_plain plain = { .size = sizeof(plain) };
	struct kho_obj_data data = { .size = sizeof(data) };
	char path[64], *p;
	int fd, fd2;

	need(create("read", PAGE, &fd), "create");
	close(fd);
	need(open_object("read", KHO_OPEN_READ, &fd), "open");
	p = map_fd(fd, PAGE, PROT_READ, MAP_SHARED);
	result(mprotect(p, PAGE, PROT_READ | PROT_WRITE) && errno == EACCES,
	       "a mapping of a file that is only read stays so: EACCES");
	munmap(p, PAGE);
	result(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	       errno == EACCES, "and none can be made to be written: EACCES");
	result(pwrite(fd, "x", 1, 0) < 0 && errno == EBADF, "nor write(): EBADF");
	result(ftruncate(fd, 0), "nor ftruncate()");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd2 = open(path, O_RDWR);
	result(fd2 < 0, "nor can it be opened anew by /proc");
	fd2 = open(path, O_RDONLY);
	result(fd2 < 0, "not even to be read");
	refused_on(EBADF, fd, KHO_OBJ_RESIZE, &resize, "resize");
	refused_on(EBADF, fd, KHO_OBJ_SEAL, &plain, "seal");
	refused_on(EBADF, fd, KHO_OBJ_COMMIT, &plain, "commit");
	refused_on(EBADF, fd, KHO_OBJ_SET_DATA, &data, "set data");
	close(fd);
	need(remove_object("read"), "remove");
}

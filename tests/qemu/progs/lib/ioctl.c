// SPDX-License-Identifier: GPL-2.0
/*
 * What the programs that test /dev/kho share.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include "ioctl.h"

int kho;
int tests, failures;

bool result(bool good, const char *format, ...)
{
	va_list ap;

	tests++;
	failures += !good;
	printf("%sok %d - ", good ? "" : "not ", tests);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	return good;
}

/* The name of an errno. */
const char *name_of(int err)
{
	const char *name = err ? strerrorname_np(err) : "success";

	return name ? name : "an unknown error";
}

/* 0 or an errno. */
int call_on(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? errno : 0;
}

int call(unsigned long cmd, void *arg)
{
	return call_on(kho, cmd, arg);
}

/* ---- A refused command must change nothing ---- */

static bool same(const struct kho_query *a, const struct kho_query *b)
{
	return a->preserved_pages == b->preserved_pages &&
	       a->raw_pages == b->raw_pages &&
	       a->arrived_pages == b->arrived_pages &&
	       a->objects == b->objects &&
	       a->object_pages == b->object_pages &&
	       a->arrived_objects == b->arrived_objects &&
	       a->meta_pages == b->meta_pages;
}

static void show(const char *what, const char *member, __u64 before, __u64 after)
{
	if (before != after)
		printf("# %s: %s from %llu to %llu\n", what, member, before,
		       after);
}

bool unchanged(const struct kho_query *before, const char *what)
{
	struct kho_query after;

	get_query(kho, &after);
	if (same(before, &after))
		return true;
	show(what, "preserved pages", before->preserved_pages,
	     after.preserved_pages);
	show(what, "raw pages", before->raw_pages, after.raw_pages);
	show(what, "objects", before->objects, after.objects);
	show(what, "object pages", before->object_pages, after.object_pages);
	show(what, "metadata pages", before->meta_pages, after.meta_pages);
	return false;
}

/* The command has to fail with @want, and change nothing. */
void refused_on(int want, int fd, unsigned long cmd, void *arg,
		const char *what)
{
	struct kho_query before;
	int err;

	get_query(kho, &before);
	err = call_on(fd, cmd, arg);
	if (!result(err == want && unchanged(&before, what), "%s: %s", what,
		    name_of(want)))
		printf("# got %s\n", name_of(err));
}

void refused(int want, unsigned long cmd, void *arg, const char *what)
{
	refused_on(want, kho, cmd, arg, what);
}

bool failed_with(int want, int err, const char *what)
{
	bool good = result(err == want, "%s: %s", what, name_of(want));

	if (!good)
		printf("# got %s\n", name_of(err));
	return good;
}

bool done(int err, const char *what)
{
	if (!result(!err, "%s", what)) {
		printf("# got %s\n", name_of(err));
		return false;
	}
	return true;
}

/* ---- Good input, to spoil ---- */

char *pool;
__u64 pool_pfn[POOL_PAGES];
__u64 pair_pfn;

void make_pool(void)
{
	int i, k;

	pool = locked_pages(POOL_PAGES);
	pfns_of(pool, pool_pfn, POOL_PAGES);
	for (i = 0; i < POOL_PAGES && !pair_pfn; i++)
		for (k = 0; k < POOL_PAGES && !(pool_pfn[i] & 1); k++)
			if (pool_pfn[k] == pool_pfn[i] + 1)
				pair_pfn = pool_pfn[i];
	if (!pair_pfn)
		die("no two pages of %u lie side by side", POOL_PAGES);
}

int add_page(__u64 pfn, __u32 order)
{
	struct kho_page arg = { .size = sizeof(arg), .pfn = pfn, .order = order };

	return call(KHO_PAGE_ADD, &arg);
}

int del_page(__u64 pfn, __u32 order)
{
	struct kho_page arg = { .size = sizeof(arg), .pfn = pfn, .order = order };

	return call(KHO_PAGE_DEL, &arg);
}

int create_as(const char *name, __u64 bytes, __u32 flags, __u32 node, int *fd)
{
	struct kho_obj_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.bytes = bytes,
		.node = node,
	};
	int err;

	memcpy(arg.name, name, strlen(name));
	err = call(KHO_OBJ_CREATE, &arg);
	*fd = err ? -1 : arg.fd;
	return err;
}

int create(const char *name, __u64 bytes, int *fd)
{
	return create_as(name, bytes, 0, 0, fd);
}

int open_object(const char *name, __u32 flags, int *fd)
{
	struct kho_obj_name arg = { .size = sizeof(arg), .flags = flags };
	int err;

	memcpy(arg.name, name, strlen(name));
	err = call(KHO_OBJ_OPEN, &arg);
	*fd = err ? -1 : arg.fd;
	return err;
}

int preserve(const char *name, const void *p, __u64 bytes, __u32 flags, int *fd)
{
	struct kho_obj_preserve arg = {
		.size = sizeof(arg),
		.flags = flags,
		.addr = ptr64(p),
		.bytes = bytes,
	};
	int err;

	memcpy(arg.name, name, strlen(name));
	err = call(KHO_OBJ_PRESERVE, &arg);
	*fd = err ? -1 : arg.fd;
	return err;
}

int commit_object(int fd)
{
	struct kho_obj_plain arg = { .size = sizeof(arg) };

	return call_on(fd, KHO_OBJ_COMMIT, &arg);
}

int seal_object(int fd, __u32 flags)
{
	struct kho_obj_plain arg = { .size = sizeof(arg), .flags = flags };

	return call_on(fd, KHO_OBJ_SEAL, &arg);
}

int resize_object(int fd, __u64 bytes)
{
	struct kho_obj_resize arg = { .size = sizeof(arg), .bytes = bytes };

	return call_on(fd, KHO_OBJ_RESIZE, &arg);
}

int set_data(int fd, const void *data, __u32 bytes)
{
	struct kho_obj_data arg = {
		.size = sizeof(arg),
		.data = ptr64(data),
		.bytes = bytes,
	};

	return call_on(fd, KHO_OBJ_SET_DATA, &arg);
}

int set_owner(int fd, __u32 which, __u32 uid, __u32 gid, __u32 mode)
{
	struct kho_obj_owner arg = {
		.size = sizeof(arg),
		.flags = which,
		.uid = uid,
		.gid = gid,
		.mode = mode,
	};

	return call_on(fd, KHO_OBJ_SET_OWNER, &arg);
}

int verify(int fd, struct kho_obj_verify *verify)
{
	verify->size = sizeof(*verify);
	return call_on(fd, KHO_OBJ_VERIFY, verify);
}

void object_info(int fd, struct kho_obj_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	need(call_on(fd, KHO_OBJ_INFO, info), "OBJ_INFO");
}

int remove_object(const char *name)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, strlen(name));
	return call(KHO_OBJ_REMOVE, &arg);
}

void need(int err, const char *what)
{
	if (err)
		die("%s: %s", what, name_of(err));
}

/* ---- Other processes ---- */

void in_child(const char *what, void (*run)(void *arg), void *arg)
{
	int counts[2], ends[2], status;
	ssize_t got;
	pid_t pid;

	fflush(stdout);
	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		run(arg);
		fflush(stdout);
		counts[0] = tests;
		counts[1] = failures;
		_exit(write(ends[1], counts, sizeof(counts)) != sizeof(counts));
	}
	close(ends[1]);
	got = read(ends[0], counts, sizeof(counts));
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork: %s", strerror(errno));
	if (got == sizeof(counts)) {
		tests = counts[0];
		failures = counts[1];
	} else {
		result(false, "%s: the process comes to its end", what);
		printf("# status %#x\n", status);
	}
}

pid_t start_child(void (*run)(void *arg), void *arg)
{
	int ends[2];
	char byte;
	pid_t pid;

	fflush(stdout);
	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		run(arg);
		fflush(stdout);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], &byte, 1) != 1)
		die("a process did not start: %s", strerror(errno));
	close(ends[0]);
	return pid;
}

void kill_child(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
}

/* ---- Memory ---- */

char *map_anon(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes: %s", bytes, strerror(errno));
	return p;
}

char *map_fd(int fd, size_t bytes, int prot, int flags)
{
	char *p = mmap(NULL, bytes, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes of a file: %s", bytes, strerror(errno));
	return p;
}

int make_memfd(const char *name, size_t bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, bytes))
		die("memfd: %s", strerror(errno));
	return fd;
}

char *map_aligned(size_t bytes, size_t align, int fd, int prot, int flags)
{
	char *room = mmap(NULL, bytes + align, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *p = (char *)(((uintptr_t)room + align - 1) & ~(align - 1));

	if (room == MAP_FAILED)
		die("mmap of %zu bytes: %s", bytes, strerror(errno));
	if (p > room)
		munmap(room, p - room);
	if (room + align > p)
		munmap(p + bytes, room + align - p);
	if (mmap(p, bytes, prot, flags | MAP_FIXED, fd, 0) != p)
		die("mmap of %zu bytes: %s", bytes, strerror(errno));
	return p;
}

bool all_zero(const void *p, size_t bytes)
{
	const char *c = p;

	while (bytes--)
		if (*c++)
			return false;
	return true;
}

bool object_is(int fd, const void *p, size_t bytes)
{
	static char piece[64 * PAGE];
	size_t at, n;

	for (at = 0; at < bytes; at += n) {
		n = bytes - at < sizeof(piece) ? bytes - at : sizeof(piece);
		if (pread(fd, piece, n, at) != (ssize_t)n) {
			printf("# read at %zu: %s\n", at, strerror(errno));
			return false;
		}
		if (memcmp(piece, (const char *)p + at, n)) {
			printf("# differs between %zu and %zu\n", at, at + n);
			return false;
		}
	}
	return true;
}

/* Bit of /proc/kpageflags */
#define KPF_HWPOISON	(1ULL << 19)

bool is_poisoned(__u64 pfn)
{
	return proc_word("/proc/kpageflags", pfn) & KPF_HWPOISON;
}

void offline_page(__u64 pfn)
{
	FILE *f = fopen("/sys/devices/system/memory/hard_offline_page", "w");

	/* EBUSY only says that the kernel could not do much about the page. */
	if (!f || fprintf(f, "%#llx", pfn * PAGE) < 0 || (fclose(f) && errno != EBUSY))
		die("hard_offline_page: %s", strerror(errno));
}

static sigjmp_buf touch_failed;

static void on_touch(int signal)
{
	(void)signal;
	siglongjmp(touch_failed, 1);
}

bool can_touch(volatile char *p, bool write)
{
	struct sigaction act = { .sa_handler = on_touch }, bus, segv;
	volatile bool good = false;

	sigaction(SIGBUS, &act, &bus);
	sigaction(SIGSEGV, &act, &segv);
	if (!sigsetjmp(touch_failed, 1)) {
		if (write)
			*p = *p;
		else
			(void)*p;
		good = true;
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return good;
}

/* Opens a file in the format of maps, behind the line for the mapping at @p. */
static FILE *find_mapping(const char *path, const void *p, char *line,
			  size_t size)
{
	FILE *f = fopen(path, "r");
	unsigned long from, to;

	if (!f)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, size, f))
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2 &&
		    from <= (uintptr_t)p && (uintptr_t)p < to)
			return f;
	die("%s has nothing at %p", path, p);
}

void maps_of(const void *p, char *line, size_t size)
{
	fclose(find_mapping("/proc/self/maps", p, line, size));
}

long smaps_of(const void *p, const char *key)
{
	char line[512];
	FILE *f = find_mapping("/proc/self/smaps", p, line, sizeof(line));
	size_t len = strlen(key);
	long kib = -1;

	while (kib < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len) && line[len] == ':')
			kib = atol(line + len + 1);
	fclose(f);
	if (kib < 0)
		die("smaps has no %s", key);
	return kib;
}

/* Pages that are pinned in the whole system; 0 for users, who can't tell. */
long pinned(void)
{
	long acquired = -1, released = -1, value;
	char line[100], name[50];
	FILE *f;
	int fd;

	if (geteuid())
		return 0;
	/* Adds up what each CPU has counted for itself. */
	fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		die("stat_refresh: %s", strerror(errno));
	close(fd);
	f = fopen("/proc/vmstat", "r");
	if (!f)
		die("vmstat: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%49s %ld", name, &value) != 2)
			continue;
		if (!strcmp(name, "nr_foll_pin_acquired"))
			acquired = value;
		if (!strcmp(name, "nr_foll_pin_released"))
			released = value;
	}
	fclose(f);
	if (acquired < 0 || released < 0)
		die("vmstat has no nr_foll_pin_acquired or _released");
	return acquired - released;
}

/* Pins of others are given up in the background, which takes a while on a slow machine. */
bool pins_are(long want)
{
	long pins = pinned();
	int i;

	for (i = 0; i < 500 && pins != want; i++) {
		usleep(20000);
		pins = pinned();
	}
	if (pins != want)
		printf("# %ld pages are pinned, not %ld\n", pins, want);
	return pins == want;
}

void fill(char *p, size_t bytes, unsigned int seed)
{
	size_t i;

	for (i = 0; i < bytes; i += 64) {
		__u64 word = seed * 0x9e3779b97f4a7c15ULL + i;

		memcpy(p + i, &word, sizeof(word));
	}
}

#define HUGE_PAGES	(HUGE_SIZE / PAGE)

/* Is the memory at @p one huge page? */
static bool is_whole(const char *p)
{
	static __u64 pfn[HUGE_PAGES];
	size_t i;

	pfns_of(p, pfn, HUGE_PAGES);
	if (pfn[0] % HUGE_PAGES)
		return false;
	for (i = 1; i < HUGE_PAGES; i++)
		if (pfn[i] != pfn[0] + i)
			return false;
	return smaps_of(p, "AnonHugePages") >= 2048;
}

bool has_thp(void)
{
	return !access("/sys/kernel/mm/transparent_hugepage", F_OK);
}

/* @n transparent huge pages. */
char *map_thp(size_t n)
{
	size_t bytes = n * HUGE_SIZE, i;
	int tries;
	char *p;

	for (tries = 0; tries < 5; tries++) {
		bool whole = true;

		p = map_aligned(bytes, HUGE_SIZE, -1, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS);
		if (madvise(p, bytes, MADV_HUGEPAGE))
			die("MADV_HUGEPAGE: %s", strerror(errno));
		fill(p, bytes, 12);
		for (i = 0; i < n; i++)
			whole = whole && is_whole(p + i * HUGE_SIZE);
		if (whole)
			return p;
		munmap(p, bytes);
	}
	die("there are no transparent huge pages to be had");
}

char *map_hugetlb(size_t n)
{
	char *p = mmap(NULL, n * HUGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		die("mmap of huge pages: %s", strerror(errno));
	return p;
}

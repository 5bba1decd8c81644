// SPDX-License-Identifier: GPL-2.0
/* Commands for objects: size, seal, data, checksum, commit. */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "objects.h"

bool full;

bool need_not_be(int err)
{
	return !full && !strcmp(name_of(err), "ENOSYS");
}

char *map_object(int fd, size_t bytes)
{
	return map_fd(fd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
}

void drop(const char *name, int fd)
{
	close(fd);
	need(remove_object(name), "remove");
}

/* ---- Creating ---- */

static void bad_create(int want, __u64 bytes, __u32 flags, __u32 node,
		       const char *what)
{
	struct kho_obj_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.bytes = bytes,
		.node = node,
		.name = "bad",
	};

	refused(want, KHO_OBJ_CREATE, &arg, what);
}

/* Are all of these pages on @node? */
static bool on_node(char *p, size_t pages, int node)
{
	size_t i;

	for (i = 0; i < pages; i++) {
		void *page = p + i * PAGE;
		int status = -1;

		if (syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0) ||
		    status != node) {
			printf("# page %zu: node %d, %s\n", i, status,
			       strerror(errno));
			return false;
		}
	}
	return true;
}

static void test_nodes(void)
{
	struct kho_query before;
	char *p;
	int fd;

	get_query(kho, &before);
	if (done(create_as("node", 64 * PAGE, KHO_CREATE_NODE, 0, &fd),
		 "create on node 0")) {
		p = map_object(fd, 64 * PAGE);
		result(all_zero(p, 64 * PAGE) && on_node(p, 64, 0),
		       "all of it is there");
		munmap(p, 64 * PAGE);
		drop("node", fd);
	}
	if (access("/sys/devices/system/node/node1", F_OK)) {
		result(!full, "this kernel has one node");
	} else if (done(create_as("node", HUGE_SIZE,
				  KHO_CREATE_NODE | KHO_CREATE_HUGE, 1, &fd),
			"create a huge page on node 1")) {
		p = map_object(fd, HUGE_SIZE);
		memset(p, 1, HUGE_SIZE);
		result(on_node(p, HUGE_SIZE / PAGE, 1), "all of it is there");
		munmap(p, HUGE_SIZE);
		drop("node", fd);
		/* More than all of node 1's memory, though node 0 has some too. */
		bad_create(ENOMEM, (__u64)sysconf(_SC_PHYS_PAGES) * PAGE / 2 + PAGE,
			   KHO_CREATE_NODE, 1, "create more than a node has");
	}
	bad_create(EINVAL, PAGE, KHO_CREATE_NODE, 2, "create on node 2");
	bad_create(EINVAL, PAGE, KHO_CREATE_NODE, 1023, "create on node 1023");
	bad_create(EINVAL, PAGE, KHO_CREATE_NODE, 1 << 20,
		   "create on a node beyond all");
	bad_create(EINVAL, PAGE, KHO_CREATE_NODE, ~0U, "create on node -1");
	result(unchanged(&before, "nodes"), "nothing is left behind");
}

static void test_huge_object(void)
{
	struct kho_query before;
	struct kho_obj_info info;
	int fd, fd2;
	char *p;

	get_query(kho, &before);
	bad_create(EINVAL, PAGE, KHO_CREATE_HUGE, 0, "create a page as a huge page");
	bad_create(EINVAL, HUGE_SIZE + PAGE, KHO_CREATE_HUGE, 0,
		   "create huge pages and a page");
	bad_create(ENOMEM, 1ULL << 40, KHO_CREATE_HUGE, 0,
		   "create more huge pages than there are");
	if (!done(create_as("huge", 4 * HUGE_SIZE, KHO_CREATE_HUGE, 0, &fd),
		  "create huge pages"))
		return;
	object_info(fd, &info);
	result(info.pmd_pages == 4 && info.pages == 4 * HUGE_SIZE / PAGE,
	       "they are that");
	p = map_aligned(4 * HUGE_SIZE, HUGE_SIZE, fd, PROT_READ | PROT_WRITE,
			MAP_SHARED);
	result(all_zero(p, 4 * HUGE_SIZE), "they are zero");
	fill(p, 4 * HUGE_SIZE, 1);
	if (!result(smaps_of(p, "FilePmdMapped") +
		    smaps_of(p, "ShmemPmdMapped") ==
		    (has_thp() ? 4 * 2048 : 0),
		    "and mapped as such, if the kernel can"))
		printf("# FilePmdMapped %ld, ShmemPmdMapped %ld\n",
		       smaps_of(p, "FilePmdMapped"),
		       smaps_of(p, "ShmemPmdMapped"));
	result(object_is(fd, p, 4 * HUGE_SIZE), "the file has what the map has");
	/* A huge entry can't map a part of a huge page. */
	munmap(p, HUGE_SIZE + PAGE);
	mprotect(p + 2 * HUGE_SIZE + PAGE, PAGE, PROT_READ);
	result(can_touch(p + HUGE_SIZE + PAGE, true) &&
	       can_touch(p + 2 * HUGE_SIZE, true) &&
	       can_touch(p + 2 * HUGE_SIZE + PAGE, false) &&
	       !can_touch(p + 2 * HUGE_SIZE + PAGE, true) &&
	       can_touch(p + 2 * HUGE_SIZE + 2 * PAGE, true),
	       "parts of them can be unmapped and protected");
	munmap(p + HUGE_SIZE + PAGE, 3 * HUGE_SIZE - PAGE);
	p = map_aligned(HUGE_SIZE, HUGE_SIZE, fd, PROT_READ, MAP_SHARED);
	munmap(p, HUGE_SIZE);
	p = mmap(p + PAGE, HUGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	result(p != MAP_FAILED && object_is(fd, p, HUGE_SIZE),
	       "they can be mapped anywhere");
	munmap(p, HUGE_SIZE);

	/* By the largest entries: the same memory, though not for direct I/O. */
	need(open_object("huge", KHO_OPEN_LARGEST, &fd2), "open");
	p = map_aligned(4 * HUGE_SIZE, HUGE_SIZE, fd2, PROT_READ | PROT_WRITE,
			MAP_SHARED);
	p[HUGE_SIZE + 5]++;
	p[4 * HUGE_SIZE - 1]++;
	result(object_is(fd, p, 4 * HUGE_SIZE),
	       "they can be mapped by the largest pages there are");
	munmap(p, 4 * HUGE_SIZE);
	close(fd2);

	failed_with(EINVAL, resize_object(fd, 3 * HUGE_SIZE + PAGE),
		    "resize to a part of a huge page");
	done(resize_object(fd, 6 * HUGE_SIZE), "resize to two more of them");
	object_info(fd, &info);
	result(info.pmd_pages == 6 && info.bytes == 6 * HUGE_SIZE, "there are six");
	done(resize_object(fd, HUGE_SIZE), "resize to one of them");
	object_info(fd, &info);
	result(info.pmd_pages == 1 && info.pages == HUGE_SIZE / PAGE, "there is one");
	drop("huge", fd);
	result(unchanged(&before, "huge pages"), "nothing is left behind");
}

static void test_info(void)
{
	struct kho_obj_info info;
	char line[512], comm[17] = "";
	__u64 now = time(NULL);
	struct stat st, other;
	struct kho_query q;
	FILE *f;
	char *p;
	int fd, fd2;

	need(create_as("a name", 5 * PAGE + 1, KHO_CREATE_SUM, 0, &fd), "create");
	need(create("other", PAGE, &fd2), "create");
	object_info(fd, &info);
	f = fopen("/proc/self/comm", "r");
	if (!f || !fgets(comm, sizeof(comm), f))
		die("no comm");
	fclose(f);
	comm[strcspn(comm, "\n")] = 0;
	result(!strcmp((char *)info.name, "a name") && info.bytes == 5 * PAGE + 1 &&
	       info.pages == 6 && info.extents >= 1 && info.extents <= 6,
	       "info: name, size, pages, extents");
	result(info.flags == (KHO_OBJ_BUSY | KHO_OBJ_CLAIMED | KHO_OBJ_SUM_AT_JUMP),
	       "info: open, new, with a checksum to come");
	result(info.created >= now - 2 && info.created <= now + 2 &&
	       !info.generation && !info.idle, "info: when it was made");
	result(!info.uid && !info.gid && info.mode == 0600 && !info.data_bytes,
	       "info: it is root's, 0600");
	result(!strcmp((char *)info.comm, comm), "info: the process that made it");
	get_query(kho, &q);
	f = fopen("/proc/sys/kernel/osrelease", "r");
	if (!f || !fgets(line, sizeof(line), f))
		die("no osrelease");
	fclose(f);
	line[strcspn(line, "\n")] = 0;
	result(!strcmp((char *)info.release, line), "info: the kernel it was made in");

	result(!fstat(fd, &st) && st.st_size == (off_t)(5 * PAGE + 1),
	       "fstat() tells its size");
	result(!fstat(fd2, &other) && st.st_ino != other.st_ino,
	       "each object has an inode of its own");
	close(fd2);
	need(open_object("a name", 0, &fd2), "open");
	result(!fstat(fd2, &other) && st.st_ino == other.st_ino &&
	       st.st_dev == other.st_dev, "which all its files share");
	p = map_object(fd, PAGE);
	maps_of(p, line, sizeof(line));
	result(strstr(line, "a name") || strstr(line, "a\\040name"),
	       "maps tells the name");
	munmap(p, PAGE);
	close(fd2);
	need(remove_object("other"), "remove");

	/* A file that is open only for reading can't be used to change the object. */
	need(open_object("a name", KHO_OPEN_READ, &fd2), "open to be read");
	result(write(fd2, "x", 1) == -1 && errno == EBADF, "write: EBADF");
	result(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd2, 0) == MAP_FAILED &&
	       errno == EACCES, "map to be written: EACCES");
	p = map_fd(fd2, PAGE, PROT_READ, MAP_SHARED);
	result(mprotect(p, PAGE, PROT_READ | PROT_WRITE) && errno == EACCES,
	       "mprotect to be written: EACCES");
	munmap(p, PAGE);
	failed_with(EBADF, resize_object(fd2, PAGE), "resize");
	failed_with(EBADF, set_data(fd2, "x", 1), "set data");
	failed_with(EBADF, seal_object(fd2, 0), "seal");
	close(fd2);
	drop("a name", fd);
}

void test_creating(void)
{
	test_nodes();
	test_huge_object();
	test_info();
}

/* ---- Size ---- */

void test_resizing(void)
{
	struct kho_query before, q;
	struct stat st;
	char *p;
	int fd;

	get_query(kho, &before);
	need(create("size", 4 * PAGE, &fd), "create");
	p = map_object(fd, 4 * PAGE);
	memset(p, 'a', 4 * PAGE);
	failed_with(EINVAL, resize_object(fd, 0), "resize to nothing");
	failed_with(ENOMEM, resize_object(fd, 1ULL << 45), "resize to 32 TiB");
	failed_with(ENOMEM, resize_object(fd, ~0ULL), "resize to all there is");
	result(p[0] == 'a' && p[4 * PAGE - 1] == 'a', "and nothing has changed");
	done(resize_object(fd, 4 * PAGE), "resize to what it has");

	done(resize_object(fd, PAGE + 10), "resize to less, while it is mapped");
	get_query(kho, &q);
	result(q.object_pages == before.object_pages + 2, "two pages are left");
	result(!fstat(fd, &st) && st.st_size == (off_t)(PAGE + 10),
	       "fstat() tells so");
	result(can_touch(p, true) && can_touch(p + PAGE, true),
	       "what is left can be used");
	result(!can_touch(p + 2 * PAGE, false) && !can_touch(p + 3 * PAGE, true),
	       "what was cut off: SIGBUS");
	result(p[0] == 'a' && p[PAGE + 9] == 'a', "what is left is as it was");
	result(pread(fd, p, 100, PAGE) == 10, "read stops at the new end");
	result(pwrite(fd, "x", 1, PAGE + 10) == -1 && errno == ENOSPC,
	       "write at the new end: ENOSPC");

	/* What lies behind the end, in the last page, must not show up when it grows. */
	memset(p + PAGE, 'b', PAGE);
	done(resize_object(fd, 8 * PAGE), "resize to more, while it is mapped");
	result(p[PAGE] == 'b' && p[PAGE + 9] == 'b' &&
	       all_zero(p + PAGE + 10, PAGE - 10), "the page it ended in goes on with zeroes");
	result(can_touch(p + 3 * PAGE, true) && all_zero(p + 2 * PAGE, 2 * PAGE),
	       "what was cut off is there again, and zero");
	munmap(p, 4 * PAGE);
	p = map_object(fd, 8 * PAGE);
	result(all_zero(p + 4 * PAGE, 4 * PAGE), "so is what is new");
	munmap(p, 8 * PAGE);
	done(resize_object(fd, 1), "resize to a byte");
	done(resize_object(fd, 600 * PAGE), "resize to 600 pages");
	get_query(kho, &q);
	result(q.object_pages == before.object_pages + 600, "they are there");
	drop("size", fd);
	result(unchanged(&before, "sizes"), "nothing is left behind");
}

/* ---- Seal ---- */

/* An object can't be sealed while a pipe refers to one of its pages. */
static void seal_in_use(size_t bytes, __u32 flags, const char *what)
{
	struct iovec page = { .iov_len = PAGE };
	int ends[2], fd;
	char *p;

	need(create_as("seal", bytes, flags, 0, &fd), "create");
	p = map_object(fd, bytes);
	memset(p, 'h', bytes);
	page.iov_base = p + bytes - PAGE;
	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	if (vmsplice(ends[1], &page, 1, 0) != (ssize_t)PAGE)
		die("vmsplice: %s", strerror(errno));
	munmap(p, bytes);
	failed_with(EBUSY, seal_object(fd, 0), "seal what a pipe has a page of");
	result(pwrite(fd, "h", 1, 0) == 1, "it can be written still");
	close(ends[0]);
	close(ends[1]);
	done(seal_object(fd, KHO_SEAL_SUM), what);
	drop("seal", fd);
}

void test_sealing(void)
{
	struct kho_obj_info info;
	struct kho_query before;
	char *p, *q;
	int fd, fd2;

	get_query(kho, &before);
	need(create("seal", 4 * PAGE, &fd), "create");
	p = map_object(fd, 4 * PAGE);
	memset(p, 's', 4 * PAGE);
	failed_with(EBUSY, seal_object(fd, 0), "seal what is mapped to be written");
	failed_with(EBUSY, seal_object(fd, KHO_SEAL_SUM),
		    "seal it with a checksum");
	p[0] = 'S';
	result(pwrite(fd, "s", 1, PAGE) == 1, "it can be written still");
	munmap(p, 4 * PAGE);

	/* A mapping that mprotect() could make writable. */
	q = map_fd(fd, 4 * PAGE, PROT_READ, MAP_SHARED);
	if (seal_object(fd, 0) == EBUSY) {
		munmap(q, 4 * PAGE);
		q = NULL;
		done(seal_object(fd, 0), "seal once nobody could write");
	} else {
		result(mprotect(q, PAGE, PROT_READ | PROT_WRITE) &&
		       errno == EACCES, "mprotect after the seal: EACCES");
	}
	object_info(fd, &info);
	result(info.flags & KHO_OBJ_SEALED, "it is said to be sealed");
	result(pwrite(fd, "x", 1, 0) == -1 && errno == EPERM, "write: EPERM");
	result(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	       MAP_FAILED && (errno == EPERM || errno == EACCES),
	       "map to be written: EPERM or EACCES");
	failed_with(EPERM, resize_object(fd, PAGE), "resize to less");
	failed_with(EPERM, resize_object(fd, 8 * PAGE), "resize to more");
	failed_with(EPERM, set_data(fd, "x", 1), "set data");
	failed_with(EPERM, seal_object(fd, 0), "seal it again");
	failed_with(EPERM, seal_object(fd, KHO_SEAL_SUM),
		    "take a checksum after the seal");
	done(commit_object(fd), "commit");
	close(fd);
	if (q)
		munmap(q, 4 * PAGE);

	done(open_object("seal", 0, &fd), "open it again");
	result((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY, "it is open to be read");
	result(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED,
	       "and can't be mapped to be written");
	p = map_fd(fd, PAGE, PROT_READ, MAP_SHARED);
	result(mprotect(p, PAGE, PROT_READ | PROT_WRITE) && errno == EACCES,
	       "mprotect to be written: EACCES");
	munmap(p, PAGE);
	/* Private copies can be written. */
	p = map_fd(fd, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	p[1] = 'x';
	result(p[0] == 'S' && p[1] == 'x', "a private mapping can be written");
	munmap(p, PAGE);
	p = malloc(4 * PAGE);
	memset(p, 's', 4 * PAGE);
	p[0] = 'S';
	result(object_is(fd, p, 4 * PAGE), "its content is as it was");
	free(p);
	done(open_object("seal", KHO_OPEN_READ, &fd2), "open it to be read");
	close(fd2);
	drop("seal", fd);

	seal_in_use(4 * PAGE, 0, "seal small pages");
	seal_in_use(2 * HUGE_SIZE, KHO_CREATE_HUGE, "seal huge pages");
	result(unchanged(&before, "seals"), "nothing is left behind");
}

/* ---- Data ---- */

static char data[KHO_DATA_MAX + 1], got[KHO_DATA_MAX + 1];

static int get_data(int fd, void *to, __u32 *bytes)
{
	struct kho_obj_data arg = {
		.size = sizeof(arg),
		.data = ptr64(to),
		.bytes = *bytes,
	};
	int err = call_on(fd, KHO_OBJ_GET_DATA, &arg);

	*bytes = arg.bytes;
	return err;
}

static bool data_is(int fd, __u32 want)
{
	struct kho_obj_info info;
	__u32 bytes = sizeof(got);

	object_info(fd, &info);
	memset(got, 0xee, sizeof(got));
	return !get_data(fd, got, &bytes) && bytes == want &&
	       !memcmp(got, data, want) && info.data_bytes == want &&
	       (want == sizeof(got) || got[want] == (char)0xee);
}

void test_data(void)
{
	static const __u32 sizes[] = {
		1, 4079, 4080, 4081, 0, KHO_DATA_MAX - 1, KHO_DATA_MAX, 5, 12240,
	};
	struct kho_query before;
	__u32 bytes;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 131 >> 3;
	get_query(kho, &before);
	need(create("data", PAGE, &fd), "create");
	result(data_is(fd, 0), "there is no data at first");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		data[0]++;
		done(set_data(fd, data, sizes[i]), "set data");
		result(data_is(fd, sizes[i]), "get %u bytes of data", sizes[i]);
	}
	failed_with(EINVAL, set_data(fd, data, KHO_DATA_MAX + 1),
		    "set more data than there may be");
	failed_with(EINVAL, set_data(fd, data, ~0U), "set 4 GiB of data");
	failed_with(EFAULT, set_data(fd, NULL, 10), "set data from null");
	result(data_is(fd, 12240), "it is as it was");

	bytes = 100;
	memset(got, 0, sizeof(got));
	done(get_data(fd, got, &bytes), "get a part of the data");
	result(bytes == 12240 && !memcmp(got, data, 100) &&
	       all_zero(got + 100, 4096), "how much there is, and that part");
	bytes = 0;
	done(get_data(fd, NULL, &bytes), "ask how much there is");
	result(bytes == 12240, "so much");
	bytes = 100;
	failed_with(EFAULT, get_data(fd, NULL, &bytes), "get data to null");
	done(set_data(fd, NULL, 0), "set none");
	result(data_is(fd, 0), "there is none");
	drop("data", fd);
	result(unchanged(&before, "data"), "nothing is left behind");
}

/* ---- Commit ---- */

void test_committing(void)
{
	struct kho_obj_name name = { .size = sizeof(name), .name = "commit" };
	struct kho_obj_info info;
	struct kho_query before;
	char *p, *memory = map_anon(4 * PAGE);
	int fd, fd2;

	get_query(kho, &before);
	need(create_as("commit", 4 * PAGE, KHO_CREATE_UNCOMMITTED, 0, &fd),
	     "create");
	object_info(fd, &info);
	result(info.flags & KHO_OBJ_UNCOMMITTED, "it is said to be uncommitted");
	refused(EBUSY, KHO_OBJ_REMOVE, &name, "remove while it is open");
	close(fd);
	refused(ENOENT, KHO_OBJ_OPEN, &name, "close: it is gone");
	result(unchanged(&before, "uncommitted"), "with all it had");

	need(create_as("commit", 4 * PAGE, KHO_CREATE_UNCOMMITTED, 0, &fd),
	     "create");
	need(open_object("commit", 0, &fd2), "open");
	close(fd);
	p = map_object(fd2, 4 * PAGE);
	close(fd2);
	done(open_object("commit", 0, &fd), "it stays while it is mapped");
	munmap(p, 4 * PAGE);
	done(commit_object(fd), "commit");
	done(commit_object(fd), "commit again");
	object_info(fd, &info);
	result(!(info.flags & KHO_OBJ_UNCOMMITTED), "it is said to be committed");
	close(fd);
	done(open_object("commit", 0, &fd), "close: it is still there");
	drop("commit", fd);

	need(create("commit", PAGE, &fd), "create");
	done(commit_object(fd), "commit what is committed");
	drop("commit", fd);

	fill(memory, 4 * PAGE, 2);
	need(preserve("commit", memory, 4 * PAGE, KHO_PRESERVE_UNCOMMITTED, &fd),
	     "preserve");
	close(fd);
	refused(ENOENT, KHO_OBJ_OPEN, &name, "close what was preserved: it is gone");
	good_preserve(memory, memory, 4 * PAGE, "it can be preserved again");
	munmap(memory, 4 * PAGE);
	result(unchanged(&before, "commit"), "nothing is left behind");
}

/* ---- Checksums ---- */

static bool verifies(int fd, __u64 first, __u64 count, __u64 want, __u64 bad,
		     __u64 first_bad)
{
	struct kho_obj_verify v = { .first = first, .count = count };
	int err = verify(fd, &v);

	if (!err && v.count == want && v.bad == bad &&
	    (!bad || v.first_bad == first_bad))
		return true;
	printf("# %s: %llu compared, %llu bad, the first is %llu\n",
	       name_of(err), (unsigned long long)v.count,
	       (unsigned long long)v.bad, (unsigned long long)v.first_bad);
	return false;
}

void test_verifying(void)
{
	struct kho_obj_verify v = { .count = 1 };
	struct kho_obj_info info;
	struct kho_query before;
	const size_t pages = 700;
	char *p, *q;
	int fd;

	get_query(kho, &before);
	need(create("sum", 10 * PAGE + 5, &fd), "create");
	v.size = sizeof(v);
	refused_on(ENODATA, fd, KHO_OBJ_VERIFY, &v, "verify without a checksum");
	p = map_object(fd, 10 * PAGE);
	fill(p, 10 * PAGE, 3);
	munmap(p, 10 * PAGE);
	done(seal_object(fd, KHO_SEAL_SUM), "seal with a checksum");
	object_info(fd, &info);
	result(info.flags & KHO_OBJ_SUMMED, "it is said to have one");
	result(verifies(fd, 0, 11, 11, 0, 0), "verify all of it");
	result(verifies(fd, 0, ~0ULL, 11, 0, 0), "verify more than all of it");
	result(verifies(fd, 10, 5, 1, 0, 0), "verify the last page");
	result(verifies(fd, 3, 2, 2, 0, 0), "verify two pages");
	result(verifies(fd, 11, 1, 0, 0, 0), "verify behind the end: none");
	result(verifies(fd, ~0ULL, ~0ULL, 0, 0, 0), "verify far behind it: none");
	result(verifies(fd, 0, 0, 0, 0, 0), "verify none of it");
	drop("sum", fd);

	/*
	 * The process that memory belongs to, which was preserved by address, can write
	 * to it in spite of the seal.
	 */
	p = map_anon(pages * PAGE);
	fill(p, pages * PAGE, 4);
	need(preserve("sum", p, pages * PAGE, 0, &fd), "preserve");
	q = map_fd(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	failed_with(EBUSY, seal_object(fd, KHO_SEAL_SUM),
		    "seal while the object is mapped");
	munmap(q, PAGE);
	done(seal_object(fd, KHO_SEAL_SUM), "seal what was preserved");
	result(verifies(fd, 0, pages, pages, 0, 0), "verify it");
	p[699 * PAGE + 4095]++;
	result(verifies(fd, 0, pages, pages, 1, 699), "its last byte has changed");
	p[511 * PAGE]++;
	p[600 * PAGE + 7]++;
	result(verifies(fd, 0, pages, pages, 3, 511), "three pages have changed");
	result(verifies(fd, 512, pages, pages - 512, 2, 600),
	       "two of them from the 512th on");
	result(verifies(fd, 0, 511, 511, 0, 0), "those before are right");
	p[511 * PAGE]--;
	p[600 * PAGE + 7]--;
	p[699 * PAGE + 4095]--;
	result(verifies(fd, 0, pages, pages, 0, 0), "all is right again");
	munmap(p, pages * PAGE);
	drop("sum", fd);
	result(unchanged(&before, "checksums"), "nothing is left behind");
}

// SPDX-License-Identifier: GPL-2.0
/*
 * libkho's functions with the fake device, which has to be preloaded: each of
 * them is used correctly, and with everything that the library itself refuses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <libkho.h>

#include "tap.h"

#define PAGE	4096
#define MIB	(1UL << 20)
#define GIB	(1UL << 30)

static int dev;

/* Makes the device return impossible results from now on, or correct ones again. */
static void lies(int on)
{
	if (on)
		setenv("KHO_FAKE_LIES", "1", 1);
	else
		unsetenv("KHO_FAKE_LIES");
}

/* Makes a command fail with this errno, or none if it is 0. */
static void fail(unsigned int cmd, int err)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%d", cmd, err);
	if (cmd)
		setenv("KHO_FAKE_FAIL", text, 1);
	else
		unsetenv("KHO_FAKE_FAIL");
}

static unsigned int nr_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int nr = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		nr += c == '\n';
	if (f)
		fclose(f);
	return nr;
}

static int is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static void test_device(void)
{
	struct kho_query query;

	is(kho_open("/nonexistent/kho"), -ENOENT, "open: no such file");
	dev = kho_open(NULL);
	ok(dev >= 0, "open: the default");
	ok(is_cloexec(dev), "open: close-on-exec");
	memset(&query, 0xff, sizeof(query));
	is(kho_query(dev, &query), 0, "query");
	is(query.page_size, PAGE, "query: page size");
	ok(query.features & KHO_FEATURE_AGENTS, "query: features");
	is(query.release_pages, 0, "query: what is not told is 0");
	fail(KHO_CMD_QUERY, EPERM);
	is(kho_query(dev, &query), -EPERM, "query: an error");
	fail(0, 0);
	is(kho_query(-1, &query), -EBADF, "query: no device");
	ok(strlen(kho_version()) >= 5, "version %s", kho_version());
	ok(strspn(kho_version(), "0123456789.") == strlen(kho_version()),
	   "version: numbers and dots");
}

static void test_why(void)
{
	uint32_t why, other;

	for (why = 0; why <= KHO_WHY_DRIVER + 1; why++) {
		ok(*kho_why_text(why), "why %u: %s", why, kho_why_text(why));
		for (other = 0; other < why; other++)
			must(strcmp(kho_why_text(why), kho_why_text(other)),
			     "%u and %u have the same text", why, other);
	}
	is_str(kho_why_text(~0U), kho_why_text(why), "why: unknown numbers");
}

static void test_names(void)
{
	struct kho_refusal refusal = { 77, 77 };
	char longest[KHO_NAME_SIZE], too_long[KHO_NAME_SIZE + 1];
	uint64_t bytes = 77;
	int obj;

	memset(longest, 'n', sizeof(longest));
	longest[KHO_NAME_SIZE - 1] = '\0';
	memset(too_long, 'n', sizeof(too_long));
	too_long[KHO_NAME_SIZE] = '\0';

	is(kho_object_create(dev, "", PAGE, 0, 0), -EINVAL, "create: no name");
	is(kho_object_create(dev, too_long, PAGE, 0, 0), -ENAMETOOLONG,
	   "create: 64 bytes of name");
	is(kho_object_open(dev, "", 0, &bytes), -EINVAL, "open: no name");
	is(kho_object_open(dev, too_long, 0, &bytes), -ENAMETOOLONG,
	   "open: 64 bytes of name");
	is(bytes, 77, "open: the size is as it was");
	is(kho_object_remove(dev, ""), -EINVAL, "remove: no name");
	is(kho_object_remove(dev, too_long), -ENAMETOOLONG,
	   "remove: 64 bytes of name");
	is(kho_object_preserve(dev, "", &dev, PAGE, 0, NULL), -EINVAL,
	   "preserve: no name");
	is(kho_object_preserve(dev, too_long, &dev, PAGE, 0, &refusal),
	   -ENAMETOOLONG, "preserve: 64 bytes of name");
	is(refusal.why, KHO_WHY_NONE, "preserve: no reason");
	is(refusal.addr, 0, "preserve: no address");

	obj = kho_object_create(dev, longest, PAGE, 0, 0);
	ok(obj >= 0, "create: 63 bytes of name");
	close(obj);
	is(kho_object_remove(dev, longest), 0, "remove: 63 bytes of name");
}

static void test_object(void)
{
	struct kho_obj_info info;
	uint64_t bytes = 0;
	struct stat st;
	int obj;

	obj = kho_object_create(dev, "one", 3 * PAGE + 1, 0, 0);
	ok(obj >= 0 && is_cloexec(obj), "create");
	is(kho_object_create(dev, "one", PAGE, 0, 0), -EEXIST, "create: again");
	is(kho_object_create(dev, "two", PAGE, 1U << 31, 0), -EOPNOTSUPP,
	   "create: a flag that there is not");
	is(kho_object_create(dev, "two", PAGE, KHO_CREATE_NODE, 99), -EINVAL,
	   "create: the node is passed on");
	is(kho_object_create(dev, "two", PAGE, KHO_CREATE_HUGE, 0), -EINVAL,
	   "create: the size is passed on");
	memset(&info, 0xff, sizeof(info));
	is(kho_object_info(obj, &info), 0, "info");
	is_str((char *)info.name, "one", "info: name");
	is(info.bytes, 3 * PAGE + 1, "info: size");
	is(info.pages, 4, "info: pages");
	is(info.flags, KHO_OBJ_CLAIMED, "info: flags");
	is(kho_object_info(dev, &info), -ENOTTY, "info: of the device");

	is(kho_object_resize(obj, 5 * PAGE), 0, "resize");
	is(fstat(obj, &st) ? 0 : st.st_size, 5 * PAGE, "resize: its size");
	is(kho_object_resize(obj, 0), -EINVAL, "resize: to nothing");
	is(kho_object_remove(dev, "one"), -EBUSY, "remove: open");
	close(obj);

	obj = kho_object_open(dev, "one", KHO_OPEN_READ | KHO_OPEN_LARGEST,
			      &bytes);
	ok(obj >= 0 && is_cloexec(obj), "open");
	is(bytes, 5 * PAGE, "open: its size");
	is(kho_object_resize(obj, PAGE), -EBADF, "resize: only for reading");
	close(obj);
	obj = kho_object_open(dev, "one", 0, NULL);
	ok(obj >= 0, "open: the size is not wanted");
	close(obj);
	is(kho_object_open(dev, "one", 4, NULL), -EOPNOTSUPP,
	   "open: a flag that there is not");
	is(kho_object_remove(dev, "one"), 0, "remove");
	is(kho_object_remove(dev, "one"), -ENOENT, "remove: again");
	is(kho_object_open(dev, "one", 0, NULL), -ENOENT, "open: it is gone");

	lies(1);
	is(kho_object_create(dev, "one", PAGE, 0, 0), -EPROTO,
	   "create: a descriptor that can't be");
	lies(0);
	fail(KHO_CMD_OBJ_CREATE, EDQUOT);
	is(kho_object_create(dev, "one", PAGE, 0, 0), -EDQUOT,
	   "create: an error is passed on");
	fail(0, 0);
}

static void test_commit(void)
{
	int obj = kho_object_create(dev, "new", PAGE, KHO_CREATE_UNCOMMITTED, 0);
	struct kho_obj_info info;

	ok(obj >= 0, "create: uncommitted");
	is(kho_object_info(obj, &info), 0, "info");
	is(info.flags, KHO_OBJ_CLAIMED | KHO_OBJ_UNCOMMITTED,
	   "info: uncommitted");
	close(obj);
	is(kho_object_open(dev, "new", 0, NULL), -ENOENT,
	   "uncommitted: it goes with its file");
	obj = kho_object_create(dev, "new", PAGE, KHO_CREATE_UNCOMMITTED, 0);
	is(kho_object_commit(obj), 0, "commit");
	is(kho_object_commit(obj), 0, "commit: again");
	close(obj);
	obj = kho_object_open(dev, "new", 0, NULL);
	ok(obj >= 0, "committed: it stays");
	close(obj);
	is(kho_object_commit(obj), -EBADF, "commit: a closed descriptor");
	is(kho_object_remove(dev, "new"), 0, "remove");
}

static void test_preserve(void)
{
	struct kho_refusal refusal = { 77, 77 };
	struct kho_obj_info info;
	char *memory, page[PAGE];
	int obj;

	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(memory != MAP_FAILED, "mmap");
	memset(memory, 'm', 4 * PAGE);
	munmap(memory + 3 * PAGE, PAGE);

	obj = kho_object_preserve(dev, "mem", memory, 3 * PAGE,
				  KHO_PRESERVE_SUM, &refusal);
	ok(obj >= 0 && is_cloexec(obj), "preserve");
	is(refusal.why, KHO_WHY_NONE, "preserve: no reason");
	is(refusal.addr, 0, "preserve: no address");
	is(pread(obj, page, PAGE, 2 * PAGE), PAGE, "its last page");
	is(memcmp(page, memory, PAGE), 0, "is the same");
	is(kho_object_info(obj, &info), 0, "info");
	is(info.flags, KHO_OBJ_CLAIMED | KHO_OBJ_PINNED | KHO_OBJ_SUM_AT_JUMP,
	   "info: flags");
	is(kho_object_resize(obj, PAGE), -EINVAL, "resize: it can't be");
	close(obj);
	is(kho_object_remove(dev, "mem"), 0, "remove");

	is(kho_object_preserve(dev, "mem", memory, 4 * PAGE, 0, &refusal),
	   -EFAULT, "preserve: a hole");
	is(refusal.why, KHO_WHY_UNMAPPED, "preserve: the reason");
	is(refusal.addr, (uintptr_t)memory + 3 * PAGE, "preserve: the address");
	is(kho_object_preserve(dev, "mem", memory, 4 * PAGE, 0, NULL), -EFAULT,
	   "preserve: nobody wants to know");
	is(kho_object_preserve(dev, "mem", memory + 1, PAGE, 0, &refusal),
	   -EINVAL, "preserve: misaligned");
	is(refusal.why, KHO_WHY_NONE, "preserve: no reason");
	is(kho_object_preserve(dev, "mem", memory, PAGE, 1U << 5, NULL),
	   -EOPNOTSUPP, "preserve: a flag that there is not");
	munmap(memory, 3 * PAGE);
}

static void test_list(void)
{
	struct kho_obj_info infos[4];
	char name[2] = "a";
	uint64_t total = 77;
	uint32_t count;
	int i, obj;

	for (i = 0; i < 5; i++, name[0]++) {
		obj = kho_object_create(dev, name, PAGE + i, 0, 0);
		must(obj >= 0, "create %s", name);
		close(obj);
	}
	memset(infos, 0xff, sizeof(infos));
	count = 3;
	is(kho_object_list(dev, 0, infos, &count, &total), 0, "list");
	is(count, 3, "list: as many as there is room");
	is(total, 5, "list: there are more");
	is_str((char *)infos[2].name, "c", "list: the name of the third");
	is(infos[2].bytes, PAGE + 2, "list: its size");
	is(infos[3].size, ~0U, "list: nothing behind the room");
	count = 3;
	is(kho_object_list(dev, 4, infos, &count, &total), 0, "list: the rest");
	is(count, 1, "list: one");
	is_str((char *)infos[0].name, "e", "list: the last");
	is(infos[1].size, 0, "list: what is not filled is 0");
	count = 0;
	is(kho_object_list(dev, 0, NULL, &count, &total), 0, "list: how many");
	is(total, 5, "list: that many");
	lies(1);
	count = 3;
	is(kho_object_list(dev, 0, infos, &count, &total), -EPROTO,
	   "list: more than there is room for");
	is(count, 3, "list: the count is as it was");
	lies(0);
	for (i = 0, name[0] = 'a'; i < 5; i++, name[0]++)
		kho_object_remove(dev, name);
}

static void test_data(void)
{
	int obj = kho_object_create(dev, "data", PAGE, 0, 0);
	static char large[KHO_DATA_MAX + 1];
	char buf[8] = "1234567";
	uint32_t bytes = 8;

	is(kho_object_get_data(obj, buf, &bytes), 0, "get_data: none");
	is(bytes, 0, "get_data: 0 bytes");
	is(kho_object_set_data(obj, "hello", 5), 0, "set_data");
	bytes = 3;
	is(kho_object_get_data(obj, buf, &bytes), 0, "get_data: less room");
	is(bytes, 5, "get_data: how many there are");
	is_str(buf, "hel4567", "get_data: nothing behind the room");
	bytes = 0;
	is(kho_object_get_data(obj, NULL, &bytes), 0, "get_data: how many");
	is(bytes, 5, "get_data: that many");
	is(kho_object_set_data(obj, large, KHO_DATA_MAX), 0,
	   "set_data: as much as there may be");
	is(kho_object_set_data(obj, large, KHO_DATA_MAX + 1), -EINVAL,
	   "set_data: too much");
	is(kho_object_set_data(obj, NULL, 0), 0, "set_data: none");
	bytes = 8;
	is(kho_object_get_data(obj, buf, &bytes), 0, "get_data");
	is(bytes, 0, "get_data: none any more");
	lies(1);
	bytes = 8;
	is(kho_object_get_data(obj, buf, &bytes), -EPROTO,
	   "get_data: more than there can be");
	is(bytes, 8, "get_data: the room is as it was");
	lies(0);
	close(obj);
	kho_object_remove(dev, "data");
}

static void test_owner(void)
{
	int obj = kho_object_create(dev, "owner", PAGE, 0, 0);
	struct kho_obj_info info;

	is(kho_object_set_owner(obj, KHO_OWNER_UID, 5, 6, 0640), 0,
	   "set_owner: user");
	must(!kho_object_info(obj, &info), "info");
	ok(info.uid == 5 && !info.gid && info.mode == 0600,
	   "set_owner: the user alone");
	is(kho_object_set_owner(obj, KHO_OWNER_GID | KHO_OWNER_MODE, 7, 8, 0640),
	   0, "set_owner: group and mode");
	must(!kho_object_info(obj, &info), "info");
	ok(info.uid == 5 && info.gid == 8 && info.mode == 0640,
	   "set_owner: these alone");
	is(kho_object_set_owner(obj, KHO_OWNER_MODE, 0, 0, 0700), -EINVAL,
	   "set_owner: a mode that can't be");
	is(kho_object_set_owner(obj, 8, 0, 0, 0), -EOPNOTSUPP,
	   "set_owner: a flag that there is not");
	close(obj);
	kho_object_remove(dev, "owner");
}

static void test_verify(void)
{
	int obj = kho_object_create(dev, "sum", 250 * PAGE, 0, 0), fd;
	uint64_t count = 250, bad = 77, first_bad = 77;
	struct kho_obj_verify pages;
	struct kho_obj_info info;
	char path[512];

	is(kho_object_verify(obj, 0, &count, &bad, &first_bad), -ENODATA,
	   "verify: there is no checksum");
	ok(count == 250 && bad == 77 && first_bad == 77,
	   "verify: all is as it was");
	is(kho_object_seal(obj, 2), -EOPNOTSUPP,
	   "seal: a flag that there is not");
	is(kho_object_seal(obj, KHO_SEAL_SUM), 0, "seal");
	is(kho_object_resize(obj, PAGE), -EPERM, "resize: it is sealed");
	close(obj);
	obj = kho_object_open(dev, "sum", 0, NULL);
	is(kho_object_seal(obj, 0), -EBADF, "seal: only for reading");
	is(kho_object_verify(obj, 0, &count, &bad, &first_bad), 0, "verify");
	ok(count == 100 && !bad, "verify: as many as the kernel wants to");
	count = 250;
	is(kho_object_verify(obj, 200, &count, &bad, &first_bad), 0,
	   "verify: the last pages");
	ok(count == 50 && !bad, "verify: no more than there are");

	/* Change the content without the device's knowledge. */
	snprintf(path, sizeof(path), "%s/objects/sum", getenv("KHO_FAKE_DIR"));
	fd = open(path, O_WRONLY);
	must(pwrite(fd, "x", 1, 211 * PAGE + 9) == 1, "pwrite");
	must(pwrite(fd, "x", 1, 249 * PAGE) == 1, "pwrite");
	close(fd);
	count = 250;
	is(kho_object_verify(obj, 200, &count, &bad, &first_bad), 0,
	   "verify: bad pages");
	ok(count == 50 && bad == 2 && first_bad == 211, "verify: which");
	setenv("KHO_FAKE_POISONED", "sum:211:2", 1);
	count = 250;
	is(kho_object_verify(obj, 200, &count, &bad, &first_bad), 0,
	   "verify: poisoned pages");
	ok(count == 50 && bad == 1 && first_bad == 249,
	   "verify: these are not bad");
	pages.first = 200;
	pages.count = 250;
	is(kho_object_verify_pages(obj, &pages), 0, "verify_pages");
	ok(pages.count == 50 && pages.bad == 1 && pages.first_bad == 249 &&
	   pages.poisoned == 2 && pages.first_poisoned == 211,
	   "verify_pages: it tells of them");
	must(!kho_object_info(obj, &info), "info");
	is(info.poisoned_pages, 2, "info: so does this");
	unsetenv("KHO_FAKE_POISONED");
	lies(1);
	is(kho_object_verify(obj, 200, &count, &bad, &first_bad), -EPROTO,
	   "verify: more than was asked for");
	lies(0);
	close(obj);
	kho_object_remove(dev, "sum");
}

static void test_map(void)
{
	int obj = kho_object_create(dev, "map", GIB + 8 * MIB, 0, 0), ro;
	unsigned int before = nr_mappings();
	void *addr = &obj;

	is(kho_object_map(obj, 0, 0, PROT_READ, &addr), -EINVAL, "map: nothing");
	is(kho_object_map(obj, 1, PAGE, PROT_READ, &addr), -EINVAL,
	   "map: misaligned");
	is(kho_object_map(obj, 1, 4 * MIB, PROT_READ, &addr), -EINVAL,
	   "map: large and misaligned");
	is(kho_object_map(obj, 1ULL << 63, PAGE, PROT_READ, &addr), -EOVERFLOW,
	   "map: an offset beyond all");
	is(kho_object_map(obj, 0, SIZE_MAX & ~4095UL, PROT_READ, &addr), -ENOMEM,
	   "map: more than there are addresses");
	is(kho_object_map(-1, 0, 4 * MIB, PROT_READ, &addr), -EBADF,
	   "map: no descriptor");
	ro = kho_object_open(dev, "map", KHO_OPEN_READ, NULL);
	is(kho_object_map(ro, 0, 4 * MIB, PROT_WRITE, &addr), -EACCES,
	   "map: only for reading");
	ok(addr == &obj, "map: the address is as it was");
	is(nr_mappings(), before, "map: nothing is left of these");
	close(ro);

	is(kho_object_map(obj, PAGE, PAGE, PROT_READ | PROT_WRITE, &addr), 0,
	   "map: a page");
	strcpy(addr, "here");
	munmap(addr, PAGE);
	is(kho_object_map(obj, 0, 2 * MIB, PROT_READ, &addr), 0, "map: 2 MiB");
	is((uintptr_t)addr % (2 * MIB), 0, "map: at a multiple of 2 MiB");
	is_str((char *)addr + PAGE, "here", "map: shared");
	munmap(addr, 2 * MIB);
	is(kho_object_map(obj, 3 * PAGE, 6 * MIB, PROT_READ, &addr), 0,
	   "map: with an offset");
	is(((uintptr_t)addr - 3 * PAGE) % (2 * MIB), 0,
	   "map: the same modulo 2 MiB");
	munmap(addr, 6 * MIB);
	is(kho_object_map(obj, 2 * MIB, GIB, PROT_READ, &addr), 0, "map: 1 GiB");
	is(((uintptr_t)addr - 2 * MIB) % GIB, 0, "map: the same modulo 1 GiB");
	munmap(addr, GIB);
	is(nr_mappings(), before, "map: nothing is left after munmap()");
	close(obj);
	kho_object_remove(dev, "map");
}

/* If there are too few addresses to align a mapping, it is made anyway. */
static void test_map_limited(void)
{
	int obj = kho_object_create(dev, "map", 512 * MIB, 0, 0), status;
	struct rlimit limit = { 1536 * MIB, 1536 * MIB };
	pid_t pid = fork();

	if (!pid) {
		void *room, *addr;

		/* Not run with sanitizers, which use terabytes of addresses. */
		if (setrlimit(RLIMIT_AS, &limit))
			_exit(9);
		room = mmap(NULL, 900 * MIB, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (room == MAP_FAILED)
			_exit(8);
		if (kho_object_map(obj, 0, 512 * MIB, PROT_READ, &addr))
			_exit(7);
		_exit(munmap(addr, 512 * MIB) ? 6 : 0);
	}
	waitpid(pid, &status, 0);
	is(status, 0, "map: with no addresses to spare");
	close(obj);
	kho_object_remove(dev, "map");
}

static void test_pages(void)
{
	const struct kho_page_entry two[] = {
		{ .pfn = 16, .order = 1 }, { .pfn = 0x666 },
	};
	struct kho_page_entry entries[4];
	uint32_t failed, count;
	uint64_t total, word;
	int fd;

	is(kho_page_add(dev, 4096, 0), 0, "page_add");
	is(kho_page_add(dev, 4096, 0), -EEXIST, "page_add: again");
	is(kho_page_add(dev, 1, 1), -EINVAL, "page_add: misaligned");
	is(kho_page_add(dev, 8192, 3), 0, "page_add: order 3");
	count = 4;
	is(kho_page_list(dev, 0, entries, &count, &total), 0, "page_list");
	ok(count == 3 && total == 3, "page_list: these and one that arrived");
	ok(entries[2].pfn == 8192 && entries[2].order == 3, "page_list: which");
	is(kho_page_open(dev, 4096, 0), -EBUSY, "page_open: of this kernel");
	is(kho_page_del(dev, 8192, 2), -ENOENT, "page_del: another order");
	is(kho_page_del(dev, 8192, 3), 0, "page_del");

	failed = 77;
	is(kho_batch_add(dev, two, 2, &failed), -EADDRNOTAVAIL,
	   "batch_add: the second is free");
	is(failed, 1, "batch_add: which failed");
	is(kho_batch_add(dev, two, 1, &failed), 0, "batch_add");
	is(failed, 1, "batch_add: none failed");
	fail(KHO_CMD_BATCH_ADD, ENOMEM);
	is(kho_batch_add(dev, two, 2, &failed), -ENOMEM, "batch_add: no memory");
	is(failed, 2, "batch_add: no element's fault");
	fail(0, 0);
	is(kho_batch_del(dev, two, 2, &failed), -ENOENT, "batch_del");
	is(failed, 1, "batch_del: which failed");
	is(kho_batch_del(dev, two, 1, &failed), 0, "batch_del: one");

	fd = kho_page_open(dev, 32, 2);
	ok(fd >= 0 && is_cloexec(fd), "page_open: what arrived");
	is(pread(fd, &word, 8, 8), 8, "page_open: readable");
	is(word, (32ULL << 32) + 8, "page_open: its content");
	close(fd);
	is(kho_page_del(dev, 4096, 0), 0, "page_del");
}

static void test_rest(void)
{
	struct kho_envelope_entry envelopes[4];
	struct kho_subtree_entry trees[4];
	struct kho_meta_entry metas[4];
	static char pages[4 * PAGE];
	uint64_t total = 77;
	uint32_t count = 4;

	setenv("KHO_FAKE_ENVELOPES", "1000:2000,9000:1000,b000:1000", 1);
	setenv("KHO_FAKE_ARRIVED", "5000:1000", 1);
	setenv("KHO_FAKE_SUBTREES", "a:1000:8:1,b:2000:16:2", 1);
	is(kho_envelope_list(dev, 0, 0, envelopes, &count, &total), 0,
	   "envelope_list");
	ok(count == 2 && total == 3 && envelopes[1].addr == 0x9000,
	   "envelope_list: which");
	count = 4;
	is(kho_envelope_list(dev, KHO_ENVELOPE_ARRIVED, 0, envelopes, &count,
			     &total), 0, "envelope_list: arrived");
	ok(count == 1 && total == 1 && envelopes[0].addr == 0x5000,
	   "envelope_list: which");
	count = 4;
	is(kho_subtree_list(dev, 1, trees, &count, &total), 0, "subtree_list");
	ok(count == 1 && total == 2 && trees[0].bytes == 0x16,
	   "subtree_list: which");
	count = 4;
	is(kho_meta_read(dev, 1, metas, pages, &count, &total), 0, "meta_read");
	ok(count == 3 && total > 4, "meta_read: how many");
	is(metas[0].kind, KHO_META_FDT, "meta_read: the second is the FDT");
	is(memcmp(pages, "\xd0\x0d\xfe\xed", 4), 0, "meta_read: its content");
	setenv("KHO_FAKE_USER", "1", 1);
	count = 4;
	is(kho_meta_read(dev, 1, metas, pages, &count, &total), -EPERM,
	   "meta_read: not permitted");
	is(count, 4, "meta_read: the count is as it was");
	unsetenv("KHO_FAKE_USER");
}

int main(int argc, char **argv)
{
	tap_start();
	test_device();
	test_why();
	test_names();
	test_object();
	test_commit();
	test_preserve();
	test_list();
	test_data();
	test_owner();
	test_verify();
	test_map();
	if (argc < 2 || strcmp(argv[1], "sanitized"))
		test_map_limited();
	test_pages();
	test_rest();
	close(dev);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/* For fail-nth: commands for objects, and system calls for their files. */
#include <sys/wait.h>

#include "fail-nth.h"

#define PAGES		300

static int made_fd;
static char *content;

/* Does the object still have the content that was put there? */
static bool intact(void)
{
	return object_is(made_fd, content, 77 * PAGE);
}

static int do_create(void)
{
	return create("failing", PAGES * PAGE, &made_fd);
}

static void undo_create(void)
{
	close(made_fd);
	need(remove_object("failing"), "remove");
}

static void prepare_object(void)
{
	int fd;

	need(create("failing", PAGES * PAGE, &fd), "create");
	close(fd);
}

static void drop_object(void)
{
	need(remove_object("failing"), "remove");
}

static int do_open(void)
{
	return open_object("failing", 0, &made_fd);
}

static int do_remove(void)
{
	return remove_object("failing");
}

/* ---- Memory of the caller, present or not ---- */

#define ANON_PAGES	60

static char *anon;

static int do_preserve(void)
{
	return preserve("failing", anon, ANON_PAGES * PAGE, KHO_PRESERVE_SUM,
			&made_fd);
}

static void empty_memory(void)
{
	if (madvise(anon, ANON_PAGES * PAGE, MADV_DONTNEED))
		die("madvise: %s", strerror(errno));
}

/* ---- Commands for objects ---- */

static int do_create_huge(void)
{
	return create_as("failing", HUGE_SIZE,
			 KHO_CREATE_HUGE | KHO_CREATE_SUM |
			 KHO_CREATE_UNCOMMITTED, 0, &made_fd);
}

static void undo_create_huge(void)
{
	close(made_fd);
}

static void fill_object(size_t bytes)
{
	if (pwrite(made_fd, content, bytes, 0) != (ssize_t)bytes)
		die("pwrite: %s", strerror(errno));
}

static void prepare_open(void)
{
	need(create("failing", PAGES * PAGE, &made_fd), "create");
	fill_object(PAGES * PAGE);
}

static void prepare_sealed(void)
{
	prepare_open();
	need(seal_object(made_fd, KHO_SEAL_SUM), "seal");
}

static int do_commit(void)
{
	return commit_object(made_fd);
}

static int do_seal(void)
{
	return seal_object(made_fd, KHO_SEAL_SUM);
}

static int do_grow(void)
{
	return resize_object(made_fd, 1500 * PAGE);
}

static int do_shrink(void)
{
	return resize_object(made_fd, 77 * PAGE);
}

static int do_set_data(void)
{
	return set_data(made_fd, content, 20000);
}

static int do_get_data(void)
{
	static char room[2000];
	struct kho_obj_data arg = {
		.size = sizeof(arg),
		.data = ptr64(room),
		.bytes = sizeof(room),
	};

	return call_on(made_fd, KHO_OBJ_GET_DATA, &arg);
}

static int do_set_owner(void)
{
	return set_owner(made_fd, KHO_OWNER_MODE, 0, 0, 0640);
}

static int do_info(void)
{
	struct kho_obj_info arg = { .size = sizeof(arg) };

	return call_on(made_fd, KHO_OBJ_INFO, &arg);
}

static int do_verify(void)
{
	struct kho_obj_verify arg = { .count = ~0ULL };

	return verify(made_fd, &arg);
}

static int do_info_list(void)
{
	static struct kho_obj_info room[8];
	struct kho_obj_info_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(room),
		.count = ARRAY_SIZE(room),
		.entry_size = sizeof(room[0]),
	};

	return call(KHO_OBJ_INFO_LIST, &arg);
}

static int do_list_objects(void)
{
	static struct kho_obj_entry room[8];
	struct kho_obj_list arg = {
		.size = sizeof(arg),
		.count = ARRAY_SIZE(room),
		.entries = ptr64(room),
	};

	return call(KHO_OBJ_LIST, &arg);
}

static int do_query(void)
{
	struct kho_query arg = { .size = sizeof(arg) };

	return call(KHO_QUERY, &arg);
}

/* ---- System calls for files ---- */

static char *mapped;
static size_t mapped_bytes;

static int map_pages(size_t nr, int flags)
{
	mapped_bytes = nr * PAGE;
	mapped = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, flags, made_fd,
		      0);
	return mapped == MAP_FAILED ? errno : 0;
}

static int map_object(int flags)
{
	return map_pages(PAGES, flags);
}

static int do_mmap(void)
{
	return map_object(MAP_SHARED);
}

static void undo_mmap(void)
{
	munmap(mapped, mapped_bytes);
	undo_create();
}

static void prepare_shared(void)
{
	prepare_open();
	need(map_object(MAP_SHARED), "mmap");
}

static void prepare_private(void)
{
	prepare_open();
	/* Each page that is copied is an allocation. */
	need(map_pages(20, MAP_PRIVATE), "mmap");
}

/* An object of one huge page, which one entry of the PMD's size can map. */
static void prepare_huge(void)
{
	need(create_as("failing", HUGE_SIZE, KHO_CREATE_HUGE, 0, &made_fd),
	     "create");
	fill_object(PAGES * PAGE);
	mapped_bytes = HUGE_SIZE;
	mapped = map_aligned(HUGE_SIZE, HUGE_SIZE, made_fd,
			     PROT_READ | PROT_WRITE, MAP_SHARED);
}

/* Memory of a process: the mapping of the object is one of page numbers. */
static void prepare_numbers(void)
{
	need(preserve("failing", content, PAGES * PAGE, 0, &made_fd), "preserve");
	need(map_object(MAP_SHARED), "mmap");
}

/* Faults in all pages; 0, or an errno instead of a signal. */
static int populate(int how)
{
	return madvise(mapped, mapped_bytes, how) ? errno : 0;
}

static int do_read_fault(void)
{
	return populate(MADV_POPULATE_READ);
}

static int do_write_fault(void)
{
	return populate(MADV_POPULATE_WRITE);
}

/* The kernel does not populate page numbers: have it read a page of the mapping. */
static int do_numbers_fault(void)
{
	ssize_t n = pwrite(made_fd, mapped, PAGE, 0);

	return n < 0 ? errno : n == (ssize_t)PAGE ? 0 : EFAULT;
}

static bool mapping_intact(void)
{
	return intact() && !memcmp(mapped, content, PAGES * PAGE);
}

/* A private copy can be written without changing the object. */
static bool copy_intact(void)
{
	if (memcmp(mapped, content, mapped_bytes))
		return false;
	memset(mapped, 1, mapped_bytes);
	return intact();
}

/* Less than all of it counts as a failure. */
static int all_of(ssize_t n)
{
	return n < 0 ? errno : n == 3 * (ssize_t)PAGE ? 0 : EFAULT;
}

static int do_read(void)
{
	static char room[3 * PAGE];

	return all_of(pread(made_fd, room, sizeof(room), 100));
}

static int do_write(void)
{
	return all_of(pwrite(made_fd, content + 128, 3 * PAGE, 128));
}

static pid_t child;

int do_fork(void)
{
	child = fork();
	if (!child)
		_exit(memcmp(mapped, content, PAGES * PAGE) != 0);
	return child < 0 ? errno : 0;
}

static void undo_fork(void)
{
	int status;

	if (waitpid(child, &status, 0) != child || status)
		die("the child has status %#x", status);
	undo_mmap();
}

/* ---- What can't fail, whatever does ---- */

static void prepare_uncommitted(void)
{
	need(create_as("failing", PAGES * PAGE,
		       KHO_CREATE_UNCOMMITTED | KHO_CREATE_SUM, 0, &made_fd),
	     "create");
	need(set_data(made_fd, content, 5000), "data");
}

static int do_close(void)
{
	return close(made_fd) ? errno : 0;
}

/* Only the mapping is left, the file is closed. */
static void prepare_mapped(void)
{
	prepare_uncommitted();
	need(map_object(MAP_SHARED), "mmap");
	need(populate(MADV_POPULATE_WRITE), "populate");
	close(made_fd);
}

static int do_munmap(void)
{
	return munmap(mapped, mapped_bytes) ? errno : 0;
}

static void drop_mapped(void)
{
	need(do_munmap(), "munmap");
}

static void prepare_preserved(void)
{
	need(preserve("failing", content, PAGES * PAGE,
		      KHO_PRESERVE_UNCOMMITTED, &made_fd), "preserve");
}

void make_content(void)
{
	anon = map_anon(ANON_PAGES * PAGE);
	madvise(anon, ANON_PAGES * PAGE, MADV_NOHUGEPAGE);
	fill(anon, ANON_PAGES * PAGE, 1);
	content = map_anon(PAGES * PAGE);
	madvise(content, PAGES * PAGE, MADV_NOHUGEPAGE);
	fill(content, PAGES * PAGE, 2);
}

static const struct test_case object_cases[] = {
	{ "QUERY", nothing, do_query, nothing_to_see, nothing, nothing, 2 },
	{ "OBJ_CREATE", nothing, do_create, nothing_to_see, undo_create, nothing,
	  7 },
	{ "OBJ_OPEN", prepare_object, do_open, nothing_to_see, undo_create,
	  drop_object, 4 },
	{ "OBJ_REMOVE", prepare_object, do_remove, nothing_to_see, nothing,
	  drop_object, 1 },
	{ "OBJ_LIST", nothing, do_list_objects, nothing_to_see, nothing, nothing,
	  2 },
	{ "OBJ_INFO_LIST", prepare_object, do_info_list, nothing_to_see,
	  drop_object, drop_object, 3 },
	{ "OBJ_PRESERVE", nothing, do_preserve, nothing_to_see, undo_create,
	  nothing, 7 },
	{ "OBJ_PRESERVE of what is not there", empty_memory, do_preserve,
	  nothing_to_see, undo_create, nothing, 7 },
	{ "OBJ_CREATE of huge pages", nothing, do_create_huge, nothing_to_see,
	  undo_create_huge, nothing, 7 },
	{ "OBJ_COMMIT", prepare_open, do_commit, intact, undo_create, undo_create,
	  1 },
	{ "OBJ_SEAL", prepare_open, do_seal, intact, undo_create, undo_create, 2 },
	{ "OBJ_RESIZE to more", prepare_open, do_grow, intact, undo_create,
	  undo_create, 3 },
	{ "OBJ_RESIZE to less", prepare_open, do_shrink, intact, undo_create,
	  undo_create, 2 },
	{ "OBJ_SET_DATA", prepare_open, do_set_data, intact, undo_create,
	  undo_create, 5 },
	{ "OBJ_GET_DATA", prepare_open, do_get_data, intact, undo_create,
	  undo_create, 2 },
	{ "OBJ_SET_OWNER", prepare_open, do_set_owner, intact, undo_create,
	  undo_create, 1 },
	{ "OBJ_INFO", prepare_open, do_info, intact, undo_create, undo_create, 2 },
	{ "OBJ_VERIFY", prepare_sealed, do_verify, intact, undo_create,
	  undo_create, 2 },
	/* A copy that fails is tried again once the memory is present. */
	{ "read", prepare_open, do_read, intact, undo_create, undo_create, 0 },
	{ "write", prepare_open, do_write, intact, undo_create, undo_create, 0 },
	{ "mmap", prepare_open, do_mmap, intact, undo_mmap, undo_create, 1 },
	{ "fault, read", prepare_shared, do_read_fault, mapping_intact, undo_mmap,
	  undo_mmap, 0 },
	{ "fault, write", prepare_shared, do_write_fault, mapping_intact,
	  undo_mmap, undo_mmap, 0 },
	{ "fault, private", prepare_private, do_write_fault, copy_intact,
	  undo_mmap, undo_mmap, 2 },
	{ "fault, huge", prepare_huge, do_write_fault, mapping_intact, undo_mmap,
	  undo_mmap, 0 },
	{ "fault, of page numbers", prepare_numbers, do_numbers_fault,
	  mapping_intact, undo_mmap, undo_mmap, 0 },
	{ "fork", prepare_shared, do_fork, mapping_intact, undo_fork, undo_mmap,
	  10 },
	{ "close, uncommitted", prepare_uncommitted, do_close, nothing_to_see,
	  nothing, nothing, 0 },
	{ "close, uncommitted and of a process", prepare_preserved, do_close,
	  nothing_to_see, nothing, nothing, 0 },
	{ "munmap, uncommitted", prepare_mapped, do_munmap, nothing_to_see,
	  nothing, drop_mapped, 0 },
};

void run_object_cases(void)
{
	run_cases(object_cases, ARRAY_SIZE(object_cases));
}

// SPDX-License-Identifier: GPL-2.0
/*
 * memory COMMAND: leaves memory of all kinds to the next kernels, and checks in
 * each of them what has become of it.  Speaks TAP.
 *
 *	leave		makes objects, by size and by address, and ends
 *	hold		makes more, says "holding", and waits for ever, so that
 *			they are open at the jump
 *	arrived RELEASE	checks what is there after the first jump, from the kernel
 *			RELEASE; opens all objects but one, and changes some
 *	aged		checks what is there after the second jump, with
 *			max_idle=2; removes all of it
 *	high MIB	makes an object at MIB or above, where a machine with less
 *			RAM has none
 */
#include <grp.h>
#include <sys/uio.h>

#include "ioctl.h"

#define ALICE		1000
#define TEAM		3000
#define BOB		1001

/* Each object has a content of its own, which changes by stage. */
static void paint(char *p, __u64 bytes, unsigned int seed)
{
	__u64 i, state = seed * 0x9e3779b97f4a7c15ULL + 1;

	for (i = 0; i < bytes; i += 8) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		memcpy(p + i, &state, bytes - i < 8 ? bytes - i : 8);
	}
}

static bool painted(int fd, __u64 bytes, unsigned int seed)
{
	char *p = malloc(bytes);
	bool good;

	if (!p)
		die("no memory");
	paint(p, bytes, seed);
	good = object_is(fd, p, bytes);
	free(p);
	return good;
}

static void paint_object(int fd, __u64 bytes, unsigned int seed)
{
	char *p = map_fd(fd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED);

	paint(p, bytes, seed);
	munmap(p, bytes);
}

static char data[KHO_DATA_MAX], got[KHO_DATA_MAX];

static void paint_data(unsigned int seed)
{
	paint(data, sizeof(data), seed);
}

enum made {
	CREATED,			/* allocated by the module */
	ANON,				/* preserved by address */
	MEMFD,
	THP,
	HUGETLB,
};

/* The objects, in the order in which the module lists them.  The place is the seed. */
static const struct legacy {
	const char *name;
	enum made made;
	__u64 bytes;
	__u32 flags;			/* KHO_CREATE_* or KHO_PRESERVE_* */
	__u32 node;
	bool seal;			/* with a checksum */
	__u32 pmd_pages;		/* that it has at least, in every kernel */
} legacies[] = {
	{ .name = "plain", .bytes = 700 * PAGE + 100 },
	{ .name = "sealed", .bytes = 50 * PAGE, .seal = true },
	{ .name = "summed", .bytes = 64 * PAGE + 5, .flags = KHO_CREATE_SUM },
	{ .name = "huge", .bytes = 2 * HUGE_SIZE, .flags = KHO_CREATE_HUGE,
	  .pmd_pages = 2 },
	{ .name = "node", .bytes = 200 * PAGE, .flags = KHO_CREATE_NODE,
	  .node = 1 },
	{ .name = "anon", .made = ANON, .bytes = 300 * PAGE,
	  .flags = KHO_PRESERVE_SUM },
	{ .name = "memfd", .made = MEMFD, .bytes = 40 * PAGE },
	{ .name = "thp", .made = THP, .bytes = 2 * HUGE_SIZE, .pmd_pages = 2 },
	{ .name = "hugetlb", .made = HUGETLB, .bytes = HUGE_SIZE,
	  .pmd_pages = 1 },
	{ .name = "spoilt", .made = ANON, .bytes = 9 * PAGE, .seal = true },
	{ .name = "idle", .bytes = 3 * PAGE },
};

#define SPOILT_PAGE	5

static const struct legacy *legacy_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(legacies); i++)
		if (!strcmp(legacies[i].name, name))
			return &legacies[i];
	die("no legacy is called %s", name);
}

static unsigned int seed_of(const struct legacy *legacy)
{
	return legacy - legacies + 1;
}

/* ---- The first kernel ---- */

static char *memory_of(const struct legacy *legacy)
{
	switch (legacy->made) {
	case MEMFD:
		return map_fd(make_memfd(legacy->name, legacy->bytes),
			      legacy->bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
	case THP:
		return map_thp(legacy->bytes / HUGE_SIZE);
	case HUGETLB:
		return map_hugetlb(legacy->bytes / HUGE_SIZE);
	default:
		return map_anon(legacy->bytes);
	}
}

static void make(const struct legacy *legacy)
{
	struct kho_obj_info info;
	char *p = NULL;
	int fd;

	if (legacy->made == CREATED) {
		need(create_as(legacy->name, legacy->bytes, legacy->flags,
			       legacy->node, &fd), legacy->name);
		paint_object(fd, legacy->bytes, seed_of(legacy));
	} else {
		p = memory_of(legacy);
		/* What is written after it was preserved is handed over as well. */
		need(preserve(legacy->name, p, legacy->bytes, legacy->flags, &fd),
		     legacy->name);
		paint(p, legacy->bytes, seed_of(legacy));
	}
	if (legacy->seal)
		need(seal_object(fd, KHO_SEAL_SUM), "seal");
	if (!strcmp(legacy->name, "spoilt"))
		p[SPOILT_PAGE * PAGE + 17]++;
	if (!strcmp(legacy->name, "plain")) {
		paint_data(100);
		need(set_data(fd, data, sizeof(data)), "set data");
		need(set_owner(fd, KHO_OWNER_UID | KHO_OWNER_GID | KHO_OWNER_MODE,
			       ALICE, TEAM, 0640), "set owner");
	}
	object_info(fd, &info);
	result(info.bytes == legacy->bytes && info.pmd_pages >= legacy->pmd_pages,
	       "%s is made", legacy->name);
	close(fd);
}

static void cmd_leave(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(legacies); i++)
		make(&legacies[i]);
}

static void cmd_hold(void)
{
	int fd, other;
	char *p;

	need(create_as("uncommitted", 1000 * PAGE, KHO_CREATE_UNCOMMITTED, 0, &fd),
	     "create");
	paint_object(fd, 1000 * PAGE, 50);
	need(set_data(fd, data, sizeof(data)), "set data");
	p = map_anon(100 * PAGE);
	need(preserve("half-way", p, 100 * PAGE, KHO_PRESERVE_UNCOMMITTED, &other),
	     "preserve");
	paint(p, 100 * PAGE, 51);
	/* One that is in use at the jump, and written to last through a mapping. */
	need(create_as("held", 20 * PAGE, KHO_CREATE_UNCOMMITTED, 0, &fd), "create");
	need(commit_object(fd), "commit");
	p = map_fd(fd, 20 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	paint(p, 20 * PAGE, 52);
	printf("holding\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* ---- The second ---- */

static struct kho_obj_info infos[32];

static __u32 list_all(void)
{
	struct kho_obj_info_list list = {
		.size = sizeof(list),
		.entries = ptr64(infos),
		.count = ARRAY_SIZE(infos),
		.entry_size = sizeof(infos[0]),
	};

	need(call(KHO_OBJ_INFO_LIST, &list), "OBJ_INFO_LIST");
	return list.count;
}

static const struct kho_obj_info *find_info(const char *name, __u32 count)
{
	__u32 i;

	for (i = 0; i < count; i++)
		if (!strcmp((char *)infos[i].name, name))
			return &infos[i];
	return NULL;
}

static void told(bool good, const struct kho_obj_info *info, const char *what)
{
	if (!result(good, "%.63s: %s", info->name, what))
		printf("# %llu bytes, %llu pages, %llu huge, generation %u, idle %u, %u:%u, mode %o, flags %#x, data %u, by %.16s on %.72s\n",
		       (unsigned long long)info->bytes,
		       (unsigned long long)info->pages,
		       (unsigned long long)info->pmd_pages, info->generation,
		       info->idle, info->uid, info->gid, info->mode,
		       info->flags, info->data_bytes, info->comm, info->release);
}

/* Checks how an object is listed before anybody has opened it. */
static void check_listed(const struct legacy *legacy, __u32 count,
			 const char *release, __u32 generation, __u32 idle)
{
	const struct kho_obj_info *info = find_info(legacy->name, count);
	bool plain = !strcmp(legacy->name, "plain"), sum;
	__u32 want;

	if (!result(info, "%s has arrived", legacy->name))
		return;
	sum = legacy->flags & KHO_CREATE_SUM;
	want = KHO_OBJ_ARRIVED | (legacy->seal ? KHO_OBJ_SEALED | KHO_OBJ_SUMMED : 0) |
	       (sum ? KHO_OBJ_SUM_AT_JUMP | KHO_OBJ_SUMMED : 0);
	told(info->flags == want, info, "sealed or not, not claimed, not pinned");
	told(info->bytes == legacy->bytes &&
	     info->pages == (legacy->bytes + PAGE - 1) / PAGE, info, "its size");
	told(info->pmd_pages >= legacy->pmd_pages, info, "its huge pages");
	told(info->generation == generation && info->idle == idle, info,
	     "its age, and how long nobody wanted it");
	told(info->uid == (plain ? ALICE : 0) && info->gid == (plain ? TEAM : 0) &&
	     info->mode == (plain ? 0640 : 0600), info, "its owner");
	told(!strcmp((char *)info->comm, "memory") &&
	     !strcmp((char *)info->release, release) && info->created, info,
	     "who made it, where");
}

/* Opens an object, compares its content, and verifies its checksum. */
static void check_content(const struct legacy *legacy)
{
	struct kho_obj_verify v = { .count = ~0ULL };
	__u64 pages = (legacy->bytes + PAGE - 1) / PAGE;
	bool sum = legacy->seal || legacy->flags & KHO_CREATE_SUM;
	bool spoilt = !strcmp(legacy->name, "spoilt");
	struct kho_obj_info info;
	int fd;

	/* Opened for writing, it would lose its checksum. */
	if (!done(open_object(legacy->name, sum ? KHO_OPEN_READ :
			      KHO_OPEN_LARGEST, &fd), legacy->name))
		return;
	object_info(fd, &info);
	told(info.flags & KHO_OBJ_CLAIMED && !info.idle, &info, "it is claimed now");
	if (sum) {
		need(verify(fd, &v), "verify");
		if (!result(v.count == pages && v.bad == spoilt &&
			    (!spoilt || v.first_bad == SPOILT_PAGE),
			    "%s: its checksum is %s", legacy->name,
			    spoilt ? "that of another content" : "right"))
			printf("# %llu compared, %llu bad, first %llu\n",
			       (unsigned long long)v.count,
			       (unsigned long long)v.bad,
			       (unsigned long long)v.first_bad);
	} else {
		failed_with(ENODATA, verify(fd, &v), "verify without a checksum");
	}
	if (legacy->seal)
		result(pwrite(fd, "x", 1, 0) == -1 &&
		       mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED,
		       "%s: it can't be written", legacy->name);
	if (!spoilt)
		result(painted(fd, legacy->bytes, seed_of(legacy)),
		       "%s: its content is right", legacy->name);
	close(fd);
}

/* Is an object mapped by huge pages, and usable like any memory? */
static void check_huge(const char *name)
{
	const struct legacy *legacy = legacy_of(name);
	__u64 bytes = legacy->bytes;
	char *p, *copy = malloc(bytes);
	struct iovec to = { .iov_len = bytes };
	struct iovec from = { .iov_base = copy, .iov_len = bytes };
	long mapped;
	int fd;

	need(open_object(name, 0, &fd), "open");
	p = map_aligned(bytes, HUGE_SIZE, fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	to.iov_base = p;
	(void)*(volatile char *)p;
	(void)*(volatile char *)(p + bytes - 1);
	mapped = smaps_of(p, "FilePmdMapped") + smaps_of(p, "ShmemPmdMapped");
	if (!result(mapped == (long)(bytes / 1024), "%s is mapped by huge pages",
		    name))
		printf("# %ld of %llu KiB\n", mapped,
		       (unsigned long long)bytes / 1024);
	result(process_vm_readv(getpid(), &from, 1, &to, 1, 0) == (ssize_t)bytes &&
	       !memcmp(copy, p, bytes), "%s: get_user_pages() works", name);
	munmap(p, bytes);
	close(fd);
	free(copy);
}

static void become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		die("user %u: %s", uid, strerror(errno));
}

static void as_alice(void *arg)
{
	int fd;

	(void)arg;
	become(ALICE);
	result(list_all() == 1, "Alice sees what is hers, and no more");
	done(open_object("plain", 0, &fd), "Alice opens it");
	result(painted(fd, legacies[0].bytes, 1), "and finds what she left");
	close(fd);
}

static void as_bob(void *arg)
{
	int fd;

	(void)arg;
	become(BOB);
	result(!list_all(), "Bob sees nothing");
	failed_with(ENOENT, open_object("plain", KHO_OPEN_READ, &fd),
		    "Bob opens Alice's");
	failed_with(ENOENT, open_object("thp", KHO_OPEN_READ, &fd),
		    "Bob opens root's");
}

static void check_data(int fd, __u32 bytes, unsigned int seed)
{
	struct kho_obj_data get = {
		.size = sizeof(get),
		.data = ptr64(got),
		.bytes = sizeof(got),
	};

	paint_data(seed);
	need(call_on(fd, KHO_OBJ_GET_DATA, &get), "get data");
	result(get.bytes == bytes && !memcmp(got, data, bytes),
	       "its %u bytes of data are right", bytes);
}

static void cmd_arrived(const char *release)
{
	__u32 count = list_all(), i;
	struct kho_query before;
	int fd;

	for (i = 0; i < ARRAY_SIZE(legacies); i++)
		check_listed(&legacies[i], count, release, 1, 1);
	result(count == ARRAY_SIZE(legacies) + 1, "and what was held, and no more");
	result(!find_info("uncommitted", count) && !find_info("half-way", count),
	       "what was not committed has gone");
	get_query(kho, &before);
	result(before.objects == count && before.arrived_objects == count,
	       "the query says as many");

	in_child("Alice", as_alice, NULL);
	in_child("Bob", as_bob, NULL);
	for (i = 0; i < ARRAY_SIZE(legacies) - 1; i++)
		check_content(&legacies[i]);
	check_huge("huge");
	check_huge("thp");
	check_huge("hugetlb");
	result(unchanged(&before, "reading"), "reading has changed nothing");

	need(open_object("held", 0, &fd), "open");
	result(painted(fd, 20 * PAGE, 52), "held: what was written last is there");
	close(fd);
	need(remove_object("held"), "remove");

	/* Changes for the next kernel to find. */
	need(open_object("plain", 0, &fd), "open");
	check_data(fd, sizeof(data), 100);
	paint_data(101);
	need(set_data(fd, data, 5000), "set data");
	close(fd);
	need(open_object("summed", 0, &fd), "open");
	paint_object(fd, 64 * PAGE, 60);
	close(fd);
	need(open_object("memfd", 0, &fd), "open");
	done(resize_object(fd, 90 * PAGE), "memfd: it can be resized now");
	close(fd);
	need(open_object("anon", 0, &fd), "open");
	paint_object(fd, 10 * PAGE, 61);
	close(fd);
	/* Sealed late, and with no checksum. */
	need(open_object("hugetlb", 0, &fd), "open");
	need(seal_object(fd, 0), "seal");
	close(fd);
}

/* ---- The third ---- */

static void cmd_aged(void)
{
	struct kho_obj_verify v = { .count = ~0ULL };
	__u32 count = list_all(), i;
	const struct kho_obj_info *info;
	char *p;
	int fd;

	result(!find_info("idle", count),
	       "what nobody has opened for two handovers has gone");
	result(count == ARRAY_SIZE(legacies) - 1, "and nothing else");
	for (i = 0; i < count; i++) {
		info = &infos[i];
		told(info->generation == 2 && info->idle == 1 &&
		     (info->flags & KHO_OBJ_ARRIVED) &&
		     !(info->flags & KHO_OBJ_CLAIMED), info, "its age");
		result(!strcmp((char *)info->name, legacies[i].name),
		       "%.63s: its place in the list", info->name);
	}

	need(open_object("plain", 0, &fd), "open");
	check_data(fd, 5000, 101);
	result(painted(fd, legacies[0].bytes, 1), "plain: its content is right");
	close(fd);
	check_content(legacy_of("sealed"));
	check_content(legacy_of("spoilt"));
	check_content(legacy_of("node"));
	check_content(legacy_of("thp"));
	check_huge("huge");
	check_huge("thp");

	need(open_object("summed", KHO_OPEN_READ, &fd), "open");
	need(verify(fd, &v), "verify");
	result(v.count == 65 && !v.bad, "summed: its new checksum is right");
	result(painted(fd, 64 * PAGE, 60), "summed: its new content is there");
	close(fd);
	need(open_object("summed", 0, &fd), "open");
	p = map_fd(fd, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	p[0]++;
	munmap(p, PAGE);
	failed_with(ENODATA, verify(fd, &v),
		    "once it was open for writing it has none");
	close(fd);
	v.count = ~0ULL;
	need(open_object("anon", KHO_OPEN_READ, &fd), "open");
	need(verify(fd, &v), "verify");
	result(v.count == 300 && !v.bad, "anon: its new checksum is right");
	close(fd);
	need(open_object("memfd", 0, &fd), "open");
	result(painted(fd, legacy_of("memfd")->bytes, seed_of(legacy_of("memfd"))),
	       "memfd: its content is right");
	p = map_fd(fd, 90 * PAGE, PROT_READ, MAP_SHARED);
	result(all_zero(p + 40 * PAGE, 50 * PAGE), "memfd: what was added is zero");
	munmap(p, 90 * PAGE);
	close(fd);
	need(open_object("hugetlb", 0, &fd), "open");
	result((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY &&
	       painted(fd, HUGE_SIZE, seed_of(legacy_of("hugetlb"))),
	       "hugetlb: it is sealed, and its content right");
	close(fd);

	for (i = 0; i < count; i++)
		need(remove_object((char *)infos[i].name), "remove");
	result(!list_all(), "all can be removed");
}

/* ---- The fourth, which has less memory ---- */

/* Allocates most of the free memory, and preserves a page of it at @mib or above. */
static void cmd_high(const char *mib)
{
	__u64 least = (strtoull(mib, NULL, 0) << 20) / PAGE;
	size_t bytes = sysconf(_SC_AVPHYS_PAGES) / 8 * 7 * PAGE, at;
	char *p = map_anon(bytes);
	int fd;

	for (at = 0; at + PAGE <= bytes; at += HUGE_SIZE) {
		p[at] = 1;
		if (pfn_of(p + at) < least)
			continue;
		need(preserve("high", p + at, PAGE, 0, &fd), "preserve");
		return;
	}
	die("none of %zu bytes lies at %s MiB or above", bytes, mib);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	kho = open_kho();
	if (!strcmp(command, "high") && argc == 3) {
		cmd_high(argv[2]);
		return 0;
	}
	if (!strcmp(command, "leave") && argc == 2)
		cmd_leave();
	else if (!strcmp(command, "hold") && argc == 2)
		cmd_hold();
	else if (!strcmp(command, "arrived") && argc == 3)
		cmd_arrived(argv[2]);
	else if (!strcmp(command, "aged") && argc == 2)
		cmd_aged();
	else
		die("usage: memory leave|hold|arrived RELEASE|aged|high MIB");
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

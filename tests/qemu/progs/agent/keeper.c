// SPDX-License-Identifier: GPL-2.0
/*
 * An agent with 2 GiB of memory of its own, of every kind that can be preserved
 * by address.  It lives through any number of handovers:
 *
 *	keeper first		preserves all of it: generation 0
 *	keeper next G		in generation G: finds everything as generation
 *				G-1 left it, writes all of it anew, and
 *				replaces one kind by fresh memory
 *	keeper last G		finds everything, and gives it up
 *	keeper look KIND G	compares one kind with what generation G wrote
 *
 * Each 64-bit word has a value that follows from the kind of memory, from where
 * it is, and from the generation that wrote it; each of them is compared.
 */
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#include <libkho.h>

#include "guest.h"

#define MIB		(1ULL << 20)
#define SMALL		PAGE
#define LARGE		(2 * MIB)
#define GIGANTIC	(1024 * MIB)
#define WORDS		(PAGE / 8)
/* A pattern that no generation leaves behind */
#define NEVER		~0ULL
/* Readable by direct I/O on every kernel of the tests */
#define DISK		"/dev/vda"
#define DISK_BYTES	(3 * MIB)

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT	26
#endif

static void *map_anon(size_t bytes);
static void *map_memfd(size_t bytes);
static void *map_thp(size_t bytes);
static void *map_hugetlb_2m(size_t bytes);
static void *map_hugetlb_1g(size_t bytes);

static const struct kind {
	const char *name;
	size_t bytes;
	size_t page;			/* bytes of the pages that it is made of */
	void *(*map)(size_t bytes);
} kinds[] = {
	/* First, while there is 1 GiB in one piece without pinned pages. */
	{ "hugetlb-1g", 1024 * MIB, GIGANTIC, map_hugetlb_1g },
	{ "anon", 192 * MIB, SMALL, map_anon },
	{ "memfd", 192 * MIB, SMALL, map_memfd },
	{ "thp", 320 * MIB, LARGE, map_thp },
	{ "hugetlb-2m", 320 * MIB, LARGE, map_hugetlb_2m },
};

#define KINDS	ARRAY_SIZE(kinds)

static int kho;

/* ---- What the memory has in it ---- */

static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* The words of a page are an arithmetic sequence: each page has its start and step. */
static void row_of(const struct kind *k, __u64 gen, size_t page, __u64 *start,
		   __u64 *step)
{
	*start = mix(mix(mix(gen) + (k - kinds)) + page);
	*step = mix(*start) | 1;
}

static void fill(const struct kind *k, __u64 gen, __u64 *memory)
{
	size_t page, i;

	for (page = 0; page < k->bytes / PAGE; page++, memory += WORDS) {
		__u64 value, step;

		row_of(k, gen, page, &value, &step);
		for (i = 0; i < WORDS; i++, value += step)
			memory[i] = value;
	}
}

static void compare(const struct kind *k, __u64 gen, const __u64 *memory)
{
	size_t page, i;

	for (page = 0; page < k->bytes / PAGE; page++, memory += WORDS) {
		__u64 value, step, start, differ = 0;

		row_of(k, gen, page, &start, &step);
		for (i = 0, value = start; i < WORDS; i++, value += step)
			differ |= memory[i] ^ value;
		if (!differ)
			continue;
		for (i = 0; memory[i] == start + i * step; i++)
			;
		die("%s: byte %llu: %#llx, not %#llx, which generation %llu wrote",
		    k->name, page * PAGE + i * 8, memory[i], start + i * step,
		    gen);
	}
}

/* ---- What is mapped how ---- */

/* The sum in bytes of one line of /proc/self/smaps, over @bytes from @addr on */
static size_t mapped_as(const void *addr, size_t bytes, const char *line)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long long from = 0, start, end, kib, sum = 0;
	char text[512], name[64];

	if (!f)
		die("/proc/self/smaps: %s", strerror(errno));
	while (fgets(text, sizeof(text), f)) {
		if (sscanf(text, "%llx-%llx %63s", &start, &end, name) == 3) {
			from = start;
			continue;
		}
		if (from < ptr64(addr) || from >= ptr64(addr) + bytes)
			continue;
		if (sscanf(text, "%63[^:]: %llu kB", name, &kib) == 2 &&
		    !strcmp(name, line))
			sum += kib << 10;
	}
	fclose(f);
	return sum;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

/* ---- Fresh memory ---- */

static void *map(size_t bytes, int flags, int fd)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap of %zu bytes: %s", bytes, strerror(errno));
	return p;
}

static void advise(void *p, size_t bytes, int advice)
{
	if (madvise(p, bytes, advice))
		die("madvise: %s", strerror(errno));
}

static void *map_anon(size_t bytes)
{
	void *p = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	advise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

static void *map_memfd(size_t bytes)
{
	int fd = memfd_create("keeper", MFD_CLOEXEC);
	void *p;

	if (fd < 0 || ftruncate(fd, bytes))
		die("memfd: %s", strerror(errno));
	p = map(bytes, MAP_SHARED, fd);
	close(fd);
	return p;
}

static void *map_thp(size_t bytes)
{
	char *p = map(bytes + LARGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	p += -(uintptr_t)p % LARGE;
	advise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static unsigned long read_number(const char *path)
{
	unsigned long number;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%lu", &number) != 1)
		die("%s: can't read", path);
	fclose(f);
	return number;
}

static void write_number(const char *path, unsigned long number)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die("%s: can't open", path);
	fprintf(f, "%lu\n", number);
	if (fclose(f))
		die("%s: %lu: %s", path, number, strerror(errno));
}

/*
 * Makes the pool large enough for what is in use already, and for this.  To get 1 GiB in
 * one piece, the kernel has to move the pages that are in the way, but it can't move one
 * that is being moved just then: so it is asked more than once.
 */
static void *map_hugetlb(size_t bytes, size_t page, int flags)
{
	char all[96], unused[96];
	unsigned long used, want = bytes / page;
	int tries;

	snprintf(all, sizeof(all),
		 "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
		 page >> 10);
	snprintf(unused, sizeof(unused),
		 "/sys/kernel/mm/hugepages/hugepages-%zukB/free_hugepages",
		 page >> 10);
	used = read_number(all) - read_number(unused);
	for (tries = 0; tries < 20; tries++) {
		write_number(all, used + want);
		if (read_number(unused) >= want)
			break;
		write_number("/proc/sys/vm/drop_caches", 3);
		write_number("/proc/sys/vm/compact_memory", 1);
		usleep(100000);
	}
	return map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | flags, -1);
}

static void *map_hugetlb_2m(size_t bytes)
{
	return map_hugetlb(bytes, LARGE, 21 << MAP_HUGE_SHIFT);
}

static void *map_hugetlb_1g(size_t bytes)
{
	return map_hugetlb(bytes, GIGANTIC, 30 << MAP_HUGE_SHIFT);
}

/* Checks that the memory is made of the pages that it should be made of. */
static void check_fresh(const struct kind *k, const void *p)
{
	bool thp = k->map == map_thp;
	size_t got;

	got = mapped_as(p, k->bytes, "AnonHugePages");
	if (got != (thp ? k->bytes : 0))
		die("%s: %zu bytes are transparent huge pages", k->name, got);
	got = mapped_as(p, k->bytes, "KernelPageSize");
	if (got != (thp ? SMALL : k->page))
		die("%s: the mapping has pages of %zu bytes", k->name, got);
}

/* ---- The agent's notes: user data that goes with each object ---- */

struct notes {
	char kind[16];
	__u64 written;			/* the generation that wrote the object */
	__u64 born;			/* the one that preserved it */
	char release[72];		/* of the kernel in which it did */
};

/* The last generation up to @gen that replaced this kind.  The kinds take turns. */
static __u64 born_in(const struct kind *k, __u64 gen)
{
	while (gen && (gen - 1) % KINDS != (size_t)(k - kinds))
		gen--;
	return gen;
}

/* The length of the notes differs as well, up to the most that user data may have. */
static __u32 notes_bytes(const struct kind *k, __u64 gen)
{
	if (gen % 7 == 6)
		return KHO_DATA_MAX;
	return sizeof(struct notes) +
	       mix(gen + (k - kinds)) % (KHO_DATA_MAX - sizeof(struct notes));
}

static __u32 make_notes(const struct kind *k, __u64 gen, const char *release,
			char *to)
{
	__u32 bytes = notes_bytes(k, gen), i;
	struct notes *n = (struct notes *)to;

	memset(n, 0, sizeof(*n));
	snprintf(n->kind, sizeof(n->kind), "%s", k->name);
	snprintf(n->release, sizeof(n->release), "%s", release);
	n->written = gen;
	n->born = born_in(k, gen);
	for (i = sizeof(*n); i < bytes; i++)
		to[i] = mix(gen + i);
	return bytes;
}

static char data[KHO_DATA_MAX], want[KHO_DATA_MAX];

static void set_notes(const struct kind *k, __u64 gen, const char *release,
		      int obj)
{
	int err = kho_object_set_data(obj, data,
				      make_notes(k, gen, release, data));

	if (err)
		die("%s: kho_object_set_data: %s", k->name, strerror(-err));
}

/* The release in the notes has to be the one that the module recorded. */
static void check_notes(const struct kind *k, __u64 gen,
			const struct kho_obj_info *info, int obj)
{
	__u32 bytes = sizeof(data), wanted;
	int err = kho_object_get_data(obj, data, &bytes);

	if (err)
		die("%s: kho_object_get_data: %s", k->name, strerror(-err));
	wanted = make_notes(k, gen, (const char *)info->release, want);
	if (bytes != wanted || info->data_bytes != wanted)
		die("%s: %u bytes of user data, listed as %u, not %u", k->name,
		    bytes, info->data_bytes, wanted);
	if (memcmp(data, want, bytes))
		die("%s: the user data is not what generation %llu set",
		    k->name, gen);
}

/* ---- Objects ---- */

/* @flags: those of @mask that have to be set */
static void check_info(const struct kind *k, const struct kho_obj_info *info,
		       __u64 age, __u32 mask, __u32 flags)
{
	__u64 pmds = k->page == LARGE ? k->bytes / LARGE : 0;
	__u64 puds = k->page == GIGANTIC ? k->bytes / GIGANTIC : 0;

	if (info->bytes != k->bytes || info->pages != k->bytes / PAGE)
		die("%s: %llu bytes in %llu pages, not %zu", k->name,
		    info->bytes, info->pages, k->bytes);
	if (info->pmd_pages != pmds || info->pud_pages != puds)
		die("%s: %llu pages of 2 MiB and %llu of 1 GiB, not %llu and %llu",
		    k->name, info->pmd_pages, info->pud_pages, pmds, puds);
	if (info->generation != age)
		die("%s: %u handovers old, not %llu", k->name,
		    info->generation, age);
	if ((info->flags & mask) != flags)
		die("%s: the flags are %#x; of %#x there should be %#x",
		    k->name, info->flags, mask, flags);
	if (info->uid || info->gid || info->mode != 0600)
		die("%s: owner %u:%u, mode %#o", k->name, info->uid, info->gid,
		    info->mode);
	if (strcmp((const char *)info->comm, "keeper"))
		die("%s: made by %.15s", k->name, info->comm);
}

static void get_info(const struct kind *k, int obj, struct kho_obj_info *info)
{
	int err = kho_object_info(obj, info);

	if (err)
		die("%s: kho_object_info: %s", k->name, strerror(-err));
}

/* Gets the information from the list, without opening the object. */
static void find(const struct kind *k, struct kho_obj_info *info)
{
	struct kho_obj_info room[2 * KINDS];
	__u32 count = ARRAY_SIZE(room), i;
	uint64_t total;
	int err = kho_object_list(kho, 0, room, &count, &total);

	if (err)
		die("kho_object_list: %s", strerror(-err));
	if (count != KINDS || total != KINDS)
		die("there are %llu objects, not %zu",
		    (unsigned long long)total, KINDS);
	for (i = 0; i < count; i++) {
		if (!strcmp((const char *)room[i].name, k->name)) {
			*info = room[i];
			return;
		}
	}
	die("%s is not listed", k->name);
}

static void remove_object(const struct kind *k)
{
	int err = kho_object_remove(kho, k->name);

	if (err)
		die("%s: kho_object_remove: %s", k->name, strerror(-err));
}

/* Makes an object of fresh memory, and writes to it after that. */
static void preserve(const struct kind *k, __u64 gen)
{
	struct kho_refusal refusal;
	struct kho_obj_info info;
	__u64 *p = k->map(k->bytes), start, step, word;
	struct utsname uts;
	int obj, err;

	fill(k, NEVER, p);
	check_fresh(k, p);
	obj = kho_object_preserve(kho, k->name, p, k->bytes,
				  KHO_PRESERVE_UNCOMMITTED, &refusal);
	if (obj < 0)
		die("%s: kho_object_preserve: %s: %s at %#llx", k->name,
		    strerror(-obj), kho_why_text(refusal.why),
		    (unsigned long long)refusal.addr);
	fill(k, gen, p);

	/* The object is the memory itself, not a copy of what it was. */
	row_of(k, gen, k->bytes / PAGE - 1, &start, &step);
	if (pread(obj, &word, 8, k->bytes - PAGE) != 8 || word != start)
		die("%s: the object does not show what was written", k->name);

	get_info(k, obj, &info);
	check_info(k, &info, 0, KHO_OBJ_ARRIVED | KHO_OBJ_UNCOMMITTED |
		   KHO_OBJ_PINNED, KHO_OBJ_UNCOMMITTED | KHO_OBJ_PINNED);
	uname(&uts);
	set_notes(k, gen, uts.release, obj);
	err = kho_object_commit(obj);
	if (err)
		die("%s: kho_object_commit: %s", k->name, strerror(-err));
	get_info(k, obj, &info);
	check_info(k, &info, 0, KHO_OBJ_UNCOMMITTED | KHO_OBJ_CLAIMED,
		   KHO_OBJ_CLAIMED);
	close(obj);
	munmap(p, k->bytes);
}

/* ---- The mapping of an object is memory like any other ---- */

/* Direct I/O from a disk, for which the kernel has to find the pages and hold them */
static void direct_io(const struct kind *k, char *memory, const char *wanted)
{
	/* Across the end of the first large page, if there is another. */
	char *at = memory + LARGE - DISK_BYTES / 2;
	int fd = open(DISK, O_RDONLY | O_DIRECT | O_CLOEXEC);
	ssize_t got;

	if (k->page == SMALL)
		at = memory + PAGE;
	if (fd < 0)
		die(DISK ": %s", strerror(errno));
	got = pread(fd, at, DISK_BYTES, 0);
	if (got != DISK_BYTES)
		die("%s: direct read into the mapping: %zd, %s", k->name, got,
		    strerror(errno));
	close(fd);
	if (memcmp(at, wanted, DISK_BYTES))
		die("%s: a direct read has read something else", k->name);
}

/* The other way: puts pages of the mapping into a pipe without copying them. */
static void splice_out(const struct kind *k, char *memory)
{
	struct iovec iov = { memory + k->bytes / 2 + PAGE, 4 * PAGE };
	char copy[4 * PAGE];
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	if (vmsplice(fds[1], &iov, 1, 0) != (ssize_t)iov.iov_len)
		die("%s: vmsplice from the mapping: %s", k->name,
		    strerror(errno));
	if (read(fds[0], copy, sizeof(copy)) != sizeof(copy) ||
	    memcmp(copy, iov.iov_base, sizeof(copy)))
		die("%s: vmsplice has sent something else", k->name);
	close(fds[0]);
	close(fds[1]);
}

/* Is it mapped by pages of at least 2 MiB, now that all of it was touched? */
static void check_large(const struct kind *k, const void *p, long nr_faults)
{
	size_t large = mapped_as(p, k->bytes, "FilePmdMapped") +
		       mapped_as(p, k->bytes, "ShmemPmdMapped") +
		       mapped_as(p, k->bytes, "AnonHugePages");

	if (k->page == SMALL)
		return;
	if (large != k->bytes)
		die("%s: %zu of %zu bytes are mapped by large pages", k->name,
		    large, k->bytes);
	/* Some faults are this program's own. */
	if (nr_faults > (long)(k->bytes / LARGE + 32))
		die("%s: %ld page faults in %zu bytes", k->name, nr_faults,
		    k->bytes);
}

static int open_object(const struct kind *k, __u32 flags, void **p)
{
	uint64_t bytes;
	int obj = kho_object_open(kho, k->name, flags, &bytes), err;

	if (obj < 0)
		die("%s: kho_object_open: %s", k->name, strerror(-obj));
	if (bytes != k->bytes)
		die("%s: opened as one of %llu bytes", k->name,
		    (unsigned long long)bytes);
	err = kho_object_map(obj, 0, k->bytes, PROT_READ | PROT_WRITE, p);
	if (err)
		die("%s: kho_object_map: %s", k->name, strerror(-err));
	return obj;
}

/* Before 6.12 no kernel lets a driver map 1 GiB at once. */
static bool maps_gigantic(void)
{
	unsigned int major, minor;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &major, &minor) != 2)
		die("this kernel has no release");
	return major > 6 || (major == 6 && minor >= 12);
}

/* With KHO_OPEN_LARGEST there is one page fault for each page of 1 GiB. */
static void check_largest(const struct kind *k, __u64 gen)
{
	size_t page = maps_gigantic() ? k->page : LARGE, i;
	long nr_faults;
	void *p;
	int obj = open_object(k, KHO_OPEN_LARGEST, &p);

	nr_faults = faults();
	for (i = 0; i < k->bytes; i += LARGE) {
		__u64 start, step;

		row_of(k, gen, i / PAGE, &start, &step);
		if (*(__u64 *)((char *)p + i) != start)
			die("%s: byte %zu, mapped by the largest pages, is wrong",
			    k->name, i);
	}
	nr_faults = faults() - nr_faults;
	if (nr_faults > (long)(k->bytes / page + 8))
		die("%s: %ld page faults with KHO_OPEN_LARGEST", k->name,
		    nr_faults);
	printf("%s: %ld page faults with KHO_OPEN_LARGEST\n", k->name,
	       nr_faults);
	munmap(p, k->bytes);
	close(obj);
}

/* Checks what is listed of the object that generation @gen left. */
static void check_arrived(const struct kind *k, __u64 gen)
{
	struct kho_obj_info info;

	find(k, &info);
	check_info(k, &info, gen + 1 - born_in(k, gen),
		   KHO_OBJ_ARRIVED | KHO_OBJ_CLAIMED | KHO_OBJ_UNCOMMITTED |
		   KHO_OBJ_BUSY, KHO_OBJ_ARRIVED);
}

/* Checks what generation @gen left; unless @last is set, writes the next one's content. */
static void visit(const struct kind *k, __u64 gen, const char *disk, bool last)
{
	struct kho_obj_info info;
	long nr_faults;
	void *p;
	int obj = open_object(k, 0, &p);

	get_info(k, obj, &info);
	check_info(k, &info, gen + 1 - born_in(k, gen),
		   KHO_OBJ_CLAIMED, KHO_OBJ_CLAIMED);
	check_notes(k, gen, &info, obj);
	nr_faults = faults();
	compare(k, gen, p);
	check_large(k, p, faults() - nr_faults);
	splice_out(k, p);
	direct_io(k, p, disk);
	if (!last) {
		fill(k, gen + 1, p);
		set_notes(k, gen + 1, (const char *)info.release, obj);
	}
	munmap(p, k->bytes);
	close(obj);
}

/* ---- Commands ---- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void come_back(__u64 gen, bool last)
{
	const struct kind *k;
	char *disk = malloc(DISK_BYTES);
	int fd = open(DISK, O_RDONLY | O_CLOEXEC);
	size_t total = 0, i;
	double start = now();

	if (!disk || fd < 0 ||
	    pread(fd, disk, DISK_BYTES, 0) != (ssize_t)DISK_BYTES)
		die(DISK ": can't read %llu bytes", DISK_BYTES);
	close(fd);

	for (i = 0; i < KINDS; i++)
		check_arrived(&kinds[i], gen - 1);
	for (i = 0; i < KINDS; i++) {
		k = &kinds[i];
		if (k->page == GIGANTIC)
			check_largest(k, gen - 1);
		visit(k, gen - 1, disk, last);
		total += k->bytes;
		if (last)
			remove_object(k);
	}
	free(disk);
	printf("%llu MiB compared, each byte, %sin %.1f s\n", total / MIB,
	       last ? "" : "and written anew ", now() - start);
	if (last)
		return;

	start = now();
	k = &kinds[(gen - 1) % KINDS];
	remove_object(k);
	preserve(k, gen);
	printf("%s replaced by fresh memory in %.1f s\n", k->name,
	       now() - start);
}

static void look(const char *name, __u64 gen)
{
	size_t i = 0;
	void *p;

	while (i < KINDS && strcmp(kinds[i].name, name))
		i++;
	if (i == KINDS)
		die("there is no kind of memory called %s", name);
	open_object(&kinds[i], 0, &p);
	compare(&kinds[i], gen, p);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	size_t i;

	kho = kho_open(NULL);
	if (kho < 0)
		die(KHO_DEV_PATH ": %s", strerror(-kho));
	if (argc == 2 && !strcmp(command, "first")) {
		for (i = 0; i < KINDS; i++)
			preserve(&kinds[i], 0);
	} else if (argc == 3 && atoi(argv[2]) > 0 &&
		   (!strcmp(command, "next") || !strcmp(command, "last"))) {
		come_back(atoi(argv[2]), *command == 'l');
	} else if (argc == 4 && !strcmp(command, "look")) {
		look(argv[2], atoi(argv[3]));
	} else {
		die("usage: keeper first|next G|last G|look KIND G");
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are poisoned after they were preserved: by MADV_HWPOISON, which has
 * the kernel do what it does after a memory error, but for the error.
 *
 *	poison here		all that can be seen in one kernel
 *	poison leave FILE	preserves memory with poisoned pages for the next kernel;
 *				writes the numbers of these pages to FILE
 *	poison arrived PFNS	checks it there; PFNS is what was written
 *	poison remove PFNS	the same, and gives it up
 *	poison where		prints where the list for the next kernel is
 *
 * Speaks TAP.
 */
#include <setjmp.h>
#include <signal.h>

#include <kho/poison.h>
#include <sys/utsname.h>

#include "ioctl.h"

#define BASE_PAGES	64
#define BASE_BAD	5
#define HUGE_BYTES	(2 * HUGE_SIZE)
#define HUGE_BAD	100
/* Of which two have to lie outside of scratch. */
#define RAW_PAGES	4096
/* Bit of /proc/kpageflags */
#define KPF_BUDDY	(1ULL << 10)

/* ---- What is seen of a page ---- */

/* Can this kernel handle memory errors at all? */
static bool has_flag(void)
{
	return !access("/proc/sys/vm/memory_failure_recovery", F_OK);
}

static sigjmp_buf out;
static siginfo_t got;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	got = *info;
	siglongjmp(out, 1);
}

/* The signal that an access to @p raises, or 0. */
static int signal_at(volatile char *p, bool write)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct sigaction bus, segv;
	volatile int signal = 0;

	memset(&got, 0, sizeof(got));
	sigaction(SIGBUS, &act, &bus);
	sigaction(SIGSEGV, &act, &segv);
	if (!sigsetjmp(out, 1)) {
		if (write)
			*p = *p;
		else
			(void)*p;
	} else {
		signal = got.si_signo;
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return signal;
}

/* An access has to raise SIGBUS and say why, as for a page of a memfd. */
static void bus_error(char *p, bool write, const char *what)
{
	int signal = signal_at(p, write);
	bool good = signal == SIGBUS && got.si_addr == p &&
		    got.si_code == (has_flag() ? BUS_MCEERR_AR : BUS_ADRERR);

	if (!result(good, "%s: SIGBUS", what))
		printf("# got signal %d, code %d, at %p instead of %p\n", signal,
		       got.si_code, got.si_addr, p);
}

/*
 * Kernels before 5.18 can't unmap a page that is in no page cache and spare private copies
 * of it; see unmap_from() in module/memory/file.c.
 */
static bool unmaps_singly(void)
{
	unsigned int major, minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		die("uname");
	return major > 5 || (major == 5 && minor >= 18);
}

/* Poisons a page.  The process gets a signal, if the kernel knows that it has it mapped. */
static void madvise_poison(char *p)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct sigaction bus;

	sigaction(SIGBUS, &act, &bus);
	/* These errors only say that the kernel could not do much about the page. */
	if (!sigsetjmp(out, 1) && madvise(p, PAGE, MADV_HWPOISON) &&
	    errno != EBUSY && errno != EHWPOISON)
		die("MADV_HWPOISON: %s", strerror(errno));
	sigaction(SIGBUS, &bus, NULL);
}

static __u64 poison_by(char *p, bool by_number)
{
	__u64 pfn = pfn_of(p);

	if (by_number)
		offline_page(pfn);
	else
		madvise_poison(p);
	if (!is_poisoned(pfn))
		die("page %#llx is not poisoned", pfn);
	return pfn;
}

static __u64 poison(char *p)
{
	return poison_by(p, false);
}

static __u64 count_poisoned(int fd)
{
	struct kho_obj_info info;

	object_info(fd, &info);
	return info.poisoned_pages;
}

/* The address of our subtree of that name, or 0. */
static __u64 find_subtree(const char *name)
{
	struct kho_subtree_entry entry[64];
	struct kho_subtree_list list = {
		.size = sizeof(list),
		.entries = ptr64(entry),
		.count = ARRAY_SIZE(entry),
	};
	__u64 addr = 0;
	unsigned int i;

	need(call(KHO_SUBTREE_LIST, &list), "SUBTREE_LIST");
	for (i = 0; i < list.count; i++) {
		if (strcmp((char *)entry[i].name, name) ||
		    entry[i].flags != KHO_SUBTREE_OWN)
			continue;
		if (addr)
			die("there are two subtrees %s", name);
		addr = entry[i].addr;
	}
	return addr;
}

static bool is_subtree(const char *name)
{
	return find_subtree(name);
}

static void cmd_where(void)
{
	static struct kho_meta_entry entry[512];
	static char pages[512 * PAGE];
	struct kho_meta_read read = {
		.size = sizeof(read),
		.entries = ptr64(entry),
		.count = ARRAY_SIZE(entry),
		.pages = ptr64(pages),
	};
	__u64 addr = find_subtree(KHO_POISON_NODE);
	const struct kho_poison *list;
	__u32 i;

	need(call(KHO_META_READ, &read), "META_READ");
	for (i = 0; i < read.count && entry[i].addr != addr; i++)
		;
	list = (void *)(pages + i * PAGE);
	if (!addr || i == read.count || !kho_poison_known(list))
		die("there is no list in the metadata");
	printf("head=0x%llx page=0x%llx nr=%llu\n", addr, list->first, list->nr);
}

static bool right(const char *p, size_t bytes, unsigned int seed, size_t offset)
{
	size_t i;

	for (i = 0; i < bytes; i += 64) {
		__u64 word = seed * 0x9e3779b97f4a7c15ULL + offset + i;

		if (memcmp(p + i, &word, sizeof(word)))
			return false;
	}
	return true;
}

/* All pages but @bad have to be right, by read() and by mmap(). */
static void others_are_right(int fd, __u64 pages, __u64 bad, unsigned int seed,
			     const char *what)
{
	char *p = map_fd(fd, pages * PAGE, PROT_READ, MAP_SHARED);
	static char copy[PAGE];
	__u64 i;

	for (i = 0; i < pages; i++) {
		if (i == bad)
			continue;
		if (pread(fd, copy, PAGE, i * PAGE) != PAGE ||
		    !right(copy, PAGE, seed, i * PAGE))
			break;
		if (signal_at(p + i * PAGE, false) ||
		    !right(p + i * PAGE, PAGE, seed, i * PAGE))
			break;
	}
	result(i == pages, "%s: all other pages are right", what);
	if (i != pages)
		printf("# page %llu is not\n", i);
	bus_error(p + bad * PAGE, false, what);
	munmap(p, pages * PAGE);
}

/* read(), splice() and write() of the page @bad, and across it. */
static void io_errors(int fd, __u64 bad, bool writes, const char *what)
{
	static char copy[8 * PAGE];
	int pipes[2];
	loff_t at = bad * PAGE + 100;
	ssize_t n;

	n = pread(fd, copy, 100, bad * PAGE + 7);
	failed_with(EIO, n < 0 ? errno : 0, what);
	n = pread(fd, copy, 8 * PAGE, (bad - 2) * PAGE + 16);
	result(n == 2 * PAGE - 16, "%s: a read across it ends before it", what);
	if (pipe(pipes))
		die("pipe");
	n = splice(fd, &at, pipes[1], NULL, PAGE, 0);
	/* 6.1 has no splice() of such a file at all. */
	result(n < 0 && (errno == EIO || errno == EINVAL),
	       "%s: nor is it spliced", what);
	close(pipes[0]);
	close(pipes[1]);
	if (!writes)
		return;
	n = pwrite(fd, "x", 1, bad * PAGE);
	failed_with(EIO, n < 0 ? errno : 0, what);
	n = pread(fd, copy, 64, (bad - 1) * PAGE);
	if (n != 64)
		die("read before it");
	n = pwrite(fd, copy, PAGE + 64, (bad - 1) * PAGE);
	result(n < 0 || n <= (ssize_t)PAGE, "%s: a write across it ends before it",
	       what);
}

/* ---- In one kernel ---- */

static void test_mapped(void)
{
	struct kho_obj_verify v = { .count = ~0ULL };
	char *map[2], *own, *later;
	__u64 pfn, word[3];
	int fd, reader;

	need(create("base", BASE_PAGES * PAGE, &fd), "create");
	map[0] = map_fd(fd, BASE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(map[0], BASE_PAGES * PAGE, 21);
	map[1] = map_fd(fd, BASE_PAGES * PAGE, PROT_READ, MAP_SHARED);
	(void)*(volatile char *)(map[1] + BASE_BAD * PAGE);
	own = map_fd(fd, BASE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	own[BASE_BAD * PAGE] = 'c';
	(void)*(volatile char *)(own + (BASE_BAD + 1) * PAGE);

	result(!count_poisoned(fd) && !is_subtree("kho-poison"),
	       "base: before, no page of it is poisoned");
	pfn = poison(map[0] + BASE_BAD * PAGE);
	result(count_poisoned(fd) == 1, "base: it is told that one is");
	result(is_subtree("kho-poison"), "base: and so is the next kernel");

	if (unmaps_singly()) {
		bus_error(map[1] + BASE_BAD * PAGE, false, "base, mapped before, read");
		bus_error(map[0] + BASE_BAD * PAGE + 64, true, "base, mapped before, written");
	} else {
		result(!signal_at(map[1] + BASE_BAD * PAGE, false),
		       "base, mapped before: this kernel can't unmap it");
	}
	result(own[BASE_BAD * PAGE] == 'c', "base: a private copy is there still");
	later = map_fd(fd, BASE_PAGES * PAGE, PROT_READ, MAP_SHARED);
	(void)*(volatile char *)(later + (BASE_BAD - 1) * PAGE);
	(void)*(volatile char *)(later + (BASE_BAD + 1) * PAGE);
	proc_words("/proc/self/pagemap", (uintptr_t)later / PAGE + BASE_BAD - 1,
		   word, 3);
	result(word[0] >> 63 && !(word[1] >> 63) && word[2] >> 63,
	       "base: faults around do not map it");
	io_errors(fd, BASE_BAD, true, "base");
	/* io_errors() wrote to the page before the poisoned one: fill those before that. */
	fill(map[0], (BASE_BAD - 1) * PAGE, 21);
	munmap(later, BASE_PAGES * PAGE);
	munmap(own, BASE_PAGES * PAGE);
	munmap(map[1], BASE_PAGES * PAGE);
	munmap(map[0], BASE_PAGES * PAGE);
	need(open_object("base", KHO_OPEN_READ, &reader), "open");

	done(seal_object(fd, KHO_SEAL_SUM), "base: it can be sealed");
	done(verify(reader, &v), "base: and compared with its checksum");
	result(v.count == BASE_PAGES && !v.bad && v.poisoned == 1 &&
	       v.first_poisoned == BASE_BAD, "base: one page is not compared");
	if (v.bad)
		printf("# %llu of %llu differ\n", v.bad, v.count);
	close(reader);
	close(fd);
	need(remove_object("base"), "remove");
	result(is_poisoned(pfn) &&
	       !(proc_word("/proc/kpageflags", pfn) & KPF_BUDDY),
	       "base: the page allocator does not get it back");
	result(!is_subtree("kho-poison"), "base: the next kernel is told no more");
}

/* Is the page part of what is allocated next? */
static bool comes_again(__u64 pfn)
{
	static __u64 pfns[HUGE_BYTES / PAGE];
	bool found = false;
	int fd[16], i;
	size_t k;
	char *p;

	for (i = 0; i < (int)ARRAY_SIZE(fd); i++) {
		char name[] = "again-?";

		name[6] = 'a' + i;
		need(create_as(name, HUGE_BYTES, KHO_CREATE_HUGE | KHO_CREATE_UNCOMMITTED,
			       0, &fd[i]), "create");
		p = map_fd(fd[i], HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED);
		for (k = 0; k < HUGE_BYTES; k += PAGE)
			if (signal_at(p + k, true))
				found = true;
		if (!found) {
			pfns_of(p, pfns, ARRAY_SIZE(pfns));
			for (k = 0; k < ARRAY_SIZE(pfns); k++)
				found |= pfns[k] == pfn;
		}
		munmap(p, HUGE_BYTES);
	}
	for (i = 0; i < (int)ARRAY_SIZE(fd); i++)
		close(fd[i]);
	return found;
}

static void make_huge(const char *name, __u32 flags, bool by_number, int *fd,
		      __u64 *pfn)
{
	char *p;

	need(create_as(name, HUGE_BYTES, KHO_CREATE_HUGE | flags, 0, fd), "create");
	p = map_aligned(HUGE_BYTES, HUGE_SIZE, *fd, PROT_READ | PROT_WRITE,
			MAP_SHARED);
	fill(p, HUGE_BYTES, 22);
	*pfn = poison_by(p + HUGE_BAD * PAGE, by_number);
	result(count_poisoned(*fd) == 1, "%s: it is told that one page is poisoned",
	       name);
	/* One entry mapped it together with its neighbours. */
	bus_error(p + HUGE_BAD * PAGE, false, name);
	result(!signal_at(p + (HUGE_BAD + 1) * PAGE, true),
	       "%s: the next page can be written", name);
	bus_error(p + HUGE_BAD * PAGE, false, name);
	munmap(p, HUGE_BYTES);
}

static void test_huge_pages(bool by_number)
{
	const char *name = by_number ? "huge-by-number" : "huge";
	__u64 pfn;
	int fd;

	make_huge(name, 0, by_number, &fd, &pfn);
	io_errors(fd, HUGE_BAD, false, name);
	others_are_right(fd, HUGE_BYTES / PAGE, HUGE_BAD, 22, name);
	close(fd);
	need(remove_object(name), "remove");
	result(is_poisoned(pfn) &&
	       !(proc_word("/proc/kpageflags", pfn) & KPF_BUDDY) &&
	       !comes_again(pfn),
	       "%s: the page allocator does not get it back", name);
}

static void test_process_memory(void)
{
	char *p = map_anon(BASE_PAGES * PAGE), *h;
	__u64 pfn;
	int fd;

	fill(p, BASE_PAGES * PAGE, 23);
	need(preserve("anon", p, BASE_PAGES * PAGE, 0, &fd), "preserve");
	pfn = poison(p + BASE_BAD * PAGE);
	result(count_poisoned(fd) == 1, "anon: it is told that one is poisoned");
	io_errors(fd, BASE_BAD, false, "anon");
	others_are_right(fd, BASE_PAGES, BASE_BAD, 23, "anon");
	close(fd);
	need(remove_object("anon"), "remove");
	failed_with(EADDRNOTAVAIL, add_page(pfn, 0), "anon: preserve it by number");
	result(preserve("anon", p, BASE_PAGES * PAGE, 0, &fd) != 0,
	       "anon: it can't be preserved once more");
	munmap(p, BASE_PAGES * PAGE);
	result(!(proc_word("/proc/kpageflags", pfn) & KPF_BUDDY),
	       "anon: nobody gets it after that");

	/* For a hugetlb page the kernel notes it at the head. */
	h = map_hugetlb(1);
	fill(h, HUGE_SIZE, 24);
	need(preserve("hugetlb", h, HUGE_SIZE, 0, &fd), "preserve");
	madvise_poison(h + HUGE_BAD * PAGE);
	result(count_poisoned(fd) == 1, "hugetlb: it is told that one is poisoned");
	io_errors(fd, HUGE_BAD, false, "hugetlb");
	others_are_right(fd, HUGE_SIZE / PAGE, HUGE_BAD, 24, "hugetlb");
	close(fd);
	need(remove_object("hugetlb"), "remove");
	munmap(h, HUGE_SIZE);
}

static __u32 page_flags(__u64 pfn)
{
	struct kho_page_entry entry[64];
	struct kho_page_list list = {
		.size = sizeof(list),
		.entries = ptr64(entry),
		.count = ARRAY_SIZE(entry),
	};
	__u32 i;

	need(call(KHO_PAGE_LIST, &list), "PAGE_LIST");
	for (i = 0; i < list.count; i++)
		if (entry[i].pfn == pfn)
			return entry[i].flags;
	die("page %#llx is not listed", pfn);
}

/* Preserves the next of these pages that does not lie in scratch, and returns it. */
static char *add_next(char *p, const char *end)
{
	int err = EBUSY;

	while (p < end && err == EBUSY) {
		err = add_page(pfn_of(p), 0);
		p += PAGE;
	}
	need(err, "add");
	return p - PAGE;
}

static void test_by_number(void)
{
	char *pages = locked_pages(RAW_PAGES);
	char *p = add_next(pages, pages + RAW_PAGES * PAGE);
	__u64 pfn = pfn_of(p);

	result(!page_flags(pfn), "by number: before, it is not poisoned");
	poison(p);
	result(page_flags(pfn) == KHO_PAGE_POISONED && is_subtree("kho-poison"),
	       "by number: it is told that it is");
	need(del_page(pfn, 0), "del");
	result(!is_subtree("kho-poison"), "by number: and no more");
	munmap(pages, RAW_PAGES * PAGE);
}

/* An object that is cut still tells of a poisoned page, as long as it has that. */
static void test_cut(void)
{
	char *p;
	int fd;

	need(create("cut", BASE_PAGES * PAGE, &fd), "create");
	p = map_fd(fd, BASE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(p, BASE_PAGES * PAGE, 25);
	poison(p + BASE_BAD * PAGE);
	munmap(p, BASE_PAGES * PAGE);
	done(resize_object(fd, 40 * PAGE), "cut: behind it");
	result(count_poisoned(fd) == 1 && is_subtree("kho-poison"),
	       "cut: it is told still");
	done(resize_object(fd, BASE_BAD * PAGE + 10), "cut: in it");
	done(resize_object(fd, BASE_BAD * PAGE + 20), "cut: and made longer there");
	done(resize_object(fd, BASE_BAD * PAGE), "cut: before it");
	result(!count_poisoned(fd) && !is_subtree("kho-poison"),
	       "cut: it is told no more");
	close(fd);
	need(remove_object("cut"), "remove");
}

/* ---- From kernel to kernel ---- */

struct left {
	__u64 base;
	__u64 huge;
	__u64 raw;
	/* By number too; poisoned only after the jump, once it was given up. */
	__u64 late;
};

static void cmd_leave(const char *file)
{
	struct left left = { 0 };
	FILE *f = fopen(file, "w");
	char *p, *late, *end;
	int fd;

	need(create_as("p-base", BASE_PAGES * PAGE, KHO_CREATE_SUM, 0, &fd),
	     "create");
	p = map_fd(fd, BASE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(p, BASE_PAGES * PAGE, 31);
	left.base = poison(p + BASE_BAD * PAGE);
	munmap(p, BASE_PAGES * PAGE);
	close(fd);
	make_huge("p-huge", 0, true, &fd, &left.huge);
	close(fd);
	p = locked_pages(RAW_PAGES);
	end = p + RAW_PAGES * PAGE;
	p = add_next(p, end);
	late = add_next(p + PAGE, end);
	left.raw = pfn_of(p);
	left.late = pfn_of(late);
	poison(p);
	result(page_flags(left.raw) == KHO_PAGE_POISONED, "it is told of all");
	if (!f || fprintf(f, "%llu,%llu,%llu,%llu", left.base, left.huge, left.raw,
			  left.late) < 0 || fclose(f))
		die("%s: %s", file, strerror(errno));
}

static void read_left(const char *text, struct left *left)
{
	if (sscanf(text, "%llu,%llu,%llu,%llu", &left->base, &left->huge,
		   &left->raw, &left->late) != 4)
		die("'%s' is not four numbers", text);
}

static void is_marked(__u64 pfn, const char *what)
{
	if (has_flag())
		result(is_poisoned(pfn), "%s: it is poisoned in this kernel", what);
}

static int open_page(__u64 pfn)
{
	struct kho_page_open arg = { .size = sizeof(arg), .pfn = pfn };

	need(call(KHO_PAGE_OPEN, &arg), "PAGE_OPEN");
	return arg.fd;
}

/* A file has a reference of its own, and still shows a page that was given up. */
static void poison_given_up(__u64 pfn)
{
	int fd = open_page(pfn), i;
	char *p = map_fd(fd, PAGE, PROT_READ, MAP_SHARED);

	result(!signal_at(p, false), "given up: it is mapped");
	need(del_page(pfn, 0), "del");
	offline_page(pfn);
	for (i = 0; i < 300 && !signal_at(p, false); i++)
		usleep(10000);
	bus_error(p, false, "given up, and poisoned after that");
	munmap(p, PAGE);
	close(fd);
}

static void cmd_arrived(const char *text, bool remove)
{
	struct kho_obj_verify v = { .count = ~0ULL };
	int err;
	struct left left;
	char c;
	int fd;

	read_left(text, &left);
	result(is_subtree("kho-poison"), "the next kernel will be told as well");

	need(open_object("p-base", KHO_OPEN_READ, &fd), "open");
	result(count_poisoned(fd) == 1, "p-base: it is told that one is poisoned");
	is_marked(left.base, "p-base");
	/* The tests' own small kernels have no xxHash. */
	err = verify(fd, &v);
	if (err != EOPNOTSUPP) {
		done(err, "p-base: compared with its checksum");
		result(v.count == BASE_PAGES && !v.bad && v.poisoned == 1 &&
		       v.first_poisoned == BASE_BAD,
		       "p-base: one page is not compared");
	}
	io_errors(fd, BASE_BAD, false, "p-base");
	others_are_right(fd, BASE_PAGES, BASE_BAD, 31, "p-base");
	close(fd);

	need(open_object("p-huge", 0, &fd), "open");
	result(count_poisoned(fd) == 1, "p-huge: it is told that one is poisoned");
	is_marked(left.huge, "p-huge");
	io_errors(fd, HUGE_BAD, false, "p-huge");
	others_are_right(fd, HUGE_BYTES / PAGE, HUGE_BAD, 22, "p-huge");
	close(fd);

	is_marked(left.raw, "by number");
	result(page_flags(left.raw) == (KHO_PAGE_ARRIVED | KHO_PAGE_POISONED),
	       "by number: it is told that it is poisoned");
	fd = open_page(left.raw);
	failed_with(EIO, pread(fd, &c, 1, 0) < 0 ? errno : 0, "by number");
	close(fd);
	if (!remove)
		return;

	need(remove_object("p-base"), "remove");
	need(remove_object("p-huge"), "remove");
	need(del_page(left.raw, 0), "del");
	poison_given_up(left.late);
	is_marked(left.base, "p-base, removed");
	is_marked(left.huge, "p-huge, removed");
	is_marked(left.raw, "by number, given up");
	result(!(proc_word("/proc/kpageflags", left.huge) & KPF_BUDDY) &&
	       !comes_again(left.huge),
	       "p-huge: the page allocator does not get it");
	result(!is_subtree("kho-poison"), "the next kernel is told no more");
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	kho = open_kho();
	if (!strcmp(command, "where") && argc == 2) {
		cmd_where();
		return 0;
	}
	if (!strcmp(command, "here") && argc == 2) {
		test_mapped();
		test_huge_pages(false);
		test_huge_pages(true);
		test_process_memory();
		test_by_number();
		test_cut();
	} else if (!strcmp(command, "leave") && argc == 3) {
		cmd_leave(argv[2]);
	} else if (!strcmp(command, "arrived") && argc == 3) {
		cmd_arrived(argv[2], false);
	} else if (!strcmp(command, "remove") && argc == 3) {
		cmd_arrived(argv[2], true);
	} else {
		die("usage: poison here|leave FILE|arrived PFNS|remove PFNS|where");
	}
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Where preserved memory may lie, on a machine whose memory comes and goes.
 *
 *	place refused ERRNO FIRST END	memory between these addresses can't be preserved:
 *					that fails with ERRNO
 *	place keep NAME FIRST END	it can: makes an object of some, which stays
 *	place last NAME FIRST END	the same, but the last page there can't be preserved
 *	place page FIRST END		preserves a page there, and prints its number
 *	place drop PFN			gives that page up
 *	place clear FIRST END		no page of metadata lies there, and no envelope
 *	place huge NAME			makes an object of hugetlb pages, and preserves
 *					others by number
 *	place pool NAME PAGES		makes an object of so many hugetlb pages
 *
 * Addresses are physical, END is behind the last byte.  Speaks TAP, but for page.
 */
#include <sys/sysinfo.h>

#include "ioctl.h"

/* How much memory is allocated at a time, in search of some in the range */
#define STEP		(4UL << 20)
#define STEPS		1024
/* How much memory is left free, so that the kernel kills nobody for want of it */
#define LEFT		(40UL << 20)
/* How many pages are enough */
#define ENOUGH		256
#define META_MAX	65536

struct range {
	__u64 first;
	__u64 end;
};

static bool lies_in(const struct range *range, __u64 pfn)
{
	return pfn * PAGE >= range->first && pfn * PAGE < range->end;
}

/* Allocates memory, all of which is present; NULL if what is left has to stay free. */
static char *more(void)
{
	struct sysinfo info;
	char *p;

	if (sysinfo(&info) || info.freeram < LEFT)
		return NULL;
	p = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, STEP, MADV_NOHUGEPAGE);
	return madvise(p, STEP, MADV_POPULATE_WRITE) ? NULL : p;
}

/* The first run of pages at @p that lie in the range; at most ENOUGH. */
static char *find_run(char *p, const struct range *range, size_t *nr)
{
	static __u64 pfn[STEP / PAGE];
	size_t i, first = 0, n = 0;

	pfns_of(p, pfn, STEP / PAGE);
	for (i = 0; i < STEP / PAGE && n < ENOUGH; i++) {
		if (!lies_in(range, pfn[i])) {
			n = 0;
			continue;
		}
		if (!n++)
			first = i;
	}
	*nr = n;
	return p + first * PAGE;
}

/* Allocates memory until a run of enough pages lies in the range, or no more is left. */
static char *have_run(const struct range *range, size_t *nr)
{
	char *best = NULL;
	size_t i, most = 0;

	for (i = 0; i < STEPS; i++) {
		char *p = more();
		size_t n;

		if (!p)
			break;
		p = find_run(p, range, &n);
		if (n > most) {
			best = p;
			most = n;
		}
		if (most == ENOUGH)
			break;
	}
	if (!best)
		die("no memory was had between %#llx and %#llx", range->first, range->end);
	*nr = most;
	return best;
}

/* Allocates memory until it has the last page of the range. */
static char *have_last(const struct range *range)
{
	static __u64 pfn[STEP / PAGE];
	size_t i, j;

	for (i = 0; i < STEPS; i++) {
		char *p = more();

		if (!p)
			break;
		pfns_of(p, pfn, STEP / PAGE);
		for (j = 0; j < STEP / PAGE; j++)
			if (pfn[j] == range->end / PAGE - 1)
				return p + j * PAGE;
	}
	die("the last page before %#llx could not be had", range->end);
}

/* Preserving this memory has to fail with @want, and to tell @why and where. */
static void not_there(int want, __u32 why, const void *p, __u64 bytes, const char *what)
{
	struct kho_obj_preserve arg = {
		.size = sizeof(arg),
		.addr = ptr64(p),
		.bytes = bytes,
		.name = "not there",
	};
	int err = call(KHO_OBJ_PRESERVE, &arg);

	failed_with(want, err, what);
	result(err && arg.why == why && arg.bad_addr == ptr64(p),
	       "%s: is told why and where", what);
	if (!err) {
		close(arg.fd);
		need(remove_object("not there"), "remove");
	}
}

static void test_refused(const char *name, const struct range *range)
{
	int want = !strcmp(name, "EREMOTE") ? EREMOTE : EADDRNOTAVAIL;
	__u32 why = want == EREMOTE ? KHO_WHY_DRIVER : KHO_WHY_PLACE;
	struct kho_query before;
	size_t nr;
	char *p = have_run(range, &nr);

	get_query(kho, &before);
	not_there(want, why, p, nr * PAGE, "memory of a process");
	failed_with(want, add_page(pfn_of(p), 0), "a page by number");
	unchanged(&before, "nothing has changed");
}

static void test_keep(const char *name, const struct range *range)
{
	size_t nr;
	char *p = have_run(range, &nr);
	int fd;

	fill(p, nr * PAGE, 7);
	done(preserve(name, p, nr * PAGE, 0, &fd), "preserve memory of a process");
	result(object_is(fd, p, nr * PAGE), "it has what it should");
	printf("# %zu pages, from pfn %#llx on\n", nr, pfn_of(p));
}

static void test_last(const char *name, const struct range *range)
{
	char *p = have_last(range);

	not_there(EADDRNOTAVAIL, KHO_WHY_PLACE, p, PAGE, "the last page");
	failed_with(EADDRNOTAVAIL, add_page(pfn_of(p), 0), "the last page, by number");
	test_keep(name, range);
}

static void test_page(const struct range *range)
{
	size_t nr;
	char *p = have_run(range, &nr);
	int err = add_page(pfn_of(p), 0);

	if (err)
		die("page %#llx: %s", pfn_of(p), strerror(err));
	printf("%llu\n", pfn_of(p));
}

static void test_clear(const struct range *range)
{
	static struct kho_meta_entry meta[META_MAX];
	static struct kho_envelope_entry envelope[64];
	struct kho_meta_read read = {
		.size = sizeof(read),
		.entries = ptr64(meta),
		.count = META_MAX,
		.pages = ptr64(map_anon(META_MAX * PAGE)),
	};
	struct kho_envelope_list list = {
		.size = sizeof(list),
		.entries = ptr64(envelope),
		.count = ARRAY_SIZE(envelope),
	};
	unsigned int i, n = 0;

	need(call(KHO_META_READ, &read), "META_READ");
	for (i = 0; i < read.count; i++)
		n += lies_in(range, meta[i].addr / PAGE);
	result(read.count == read.total && !n, "no page of metadata lies there (%u of %llu do)",
	       n, read.total);
	need(call(KHO_ENVELOPE_LIST, &list), "ENVELOPE_LIST");
	for (i = 0, n = 0; i < list.count; i++)
		n += envelope[i].addr < range->end &&
		     envelope[i].addr + envelope[i].bytes > range->first;
	result(!n, "no envelope reaches there (%u of %u do)", n, list.count);
}

/*
 * The struct pages of a hugetlb page, behind the first ones, may have no memory of their
 * own.  Then nobody must write to them.
 */
static void test_pool(const char *name)
{
	char *p = map_hugetlb(4), *by_number = map_hugetlb(2);
	__u64 pfn;
	int fd;

	fill(p, 4 * HUGE_SIZE, 7);
	fill(by_number, 2 * HUGE_SIZE, 8);
	pfn = pfn_of(by_number);
	done(preserve(name, p, 4 * HUGE_SIZE, 0, &fd), "preserve huge pages");
	result(object_is(fd, p, 4 * HUGE_SIZE), "they have what they should");
	done(add_page(pfn, 9), "a huge page by number");
	done(add_page(pfn_of(by_number + HUGE_SIZE) + 77, 0), "a page in one, by number");
	done(del_page(pfn, 9), "give the huge page up");
	done(del_page(pfn_of(by_number + HUGE_SIZE) + 77, 0), "give the page up");
	done(add_page(pfn, 9), "a huge page by number, which stays");
	printf("# pfn %llu\n", pfn);
}

/* All of the kernel's pool becomes one object. */
static void test_object(const char *name, const char *pages)
{
	size_t nr = strtoul(pages, NULL, 0);
	char *p = map_hugetlb(nr);
	int fd;

	fill(p, nr * HUGE_SIZE, 9);
	done(preserve(name, p, nr * HUGE_SIZE, 0, &fd), "preserve them");
}

int main(int argc, char **argv)
{
	struct range range = {};
	bool named;

	setvbuf(stdout, NULL, _IOLBF, 0);
	kho = open_kho();
	if (argc == 3 && !strcmp(argv[1], "drop")) {
		done(del_page(strtoull(argv[2], NULL, 0), 0), "give the page up");
	} else if (argc == 3 && !strcmp(argv[1], "huge")) {
		test_pool(argv[2]);
	} else if (argc == 4 && !strcmp(argv[1], "pool")) {
		test_object(argv[2], argv[3]);
	} else {
		named = argc == 5;
		if (!named && argc != 4)
			die("usage: place COMMAND...");
		range.first = strtoull(argv[2 + named], NULL, 0);
		range.end = strtoull(argv[3 + named], NULL, 0);
		if (!strcmp(argv[1], "page")) {
			test_page(&range);
			return 0;
		}
		if (!strcmp(argv[1], "refused") && named)
			test_refused(argv[2], &range);
		else if (!strcmp(argv[1], "keep") && named)
			test_keep(argv[2], &range);
		else if (!strcmp(argv[1], "last") && named)
			test_last(argv[2], &range);
		else if (!strcmp(argv[1], "clear") && !named)
			test_clear(&range);
		else
			die("there is no such test");
	}
	printf("1..%d\n", tests);
	return failures > 0;
}

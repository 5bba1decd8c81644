// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input, and some good, for pages, batches, objects and lists.
 */
#include <sys/wait.h>

#include "ioctl.h"

/* ---- Pages ---- */

#define KPF_BUDDY	10

/*
 * A page @offset pages into a free block, far from where the kernel allocates first,
 * so that it is still free when it is added.
 */
static __u64 free_page(__u64 offset)
{
	__u64 end = (__u64)sysconf(_SC_PHYS_PAGES), pfn, found = 0;

	for (pfn = 1024; pfn + 1024 < end; pfn += 1024)
		if (proc_word("/proc/kpageflags", pfn) >> KPF_BUDDY & 1 &&
		    !proc_word("/proc/kpagecount", pfn + offset))
			found = pfn + offset;
	if (!found)
		die("no free block found");
	return found;
}

/* A page number without memory: in the hole below 4 GiB. */
#define HOLE_PFN	0xfd000

/* Below this lies the memory in which the next kernel starts its CPUs. */
#define LOWEST_PFN	((2UL << 20) / PAGE)

static void bad_page(int want, __u64 pfn, __u32 order, const char *what)
{
	struct kho_page arg = { .size = sizeof(arg), .pfn = pfn, .order = order };

	refused(want, KHO_PAGE_ADD, &arg, what);
}

static void bad_del(int want, __u64 pfn, __u32 order, const char *what)
{
	struct kho_page arg = { .size = sizeof(arg), .pfn = pfn, .order = order };

	refused(want, KHO_PAGE_DEL, &arg, what);
}

void test_pages(void)
{
	struct kho_query q;
	__u64 scratch;
	char *huge, *p;
	int fd;

	get_query(kho, &q);
	scratch = q.scratch_addr / PAGE;

	bad_page(ENXIO, HOLE_PFN, 0, "add a hole");
	bad_page(ENXIO, 1ULL << 40, 0, "add above all memory");
	bad_page(ENXIO, 1ULL << 51, 0, "add with the highest bit");
	bad_page(ERANGE, 1ULL << 52, 0, "add with too many bits");
	bad_page(ERANGE, ~0ULL, 0, "add with all bits");
	bad_page(EADDRNOTAVAIL, free_page(0), 0, "add a free page");
	bad_page(EADDRNOTAVAIL, free_page(5), 0, "add a page of a free block");
	bad_page(EADDRNOTAVAIL, free_page(0), 10, "add a free block");
	bad_page(EADDRNOTAVAIL, 0, 0, "add a reserved page");
	bad_page(EBUSY, scratch, 0, "add the first page of scratch");
	bad_page(EBUSY, scratch + q.scratch_size / PAGE - 1, 0,
		 "add the last page of scratch");
	bad_page(EBUSY, scratch & ~((1ULL << 10) - 1), 10, "add across scratch");
	bad_page(EINVAL, pair_pfn + 1, 1, "add misaligned");
	bad_page(EINVAL, pair_pfn, 64, "add order 64");
	bad_page(EINVAL, 0, 52, "add order 52");
	bad_page(ENXIO, 0, 51, "add order 51");
	bad_page(EINVAL, pair_pfn, ~0U, "add with all bits of the order");

	/* The module itself holds some of these pages: they are not refused for being free. */
	bad_page(EADDRNOTAVAIL, LOWEST_PFN - 1, 0, "add the last page below 2 MiB");
	bad_page(EADDRNOTAVAIL, LOWEST_PFN / 2, 0, "add the first page above 1 MiB");

	done(add_page(pool_pfn[0], 0), "add a page");
	bad_page(EEXIST, pool_pfn[0], 0, "add it again");
	done(del_page(pool_pfn[0], 0), "del it");
	bad_del(ENOENT, pool_pfn[0], 0, "del it again");
	bad_del(ENOENT, HOLE_PFN, 0, "del a hole");
	bad_del(ENOENT, scratch, 0, "del scratch");
	bad_del(EINVAL, pair_pfn + 1, 1, "del misaligned");
	bad_del(EINVAL, pair_pfn, 64, "del order 64");
	bad_del(ERANGE, 1ULL << 52, 0, "del with too many bits");

	done(add_page(pair_pfn, 1), "add two pages as one block");
	bad_page(EEXIST, pair_pfn, 1, "add the block again");
	bad_page(EBUSY, pair_pfn, 0, "add its first page");
	bad_page(EBUSY, pair_pfn + 1, 0, "add its second page");
	bad_del(EBUSY, pair_pfn, 0, "del its first page");
	bad_del(EBUSY, pair_pfn + 1, 0, "del its second page");
	done(del_page(pair_pfn, 1), "del the block");
	done(add_page(pair_pfn + 1, 0), "add the second page");
	bad_page(EBUSY, pair_pfn, 1, "add a block over it");
	bad_del(EBUSY, pair_pfn, 1, "del a block over it");
	done(add_page(pair_pfn, 0), "add the first page as well");
	done(del_page(pair_pfn + 1, 0), "del the second page");
	done(del_page(pair_pfn, 0), "del the first page");

	/* The pages of a compound page share one reference count. */
	huge = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p = (char *)(((uintptr_t)huge + (2 << 20) - 1) & ~((2UL << 20) - 1));
	if (!madvise(p, 2 << 20, MADV_HUGEPAGE)) {
		p[0] = 1;
		p[(2 << 20) - 1] = 1;
		done(add_page(pfn_of(p) + 3, 0), "add a page of a huge page");
		bad_page(EBUSY, pfn_of(p) & ~511ULL, 9, "add a block over it");
		done(del_page(pfn_of(p) + 3, 0), "del the page of a huge page");
		if (pfn_of(p + 511 * PAGE) == pfn_of(p) + 511) {
			done(add_page(pfn_of(p), 9), "add a huge page");
			done(del_page(pfn_of(p), 9), "del the huge page");
		}
	}
	munmap(huge, 4 << 20);

	need(create("pages", 4 * PAGE, &fd), "create");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p[0] = 1;
	bad_del(EBUSY, pfn_of(p), 0, "del a page of an object");
	bad_page(EBUSY, pfn_of(p), 0, "add a page of an object");
	munmap(p, PAGE);
	close(fd);
	need(remove_object("pages"), "remove");
}

/* ---- Batches ---- */

static struct kho_page_entry entries[64];

static void fill_batch(struct kho_batch *b, __u32 count)
{
	__u32 i;

	memset(b, 0, sizeof(*b));
	b->size = sizeof(*b);
	b->count = count;
	b->entries = ptr64(entries);
	b->failed = ~0U;
	memset(entries, 0, sizeof(entries));
	for (i = 0; i < count; i++)
		entries[i].pfn = pool_pfn[i];
}

/* @cmd has to fail with @want, at the entry @index. */
static void bad_batch(unsigned long cmd, struct kho_batch *b, int want,
		      __u32 index, const char *what)
{
	refused(want, cmd, b, what);
	if (!result(b->failed == index, "%s: failed at %u", what, index))
		printf("# said to have failed at %u\n", b->failed);
}

void test_batches(void)
{
	static const __u32 at[] = { 0, 31, 63 };
	struct kho_batch b;
	char what[60];
	size_t i;

	fill_batch(&b, 64);
	b.count = 0;
	refused(EINVAL, KHO_BATCH_ADD, &b, "batch of 0");
	b.count = KHO_BATCH_MAX + 1;
	refused(EINVAL, KHO_BATCH_ADD, &b, "batch of too many");
	b.count = ~0U;
	refused(EINVAL, KHO_BATCH_DEL, &b, "batch of 4294967295");
	b.count = KHO_BATCH_MAX;
	refused(EFAULT, KHO_BATCH_ADD, &b, "batch beyond its array");
	b.count = 64;
	b.entries = 0;
	refused(EFAULT, KHO_BATCH_ADD, &b, "batch of null");
	b.entries = 1ULL << 63;
	refused(EFAULT, KHO_BATCH_ADD, &b, "batch in kernel memory");

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		fill_batch(&b, 64);
		entries[at[i]].pfn = HOLE_PFN;
		snprintf(what, sizeof(what), "batch with a hole at %u", at[i]);
		bad_batch(KHO_BATCH_ADD, &b, ENXIO, at[i], what);

		fill_batch(&b, 64);
		entries[at[i]].flags = 1;
		snprintf(what, sizeof(what), "batch with a flag at %u", at[i]);
		bad_batch(KHO_BATCH_ADD, &b, EOPNOTSUPP, at[i], what);
	}
	fill_batch(&b, 64);
	entries[40].pfn = entries[20].pfn;
	bad_batch(KHO_BATCH_ADD, &b, EEXIST, 40, "batch with a page twice");
	fill_batch(&b, 2);
	entries[0].pfn = pair_pfn;
	entries[0].order = 1;
	entries[1].pfn = pair_pfn + 1;
	bad_batch(KHO_BATCH_ADD, &b, EBUSY, 1, "batch that overlaps itself");

	fill_batch(&b, 64);
	done(call(KHO_BATCH_ADD, &b), "batch of 64");
	result(b.failed == 64, "batch of 64: none failed");
	bad_batch(KHO_BATCH_ADD, &b, EEXIST, 0, "batch of 64 again");
	entries[63].pfn = pool_pfn[100];
	bad_batch(KHO_BATCH_DEL, &b, ENOENT, 63, "del batch with one too many");
	entries[63].pfn = entries[7].pfn;
	bad_batch(KHO_BATCH_DEL, &b, ENOENT, 63, "del batch with a page twice");
	entries[63].pfn = pool_pfn[63];
	done(call(KHO_BATCH_DEL, &b), "del batch of 64");
	bad_batch(KHO_BATCH_DEL, &b, ENOENT, 0, "del batch again");
}

/* References to the module: those of open files, and its own while it holds pages. */
static int module_users(void)
{
	FILE *f = fopen("/sys/module/kho/refcnt", "r");
	int users;

	if (!f || fscanf(f, "%d", &users) != 1)
		die("/sys/module/kho/refcnt can't be read");
	fclose(f);
	return users;
}

/*
 * Another process gives up the last page while a batch is added that fails.  Undoing
 * the batch must not leave a reference to the module for good.
 */
void test_undoing(void)
{
	static struct kho_page_entry many[POOL_PAGES];
	int before = module_users(), after = before, go[2], failed = 0, status, i;
	struct kho_batch b = {
		.size = sizeof(b),
		.count = POOL_PAGES,
		.entries = ptr64(many),
	};
	pid_t pid;

	for (i = 0; i < POOL_PAGES; i++)
		many[i].pfn = pool_pfn[i];
	/* The first page is left to the other process, and the last one is there twice. */
	many[0].pfn = many[2].pfn;
	many[2].pfn = many[POOL_PAGES - 1].pfn;

	/* Sooner or later the other process hits the right moment. */
	for (i = 0; i < 40 && after == before; i++) {
		fflush(stdout);
		if (pipe(go))
			die("pipe: %s", strerror(errno));
		pid = fork();
		if (!pid) {
			char byte;

			if (read(go[0], &byte, 1) != 1)
				_exit(1);
			usleep(i * 100);
			_exit(add_page(pool_pfn[0], 0) || del_page(pool_pfn[0], 0));
		}
		if (pid < 0 || write(go[1], "", 1) != 1)
			die("fork: %s", strerror(errno));
		failed += call(KHO_BATCH_ADD, &b) != EEXIST;
		if (waitpid(pid, &status, 0) != pid || status)
			die("the other process: status %#x", status);
		close(go[0]);
		close(go[1]);
		after = module_users();
	}
	result(!failed, "a batch with a page twice, and another process");
	result(after == before, "the module has %d users after %d times, and had %d",
	       after, i, before);
}

/* ---- Objects ---- */

static void bad_create(int want, const void *name, size_t len, __u64 bytes,
		       const char *what)
{
	struct kho_obj_create arg = { .size = sizeof(arg), .bytes = bytes };

	memcpy(arg.name, name, len);
	refused(want, KHO_OBJ_CREATE, &arg, what);
}

static void bad_name(int want, const void *name, size_t len, const char *what)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };
	char text[80];

	snprintf(text, sizeof(text), "create with %s", what);
	bad_create(want, name, len, PAGE, text);
	memcpy(arg.name, name, len);
	snprintf(text, sizeof(text), "open with %s", what);
	refused(want, KHO_OBJ_OPEN, &arg, text);
	snprintf(text, sizeof(text), "remove with %s", what);
	refused(want, KHO_OBJ_REMOVE, &arg, text);
}

static void good_name_of(const char *name, const char *what)
{
	int fd, err = create(name, 1, &fd);

	if (!err) {
		close(fd);
		err = remove_object(name);
	}
	done(err, what);
}

void test_names(void)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };
	char name[KHO_NAME_SIZE] = "";

	bad_name(EINVAL, name, 0, "an empty name");
	bad_name(EINVAL, "a/b", 3, "a slash in the name");
	bad_name(EINVAL, "/", 1, "a slash as the name");
	bad_name(EINVAL, "a\nb", 3, "a newline in the name");
	bad_name(EINVAL, "a\033[", 3, "an escape in the name");
	bad_name(EINVAL, "a\177", 2, "a DEL in the name");
	bad_name(EINVAL, ".", 1, "a dot as the name");
	bad_name(EINVAL, "..", 2, "two dots as the name");
	bad_name(EINVAL, "a\0b", 3, "garbage behind the name");
	name[KHO_NAME_SIZE - 1] = 'x';
	name[0] = 'a';
	bad_name(EINVAL, name, sizeof(name), "garbage far behind the name");
	memset(name, 'n', sizeof(name));
	bad_name(ENAMETOOLONG, name, sizeof(name), "a name of 64 bytes");
	name[KHO_NAME_SIZE - 1] = 0;
	good_name_of(name, "a name of 63 bytes");
	good_name_of("na\xc3\xafve \xe2\x82\xac", "a name in UTF-8");

	strcpy((char *)arg.name, "nobody");
	refused(ENOENT, KHO_OBJ_OPEN, &arg, "open what is not there");
	refused(ENOENT, KHO_OBJ_REMOVE, &arg, "remove what is not there");
}

void test_objects(void)
{
	const __u64 bytes = 3 * PAGE + 100;
	struct kho_obj_name name = { .size = sizeof(name), .name = "object" };
	struct kho_query before;
	char *p, *q, room[200];
	int fd;

	bad_create(EINVAL, "object", 6, 0, "create with size 0");
	bad_create(ENOMEM, "object", 6, 1ULL << 40, "create larger than RAM");
	bad_create(ENOMEM, "object", 6, 1ULL << 63, "create with size 2^63");
	bad_create(ENOMEM, "object", 6, ~0ULL, "create with all bits of the size");
	bad_create(ENOMEM, "object", 6,
		   (__u64)sysconf(_SC_PHYS_PAGES) * PAGE + 1,
		   "create one byte larger than RAM");

	get_query(kho, &before);
	if (!done(create("object", bytes, &fd), "create"))
		return;
	bad_create(EEXIST, "object", 6, PAGE, "create under a taken name");
	result(fcntl(fd, F_GETFD) & FD_CLOEXEC, "the descriptor is close-on-exec");
	result(lseek(fd, 0, SEEK_END) == (off_t)bytes, "lseek knows the size");

	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!result(p != MAP_FAILED, "mmap"))
		return;
	result(all_zero(p, 4 * PAGE), "all is zero, the last page's rest too");
	result(mmap(NULL, 5 * PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED &&
	       errno == EINVAL, "mmap beyond the end: EINVAL");
	result(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 4 * PAGE) ==
	       MAP_FAILED && errno == EINVAL, "mmap behind the end: EINVAL");
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE);
	strcpy(p + 2 * PAGE, "through the map");
	result(q != MAP_FAILED && !strcmp(q, "through the map"),
	       "two maps show the same");
	munmap(q, PAGE);
	result(pread(fd, room, 16, 2 * PAGE) == 16 &&
	       !strcmp(room, "through the map"), "read what was mapped");
	result(pwrite(fd, "across", 6, PAGE - 3) == 6 &&
	       !memcmp(p + PAGE - 3, "across", 6), "write across two pages");
	result(pread(fd, room, 200, bytes - 50) == 50, "read stops at the end");
	result(pread(fd, room, 200, bytes) == 0, "read at the end: nothing");
	result(pwrite(fd, room, 100, bytes - 50) == 50, "write stops at the end");
	result(pwrite(fd, room, 1, bytes) == -1 && errno == ENOSPC,
	       "write at the end: ENOSPC");
	result(pread(fd, q, 10, 0) == -1 && errno == EFAULT,
	       "read to where nothing is: EFAULT");

	refused(EBUSY, KHO_OBJ_REMOVE, &name, "remove while open");
	close(fd);
	refused(EBUSY, KHO_OBJ_REMOVE, &name, "remove while mapped");
	munmap(p, bytes);
	done(call(KHO_OBJ_OPEN, &name), "open by name");
	result(name.bytes == bytes, "open tells the size");
	result(pread(name.fd, room, 16, 2 * PAGE) == 16 &&
	       !strcmp(room, "through the map"), "and the content is there");
	close(name.fd);
	done(remove_object("object"), "remove");
	result(unchanged(&before, "remove"), "remove leaves nothing behind");
}

/* ---- Lists ---- */

static struct kho_page_entry list_room[64];
static struct kho_obj_entry objects_room[64];
static struct kho_meta_entry meta_room[64];
static char meta_pages[64 * PAGE];

void test_lists(void)
{
	struct kho_obj_list objs = { .size = sizeof(objs) };
	struct kho_page_list pages = { .size = sizeof(pages) };
	struct kho_meta_read meta = { .size = sizeof(meta) };
	struct kho_batch b;
	unsigned int i, seen = 0, setups = 0, fdts = 0, roots = 0;
	struct kho_query q;
	char name[8];
	int fd, open_fd = -1;

	fill_batch(&b, 10);
	need(call(KHO_BATCH_ADD, &b), "batch");
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "list-%u", i);
		need(create(name, (i + 1) * PAGE, &fd), "create");
		if (i == 1)
			open_fd = fd;
		else
			close(fd);
	}

	done(call(KHO_PAGE_LIST, &pages), "list pages, without room");
	result(!pages.count && pages.total == 10, "how many there are");
	pages.count = 4;
	refused(EFAULT, KHO_PAGE_LIST, &pages, "list pages to null");
	for (pages.first = 0; pages.first < 12; pages.first += 4) {
		unsigned int k;

		pages.count = 4;
		pages.entries = ptr64(list_room);
		need(call(KHO_PAGE_LIST, &pages), "list");
		for (i = 0; i < pages.count; i++)
			for (k = 0; k < 10; k++)
				seen += list_room[i].pfn == pool_pfn[k] &&
					!list_room[i].order &&
					!list_room[i].flags;
	}
	result(seen == 10, "list pages, four at a time");
	result(pages.count == 2, "the last time two");
	pages.first = ~0ULL;
	pages.count = 4;
	done(call(KHO_PAGE_LIST, &pages), "list pages from far behind the end");
	result(!pages.count && pages.total == 10, "which gives none");

	done(call(KHO_OBJ_LIST, &objs), "list objects, without room");
	result(!objs.count && objs.total == 3, "how many there are");
	objs.count = 3;
	refused(EFAULT, KHO_OBJ_LIST, &objs, "list objects to null");
	objs.entries = ptr64(objects_room);
	objs.first = 1;
	done(call(KHO_OBJ_LIST, &objs), "list objects from the second on");
	result(objs.count == 2 && objs.total == 3 &&
	       !strcmp((char *)objects_room[0].name, "list-1") &&
	       objects_room[0].bytes == 2 * PAGE && objects_room[0].pages == 2 &&
	       objects_room[0].flags == KHO_OBJ_BUSY &&
	       !strcmp((char *)objects_room[1].name, "list-2") &&
	       !objects_room[1].flags && !objects_room[1].generation,
	       "oldest first, as they are");

	done(call(KHO_META_READ, &meta), "read metadata, without room");
	get_query(kho, &q);
	result(meta.total == q.meta_pages, "as many pages as the query says");
	meta.count = 1;
	refused(EFAULT, KHO_META_READ, &meta, "read metadata to null");
	meta.entries = ptr64(meta_room);
	meta.pages = ptr64(meta_pages);
	meta.count = ARRAY_SIZE(meta_room);
	done(call(KHO_META_READ, &meta), "read metadata");
	for (i = 0; i < meta.count; i++) {
		setups += meta_room[i].kind == KHO_META_SETUP &&
			  meta_room[i].addr == (q.setup_addr & ~(PAGE - 1));
		fdts += meta_room[i].kind == KHO_META_FDT &&
			meta_room[i].addr == q.fdt_addr &&
			!memcmp(meta_pages + i * PAGE, "\xd0\x0d\xfe\xed", 4);
		roots += meta_room[i].kind == KHO_META_NODE &&
			 meta_room[i].addr == q.root_addr &&
			 meta_room[i].level == 5;
	}
	result(setups == 1 && fdts == 1 && roots == 1,
	       "it has one setup page, one FDT, one root");

	close(open_fd);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "list-%u", i);
		need(remove_object(name), "remove");
	}
	need(call(KHO_BATCH_DEL, &b), "batch");
}

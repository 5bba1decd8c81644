// SPDX-License-Identifier: GPL-2.0
/*
 * The agent of the demo and the tests: leaves pages behind, finds them again,
 * and does harm on request.  It uses /dev/kho without any library of ours, so that
 * it is a check that does not depend on the code of khoctl.
 */
#include "agent.h"
#include <kho/abi.h>

#define MAGIC		"kho-manifest-v1"

/* ---- Content that follows from the place of a page ---- */

static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

__u64 word_of(__u64 seed, __u64 pfn, unsigned int i)
{
	return mix(mix(seed ^ mix(pfn)) + i);
}

void fill_page(__u64 *page, __u64 seed, __u64 pfn)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		page[i] = word_of(seed, pfn, i);
}

static __u64 page_sum(const __u64 *page)
{
	__u64 sum = 0;
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		sum = mix(sum ^ page[i]);
	return sum;
}

/* ---- Manifest: a line "magic seed count", then "pfn sum" of each page ---- */

struct manifest {
	__u64 seed;
	__u32 count;
	struct {
		__u64 pfn;
		__u64 sum;
	} *page;
};

static void write_manifest(const char *path, const struct manifest *m)
{
	FILE *f = fopen(path, "w");
	__u32 i;

	if (!f)
		die("%s: %s", path, strerror(errno));
	fprintf(f, "%s %#llx %u\n", MAGIC, m->seed,
		m->count);
	for (i = 0; i < m->count; i++)
		fprintf(f, "%#llx %#llx\n", m->page[i].pfn,
			m->page[i].sum);
	if (ferror(f) | fclose(f))
		die("%s: can't write", path);
}

static void read_manifest(const char *path, struct manifest *m)
{
	FILE *f = fopen(path, "r");
	__u64 a, b;
	char magic[32];
	__u32 i;

	if (!f)
		die("%s: %s", path, strerror(errno));
	if (fscanf(f, "%31s %llx %u", magic, &a, &m->count) != 3 ||
	    strcmp(magic, MAGIC) || !m->count || m->count > KHO_BATCH_MAX)
		die("%s is no manifest", path);
	m->seed = a;
	m->page = calloc(m->count, sizeof(*m->page));
	if (!m->page)
		die("no memory");
	for (i = 0; i < m->count; i++) {
		if (fscanf(f, "%llx %llx", &a, &b) != 2)
			die("%s has fewer than %u pages", path, m->count);
		m->page[i].pfn = a;
		m->page[i].sum = b;
	}
	fclose(f);
}

__u64 number(const char *s)
{
	__u64 n;
	char *end;

	errno = 0;
	n = strtoull(s, &end, 0);
	if (errno || end == s || *end)
		die("'%s' can't be read", s);
	return n;
}

static void batch(int kho, bool add, const struct manifest *m)
{
	struct kho_page_entry *entries = calloc(m->count, sizeof(*entries));
	struct kho_batch arg = {
		.size = sizeof(arg),
		.count = m->count,
		.entries = ptr64(entries),
	};
	__u32 i;

	if (!entries)
		die("no memory");
	for (i = 0; i < m->count; i++)
		entries[i].pfn = m->page[i].pfn;
	if (ioctl(kho, add ? KHO_BATCH_ADD : KHO_BATCH_DEL, &arg))
		die("KHO_BATCH_%s: %s, at %u of %u (pfn %#llx)",
		    add ? "ADD" : "DEL", strerror(errno), arg.failed, m->count,
		    arg.failed < m->count ?
		    m->page[arg.failed].pfn : 0);
	free(entries);
}

/* Waits to be killed. */
ATTRIBUTE(noreturn)
static void stay(void)
{
	fflush(stdout);
	for (;;)
		pause();
}

/* ---- Subcommands ---- */

int by_pfn(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/*
 * scatter COUNT SEED MANIFEST [flip|dense|wide]: preserves single pages, no two of which
 * are adjacent, from all over 16 * COUNT pages; with "dense" of little more than 2 * COUNT
 * pages, with "wide" of three quarters of all free memory.  "flip" damages one of them.
 */
static int cmd_scatter(char **argv)
{
	struct manifest m = { .count = number(argv[0]), .seed = number(argv[1]) };
	bool dense = argv[3] && !strcmp(argv[3], "dense");
	bool wide = argv[3] && !strcmp(argv[3], "wide");
	size_t total = dense ? m.count * 2UL + 4096 :
		       wide ? sysconf(_SC_AVPHYS_PAGES) / 4UL * 3UL : m.count * 16UL;
	size_t apart = 0, i;
	struct place *place = calloc(total, sizeof(*place));
	__u64 *pfn = calloc(total, sizeof(*pfn));
	struct kho_query query;
	int kho = open_kho();
	char *memory;

	if (!m.count || m.count > KHO_BATCH_MAX || !place || !pfn)
		die("%u is no count of pages", m.count);
	if (argv[3] && !dense && !wide && strcmp(argv[3], "flip"))
		die("'%s' is neither 'flip' nor 'dense' nor 'wide'", argv[3]);

	get_query(kho, &query);
	memory = locked_pages(total);
	pfns_of(memory, pfn, total);
	for (i = 0; i < total; i++) {
		place[i].page = (__u64 *)(memory + i * PAGE);
		place[i].pfn = pfn[i];
	}
	qsort(place, total, sizeof(*place), by_pfn);

	/* Keep pages outside of scratch, no two of which are adjacent ... */
	for (i = 0; i < total; i++)
		if ((!apart || place[i].pfn > place[apart - 1].pfn + 1) &&
		    place[i].pfn * PAGE - query.scratch_addr >= query.scratch_size)
			place[apart++] = place[i];
	if (apart < m.count)
		die("found only %zu pages that lie apart", apart);

	/* ... and of these choose some from all over. */
	m.page = calloc(m.count, sizeof(*m.page));
	if (!m.page)
		die("no memory");
	for (i = 0; i < m.count; i++) {
		place[i] = place[i * apart / m.count];
		fill_page(place[i].page, m.seed, place[i].pfn);
		m.page[i].pfn = place[i].pfn;
		m.page[i].sum = page_sum(place[i].page);
	}

	batch(kho, true, &m);
	for (i = 0; i < m.count; i++)
		if (pfn_of(place[i].page) != m.page[i].pfn)
			die("pfn %#llx moved while it was added",
			    m.page[i].pfn);
	if (argv[3] && !dense && !wide)
		((char *)place[m.count / 2].page)[1234] ^= 0x10;
	write_manifest(argv[2], &m);

	printf("%u single pages preserved, pfn %#llx to %#llx\n", m.count,
	       m.page[0].pfn,
	       m.page[m.count - 1].pfn);
	return 0;
}

/* Opens 2^@order incoming pages. */
int open_pages(int kho, __u64 pfn, __u32 order)
{
	struct kho_page_open arg = {
		.size = sizeof(arg),
		.order = order,
		.pfn = pfn,
	};

	if (ioctl(kho, KHO_PAGE_OPEN, &arg))
		die("pfn %#llx, order %u: KHO_PAGE_OPEN: %s", pfn, order,
		    strerror(errno));
	return arg.fd;
}

/* Maps an incoming page; dies unless each of its bytes is right. */
static __u64 *map_page(int kho, const struct manifest *m, __u32 n)
{
	__u64 pfn = m->page[n].pfn;
	__u64 *page, copy[WORDS];
	unsigned int i;
	int fd;

	fd = open_pages(kho, pfn, 0);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		die("page %u, pfn %#llx: mmap: %s", n, pfn, strerror(errno));
	for (i = 0; i < WORDS; i++)
		if (page[i] != word_of(m->seed, pfn, i))
			die("page %u, pfn %#llx: word %u is %#llx, not %#llx",
			    n, pfn, i, page[i],
			    word_of(m->seed, pfn, i));
	if (page_sum(page) != m->page[n].sum)
		die("page %u, pfn %#llx: not the sum in the manifest", n, pfn);
	/* No copy: this has to be the very page. */
	if (pfn_of(page) != pfn)
		die("page %u, pfn %#llx: mapped is pfn %#llx", n, pfn,
		    pfn_of(page));
	if (pread(fd, copy, PAGE, 0) != PAGE || memcmp(copy, page, PAGE))
		die("page %u, pfn %#llx: read() differs from mmap()", n, pfn);
	close(fd);
	return page;
}

/* verify MANIFEST: compares each byte of each page */
static int cmd_verify(char **argv)
{
	struct manifest m;
	int kho = open_kho();
	__u32 i;

	read_manifest(argv[0], &m);
	for (i = 0; i < m.count; i++)
		munmap(map_page(kho, &m, i), PAGE);
	printf("%u single pages compared, %llu bytes, no difference\n", m.count,
	       m.count * PAGE);
	return 0;
}

/* rewrite MANIFEST SEED NEW: gives incoming pages new content, in place */
static int cmd_rewrite(char **argv)
{
	__u64 seed = number(argv[1]);
	struct manifest m;
	int kho = open_kho();
	__u32 i;

	read_manifest(argv[0], &m);
	for (i = 0; i < m.count; i++) {
		__u64 *page = map_page(kho, &m, i);

		fill_page(page, seed, m.page[i].pfn);
		m.page[i].sum = page_sum(page);
		munmap(page, PAGE);
	}
	m.seed = seed;
	write_manifest(argv[2], &m);
	printf("%u single pages compared and rewritten\n", m.count);
	return 0;
}

/* release MANIFEST: gives the pages up */
static int cmd_release(char **argv)
{
	struct manifest m;

	read_manifest(argv[0], &m);
	batch(open_kho(), false, &m);
	printf("%u single pages released\n", m.count);
	return 0;
}

int open_object(int kho, const char *name, __u64 *bytes)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };

	if (strlen(name) >= sizeof(arg.name))
		die("the name %s is too long", name);
	memcpy(arg.name, name, strlen(name));
	if (ioctl(kho, KHO_OBJ_OPEN, &arg))
		die("KHO_OBJ_OPEN %s: %s", name, strerror(errno));
	*bytes = arg.bytes;
	return arg.fd;
}

/* flip-object NAME OFFSET: changes one byte of an object */
static int cmd_flip_object(char **argv)
{
	__u64 offset = number(argv[1]), bytes;
	int fd = open_object(open_kho(), argv[0], &bytes);
	char *p;

	if (offset >= bytes)
		die("%s has only %llu bytes", argv[0], bytes);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	p[offset] ^= 0x01;
	printf("byte %llu of %s changed\n", offset, argv[0]);
	return 0;
}

/* hold NAME: keeps the object mapped until killed */
static int cmd_hold(char **argv)
{
	__u64 bytes;
	int fd = open_object(open_kho(), argv[0], &bytes);

	if (mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	close(fd);
	printf("holding\n");
	stay();
}

/*
 * nodes: makes a chain of tree nodes that leads to key 0, which no order has, and prints
 * the address of the uppermost.  Preserves them, or the next kernel might write over them
 * before it reads them.
 */
static int cmd_nodes(char **argv)
{
	struct manifest m = { .count = KHO_TREE_DEPTH(12) - 1 };
	__u64 *node = locked_pages(m.count);
	unsigned int i;

	(void)argv;
	m.page = calloc(m.count, sizeof(*m.page));
	if (!m.page)
		die("no memory");
	memset(node, 0, m.count * PAGE);
	for (i = 0; i < m.count; i++)
		m.page[i].pfn = pfn_of(&node[i * WORDS]);
	batch(open_kho(), true, &m);
	for (i = 0; i + 1 < m.count; i++)
		node[i * WORDS] = m.page[i + 1].pfn * PAGE;
	node[i * WORDS] = 1;
	printf("%#llx\n", m.page[0].pfn * PAGE);
	return 0;
}

/*
 * list COUNT: makes a list of setup_data with COUNT envelopes and nothing else.  Prints
 * the address of the first node, and keeps the list until killed.
 */
static int cmd_list(char **argv)
{
	struct {
		struct kho_setup_node node;
		struct kho_setup_indirect inner;
	} *list = locked_pages(1);
	__u64 nr = number(argv[0]), i, phys = pfn_of(list) * PAGE;

	if (!nr || nr > PAGE / sizeof(*list))
		die("a list of %llu does not fit", nr);
	memset(list, 0, PAGE);
	for (i = 0; i < nr; i++) {
		list[i].node.next = i + 1 < nr ? phys + (i + 1) * sizeof(*list) : 0;
		list[i].node.type = KHO_SETUP_INDIRECT;
		list[i].node.len = sizeof(list->inner);
		list[i].inner.type = KHO_SETUP_ENVELOPE;
		list[i].inner.addr = (2 * i + 1) << KHO_ENVELOPE_SHIFT;
		list[i].inner.len = 1 << KHO_ENVELOPE_SHIFT;
	}
	printf("%#llx\n", phys);
	stay();
}

/* hog SEED MIB: makes and removes objects and batches until killed */
static int cmd_hog(char **argv)
{
	enum { PAGES = 4096 };
	__u64 seed = number(argv[0]), most = number(argv[1]) << 20;
	struct manifest m = { .count = PAGES / 2 };
	struct kho_obj_create create;
	struct kho_obj_name name;
	int kho = open_kho();
	char *memory = locked_pages(PAGES), *p;
	__u64 pfn[PAGES];
	__u32 i;

	m.page = calloc(m.count, sizeof(*m.page));
	if (!m.page || !most)
		die("no memory");
	pfns_of(memory, pfn, PAGES);
	for (i = 0; i < m.count; i++)
		m.page[i].pfn = pfn[2 * i];
	printf("going\n");
	fflush(stdout);

	for (;;) {
		seed = mix(seed);
		batch(kho, true, &m);
		memset(&create, 0, sizeof(create));
		create.size = sizeof(create);
		create.bytes = 1 + seed % most;
		snprintf((char *)create.name, sizeof(create.name), "hog-%d",
			 getpid());
		if (ioctl(kho, KHO_OBJ_CREATE, &create))
			die("KHO_OBJ_CREATE: %s", strerror(errno));
		p = mmap(NULL, create.bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			 create.fd, 0);
		if (p == MAP_FAILED)
			die("mmap: %s", strerror(errno));
		for (i = 0; i < 16; i++)
			p[mix(seed + i) % create.bytes] = 1;
		batch(kho, false, &m);
		munmap(p, create.bytes);
		close(create.fd);

		memset(&name, 0, sizeof(name));
		name.size = sizeof(name);
		memcpy(name.name, create.name, sizeof(name.name));
		if (ioctl(kho, KHO_OBJ_REMOVE, &name))
			die("KHO_OBJ_REMOVE: %s", strerror(errno));
	}
}

/* clean PREFIX: removes objects whose names begin so, and all pages by number */
static int cmd_clean(char **argv)
{
	struct kho_page_entry page;
	struct kho_obj_entry obj;
	struct kho_page_list pages = {
		.size = sizeof(pages),
		.entries = ptr64(&page),
	};
	struct kho_obj_list objs = {
		.size = sizeof(objs),
		.entries = ptr64(&obj),
	};
	unsigned int nr_pages = 0, nr_objs = 0;
	int kho = open_kho();

	for (;;) {
		struct kho_page del = { .size = sizeof(del) };

		pages.count = 1;
		if (ioctl(kho, KHO_PAGE_LIST, &pages))
			die("KHO_PAGE_LIST: %s", strerror(errno));
		if (!pages.count)
			break;
		del.pfn = page.pfn;
		del.order = page.order;
		if (ioctl(kho, KHO_PAGE_DEL, &del))
			die("KHO_PAGE_DEL %#llx: %s",
			    page.pfn, strerror(errno));
		nr_pages++;
	}
	for (;;) {
		struct kho_obj_name name = { .size = sizeof(name) };

		objs.count = 1;
		if (ioctl(kho, KHO_OBJ_LIST, &objs))
			die("KHO_OBJ_LIST: %s", strerror(errno));
		if (!objs.count)
			break;
		if (strncmp((char *)obj.name, argv[0], strlen(argv[0]))) {
			objs.first++;
			continue;
		}
		memcpy(name.name, obj.name, sizeof(name.name));
		if (ioctl(kho, KHO_OBJ_REMOVE, &name))
			die("KHO_OBJ_REMOVE %s: %s", obj.name, strerror(errno));
		nr_objs++;
	}
	printf("%u objects and %u raw entries cleaned up\n", nr_objs, nr_pages);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **argv);
	int min, max;
} commands[] = {
	{ "status", cmd_status, 0, 0 },
	{ "scatter", cmd_scatter, 3, 4 },
	{ "verify", cmd_verify, 1, 1 },
	{ "rewrite", cmd_rewrite, 3, 3 },
	{ "release", cmd_release, 1, 1 },
	{ "flip-object", cmd_flip_object, 2, 2 },
	{ "apart", cmd_apart, 3, 4 },
	{ "check-apart", cmd_check_apart, 3, 3 },
	{ "handoff", cmd_handoff, 1, 1 },
	{ "hold", cmd_hold, 1, 1 },
	{ "where", cmd_where, 0, 0 },
	{ "nodes", cmd_nodes, 0, 0 },
	{ "list", cmd_list, 1, 1 },
	{ "kho-test", cmd_kho_test, 0, 0 },
	{ "hog", cmd_hog, 2, 2 },
	{ "clean", cmd_clean, 1, 1 },
	{ "scratch", cmd_scratch, 1, 2 },
	{ "image", cmd_image, 1, 1 },
	{ "load-by-file", cmd_load_by_file, 2, 9 },
	{ "contend", cmd_contend, 2, 2 },
	{ "wall", cmd_wall, 0, 0 },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name) &&
		    argc - 2 >= commands[i].min && argc - 2 <= commands[i].max)
			return commands[i].run(argv + 2);
	die("usage: agent COMMAND ARGUMENT...");
}

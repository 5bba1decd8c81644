// SPDX-License-Identifier: GPL-2.0
/*
 * What a command line takes of the RAM of its kernel, by the rules of that kernel: which of
 * several options counts, and what is ignored.  Where kernels differ, the larger result is
 * taken.  Functions of the kernel are named where this follows them.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/params.h"
#include "base/text.h"
#include "target/takes.h"

__u64 sum_of(__u64 a, __u64 b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static __u64 product(__u64 a, __u64 b)
{
	return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static __u64 round_up(__u64 n, __u64 unit)
{
	return n > UINT64_MAX - unit + 1 ? UINT64_MAX : (n + unit - 1) / unit * unit;
}

static struct take *take(struct takes *t, enum take_kind kind, __u64 bytes, size_t at,
			 char *option)
{
	struct take *new;

	if (!bytes) {
		free(option);
		return NULL;
	}
	t->list = grow(t->list, t->nr, &t->room, sizeof(*t->list));
	new = &t->list[t->nr++];
	memset(new, 0, sizeof(*new));
	new->kind = kind;
	new->bytes = bytes;
	new->at = at;
	new->option = printable(option, strlen(option));
	free(option);
	t->sums[kind] = sum_of(t->sums[kind], bytes);
	return new;
}

/* ---- Huge pages: mm/hugetlb.c ---- */

#define HUGE_SIZES	4

struct huge_size {
	__u64 size;
	__u64 pages;
	const char *value;	/* of the last hugepages= that counted */
	size_t at;
};

/* The default size's entry is 0 until that size is known. */
struct huge {
	struct huge_size sizes[HUGE_SIZES];
	unsigned int nr;		/* without entry 0 */
	unsigned int parsed;		/* what hugepages= is for */
	unsigned int last;		/* what it was for the last time, or HUGE_SIZES */
	__u64 fixed_default;		/* default_hugepagesz=, or 0 */
	bool ignore;			/* hugepages= follows an invalid size */
};

static unsigned int find_size(const struct huge *h, __u64 size)
{
	unsigned int i;

	for (i = 1; i <= h->nr; i++)
		if (h->sizes[i].size == size)
			return i;
	return 0;
}

/* hugetlb_add_hstate(): a size that is known already is not selected. */
static unsigned int add_size(struct huge *h, __u64 size)
{
	unsigned int i = find_size(h, size);

	if (i || h->nr + 1 == HUGE_SIZES)
		return i;
	h->sizes[++h->nr].size = size;
	h->parsed = h->nr;
	return h->nr;
}

static void move_default(struct huge *h, unsigned int to)
{
	struct huge_size *from = &h->sizes[0];

	if (!from->pages)
		return;
	h->sizes[to].pages = from->pages;
	h->sizes[to].value = from->value;
	h->sizes[to].at = from->at;
	from->pages = 0;
}

static void read_size(struct huge *h, const char *value)
{
	__u64 size = param_size(value, NULL);
	unsigned int i = find_size(h, size);

	h->ignore = true;
	if (!arch_is_huge_page(size))
		return;
	/* Twice is an error, except for the default size that has no pages yet. */
	if (i && (size != h->fixed_default || h->sizes[i].pages))
		return;
	if (i)
		h->parsed = i;
	else
		add_size(h, size);
	h->ignore = false;
}

static void read_default_size(struct huge *h, const char *value)
{
	__u64 size = param_size(value, NULL);

	h->ignore = true;
	if (h->fixed_default || !arch_is_huge_page(size))
		return;
	h->fixed_default = size;
	h->ignore = false;
	move_default(h, add_size(h, size));
}

/* NODE:PAGES,..., or PAGES.  What comes before an error counts. */
static void read_pages(struct huge *h, const char *value, size_t at)
{
	unsigned int to = h->nr ? h->parsed : 0;
	struct huge_size *s = &h->sizes[to];
	const char *p = value;
	__u64 n;

	if (h->ignore) {
		h->ignore = false;
		return;
	}
	if (to == h->last)
		return;
	while (*p) {
		bool first = p == value;

		if (!param_decimal(p, &p, &n))
			break;
		if (*p != ':') {
			if (first)
				s->pages = n;
			break;
		}
		if (!param_decimal(p + 1, &p, &n))
			break;
		s->pages = sum_of(s->pages, n);
		if (*p != ',')
			break;
		p++;
	}
	s->value = value;
	s->at = at;
	h->last = to;
}

static void take_huge(struct takes *t, struct huge *h)
{
	unsigned int i;

	if (!h->fixed_default)
		move_default(h, add_size(h, arch_huge_page_default));
	for (i = 1; i <= h->nr; i++) {
		const struct huge_size *s = &h->sizes[i];

		if (s->pages)
			take(t, TAKE_HUGE, product(s->pages, s->size), s->at,
			     xasprintf("hugepages=%s of %s", s->value, size_str(s->size)));
	}
}

/* ---- The crash kernel: kernel/crash_reserve.c ---- */

#define CRASH		"crashkernel="
#define CRASH_LOW	(256 * MIB)
#define CRASH_ROUND	(128 * MIB)

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(s + len - n, end, n);
}

/*
 * get_last_crashkernel(): the last one counts, of those with this suffix or without any.  It
 * is looked for in the whole text, even inside a word or behind "--", and ends at a space.
 */
static char *last_crash(const char *line, const char *suffix, size_t *at)
{
	static const char * const suffixes[] = { ",high", ",low", ",cma" };
	const char *p = line;
	char *found = NULL;
	size_t i;

	for (; (p = strstr(p, CRASH)); p++) {
		size_t len = strcspn(p, " ");
		bool any = false;

		for (i = 0; i < ARRAY_SIZE(suffixes); i++)
			any |= ends_with(p, len, suffixes[i]);
		if (suffix ? !ends_with(p, len, suffix) : any)
			continue;
		free(found);
		found = xasprintf("%.*s", (int)len, p);
		*at = p - line;
	}
	return found;
}

/* START-[END]:SIZE,...[@ADDR]; of the ranges, the first that has @ram counts. */
static __u64 crash_by_ram(const char *p, __u64 ram, __u64 *addr)
{
	__u64 total = round_up(ram, CRASH_ROUND), size = 0;
	bool match = false;
	const char *next;

	do {
		__u64 start = param_size(p, &next), end = UINT64_MAX;

		if (next == p || *next != '-')
			return 0;
		p = next + 1;
		if (*p != ':') {
			end = param_size(p, &next);
			if (next == p || end <= start || *next != ':')
				return 0;
			p = next;
		}
		size = param_size(p + 1, &next);
		if (next == p + 1 || size >= total)
			return 0;
		p = next;
		match = total >= start && total < end;
	} while (!match && *p++ == ',');
	if (!match)
		return 0;
	p = strchr(p, '@');
	if (p)
		*addr = param_size(p + 1, NULL);
	return size;
}

static __u64 crash_size(const char *option, const struct machine *m, __u64 *addr)
{
	const char *p = option + strlen(CRASH), *end;
	__u64 size, other;

	*addr = 0;
	if (strchr(p, ':')) {
		size = crash_by_ram(p, m->ram, addr);
		other = m->other_ram ? crash_by_ram(p, m->other_ram, addr) : 0;
		return size > other ? size : other;
	}
	size = param_size(p, &end);
	if (*end == '@')
		*addr = param_size(end + 1, NULL);
	else if (*end)
		return 0;
	return size;
}

/* The size before a suffix, or 0 if there is more */
static __u64 crash_before(const char *option, const char *suffix)
{
	const char *end;
	__u64 size = param_size(option + strlen(CRASH), &end);

	return strcmp(end, suffix) ? 0 : size;
}

static void take_crash(struct takes *t, const char *line, const struct machine *m)
{
	char *plain, *high = NULL, *low = NULL, *cma;
	size_t at = 0, low_at;
	struct take *new;
	__u64 size, addr;

	plain = last_crash(line, NULL, &at);
	size = plain ? crash_size(plain, m, &addr) : 0;
	if (size) {
		new = take(t, TAKE_CRASH, size, at, xstrdup(plain));
		new->fixed = addr;
		new->addr = addr;
	} else {
		high = last_crash(line, ",high", &at);
		size = high ? crash_before(high, ",high") : 0;
	}
	if (high && size) {
		take(t, TAKE_CRASH, size, at, xstrdup(high));
		low_at = at;
		low = last_crash(line, ",low", &low_at);
		take(t, TAKE_CRASH, low ? crash_before(low, ",low") : CRASH_LOW, low_at,
		     low ? xstrdup(low) : xasprintf("%s (its low part)", high));
	}
	cma = last_crash(line, ",cma", &at);
	if (cma)
		take(t, TAKE_CRASH, crash_before(cma, ",cma"), at, xstrdup(cma));
	free(plain);
	free(high);
	free(low);
	free(cma);
}

/* ---- The rest ---- */

/* An option whose last value counts */
struct last {
	const char *value;
	size_t at;
	__u64 n;
};

enum {
	LAST_CMA, LAST_PERNUMA, LAST_HUGE_CMA, LAST_SWIOTLB, LAST_LOG, LAST_CORE, LAST_MOVABLE,
	NR_LAST
};

static const char * const last_names[] = {
	[LAST_CMA] = "cma",
	[LAST_PERNUMA] = "cma_pernuma",
	[LAST_HUGE_CMA] = "hugetlb_cma",
	[LAST_SWIOTLB] = "swiotlb",
	[LAST_LOG] = "log_buf_len",
	[LAST_CORE] = "kernelcore",
	[LAST_MOVABLE] = "movablecore",
};

/* Hash tables of 8 bytes an entry; the kernel gives none more than 1/16 of RAM. */
static const char * const hash_names[] = {
	"dhash_entries", "ihash_entries", "mhash_entries", "mphash_entries", "thash_entries",
};

#define HASH_ENTRY	8
#define HASH_SHIFT	4

#define IO_TLB_SLOT	2048
#define LOG_MAX		(2048 * MIB)

static __u64 round_up_pow2(__u64 n)
{
	__u64 pow = 1;

	while (pow && pow < n)
		pow <<= 1;
	return pow ? pow : n;
}

/* NODE:SIZE,...; what comes before an error counts.  Return: false if it is not that form */
static bool sum_of_nodes(const char *p, __u64 *sum)
{
	bool any = false;
	__u64 n;

	while (*p && param_decimal(p, &p, &n) && *p == ':') {
		*sum = sum_of(*sum, param_size(p + 1, &p));
		any = true;
		if (*p != ',')
			break;
		p++;
	}
	return any;
}

static char *text_of(const struct param *p)
{
	return xasprintf("%s=%s", p->name, p->value);
}

/* log_buf_len_update(): the largest counts.  Each 32 bytes have 112 more. */
static __u64 log_bytes(const char *value)
{
	__u64 n = param_size(value, NULL);

	return n ? round_up_pow2(n > LOG_MAX ? LOG_MAX : n) / 2 * 9 : 0;
}

static void read_last(struct last *l, unsigned int what, const struct param *p, size_t at)
{
	__u64 n = 0;

	switch (what) {
	case LAST_HUGE_CMA:
		n = l->n;
		if (!sum_of_nodes(p->value, &n))
			n = param_size(p->value, NULL);
		break;
	case LAST_SWIOTLB:
		n = product(param_number(p->value, NULL), IO_TLB_SLOT);
		/* Such as "force" */
		if (!n)
			return;
		break;
	case LAST_LOG:
		n = log_bytes(p->value);
		if (n < l->n)
			return;
		break;
	default:
		n = param_size(p->value, NULL);
	}
	l->value = p->value;
	l->at = at;
	l->n = n;
}

static char *last_text(const struct last *l, unsigned int what)
{
	return xasprintf("%s=%s", last_names[what], l[what].value);
}

static void take_last(struct takes *t, const struct last *l, const struct machine *m)
{
	struct take *new;
	const char *end;
	__u64 n;

	if (l[LAST_CMA].n) {
		new = take(t, TAKE_CMA, l[LAST_CMA].n, l[LAST_CMA].at, last_text(l, LAST_CMA));
		param_size(l[LAST_CMA].value, &end);
		/* With a limit, the address is only where it may begin. */
		if (*end == '@') {
			new->addr = param_size(end + 1, &end);
			new->fixed = *end != '-' && new->addr;
		}
	}
	if (l[LAST_PERNUMA].n)
		take(t, TAKE_CMA, product(l[LAST_PERNUMA].n, m->nodes ? m->nodes : 1),
		     l[LAST_PERNUMA].at, last_text(l, LAST_PERNUMA));
	n = l[LAST_HUGE_CMA].n;
	if (n >= arch_huge_page_giant)
		take(t, TAKE_CMA, round_up(n, arch_huge_page_giant), l[LAST_HUGE_CMA].at,
		     last_text(l, LAST_HUGE_CMA));
	if (l[LAST_SWIOTLB].n)
		take(t, TAKE_BUFFERS, l[LAST_SWIOTLB].n, l[LAST_SWIOTLB].at,
		     last_text(l, LAST_SWIOTLB));
	if (l[LAST_LOG].n)
		take(t, TAKE_BUFFERS, l[LAST_LOG].n, l[LAST_LOG].at, last_text(l, LAST_LOG));
}

/* cmdline_parse_core(): bytes, or a percentage of RAM */
static __u64 core_bytes(const struct last *l, __u64 ram)
{
	const char *end;
	__u64 percent;

	if (!l->value)
		return 0;
	percent = param_number(l->value, &end);
	if (*end == '%')
		return percent > 100 ? ram : ram / 100 * percent;
	return l->n;
}

/* find_zone_movable_pfns_for_nodes(): of the two, what leaves the kernel more counts. */
static void set_core(struct takes *t, const struct last *l, __u64 ram)
{
	__u64 core = core_bytes(&l[LAST_CORE], ram);
	__u64 movable = core_bytes(&l[LAST_MOVABLE], ram);
	unsigned int what = LAST_CORE;
	char *text;

	if (movable && (movable > ram ? 0 : ram - movable) >= core) {
		/* With all RAM movable, there would be no kernel: the least is a page. */
		core = movable >= ram ? 1 : ram - movable;
		what = LAST_MOVABLE;
	}
	if (!core || core >= ram)
		return;
	t->core = core;
	text = last_text(l, what);
	t->core_option = printable(text, strlen(text));
	free(text);
	t->core_at = l[what].at;
}

/* Takes for options of which each counts. */
static void take_each(struct takes *t, const struct param *p, size_t at,
		      const struct machine *m)
{
	struct take *new = NULL;
	const char *end;
	__u64 n = 0;
	size_t i;

	if (param_is(p, "reserve_mem")) {
		n = param_size(p->value, &end);
		if (*end == ':')
			take(t, TAKE_BUFFERS, n, at, text_of(p));
	} else if (param_is(p, "initrdmem") || param_is(p, "initrd")) {
		__u64 addr = param_size(p->value, &end);

		/* The name of a file is none. */
		if (*end == ',')
			new = take(t, TAKE_BUFFERS, param_size(end + 1, NULL), at, text_of(p));
		if (new) {
			new->addr = addr;
			new->fixed = true;
		}
	} else if (param_is(p, "numa_cma")) {
		if (sum_of_nodes(p->value, &n))
			take(t, TAKE_CMA, n, at, text_of(p));
	}
	for (i = 0; i < ARRAY_SIZE(hash_names); i++) {
		if (!param_is(p, hash_names[i]))
			continue;
		n = product(round_up_pow2(param_number(p->value, NULL)), HASH_ENTRY);
		if (n > HASH_ENTRY)
			take(t, TAKE_BUFFERS, n > m->ram >> HASH_SHIFT ? m->ram >> HASH_SHIFT : n,
			     at, text_of(p));
	}
}

void takes_read(struct takes *t, const char *line, const struct machine *m)
{
	struct huge huge = { .last = HUGE_SIZES };
	struct last last[NR_LAST] = {};
	char *copy = xstrdup(line), *rest = copy;
	struct param p;
	unsigned int i;

	memset(t, 0, sizeof(*t));
	while (param_next(&rest, &p)) {
		size_t at = p.name - copy;

		if (!p.value)
			continue;
		if (param_is(&p, "hugepages"))
			read_pages(&huge, p.value, at);
		else if (param_is(&p, "hugepagesz"))
			read_size(&huge, p.value);
		else if (param_is(&p, "default_hugepagesz"))
			read_default_size(&huge, p.value);
		for (i = 0; i < NR_LAST; i++)
			if (param_is(&p, last_names[i]))
				read_last(&last[i], i, &p, at);
		take_each(t, &p, at, m);
	}
	take_huge(t, &huge);
	take_crash(t, line, m);
	take_last(t, last, m);
	set_core(t, last, m->ram);
	free(copy);
}

void takes_free(struct takes *t)
{
	while (t->nr)
		free(t->list[--t->nr].option);
	free(t->list);
	free(t->core_option);
	memset(t, 0, sizeof(*t));
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: pages by number.
 */
#include "fuzz.h"

#define POOL	ARRAY_SIZE(((struct ctx *)0)->pool_pfn)
#define ID(c)	(0xf00U | (c)->nr)

void make_pools(struct ctx *c)
{
	char *room;

	c->pool = locked_pages(POOL);
	room = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		return;
	room = (char *)((ptr64(room) + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	madvise(room, HUGE_PAGE, MADV_HUGEPAGE);
	mlock(room, HUGE_PAGE);
	room[0] = 1;
	c->huge_pfn = pfn_of(room);
	/* Is this a huge page? */
	if (!(c->huge_pfn % 512) && peek(c->buf, room, HUGE_PAGE) &&
	    pfn_of(room + HUGE_PAGE - PAGE) == c->huge_pfn + 511)
		c->huge = room;
}

int delete_page(struct ctx *c, __u64 pfn, __u32 order)
{
	struct kho_page arg = { .size = sizeof(arg), .pfn = pfn, .order = order };

	return call(c, c->kho, KHO_PAGE_DEL, &arg);
}

/* An entry of ours that is preserved and overlaps these pages, or NULL. */
static struct raw *overlaps(struct ctx *c, __u64 pfn, __u32 order)
{
	unsigned int i;

	for (i = 0; i < NR_RAW; i++) {
		struct raw *raw = &c->w->raw[i];

		if (raw->there && raw->pfn < pfn + (1ULL << order) &&
		    pfn < raw->pfn + (1ULL << raw->order))
			return raw;
	}
	return NULL;
}

/* A kernel that was started in scratch has memory there: none of it can be preserved. */
static bool in_scratch(struct ctx *c, __u64 pfn)
{
	struct kho_query arg = { .size = sizeof(arg) };

	return !ioctl(c->kho, KHO_QUERY, &arg) &&
	       pfn * PAGE - arg.scratch_addr < arg.scratch_size;
}

static struct raw *any_raw(struct ctx *c, bool there)
{
	unsigned int i, first = below(c, NR_RAW);

	for (i = 0; i < NR_RAW; i++) {
		struct raw *raw = &c->w->raw[(first + i) % NR_RAW];

		if (!!raw->there == there)
			return raw;
	}
	return NULL;
}

/*
 * Pages of ours, with their present number: after a fork, a page is copied when it is
 * written, so all of them are written first.  NULL if they are not one aligned block.
 */
static char *any_page(struct ctx *c, __u64 *pfn, __u32 *order)
{
	__u64 at, pfns[512];
	char *p;

	*order = 0;
	p = c->pool + below(c, POOL) * PAGE;
	if (c->huge && one_in(c, 3)) {
		*order = below(c, one_in(c, 8) ? 10 : 4);
		at = below(c, 512 >> *order) << *order;
		p = c->huge + at * PAGE;
	}
	for (at = 0; at < 1U << *order; at++) {
		volatile char *byte = p + at * PAGE;

		*byte = *byte;
	}
	pfns_of(p, pfns, 1U << *order);
	*pfn = pfns[0];
	for (at = 1; at < 1U << *order; at++)
		if (pfns[at] != *pfn + at)
			return NULL;
	return *pfn & ((1ULL << *order) - 1) ? NULL : p;
}

void op_page_add(struct ctx *c)
{
	struct kho_page arg = { .size = sizeof(arg) };
	struct raw *raw = any_raw(c, false), *other;
	int err;
	char *p;

	if (!raw || !c->pool)
		return;
	p = any_page(c, &raw->pfn, &raw->order);
	if (!p)
		return;
	arg.pfn = raw->pfn;
	arg.order = raw->order;
	c->a = arg.pfn;
	c->b = arg.order;
	other = overlaps(c, raw->pfn, raw->order);
	if (other) {
		err = call(c, c->kho, KHO_PAGE_ADD, &arg);
		if (other->pfn == arg.pfn && other->order == arg.order)
			ALLOW(c, err, "page_add twice", EEXIST);
		else
			ALLOW(c, err, "page_add of what is preserved", EBUSY, EEXIST);
		return;
	}
	if (in_scratch(c, raw->pfn)) {
		ALLOW(c, call(c, c->kho, KHO_PAGE_ADD, &arg), "page_add in scratch",
		      EBUSY);
		return;
	}
	raw->version = ++c->w->version;
	raw->arrived = 0;
	pattern(p, 0, PAGE << raw->order, ID(c), raw->version);
	begin(c, FLIGHT_RAW_ADD, raw - c->w->raw, 1, 0, 0);
	err = call(c, c->kho, KHO_PAGE_ADD, &arg);
	raw->there = !err;
	end(c);
	ALLOW(c, err, "page_add", 0, ENOMEM, EADDRNOTAVAIL);
}

void op_page_del(struct ctx *c)
{
	struct raw *raw = any_raw(c, true);
	int err;

	if (!raw)
		return;
	c->a = raw->pfn;
	c->b = raw->order;
	if (one_in(c, 8)) {
		err = delete_page(c, raw->pfn, raw->order ^ (1 + below(c, 8)));
		ALLOW(c, err, "page_del of another order", ENOENT, EBUSY, EINVAL);
		return;
	}
	begin(c, FLIGHT_RAW_DEL, raw - c->w->raw, 1, 0, 0);
	err = delete_page(c, raw->pfn, raw->order);
	if (!err)
		raw->there = 0;
	end(c);
	ALLOW(c, err, "page_del", 0);
}

void op_page_bad(struct ctx *c)
{
	struct kho_page arg = { .size = sizeof(arg) };
	bool add = one_in(c, 2);
	int err;

	switch (below(c, 5)) {
	case 0:
		arg.pfn = (1ULL << 40) << below(c, 24);
		break;
	case 1:
		arg.pfn = (1ULL << 26) + below(c, 1ULL << 36);
		break;
	case 2:
		arg.pfn = 2 * below(c, 1ULL << 20) + 1;
		arg.order = 1 + below(c, 5);
		break;
	case 3:
		arg.pfn = 0;
		break;
	default:
		arg.pfn = chance(c) >> 44;
		arg.order = 12 + below(c, 60);
	}
	c->a = arg.pfn;
	c->b = arg.order;
	err = call(c, c->kho, add ? KHO_PAGE_ADD : KHO_PAGE_DEL, &arg);
	if (add)
		ALLOW(c, err, "bad page_add", EINVAL, ENXIO, ERANGE, EADDRNOTAVAIL, EBUSY);
	else
		ALLOW(c, err, "bad page_del", EINVAL, ERANGE, ENOENT, EADDRNOTAVAIL, EBUSY);
}

/* ---- Many at a time ---- */

/* A row of at most 8 entries that are all preserved, or all not; @n may be 0. */
static unsigned int a_row(struct ctx *c, bool there, unsigned int *n)
{
	unsigned int first = below(c, NR_RAW), i = first;

	while (i < NR_RAW && i < first + 8 && !!c->w->raw[i].there == there)
		i++;
	*n = i - first;
	return first;
}

static int spoil(struct ctx *c, struct kho_page_entry *entry, unsigned int bad, bool add)
{
	int want = 0;

	switch (below(c, 5)) {
	case 0:
		entry[bad].flags = 1U << below(c, 32);
		want = EOPNOTSUPP;
		break;
	case 1:
		entry[bad].pfn = 1ULL << 30;
		entry[bad].order = 0;
		want = add ? ENXIO : ENOENT;
		break;
	case 2:
		entry[bad].pfn |= 1;
		entry[bad].order = 3;
		want = EINVAL;
		break;
	case 3:
		entry[bad].order = 64 + below(c, 1000);
		want = EINVAL;
		break;
	default:
		if (!bad)
			break;
		entry[bad] = entry[below(c, bad)];
		want = add ? EEXIST : ENOENT;
	}
	return want;
}

void op_batch(struct ctx *c)
{
	struct kho_page_entry entry[8] = {};
	struct kho_batch arg = { .size = sizeof(arg), .entries = ptr64(entry) };
	bool add = one_in(c, 2) && c->pool;
	unsigned int first, n, i, bad = 0, want;
	int err, why = 0;

	first = a_row(c, !add, &n);
	if (!n)
		return;
	for (i = 0; i < n; i++) {
		struct raw *raw = &c->w->raw[first + i];

		if (add) {
			char *p = any_page(c, &raw->pfn, &raw->order);
			unsigned int k;

			if (!p || overlaps(c, raw->pfn, raw->order) ||
			    in_scratch(c, raw->pfn))
				break;
			for (k = 0; k < i; k++)
				if (entry[k].pfn < raw->pfn + (1ULL << raw->order) &&
				    raw->pfn < entry[k].pfn + (1ULL << entry[k].order))
					break;
			if (k < i)
				break;
			raw->version = ++c->w->version;
			raw->arrived = 0;
			pattern(p, 0, PAGE << raw->order, ID(c), raw->version);
		}
		entry[i].pfn = raw->pfn;
		entry[i].order = raw->order;
	}
	n = i;
	if (!n)
		return;
	want = n;
	if (one_in(c, 3)) {
		bad = below(c, n);
		why = spoil(c, entry, bad, add);
		want = why ? bad : n;
	}
	arg.count = n;
	begin(c, add ? FLIGHT_RAW_ADD : FLIGHT_RAW_DEL, first, n, why, 0);
	err = call(c, c->kho, add ? KHO_BATCH_ADD : KHO_BATCH_DEL, &arg);
	for (i = 0; i < n && !err; i++)
		c->w->raw[first + i].there = add;
	end(c);
	if (why)
		ALLOW(c, err, add ? "bad batch_add" : "bad batch_del", why, ENOMEM);
	else
		ALLOW(c, err, add ? "batch_add" : "batch_del", 0, ENOMEM);
	if (err != ENOMEM && err != ESHUTDOWN && arg.failed != want)
		finding(c, "batch of %u: failed is %u, not %u", n, arg.failed, want);
}

/* ---- What arrived ---- */

void check_raw(struct ctx *c, const struct raw *raw)
{
	struct kho_page_open arg = {
		.size = sizeof(arg),
		.pfn = raw->pfn,
		.order = raw->order,
	};
	size_t bytes = PAGE << raw->order;
	char *want = c->buf + HUGE_PAGE;
	int err;

	c->a = raw->pfn;
	c->b = raw->order;
	err = call(c, c->kho, KHO_PAGE_OPEN, &arg);
	if (!raw->arrived) {
		ALLOW(c, err, "page_open of what did not arrive", ENOENT);
		return;
	}
	ALLOW(c, err, "page_open", 0, ENOMEM);
	if (err)
		return;
	if (pread(arg.fd, c->buf, bytes, 0) != (ssize_t)bytes)
		finding(c, "pread of pages by number: %s", strerror(errno));
	pattern(want, 0, bytes, ID(c), raw->version);
	same(c, c->buf, want, bytes, 0, "pages by number");
	close(arg.fd);
}

void op_page_open(struct ctx *c)
{
	struct raw *raw = any_raw(c, true);

	if (raw)
		check_raw(c, raw);
}

void op_page_list(struct ctx *c)
{
	struct kho_page_entry entry[32];
	struct kho_page_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(entry),
		.count = below(c, 33),
		.first = one_in(c, 2) ? 0 : below(c, 100),
	};

	ALLOW(c, call(c, c->kho, KHO_PAGE_LIST, &arg), "page_list", 0, ENOMEM);
	if (arg.count > 32)
		finding(c, "page_list filled %u", arg.count);
}

/* ---- What the next kernel is told ---- */

void op_envelopes(struct ctx *c)
{
	struct kho_envelope_entry entry[64];
	struct kho_envelope_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(entry),
		.count = 64,
	};
	struct raw *raw = any_raw(c, true);
	__u64 addr;
	__u32 i;
	int err;

	if (one_in(c, 4)) {
		arg.flags = KHO_ENVELOPE_ARRIVED;
		raw = NULL;
	}
	err = call(c, c->kho, KHO_ENVELOPE_LIST, &arg);
	ALLOW(c, err, "envelope_list", 0, ENOMEM, EOPNOTSUPP);
	/* With in-kernel KHO there are no envelopes. */
	if (err || !raw || !arg.total)
		return;
	addr = raw->pfn * PAGE;
	for (i = 0; i < arg.count; i++)
		if (addr >= entry[i].addr && addr < entry[i].addr + entry[i].bytes)
			return;
	finding(c, "page %#llx is in none of %u envelopes", raw->pfn, arg.count);
}

void op_subtrees(struct ctx *c)
{
	struct kho_subtree_entry entry[8];
	struct kho_subtree_list arg = {
		.size = sizeof(arg),
		.entries = ptr64(entry),
		.count = below(c, 9),
		.first = below(c, 3),
	};

	ALLOW(c, call(c, c->kho, KHO_SUBTREE_LIST, &arg), "subtree_list", 0, ENOMEM);
}

void op_meta(struct ctx *c)
{
	struct kho_meta_entry entry[16];
	struct kho_meta_read arg = {
		.size = sizeof(arg),
		.entries = ptr64(entry),
		.pages = ptr64(c->buf),
		.count = below(c, 17),
		.first = below(c, 40),
	};

	ALLOW(c, call(c, c->kho, KHO_META_READ, &arg), "meta_read", 0, ENOMEM);
}

void op_handoff(struct ctx *c)
{
	struct kho_handoff arg = {
		.size = sizeof(arg),
		.how = one_in(c, 3) ? 2 + below(c, 1000) : KHO_HANDOFF_EXACT,
	};
	int err;

	/* Not each next kernel takes envelopes: see slate->lean. */
	if (slate->lean && one_in(c, 2))
		arg.how = KHO_HANDOFF_ENVELOPES;
	err = call(c, c->kho, KHO_HANDOFF, &arg);
	if (arg.how > KHO_HANDOFF_ENVELOPES)
		ALLOW(c, err, "bad handoff", EINVAL, EOPNOTSUPP);
	else
		ALLOW(c, err, "handoff", 0, ENOMEM, EOPNOTSUPP);
}

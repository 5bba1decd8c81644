// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's model: the expected state, whether it is so, and which of two states an
 * operation has left that was cut short.
 */
#include "fuzz.h"

struct model *any_object(struct ctx *c, bool there, unsigned int *slot)
{
	unsigned int i, first = below(c, NR_SLOTS);

	for (i = 0; i < NR_SLOTS; i++) {
		struct model *o = &c->w->obj[(first + i) % NR_SLOTS];

		if (!!o->there != there)
			continue;
		*slot = o - c->w->obj;
		c->slot = *slot;
		return o;
	}
	return NULL;
}

int open_name(struct ctx *c, const __u8 *name, __u32 flags, __u64 *bytes, int *fd)
{
	struct kho_obj_name arg = { .size = sizeof(arg), .flags = flags };
	int err;

	memcpy(arg.name, name, sizeof(arg.name));
	err = call(c, c->kho, KHO_OBJ_OPEN, &arg);
	*fd = err ? -1 : arg.fd;
	if (bytes)
		*bytes = arg.bytes;
	return err;
}

int remove_name(struct ctx *c, const __u8 *name)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, sizeof(arg.name));
	return call(c, c->kho, KHO_OBJ_REMOVE, &arg);
}

/* ---- Files of an object ---- */

unsigned int files_of(struct ctx *c, unsigned int slot)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR_HANDLES; i++)
		n += c->handle[slot][i].used;
	for (i = 0; i < NR_VIEWS; i++)
		n += !!c->view[slot][i].p;
	return n;
}

struct handle *handle_of(struct ctx *c, unsigned int slot, bool writable)
{
	unsigned int i, first = below(c, NR_HANDLES);

	for (i = 0; i < NR_HANDLES; i++) {
		struct handle *h = &c->handle[slot][(first + i) % NR_HANDLES];

		if (h->used && (h->writable || !writable))
			return h;
	}
	return NULL;
}

void maybe_gone(struct ctx *c, unsigned int slot)
{
	struct model *o = &c->w->obj[slot];
	int fd, err;

	if (!o->there || !(o->flags & KHO_OBJ_UNCOMMITTED) || files_of(c, slot))
		return;
	o->there = 0;
	/* While the machine goes down, no object is removed any more. */
	if (!one_in(c, 4) || slate->jumping)
		return;
	err = open_name(c, o->name, KHO_OPEN_READ, NULL, &fd);
	if (!slate->jumping)
		ALLOW(c, err, "open after the last close of what was not committed",
		      ENOENT);
}

void drop_handle(struct ctx *c, unsigned int slot, struct handle *h)
{
	close(h->fd);
	counted(c, 0, 0);
	h->used = false;
	maybe_gone(c, slot);
}

void drop_view(struct ctx *c, unsigned int slot, struct view *v)
{
	if (munmap(v->p, v->bytes))
		finding(c, "munmap: %s", strerror(errno));
	counted(c, 0, 0);
	free(v->copied);
	free(v->copy);
	memset(v, 0, sizeof(*v));
	maybe_gone(c, slot);
}

/* ---- Is it as it has to be? ---- */

void check_info(struct ctx *c, const struct model *o, const struct kho_obj_info *info)
{
	const __u32 known = KHO_OBJ_SEALED | KHO_OBJ_UNCOMMITTED |
			    KHO_OBJ_SUM_AT_JUMP | KHO_OBJ_PINNED;

	if ((info->flags & known) != o->flags)
		finding(c, "flags are %#x, not %#x", info->flags, o->flags);
	if (!!(info->flags & KHO_OBJ_ARRIVED) != !!o->jumps ||
	    info->generation != o->jumps)
		finding(c, "%u handovers, flags %#x, not %u", info->generation,
			info->flags, o->jumps);
	if (info->bytes != o->bytes || info->pages != (o->bytes + PAGE - 1) / PAGE)
		finding(c, "%llu bytes in %llu pages, not %llu", info->bytes,
			info->pages, o->bytes);
	if (info->data_bytes != o->data_bytes)
		finding(c, "%u bytes of data, not %u", info->data_bytes,
			o->data_bytes);
	if (info->uid != o->uid || info->gid != o->gid || info->mode != o->mode)
		finding(c, "owner is %u:%u %#o, not %u:%u %#o", info->uid,
			info->gid, info->mode, o->uid, o->gid, o->mode);
	if (memcmp(info->name, o->name, sizeof(o->name)))
		finding(c, "the name is another: '%.63s'", info->name);
}

static void check_content(struct ctx *c, const struct model *o, int fd)
{
	__u64 at, n;

	for (at = 0; at < o->bytes; at += n) {
		ssize_t got;

		n = o->bytes - at < MIDDLE_BYTES ? o->bytes - at : MIDDLE_BYTES;
		got = pread(fd, c->buf, n, at);
		counted(c, 0, got < 0 ? errno : 0);
		if (got != (ssize_t)n)
			finding(c, "pread of %llu at %llu: %zd %s", n, at, got,
				strerror(errno));
		same(c, c->buf, content_of(o) + at, n, at, "content");
	}
}

static bool data_is(const char *data, __u32 bytes, const struct model *o,
		    __u32 version)
{
	char want[DATA_BYTES];

	pattern(want, 0, bytes, o->id | 0x400, version);
	return !memcmp(data, want, bytes);
}

void check_object(struct ctx *c, struct model *o, int fd)
{
	struct kho_obj_info info = { .size = sizeof(info) };
	char data[DATA_BYTES];
	struct kho_obj_data get = {
		.size = sizeof(get),
		.data = ptr64(data),
		.bytes = sizeof(data),
	};
	int err;

	err = call(c, fd, KHO_OBJ_INFO, &info);
	ALLOW(c, err, "info", 0);
	check_info(c, o, &info);
	err = call(c, fd, KHO_OBJ_GET_DATA, &get);
	ALLOW(c, err, "data", 0);
	if (get.bytes != o->data_bytes ||
	    !data_is(data, get.bytes, o, o->data_version))
		finding(c, "data of %u bytes are not version %u", get.bytes,
			o->data_version);
	check_content(c, o, fd);
}

/* ---- What was in flight ---- */

static void settle_write(struct ctx *c, struct model *o, int fd, const struct flight *f)
{
	char *was = content_of(o) + f->a, *next = c->buf + LARGE_BYTES / 2;
	__u64 i, n = f->b;

	if (f->a >= o->bytes)
		return;
	if (n > o->bytes - f->a)
		n = o->bytes - f->a;
	if (pread(fd, c->buf, n, f->a) != (ssize_t)n)
		finding(c, "pread of what was being written: %s", strerror(errno));
	pattern(next, f->a, n, o->id, f->c);
	for (i = 0; i < n; i++) {
		if (c->buf[i] != was[i] && c->buf[i] != next[i])
			finding(c, "byte %#llx is neither what was there (%02x) nor what was written (%02x), but %02x",
				f->a + i, was[i], next[i], c->buf[i]);
		was[i] = c->buf[i];
	}
}

void settle_write_now(struct ctx *c)
{
	const struct flight *f = &c->w->flight;
	struct model *o = &c->w->obj[f->slot];
	int fd;

	if (f->kind == FLIGHT_WRITE) {
		if (open_name(c, o->name, KHO_OPEN_READ, NULL, &fd))
			finding(c, "what a child wrote to is not there");
		settle_write(c, o, fd, f);
		close(fd);
	}
	end(c);
}

static void settle_info(struct ctx *c, struct model *o, int fd, const struct flight *f)
{
	struct kho_obj_info info = { .size = sizeof(info) };
	char data[DATA_BYTES];
	struct kho_obj_data get = {
		.size = sizeof(get),
		.data = ptr64(data),
		.bytes = sizeof(data),
	};

	ALLOW(c, call(c, fd, KHO_OBJ_INFO, &info), "info", 0);
	ALLOW(c, call(c, fd, KHO_OBJ_GET_DATA, &get), "data", 0);
	if (f->kind == FLIGHT_SEAL && info.flags & KHO_OBJ_SEALED)
		o->flags |= KHO_OBJ_SEALED;
	if (f->kind == FLIGHT_RESIZE && info.bytes == f->a) {
		__u64 from = o->bytes < f->a ? o->bytes : f->a;

		o->bytes = f->a;
		memset(content_of(o) + from, 0, o->room - from);
	}
	if (f->kind == FLIGHT_DATA && get.bytes == f->a &&
	    data_is(data, get.bytes, o, f->c)) {
		o->data_bytes = f->a;
		o->data_version = f->c;
	}
	if (f->kind == FLIGHT_OWNER && info.uid == f->a && info.gid == f->b &&
	    info.mode == f->c) {
		o->uid = info.uid;
		o->gid = info.gid;
		o->mode = info.mode;
	}
}

static void settle_object(struct ctx *c, struct model *o, const struct flight *f,
			  bool jumped)
{
	bool must_go = o->there && o->flags & KHO_OBJ_UNCOMMITTED &&
		       f->kind != FLIGHT_COMMIT;
	bool may_go = f->kind == FLIGHT_REMOVE || f->kind == FLIGHT_COMMIT;
	bool may_come = f->kind == FLIGHT_MAKE &&
			!(o->flags & KHO_OBJ_UNCOMMITTED);
	int fd, err;

	if (!o->there && f->kind != FLIGHT_MAKE)
		return;
	err = open_name(c, o->name, KHO_OPEN_READ, NULL, &fd);
	if (err == ENOENT && (must_go || may_go || !o->there)) {
		o->there = 0;
		return;
	}
	if (err)
		finding(c, "object '%.63s' should be there: %s", o->name,
			strerrorname_np(err));
	if (must_go || (!o->there && !may_come))
		finding(c, "object '%.63s' should be gone", o->name);
	o->there = 1;
	if (jumped) {
		o->jumps++;
		o->huge |= !!(o->flags & KHO_OBJ_PINNED);
		o->flags &= ~KHO_OBJ_PINNED;
	}
	if (f->kind == FLIGHT_COMMIT)
		o->flags &= ~KHO_OBJ_UNCOMMITTED;
	settle_info(c, o, fd, f);
	if (f->kind == FLIGHT_WRITE)
		settle_write(c, o, fd, f);
	check_object(c, o, fd);
	close(fd);
}

/* The sums have to be right, unless somebody wrote while they were computed. */
static void settle_sums(struct ctx *c, struct model *o)
{
	struct kho_obj_verify arg = { .size = sizeof(arg), .count = ~0ULL };
	int fd, err;

	if (open_name(c, o->name, KHO_OPEN_READ, NULL, &fd))
		finding(c, "it can't be opened twice");
	err = call(c, fd, KHO_OBJ_VERIFY, &arg);
	close(fd);
	ALLOW(c, err, "verify after the jump", 0, ENODATA, EOPNOTSUPP);
	if (o->summed == SUM_RIGHT && err == ENODATA)
		finding(c, "there is no sum any more");
	/* Sums that became wrong by such a write stay wrong; those of a seal stay, too. */
	if (!err && arg.bad && slate->jumping == 1 && o->summed != SUM_RIGHT)
		o->summed = SUM_WRONG;
	if (o->flags & KHO_OBJ_SEALED && !o->summed)
		o->summed = SUM_WRONG;
	if (!err && arg.bad && o->summed != SUM_WRONG)
		finding(c, "%llu pages do not have their sums, first %llu", arg.bad,
			arg.first_bad);
	if (!err && !arg.bad)
		o->summed = SUM_RIGHT;
}

/* ---- Pages by number ---- */

#define LISTED	1024

static void settle_raw(struct ctx *c, const struct flight *f, bool jumped)
{
	static struct kho_page_entry entry[LISTED];
	struct kho_page_list list = {
		.size = sizeof(list),
		.entries = ptr64(entry),
		.count = LISTED,
	};
	unsigned int i, k;

	ALLOW(c, call(c, c->kho, KHO_PAGE_LIST, &list), "list of pages", 0);
	for (i = 0; i < NR_RAW; i++) {
		struct raw *raw = &c->w->raw[i];
		bool ours = (f->kind == FLIGHT_RAW_ADD || f->kind == FLIGHT_RAW_DEL) &&
			    i >= f->slot && i < f->slot + f->a;

		if (!raw->there && !(ours && f->kind == FLIGHT_RAW_ADD))
			continue;
		for (k = 0; k < list.count; k++)
			if (entry[k].pfn == raw->pfn && entry[k].order == raw->order)
				break;
		if (k == list.count && list.total <= LISTED) {
			if (!ours)
				finding(c, "page %#llx order %u is not preserved any more",
					raw->pfn, raw->order);
			raw->there = 0;
			continue;
		}
		raw->there = 1;
		if (jumped)
			raw->arrived = 1;
		if (k < list.count && !!(entry[k].flags & KHO_PAGE_ARRIVED) != raw->arrived)
			finding(c, "page %#llx order %u has flags %#x", raw->pfn,
				raw->order, entry[k].flags);
		if (jumped)
			check_raw(c, raw);
	}
}

void settle(struct ctx *c, bool jumped)
{
	static const struct flight none;
	struct flight f = c->w->flight;
	unsigned int i;

	if (f.kind == FLIGHT_SHARED)
		__atomic_fetch_add(&slate->shared[f.slot].ended, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < NR_SLOTS; i++) {
		bool ours = f.kind > FLIGHT_NONE && f.kind <= FLIGHT_OWNER && f.slot == i;
		struct model *o = &c->w->obj[i];

		c->slot = i;
		settle_object(c, o, ours ? &f : &none, jumped);
		if (jumped && o->there)
			settle_sums(c, o);
	}
	settle_raw(c, &f, jumped);
	end(c);
}

void clear_all(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++) {
		struct model *o = &c->w->obj[i];

		c->slot = i;
		if (o->there)
			ALLOW(c, remove_name(c, o->name), "remove at the end", 0);
		o->there = 0;
	}
	for (i = 0; i < NR_RAW; i++) {
		struct raw *raw = &c->w->raw[i];

		if (raw->there)
			ALLOW(c, delete_page(c, raw->pfn, raw->order),
			      "page_del at the end", 0);
		raw->there = 0;
	}
}

/* Removes everything that this worker may have, whatever the model says. */
void wipe(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++) {
		struct model *o = &c->w->obj[i];

		if (o->name[0])
			remove_name(c, o->name);
		o->there = 0;
	}
	for (i = 0; i < NR_RAW; i++) {
		struct raw *raw = &c->w->raw[i];

		if (raw->pfn)
			delete_page(c, raw->pfn, raw->order);
		raw->there = 0;
	}
	end(c);
}

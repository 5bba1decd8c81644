// SPDX-License-Identifier: GPL-2.0
/* The fuzzer: commands that change a worker's own objects, or tell of them. */
#include "fuzz.h"

void op_resize(struct ctx *c)
{
	struct kho_obj_resize arg = { .size = sizeof(arg) };
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, !one_in(c, 10)) : NULL;
	__u64 from;
	int err;

	if (!h)
		return;
	arg.bytes = one_in(c, 20) ? 0 : any_bytes(c, o->room);
	if (o->huge && o->room == LARGE_BYTES && one_in(c, 2))
		arg.bytes = (1 + below(c, 3)) * HUGE_PAGE;
	if (one_in(c, 30))
		arg.bytes = (1ULL << 44) << below(c, 20);
	begin(c, FLIGHT_RESIZE, slot, arg.bytes, o->bytes, 0);
	err = call(c, h->fd, KHO_OBJ_RESIZE, &arg);
	if (!err) {
		if (arg.bytes > o->room)
			finding(c, "resize to %llu was a success", arg.bytes);
		from = o->bytes < arg.bytes ? o->bytes : arg.bytes;
		memset(content_of(o) + from, 0, o->room - from);
		o->bytes = arg.bytes;
		/* The sums are those of the old content. */
		o->summed = 0;
		cut_views(c, slot);
	}
	end(c);
	if (!h->writable)
		ALLOW(c, err, "resize of what is open for reading", EBADF);
	else if (o->flags & KHO_OBJ_SEALED)
		ALLOW(c, err, "resize of what is sealed", EPERM);
	else if (!arg.bytes)
		ALLOW(c, err, "resize to 0", EINVAL);
	else if (o->flags & KHO_OBJ_PINNED)
		ALLOW(c, err, "resize of a process' memory", EINVAL);
	else if (arg.bytes > o->room)
		ALLOW(c, err, "resize beyond everything", ENOMEM, EINVAL);
	else if (o->huge)
		/* Where its huge pages begin and end is not known. */
		ALLOW(c, err, "resize of huge pages", 0, EINVAL, NO_ROOM);
	else
		ALLOW(c, err, "resize", 0, NO_ROOM);
}

void op_commit(struct ctx *c)
{
	struct kho_obj_plain arg = { .size = sizeof(arg) };
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, !one_in(c, 10)) : NULL;
	int err;

	if (!h)
		return;
	if (one_in(c, 10))
		arg.flags = 1U << below(c, 32);
	begin(c, FLIGHT_COMMIT, slot, o->flags, 0, 0);
	err = call(c, h->fd, KHO_OBJ_COMMIT, &arg);
	if (!err)
		o->flags &= ~KHO_OBJ_UNCOMMITTED;
	end(c);
	if (!h->writable)
		ALLOW(c, err, "commit of what is open for reading", EBADF);
	else if (arg.flags)
		ALLOW(c, err, "commit with flags", EOPNOTSUPP);
	else
		ALLOW(c, err, "commit", 0);
}

void op_seal(struct ctx *c)
{
	struct kho_obj_plain arg = { .size = sizeof(arg) };
	unsigned int slot, i;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, !one_in(c, 10)) : NULL;
	bool busy = false, mapped = false, was;
	int err;

	if (!h)
		return;
	was = o->flags & KHO_OBJ_SEALED;
	arg.flags = one_in(c, 10) ? 1U << below(c, 32) : below(c, 2);
	if (slate->small)
		arg.flags &= ~KHO_SEAL_SUM;
	for (i = 0; i < NR_VIEWS; i++) {
		const struct view *v = &c->view[slot][i];

		mapped |= !!v->p;
		busy |= v->p && v->shared && v->writable;
	}
	begin(c, FLIGHT_SEAL, slot, arg.flags, o->flags, 0);
	err = call(c, h->fd, KHO_OBJ_SEAL, &arg);
	if (!err && !was) {
		o->flags |= KHO_OBJ_SEALED;
		/* The process that preserved the memory may write to it even now. */
		if (arg.flags & KHO_SEAL_SUM && !(o->flags & KHO_OBJ_PINNED))
			o->summed = SUM_RIGHT;
	}
	end(c);
	if (!h->writable)
		ALLOW(c, err, "seal of what is open for reading", EBADF);
	else if (arg.flags & ~KHO_SEAL_SUM)
		ALLOW(c, err, "seal with flags", EOPNOTSUPP);
	else if (was)
		ALLOW(c, err, "seal of what is sealed", EPERM);
	else if (busy)
		ALLOW(c, err, "seal of what can be written", EBUSY);
	else if (mapped)
		ALLOW(c, err, "seal of what is mapped", 0, EBUSY, NO_ROOM);
	else
		ALLOW(c, err, "seal", 0, NO_ROOM);
}

void op_set_data(struct ctx *c)
{
	char data[DATA_BYTES];
	struct kho_obj_data arg = { .size = sizeof(arg), .data = ptr64(data) };
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, !one_in(c, 10)) : NULL;
	__u32 version;
	int err, what = below(c, 20);

	if (!h)
		return;
	arg.bytes = one_in(c, 8) ? below(c, DATA_BYTES) : below(c, 200);
	version = ++c->w->version;
	pattern(data, 0, arg.bytes, o->id | 0x400, version);
	if (what == 0) {
		arg.bytes = KHO_DATA_MAX + 1 + below(c, 1U << 31);
	} else if (what == 1) {
		arg.data = 0;
		arg.bytes++;
	} else if (what == 2) {
		arg.reserved = 1;
	}
	begin(c, FLIGHT_DATA, slot, arg.bytes, o->data_bytes, version);
	err = call(c, h->fd, KHO_OBJ_SET_DATA, &arg);
	if (!err) {
		o->data_bytes = arg.bytes;
		o->data_version = version;
	}
	end(c);
	if (!h->writable)
		ALLOW(c, err, "set_data of what is open for reading", EBADF);
	else if (what == 0)
		ALLOW(c, err, "too many data", EINVAL);
	else if (what == 1)
		ALLOW(c, err, "data from NULL", EFAULT);
	else if (what == 2)
		ALLOW(c, err, "reserved", EOPNOTSUPP);
	else if (o->flags & KHO_OBJ_SEALED)
		ALLOW(c, err, "data of what is sealed", EPERM, EDQUOT);
	else
		ALLOW(c, err, "set_data", 0, NO_ROOM);
}

void op_get_data(struct ctx *c)
{
	char got[DATA_BYTES], want[DATA_BYTES];
	struct kho_obj_data arg = { .size = sizeof(arg), .data = ptr64(got) };
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	__u32 room;
	int err;

	if (!h)
		return;
	room = one_in(c, 2) ? below(c, DATA_BYTES) : DATA_BYTES;
	arg.bytes = room;
	err = call(c, h->fd, KHO_OBJ_GET_DATA, &arg);
	ALLOW(c, err, "get_data", 0, ENOMEM);
	if (err)
		return;
	if (arg.bytes != o->data_bytes)
		finding(c, "%u bytes of data, not %u", arg.bytes, o->data_bytes);
	if (room > arg.bytes)
		room = arg.bytes;
	pattern(want, 0, room, o->id | 0x400, o->data_version);
	same(c, got, want, room, 0, "data");
}

void op_owner(struct ctx *c)
{
	struct kho_obj_owner arg = { .size = sizeof(arg) };
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	__u32 uid, gid, mode;
	int err;

	if (!h)
		return;
	arg.flags = below(c, 8);
	arg.uid = one_in(c, 2) ? c->w->uid : 1000 + below(c, 5);
	arg.gid = one_in(c, 2) ? c->w->uid : 1000 + below(c, 5);
	arg.mode = one_in(c, 3) ? below(c, 01000) & 0666 : 0600;
	if (one_in(c, 20))
		arg.mode |= 0111;
	if (one_in(c, 20))
		arg.uid = ~0U;
	uid = arg.flags & KHO_OWNER_UID ? arg.uid : o->uid;
	gid = arg.flags & KHO_OWNER_GID ? arg.gid : o->gid;
	mode = arg.flags & KHO_OWNER_MODE ? arg.mode : o->mode;
	begin(c, FLIGHT_OWNER, slot, uid, gid, mode);
	err = call(c, h->fd, KHO_OBJ_SET_OWNER, &arg);
	if (!err) {
		o->uid = uid;
		o->gid = gid;
		o->mode = mode;
	}
	end(c);
	if (arg.flags & KHO_OWNER_MODE && arg.mode & ~0666)
		ALLOW(c, err, "mode with other bits", EINVAL);
	else if (uid == ~0U)
		ALLOW(c, err, "no uid", EINVAL);
	else if (!c->root && (uid != c->w->uid || (gid != o->gid && gid != c->w->uid)))
		ALLOW(c, err, "owner that may not be", EPERM);
	else
		ALLOW(c, err, "owner", 0);
}

void op_info(struct ctx *c)
{
	struct kho_obj_info arg = { .size = sizeof(arg) };
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	int err;

	if (!h)
		return;
	err = call(c, h->fd, KHO_OBJ_INFO, &arg);
	ALLOW(c, err, "info", 0);
	check_info(c, o, &arg);
	if (!(arg.flags & KHO_OBJ_BUSY))
		finding(c, "it is open, but flags are %#x", arg.flags);
}

void op_verify(struct ctx *c)
{
	struct kho_obj_verify arg = { .size = sizeof(arg) };
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	__u64 pages, first, want;
	int err;

	if (!h)
		return;
	pages = (o->bytes + PAGE - 1) / PAGE;
	first = one_in(c, 2) ? 0 : below(c, pages + 2);
	arg.first = first;
	arg.count = one_in(c, 2) ? chance(c) : below(c, pages + 2);
	want = first >= pages ? 0 : pages - first < arg.count ? pages - first : arg.count;
	err = call(c, h->fd, KHO_OBJ_VERIFY, &arg);
	if (o->summed == SUM_RIGHT)
		ALLOW(c, err, "verify", 0, EOPNOTSUPP);
	else
		ALLOW(c, err, "verify", 0, ENODATA, EOPNOTSUPP);
	if (!err && o->summed == SUM_RIGHT && (arg.count != want || arg.bad))
		finding(c, "verify from %llu: %llu compared, not %llu; %llu bad, first %llu",
			first, arg.count, want, arg.bad, arg.first_bad);
}

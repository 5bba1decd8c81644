// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: what a worker does with its own objects, by name and by file.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "fuzz.h"

/* ---- Making them ---- */

__u64 any_bytes(struct ctx *c, __u64 room)
{
	switch (below(c, 4)) {
	case 0:
		return 1 + below(c, room);
	case 1:
		return 1 + below(c, 4 * PAGE);
	case 2:
		return (1 + below(c, room / PAGE)) * PAGE;
	default:
		return (1 + below(c, 4)) * PAGE;
	}
}

/* A name that no object has, or ever had. */
static void any_name(struct ctx *c, struct model *o)
{
	int n, fill;

	memset(o->name, 0, sizeof(o->name));
	n = snprintf((char *)o->name, sizeof(o->name), "w%u-%u", c->nr,
		     c->w->names++);
	fill = one_in(c, 4) ? below(c, KHO_NAME_SIZE - n) : 0;
	while (fill--) {
		__u8 byte = ' ' + below(c, 0x100 - ' ');

		/* No slash, and no control characters. */
		o->name[n++] = byte == '/' || (byte >= 0x7f && byte < 0xa0) ?
			       '_' : byte;
	}
}

static void new_model(struct ctx *c, struct model *o, __u64 bytes)
{
	any_name(c, o);
	o->bytes = bytes;
	o->flags = 0;
	o->huge = 0;
	o->data_bytes = 0;
	o->uid = c->w->uid;
	o->gid = c->w->uid;
	o->mode = 0600;
	o->summed = 0;
	o->jumps = 0;
	memset(content_of(o), 0, o->room);
}

static void made(struct ctx *c, unsigned int slot, int fd)
{
	struct handle *h = &c->handle[slot][0];

	h->fd = fd;
	h->writable = true;
	h->largest = false;
	h->used = true;
	c->w->obj[slot].there = 1;
	end(c);
}

void op_create(struct ctx *c)
{
	struct kho_obj_create arg = { .size = sizeof(arg) };
	unsigned int slot;
	struct model *o = any_object(c, false, &slot);
	int err;

	if (!o)
		return;
	new_model(c, o, any_bytes(c, o->room));
	if (one_in(c, 2))
		arg.flags |= KHO_CREATE_UNCOMMITTED;
	if (one_in(c, 6) && !slate->small)
		arg.flags |= KHO_CREATE_SUM;
	if (one_in(c, 4))
		arg.flags |= KHO_CREATE_NODE;
	if (o->room == LARGE_BYTES && one_in(c, 2)) {
		arg.flags |= KHO_CREATE_HUGE;
		o->bytes = (1 + below(c, 2)) * HUGE_PAGE;
		o->huge = 1;
	}
	arg.bytes = o->bytes;
	memcpy(arg.name, o->name, sizeof(arg.name));
	o->flags = (arg.flags & KHO_CREATE_UNCOMMITTED ? KHO_OBJ_UNCOMMITTED : 0) |
		   (arg.flags & KHO_CREATE_SUM ? KHO_OBJ_SUM_AT_JUMP : 0);
	begin(c, FLIGHT_MAKE, slot, arg.bytes, arg.flags, 0);
	err = call(c, c->kho, KHO_OBJ_CREATE, &arg);
	if (err) {
		end(c);
		ALLOW(c, err, "create", NO_ROOM);
		return;
	}
	made(c, slot, arg.fd);
	if (one_in(c, 3))
		check_object(c, o, arg.fd);
}

static int bad_name(struct ctx *c, __u8 *name)
{
	unsigned int n = 1 + below(c, 40);
	int want;

	memset(name, 0, KHO_NAME_SIZE);
	memset(name, 'x', n);
	switch (below(c, 7)) {
	case 0:
		memset(name, 0, KHO_NAME_SIZE);
		want = EINVAL;
		break;
	case 1:
		memset(name, 0, KHO_NAME_SIZE);
		memset(name, '.', 1 + below(c, 2));
		want = EINVAL;
		break;
	case 2:
		name[below(c, n)] = '/';
		want = EINVAL;
		break;
	case 3:
		name[below(c, n)] = 1 + below(c, 31);
		want = EINVAL;
		break;
	case 4:
		name[below(c, n)] = 0x7f;
		want = EINVAL;
		break;
	case 5:
		name[n + 1 + below(c, KHO_NAME_SIZE - n - 1)] = 'x';
		want = EINVAL;
		break;
	default:
		memset(name, 0x1b + below(c, 90), KHO_NAME_SIZE);
		want = ENAMETOOLONG;
	}
	return want;
}

void op_create_bad(struct ctx *c)
{
	struct kho_obj_create arg = { .size = sizeof(arg), .bytes = PAGE };
	unsigned int slot, what = below(c, 8);
	struct model *o = any_object(c, true, &slot);
	int want = EINVAL, err;

	if (!o)
		return;
	snprintf((char *)arg.name, sizeof(arg.name), "bad%u", c->nr);
	switch (what) {
	case 0:
		arg.bytes = 0;
		break;
	case 1:
		arg.flags = 1U << (4 + below(c, 28));
		want = EOPNOTSUPP;
		break;
	case 2:
		arg.node = 1 + below(c, 9);
		want = EOPNOTSUPP;
		break;
	case 3:
		arg.flags = KHO_CREATE_NODE;
		arg.node = one_in(c, 2) ? 77 : chance(c) | 1U << 31;
		break;
	case 4:
		memcpy(arg.name, o->name, sizeof(arg.name));
		want = EEXIST;
		break;
	case 5:
		arg.bytes = (1ULL << 40) << below(c, 24);
		want = ENOMEM;
		break;
	case 6:
		arg.flags = KHO_CREATE_HUGE;
		arg.bytes = HUGE_PAGE + 1 + below(c, HUGE_PAGE - 1);
		break;
	default:
		want = bad_name(c, arg.name);
	}
	c->a = what;
	err = call(c, c->kho, KHO_OBJ_CREATE, &arg);
	ALLOW(c, err, "bad create", want);
}

/* ---- Files of them ---- */

static bool may(struct ctx *c, const struct model *o, unsigned int mask)
{
	__u32 mode = o->mode;

	if (c->root)
		return true;
	if (o->uid == c->w->uid)
		mode >>= 6;
	else if (o->gid == c->w->uid)
		mode >>= 3;
	return (mode & mask) == mask;
}

void op_open(struct ctx *c)
{
	unsigned int slot, i, mask = 4;
	struct model *o = any_object(c, !one_in(c, 12), &slot);
	__u32 flags = below(c, 4);
	struct handle *h;
	__u64 bytes;
	int fd, err;

	if (!o || !o->name[0])
		return;
	for (i = 0; i < NR_HANDLES && c->handle[slot][i].used; i++)
		;
	if (i == NR_HANDLES)
		return;
	h = &c->handle[slot][i];
	c->a = flags;
	if (!(flags & KHO_OPEN_READ) && !(o->flags & KHO_OBJ_SEALED))
		mask |= 2;
	err = open_name(c, o->name, flags, &bytes, &fd);
	if (!o->there) {
		/* While the machine goes down, the end of the last file removes no object. */
		if (!err && slate->jumping && o->flags & KHO_OBJ_UNCOMMITTED)
			close(fd);
		else
			ALLOW(c, err, "open of what is not there", ENOENT);
		return;
	}
	if (!may(c, o, mask)) {
		ALLOW(c, err, "open of what may not be", EACCES);
		return;
	}
	ALLOW(c, err, "open", 0);
	if (err)
		return;
	if (bytes != o->bytes)
		finding(c, "open: %llu bytes, not %llu", bytes, o->bytes);
	if (mask & 2)
		o->summed = 0;
	h->fd = fd;
	h->writable = mask & 2;
	h->largest = flags & KHO_OPEN_LARGEST;
	h->used = true;
}

void op_open_bad(struct ctx *c)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };
	bool open = one_in(c, 2);
	int want, err;

	want = bad_name(c, arg.name);
	if (one_in(c, 3)) {
		arg.flags = 1U << (2 + below(c, 30));
		want = EOPNOTSUPP;
	} else if (one_in(c, 3)) {
		arg.reserved = 1;
		want = EOPNOTSUPP;
	} else if (one_in(c, 3)) {
		memset(arg.name, 0, sizeof(arg.name));
		snprintf((char *)arg.name, sizeof(arg.name), "w%u-x", c->nr);
		want = ENOENT;
	}
	err = call(c, c->kho, open ? KHO_OBJ_OPEN : KHO_OBJ_REMOVE, &arg);
	ALLOW(c, err, "bad open or remove", want);
}

void op_close(struct ctx *c)
{
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;

	if (h)
		drop_handle(c, slot, h);
}

void op_remove(struct ctx *c)
{
	unsigned int slot, i;
	struct model *o = any_object(c, true, &slot);
	int err;

	if (!o)
		return;
	/* Most objects are open, and could not be removed: close this one now and then. */
	if (one_in(c, 3)) {
		for (i = 0; i < NR_VIEWS; i++)
			if (c->view[slot][i].p)
				drop_view(c, slot, &c->view[slot][i]);
		for (i = 0; i < NR_HANDLES; i++)
			if (c->handle[slot][i].used)
				drop_handle(c, slot, &c->handle[slot][i]);
		if (!o->there)
			return;
	}
	begin(c, FLIGHT_REMOVE, slot, 0, 0, 0);
	err = remove_name(c, o->name);
	if (files_of(c, slot))
		ALLOW(c, err, "remove of what is open", EBUSY);
	else
		ALLOW(c, err, "remove", 0);
	if (!err)
		o->there = 0;
	end(c);
}

void op_dup(struct ctx *c)
{
	unsigned int slot, i;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	struct handle *to;
	int fd;

	if (!h)
		return;
	for (i = 0; i < NR_HANDLES && c->handle[slot][i].used; i++)
		;
	if (i < NR_HANDLES) {
		to = &c->handle[slot][i];
		*to = *h;
		to->fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 3);
		if (to->fd < 0)
			finding(c, "dup: %s", strerror(errno));
	} else {
		/* The same file under another number. */
		fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 3);
		close(h->fd);
		h->fd = fd;
	}
	counted(c, 1, 0);
}

/* Takes a file over with pidfd_getfd(), as another process would. */
static void take_file(struct ctx *c, struct handle *h)
{
	int self = syscall(SYS_pidfd_open, getpid(), 0), fd;

	fd = syscall(SYS_pidfd_getfd, self, h->fd, 0);
	if (fd < 0)
		finding(c, "pidfd_getfd: %s", strerror(errno));
	close(self);
	close(h->fd);
	h->fd = fd;
	counted(c, 3, 0);
}

/* Sends a file through a socket; meanwhile no process has it open. */
void op_pass(struct ctx *c)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { .iov_base = c->buf, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;

	if (!h)
		return;
	if (c->sock[0] < 0) {
		take_file(c, h);
		return;
	}
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &h->fd, sizeof(int));
	if (sendmsg(c->sock[0], &msg, 0) != 1)
		finding(c, "sendmsg: %s", strerror(errno));
	close(h->fd);
	counted(c, 2, 0);
	if (one_in(c, 4))
		op_query(c);
	msg.msg_controllen = sizeof(control);
	if (recvmsg(c->sock[1], &msg, MSG_CMSG_CLOEXEC) != 1)
		finding(c, "recvmsg: %s", strerror(errno));
	memcpy(&h->fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
}

/* ---- Reading and writing ---- */

/* A place within the object or somewhat behind its end. */
static void any_range(struct ctx *c, const struct model *o, __u64 *at, __u64 *n)
{
	*at = below(c, o->bytes + (one_in(c, 8) ? 2 * PAGE : 0));
	*n = one_in(c, 8) ? 1 + below(c, 16 * PAGE) : 1 + below(c, 600);
}

void op_read(struct ctx *c)
{
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	__u64 at, n, want;
	ssize_t got;

	if (!h)
		return;
	any_range(c, o, &at, &n);
	c->a = at;
	c->b = n;
	want = at >= o->bytes ? 0 : o->bytes - at < n ? o->bytes - at : n;
	if (one_in(c, 4) && at <= o->bytes) {
		struct iovec iov[2] = {
			{ .iov_base = c->buf, .iov_len = n / 2 },
			{ .iov_base = c->buf + n / 2, .iov_len = n - n / 2 },
		};

		if (lseek(h->fd, at, SEEK_SET) != (off_t)at)
			finding(c, "lseek to %llu: %s", at, strerror(errno));
		got = readv(h->fd, iov, 2);
		counted(c, 1, got < 0 ? errno : 0);
		if (got >= 0 && lseek(h->fd, 0, SEEK_CUR) != (off_t)(at + got))
			finding(c, "the position after a read is another");
	} else {
		got = pread(h->fd, c->buf, n, at);
		counted(c, 0, got < 0 ? errno : 0);
	}
	if (got != (ssize_t)want)
		finding(c, "read of %llu at %llu of %llu: %zd %s", n, at, o->bytes,
			got, got < 0 ? strerror(errno) : "");
	same(c, c->buf, content_of(o) + at, got, at, "read");
}

void op_write(struct ctx *c)
{
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, !one_in(c, 8)) : NULL;
	__u32 version;
	__u64 at, n, want;
	ssize_t got;
	int err;

	if (!h)
		return;
	any_range(c, o, &at, &n);
	want = at >= o->bytes ? 0 : o->bytes - at < n ? o->bytes - at : n;
	version = ++c->w->version;
	pattern(c->buf, at, n, o->id, version);
	begin(c, FLIGHT_WRITE, slot, at, want, version);
	got = pwrite(h->fd, c->buf, n, at);
	err = counted(c, 0, got < 0 ? errno : 0);
	if (got > 0)
		memcpy(content_of(o) + at, c->buf, got);
	end(c);
	if (!h->writable)
		ALLOW(c, err, "write to what is open for reading", EBADF);
	else if (o->flags & KHO_OBJ_SEALED)
		ALLOW(c, err, "write to what is sealed", EPERM);
	else if (!want)
		ALLOW(c, err, "write behind the end", ENOSPC);
	else if (got != (ssize_t)want)
		finding(c, "write of %llu at %llu of %llu: %zd %s", n, at,
			o->bytes, got, got < 0 ? strerror(errno) : "");
}

void op_rw_bad(struct ctx *c)
{
	unsigned int slot;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	ssize_t got;

	if (!h)
		return;
	switch (below(c, 4)) {
	case 0:
		got = pread(h->fd, c->guard, PAGE, below(c, o->bytes));
		ALLOW(c, counted(c, 0, got < 0 ? errno : 0), "read to a hole", EFAULT);
		break;
	case 1:
		got = pwrite(h->fd, c->guard, PAGE, below(c, o->bytes));
		ALLOW(c, counted(c, 1, got < 0 ? errno : 0), "write from a hole",
		      EFAULT, EBADF, EPERM);
		break;
	case 2:
		got = lseek(h->fd, o->bytes + 1 + below(c, PAGE), SEEK_SET);
		ALLOW(c, counted(c, 2, got < 0 ? errno : 0), "lseek behind the end",
		      EINVAL);
		break;
	default:
		got = pread(h->fd, c->buf, PAGE, -1 - (off_t)below(c, PAGE));
		ALLOW(c, counted(c, 3, got < 0 ? errno : 0), "read before 0", EINVAL);
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: mappings of objects of a worker's own, and what is done with these.
 */
#include <linux/userfaultfd.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "fuzz.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY	1
#endif
/* Of headers newer than the host's */
#define WP_UNPOPULATED		(1ULL << 13)
#define WP_ASYNC		(1ULL << 15)

#define BITS			64

static bool is_copy(const struct view *v, size_t page)
{
	return !v->shared && v->copied[page / BITS] >> page % BITS & 1;
}

static void set_copy(struct view *v, size_t page, bool copied)
{
	__u64 bit = 1ULL << page % BITS;

	if (copied)
		v->copied[page / BITS] |= bit;
	else
		v->copied[page / BITS] &= ~bit;
}

static __u64 pages_end(const struct model *o)
{
	return (o->bytes + PAGE - 1) & ~(PAGE - 1);
}

/* A mapping of one of our objects, and the slot of that object */
static struct view *any_view(struct ctx *c, unsigned int *slot)
{
	unsigned int i, first = below(c, NR_SLOTS * NR_VIEWS);

	for (i = 0; i < NR_SLOTS * NR_VIEWS; i++) {
		unsigned int at = (first + i) % (NR_SLOTS * NR_VIEWS);
		struct view *v = &c->view[at / NR_VIEWS][at % NR_VIEWS];

		if (!v->p)
			continue;
		*slot = at / NR_VIEWS;
		c->slot = *slot;
		return v;
	}
	return NULL;
}

/* The page has to have the right content, or to be absent if it must be. */
static void check_view_page(struct ctx *c, const struct model *o,
			    const struct view *v, size_t page)
{
	__u64 offset = v->offset + page * PAGE;
	size_t n = PAGE;
	const char *want;
	char got[PAGE];
	bool there;

	there = v->prot & (PROT_READ | PROT_WRITE) &&
		(is_copy(v, page) || offset < pages_end(o));
	if (!there) {
		if (peek(got, v->p + page * PAGE, 1))
			finding(c, "page %#zx of a mapping at %#llx with prot %d can be read, of %llu bytes",
				page, v->offset, v->prot, o->bytes);
		return;
	}
	if (!peek(got, v->p + page * PAGE, PAGE))
		finding(c, "page %#zx of a mapping at %#llx (shared %d, copied %d) is not there, of %llu bytes",
			page, v->offset, v->shared, is_copy(v, page), o->bytes);
	if (is_copy(v, page)) {
		want = v->copy + page * PAGE;
	} else {
		want = content_of(o) + offset;
		if (n > o->bytes - offset)
			n = o->bytes - offset;
	}
	same(c, got, want, n, offset, is_copy(v, page) ? "private copy" :
	     v->shared ? "shared mapping" : "private mapping");
}

bool check_view(struct ctx *c, unsigned int slot, struct view *v, size_t from, size_t n)
{
	for (; n && from < v->bytes / PAGE; from++, n--)
		check_view_page(c, &c->w->obj[slot], v, from);
	counted(c, 0, 0);
	return true;
}

void cut_views(struct ctx *c, unsigned int slot)
{
	__u64 end = pages_end(&c->w->obj[slot]);
	unsigned int i;
	size_t page;

	for (i = 0; i < NR_VIEWS; i++) {
		struct view *v = &c->view[slot][i];

		if (!v->p || v->shared)
			continue;
		for (page = 0; page < v->bytes / PAGE; page++)
			if (v->offset + page * PAGE >= end)
				set_copy(v, page, false);
	}
}

/* The page has become a private copy: it keeps its present content from now on. */
static void copied_now(struct ctx *c, const struct model *o, struct view *v, size_t page)
{
	__u64 offset = v->offset + page * PAGE;
	char *copy = v->copy + page * PAGE;

	if (is_copy(v, page))
		return;
	/* What is behind the end may be anything. */
	if (!peek(copy, v->p + page * PAGE, PAGE))
		finding(c, "a copy is not there");
	if (offset < o->bytes)
		memcpy(copy, content_of(o) + offset,
		       o->bytes - offset < PAGE ? o->bytes - offset : PAGE);
	set_copy(v, page, true);
}

void view_write(struct ctx *c, unsigned int slot, struct view *v, __u64 from, size_t n)
{
	struct model *o = &c->w->obj[slot];
	__u64 offset = v->offset + from;
	size_t page = from / PAGE;
	__u32 version = ++c->w->version;
	bool good;

	if (!v->shared && n > PAGE - from % PAGE)
		n = PAGE - from % PAGE;
	if (offset >= o->bytes || !(v->prot & PROT_WRITE)) {
		if (offset < pages_end(o) && v->prot & PROT_WRITE)
			return;
		if (!v->shared && is_copy(v, page))
			return;
		if (poke(v->p + from, "", 1))
			finding(c, "byte %#llx can be written, of %llu, prot %d",
				offset, o->bytes, v->prot);
		counted(c, 1, EFAULT);
		return;
	}
	if (n > o->bytes - offset)
		n = o->bytes - offset;
	if (n > v->bytes - from)
		n = v->bytes - from;
	pattern(c->buf, offset, n, o->id, version);
	if (v->shared)
		begin(c, FLIGHT_WRITE, slot, offset, n, version);
	good = poke(v->p + from, c->buf, n);
	if (good && v->shared)
		memcpy(content_of(o) + offset, c->buf, n);
	end(c);
	if (!good)
		finding(c, "bytes at %#llx can't be written, of %llu", offset, o->bytes);
	if (!v->shared) {
		copied_now(c, o, v, page);
		memcpy(v->copy + from, c->buf, n);
		check_view_page(c, o, v, page);
	}
	counted(c, 0, 0);
}

/* ---- Making and ending them ---- */

static void add_view(struct ctx *c, struct view *v)
{
	size_t pages = v->bytes / PAGE;

	(void)c;
	if (v->shared)
		return;
	v->copied = calloc(pages / BITS + 1, 8);
	v->copy = malloc(v->bytes);
}

void op_map(struct ctx *c)
{
	unsigned int slot, i;
	struct model *o = any_object(c, true, &slot);
	struct handle *h = o ? handle_of(c, slot, false) : NULL;
	int err, flags, want = 0;
	struct view v = {};
	__u64 pages;

	if (!h)
		return;
	for (i = 0; i < NR_VIEWS && c->view[slot][i].p; i++)
		;
	if (i == NR_VIEWS)
		return;
	pages = pages_end(o) / PAGE;
	v.offset = one_in(c, 2) ? 0 : below(c, pages) * PAGE;
	v.bytes = (pages - v.offset / PAGE) * PAGE;
	if (one_in(c, 2))
		v.bytes = (1 + below(c, v.bytes / PAGE)) * PAGE;
	if (one_in(c, 20)) {
		v.bytes = (pages + 1) * PAGE - v.offset;
		want = EINVAL;
	}
	v.shared = !one_in(c, 3);
	v.writable = h->writable;
	v.numbers = o->flags & KHO_OBJ_PINNED || h->largest;
	v.prot = one_in(c, 3) ? PROT_READ : PROT_READ | PROT_WRITE;
	flags = v.shared ? MAP_SHARED : MAP_PRIVATE;
	if (one_in(c, 8))
		flags |= MAP_POPULATE;
	/* Populating a private mapping that can be written makes copies of its pages. */
	if (!v.shared && v.prot & PROT_WRITE)
		flags &= ~MAP_POPULATE;
	if (v.shared && v.prot & PROT_WRITE && !h->writable)
		want = EACCES;
	else if (v.shared && h->writable && o->flags & KHO_OBJ_SEALED)
		want = EPERM;
	c->a = v.offset;
	c->b = v.bytes;
	v.p = mmap(NULL, v.bytes, v.prot, flags, h->fd, v.offset);
	err = counted(c, v.shared, v.p == MAP_FAILED ? errno : 0);
	if (!want && !v.shared && o->flags & KHO_OBJ_PINNED)
		want = EINVAL;
	if (!want && !v.shared && h->largest)
		ALLOW(c, err, "private mmap of the largest pages", 0, EINVAL);
	else
		ALLOW(c, err, "mmap", want);
	if (err)
		return;
	if (!v.shared)
		v.numbers = false;
	add_view(c, &v);
	c->view[slot][i] = v;
}

void op_unmap(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);

	if (!v)
		return;
	/* A part of it first */
	if (v->bytes > 2 * PAGE && one_in(c, 3))
		make_hole(c, v->p + PAGE * below(c, v->bytes / PAGE), PAGE);
	drop_view(c, slot, v);
}

/* Maps something else over a part of a mapping, and then unmaps all of it. */
void op_over(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);
	size_t page, n;
	char got[PAGE];
	static const char zero[PAGE];
	char *p;

	if (!v)
		return;
	page = below(c, v->bytes / PAGE);
	n = 1 + below(c, v->bytes / PAGE - page);
	p = mmap(v->p + page * PAGE, n * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (p == MAP_FAILED)
		finding(c, "MAP_FIXED: %s", strerror(errno));
	if (!peek(got, p + below(c, n) * PAGE, PAGE))
		finding(c, "what was mapped over it is not there");
	same(c, got, zero, PAGE, 0, "mapped over it");
	if (page)
		check_view(c, slot, v, page - 1, 1);
	drop_view(c, slot, v);
}

/* ---- Using them ---- */

void op_look(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);
	size_t pages, page;

	if (!v)
		return;
	pages = v->bytes / PAGE;
	page = below(c, pages);
	c->a = v->offset + page * PAGE;
	check_view(c, slot, v, page, one_in(c, 6) ? 16 : 1 + below(c, 2));
}

void op_touch(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);

	if (v)
		view_write(c, slot, v, below(c, v->bytes), 1 + below(c, 300));
}

/* Writes behind the end, in the last page: that must not show up when it grows. */
void op_tail(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);
	const struct model *o;
	__u64 n;
	char got[PAGE];

	if (!v)
		return;
	o = &c->w->obj[slot];
	n = pages_end(o) - o->bytes;
	if (!n || !v->shared || !(v->prot & PROT_WRITE) || o->bytes < v->offset ||
	    pages_end(o) > v->offset + v->bytes)
		return;
	pattern(got, o->bytes, n, 0xfff, ++c->w->version);
	if (!poke(v->p + (o->bytes - v->offset), got, n))
		finding(c, "what is behind the end of the last page can't be written");
	counted(c, 0, 0);
}

void op_protect(struct ctx *c)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
	};
	unsigned int slot;
	struct view *v = any_view(c, &slot);
	int prot, err;

	if (!v)
		return;
	prot = prots[below(c, ARRAY_SIZE(prots))];
	c->a = prot;
	err = mprotect(v->p, v->bytes, prot) ? errno : 0;
	counted(c, 0, err);
	if (v->shared && !v->writable && prot & PROT_WRITE)
		ALLOW(c, err, "mprotect for writing", EACCES);
	else
		ALLOW(c, err, "mprotect", 0);
	if (!err)
		v->prot = prot;
}

void op_remap(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);
	size_t bytes, old, pages;
	int err, flags = MREMAP_MAYMOVE;
	char *p, *room = NULL;

	if (!v)
		return;
	old = v->bytes;
	bytes = one_in(c, 3) ? old : (1 + below(c, old / PAGE + 4)) * PAGE;
	if (bytes == old) {
		/* To another place, with all of its pages. */
		room = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		flags |= MREMAP_FIXED;
	}
	p = mremap(v->p, old, bytes, flags, room);
	err = counted(c, 0, p == MAP_FAILED ? errno : 0);
	/*
	 * After an error @room is left alone: it may be unmapped already, and another
	 * thread's.  There may be errors: page numbers don't grow, advice for a part of a
	 * mapping splits it in two, and on 6.12 VM_MIXEDMAP does not grow in place.
	 */
	ALLOW(c, err, "mremap", 0, EFAULT, ENOMEM);
	if (err)
		return;
	v->p = p;
	v->bytes = bytes;
	if (v->shared)
		return;
	pages = bytes / PAGE;
	v->copied = realloc(v->copied, (pages / BITS + 1) * 8);
	for (old /= PAGE; old < (pages / BITS + 1) * BITS; old++)
		if (old / BITS <= pages / BITS)
			set_copy(v, old, false);
	v->copy = realloc(v->copy, bytes);
}

static void populated(struct ctx *c, unsigned int slot, struct view *v, size_t page,
		      size_t n)
{
	while (n--)
		copied_now(c, &c->w->obj[slot], v, page++);
}

void op_advise(struct ctx *c)
{
	static const struct {
		int advice;
		const char *name;
	} hints[] = {
		{ MADV_NORMAL, "NORMAL" }, { MADV_RANDOM, "RANDOM" },
		{ MADV_WILLNEED, "WILLNEED" }, { MADV_DONTNEED, "DONTNEED" },
		{ MADV_DONTNEED, "DONTNEED" }, { MADV_FREE, "FREE" },
		{ MADV_HUGEPAGE, "HUGEPAGE" }, { MADV_NOHUGEPAGE, "NOHUGEPAGE" },
		{ MADV_COLD, "COLD" }, { MADV_PAGEOUT, "PAGEOUT" },
		{ MADV_DONTFORK, "DONTFORK" }, { MADV_DOFORK, "DOFORK" },
		{ MADV_POPULATE_READ, "POPULATE_READ" },
		{ MADV_POPULATE_WRITE, "POPULATE_WRITE" },
		{ MADV_REMOVE, "REMOVE" }, { MADV_MERGEABLE, "MERGEABLE" },
		{ MADV_UNMERGEABLE, "UNMERGEABLE" }, { MADV_DONTDUMP, "DONTDUMP" },
		{ MADV_DODUMP, "DODUMP" }, { 25, "COLLAPSE" }, { 24, "DONTNEED_LOCKED" },
		{ 77, "none" },
	};
	unsigned int slot, i = below(c, ARRAY_SIZE(hints));
	struct view *v = any_view(c, &slot);
	int err, advice = hints[i].advice;
	size_t page, n;

	if (!v)
		return;
	page = below(c, v->bytes / PAGE);
	n = 1 + below(c, v->bytes / PAGE - page);
	c->a = advice;
	c->b = n;
	err = madvise(v->p + page * PAGE, n * PAGE, advice) ? errno : 0;
	counted(c, advice, err);
	ALLOW(c, err, hints[i].name, 0, EINVAL, ENOMEM, EFAULT, EACCES, EBADF,
	      EOPNOTSUPP, ENODEV, EAGAIN, EBUSY);
	/* 7.2 can't undo that for mappings such as ours. */
	if (advice == MADV_DONTFORK &&
	    madvise(v->p + page * PAGE, n * PAGE, MADV_DOFORK)) {
		drop_view(c, slot, v);
		return;
	}
	if (v->shared)
		return;
	if ((advice == MADV_DONTNEED || advice == 24) && !err)
		while (n--)
			set_copy(v, page + n, false);
	else if (advice == MADV_POPULATE_WRITE && !err)
		populated(c, slot, v, page, n);
	else if (advice == MADV_POPULATE_WRITE)
		drop_view(c, slot, v);
}

/* ---- userfaultfd ---- */

static int open_uffd(__u64 features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return -1;
	if (!ioctl(fd, UFFDIO_API, &api))
		return fd;
	close(fd);
	return -1;
}

void op_uffd(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);
	struct uffdio_register reg = {};
	struct uffdio_writeprotect wp = {};
	bool async = true;
	int fd, err, i;

	if (!v)
		return;
	fd = open_uffd(WP_ASYNC | WP_UNPOPULATED);
	if (fd < 0) {
		async = false;
		fd = open_uffd(0);
	}
	if (fd < 0)
		return;
	reg.range.start = ptr64(v->p);
	reg.range.len = v->bytes;
	reg.mode = async || one_in(c, 2) ? UFFDIO_REGISTER_MODE_WP : 1U << below(c, 3);
	err = ioctl(fd, UFFDIO_REGISTER, &reg) ? errno : 0;
	counted(c, 0, err);
	ALLOW(c, err, "UFFDIO_REGISTER", 0, EINVAL, EPERM, EBUSY);
	if (err)
		goto out;
	wp.range = reg.range;
	wp.mode = UFFDIO_WRITEPROTECT_MODE_WP;
	err = ioctl(fd, UFFDIO_WRITEPROTECT, &wp) ? errno : 0;
	counted(c, 1, err);
	ALLOW(c, err, "UFFDIO_WRITEPROTECT", 0, EINVAL, ENOENT, EFAULT, EAGAIN, ENOMEM);
	/* Nobody answers page faults: only with WP_ASYNC they don't wait for ever. */
	for (i = 0; async && i < 4; i++) {
		check_view(c, slot, v, below(c, v->bytes / PAGE), 2);
		view_write(c, slot, v, below(c, v->bytes), 1 + below(c, 300));
	}
	if (one_in(c, 2))
		ioctl(fd, UFFDIO_UNREGISTER, &reg.range);
out:
	close(fd);
}

/* ---- References that others have ---- */

static void end_object(struct ctx *c, unsigned int slot)
{
	struct model *o = &c->w->obj[slot];
	unsigned int i;
	int err;

	for (i = 0; i < NR_VIEWS; i++)
		if (c->view[slot][i].p)
			drop_view(c, slot, &c->view[slot][i]);
	for (i = 0; i < NR_HANDLES; i++)
		if (c->handle[slot][i].used)
			drop_handle(c, slot, &c->handle[slot][i]);
	if (!o->there)
		return;
	begin(c, FLIGHT_REMOVE, slot, 0, 0, 0);
	err = remove_name(c, o->name);
	if (!err)
		o->there = 0;
	end(c);
	ALLOW(c, err, "remove of what a pipe has", 0);
}

/* Pages in a pipe have to keep their content, even if the object is removed. */
void op_splice(struct ctx *c)
{
	unsigned int slot;
	struct view *v = any_view(c, &slot);
	const struct model *o;
	struct iovec iov;
	char want[4 * PAGE], got[4 * PAGE];
	ssize_t n;
	size_t page;
	int ends[2];

	if (!v)
		return;
	o = &c->w->obj[slot];
	page = below(c, v->bytes / PAGE);
	iov.iov_base = v->p + page * PAGE;
	iov.iov_len = (1 + below(c, 4)) * PAGE;
	if (iov.iov_len > v->bytes - page * PAGE)
		iov.iov_len = v->bytes - page * PAGE;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		finding(c, "pipe: %s", strerror(errno));
	n = vmsplice(ends[1], &iov, 1, 0);
	counted(c, 0, n < 0 ? errno : 0);
	if (n < 0) {
		ALLOW(c, errno, "vmsplice", EFAULT, EINVAL);
		goto out;
	}
	if (!peek(want, iov.iov_base, n))
		finding(c, "what was spliced is not there");
	/* Not for preserved memory of a process, which may be written meanwhile. */
	if (one_in(c, 3) && !(o->flags & KHO_OBJ_PINNED)) {
		end_object(c, slot);
		op_create(c);
		op_create(c);
	}
	if (read(ends[0], got, n) != n)
		finding(c, "read of a pipe: %s", strerror(errno));
	same(c, got, want, n, 0, "what was spliced");
out:
	close(ends[0]);
	close(ends[1]);
}

/* ---- Another process ---- */

/* The child has all our files and mappings, and notes what it writes on the slate. */
void op_fork(struct ctx *c)
{
	unsigned int n = 5 + below(c, 40), us = below(c, 3000);
	bool kill_it = c->root && one_in(c, 2);
	__u32 op = c->w->op;
	pid_t pid;
	int status;

	counted(c, 0, 0);
	pid = fork();
	if (pid < 0)
		return;
	if (!pid) {
		while (n--) {
			switch (below(c, 4)) {
			case 0:
				op_look(c);
				break;
			case 1:
				op_touch(c);
				break;
			case 2:
				op_read(c);
				break;
			default:
				op_write(c);
			}
		}
		_exit(0);
	}
	if (kill_it) {
		usleep(us);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid)
		finding(c, "waitpid: %s", strerror(errno));
	c->w->op = op;
	if (!WIFEXITED(status) && !(kill_it && WIFSIGNALED(status)))
		finding(c, "a child ended with status %#x", status);
	settle_write_now(c);
}

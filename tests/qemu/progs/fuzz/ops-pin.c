// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: memory of a process that is made an object.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "fuzz.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

enum {
	FROM_ANON,
	FROM_SHARED,
	FROM_MEMFD,
	FROM_PRIVATE_FILE,
	FROM_PIECES,
	FROM_THP,
	FROM_HUGETLB,
	FROM_HUGETLB_SHARED,
	NR_FROM,
};

#define RW	(PROT_READ | PROT_WRITE)

static char *map_file(size_t bytes, int flags, char *at)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char *p = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, bytes))
		p = mmap(at, bytes, RW, flags, fd, 0);
	close(fd);
	return p;
}

static char *map_from(unsigned int from, size_t bytes)
{
	char *p;

	switch (from) {
	case FROM_SHARED:
		return mmap(NULL, bytes, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	case FROM_MEMFD:
		return map_file(bytes, MAP_SHARED, NULL);
	case FROM_PRIVATE_FILE:
		return map_file(bytes, MAP_PRIVATE, NULL);
	case FROM_PIECES:
		p = mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED && bytes > PAGE)
			map_file(PAGE, MAP_SHARED | MAP_FIXED, p + bytes / 2 / PAGE * PAGE);
		return p;
	case FROM_THP:
		p = mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED)
			madvise(p, bytes, MADV_HUGEPAGE);
		return p;
	case FROM_HUGETLB:
		return mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	case FROM_HUGETLB_SHARED:
		return mmap(NULL, bytes, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	default:
		return mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
}

static void drop_own(struct ctx *c, unsigned int slot)
{
	if (c->own[slot])
		munmap(c->own[slot], c->own_bytes[slot]);
	c->own[slot] = NULL;
}

/* Fills the memory, but leaves some pages untouched. */
static void fill_some(struct ctx *c, struct model *o, char *p)
{
	__u32 version = ++c->w->version;
	__u64 at;

	memset(content_of(o), 0, o->room);
	for (at = 0; at < o->bytes; at += PAGE) {
		if (one_in(c, 4))
			continue;
		pattern(p + at, at, PAGE, o->id, version);
		memcpy(content_of(o) + at, p + at, PAGE);
	}
}

void op_preserve(struct ctx *c)
{
	struct kho_obj_preserve arg = { .size = sizeof(arg) };
	unsigned int slot, from = below(c, FROM_THP);
	struct model *o = any_object(c, false, &slot);
	size_t bytes, skip = 0;
	char *p;
	int err;

	if (!o)
		return;
	drop_own(c, slot);
	bytes = (1 + below(c, o->room / PAGE < 32 ? o->room / PAGE : 32)) * PAGE;
	if (o->room == LARGE_BYTES) {
		from = below(c, NR_FROM);
		bytes = (1 + below(c, 2)) * HUGE_PAGE;
		if (one_in(c, 2))
			skip = below(c, HUGE_PAGE / PAGE) * PAGE;
	}
	p = map_from(from, bytes);
	if (p == MAP_FAILED)
		return;
	memset(o->name, 0, sizeof(o->name));
	snprintf((char *)o->name, sizeof(o->name), "w%u-%u-p", c->nr, c->w->names++);
	o->bytes = bytes - skip;
	o->flags = KHO_OBJ_PINNED;
	if (one_in(c, 2)) {
		arg.flags |= KHO_PRESERVE_UNCOMMITTED;
		o->flags |= KHO_OBJ_UNCOMMITTED;
	}
	if (one_in(c, 6) && !slate->small) {
		arg.flags |= KHO_PRESERVE_SUM;
		o->flags |= KHO_OBJ_SUM_AT_JUMP;
	}
	o->huge = 0;
	o->data_bytes = 0;
	o->uid = c->w->uid;
	o->gid = c->w->uid;
	o->mode = 0600;
	o->summed = 0;
	o->jumps = 0;
	fill_some(c, o, p + skip);
	/* The right to make the mapping writable is enough. */
	if (one_in(c, 4) && (from == FROM_SHARED || from == FROM_MEMFD))
		mprotect(p, bytes, PROT_READ);
	arg.addr = ptr64(p + skip);
	arg.bytes = o->bytes;
	memcpy(arg.name, o->name, sizeof(arg.name));
	begin(c, FLIGHT_MAKE, slot, arg.bytes, from, 0);
	err = call(c, c->kho, KHO_OBJ_PRESERVE, &arg);
	if (err) {
		end(c);
		munmap(p, bytes);
		/* Huge pages in scratch leave it as a whole or not at all. */
		if (from >= FROM_THP || slate->small)
			ALLOW(c, err, "preserve", ENOMEM, EDQUOT, EADDRNOTAVAIL);
		else
			ALLOW(c, err, "preserve", ENOMEM, EDQUOT);
		return;
	}
	o->there = 1;
	end(c);
	c->handle[slot][0] = (struct handle){
		.fd = arg.fd,
		.writable = true,
		.used = true,
	};
	mprotect(p, bytes, RW);
	c->own[slot] = p;
	c->own_bytes[slot] = bytes;
	if (one_in(c, 3))
		check_object(c, o, arg.fd);
}

/* The process uses its own mapping of memory that it has preserved. */
void op_own(struct ctx *c)
{
	unsigned int slot = below(c, NR_SLOTS);
	struct model *o = &c->w->obj[slot];
	__u32 version = ++c->w->version;
	__u64 at, n;
	char *p;

	if (!c->own[slot])
		return;
	c->slot = slot;
	if (!o->there || !(o->flags & KHO_OBJ_PINNED)) {
		drop_own(c, slot);
		return;
	}
	p = c->own[slot] + c->own_bytes[slot] - o->bytes;
	at = below(c, o->bytes);
	n = 1 + below(c, 300);
	if (n > o->bytes - at)
		n = o->bytes - at;
	switch (below(c, 12)) {
	case 0:
		/* The mapping loses the pages, the object keeps them. */
		madvise(c->own[slot], c->own_bytes[slot], MADV_DONTNEED);
		drop_own(c, slot);
		break;
	case 1:
		if (mmap(c->own[slot], c->own_bytes[slot], RW,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			finding(c, "MAP_FIXED: %s", strerror(errno));
		memset(c->own[slot], 0x55, PAGE);
		drop_own(c, slot);
		break;
	case 2:
		drop_own(c, slot);
		break;
	case 3:
	case 4:
	case 5:
		same(c, p + at, content_of(o) + at, n, at, "the process' own memory");
		break;
	default:
		pattern(c->buf, at, n, o->id, version);
		begin(c, FLIGHT_WRITE, slot, at, n, version);
		memcpy(p + at, c->buf, n);
		memcpy(content_of(o) + at, c->buf, n);
		end(c);
	}
	counted(c, 0, 0);
}

/* ---- What can't be preserved ---- */

static char *taken(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++) {
		const struct model *o = &c->w->obj[i];

		if (c->own[i] && o->there && o->flags & KHO_OBJ_PINNED)
			return c->own[i] + c->own_bytes[i] - o->bytes;
	}
	return NULL;
}

static char *a_view(struct ctx *c)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++)
		if (c->view[i][0].p && c->view[i][0].prot == RW)
			return c->view[i][0].p;
	return NULL;
}

/* Two mappings of the same page, side by side */
static char *twice(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char *p = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (fd >= 0 && !ftruncate(fd, PAGE)) {
		mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
		mmap(p + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0);
	}
	close(fd);
	return p;
}

void op_preserve_bad(struct ctx *c)
{
	struct kho_obj_preserve arg = { .size = sizeof(arg), .bytes = PAGE };
	unsigned int what = below(c, 9);
	size_t bytes = 2 * PAGE;
	int want = EFAULT, err;
	char *p = NULL;

	snprintf((char *)arg.name, sizeof(arg.name), "bad%u", c->nr);
	p = mmap(NULL, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	arg.addr = ptr64(p);
	switch (what) {
	case 0:
		arg.addr += 1 + below(c, PAGE - 1);
		want = EINVAL;
		break;
	case 1:
		arg.bytes = one_in(c, 2) ? 0 : 1 + below(c, PAGE - 1);
		want = EINVAL;
		break;
	case 2:
		make_hole(c, p + PAGE, PAGE);
		arg.bytes = bytes;
		want = c->alone ? EFAULT : EACCES;
		break;
	case 3:
		mprotect(p + PAGE, PAGE, one_in(c, 2) ? PROT_NONE : PROT_READ);
		arg.bytes = bytes;
		want = EACCES;
		break;
	case 4:
		arg.addr = ptr64(taken(c));
		want = EEXIST;
		break;
	case 5:
		arg.addr = ptr64(a_view(c));
		want = EEXIST;
		break;
	case 6:
		arg.addr = -PAGE * (1 + below(c, 1 << 20));
		break;
	case 7:
		munmap(p, bytes);
		p = twice();
		arg.addr = ptr64(p);
		arg.bytes = bytes;
		want = EEXIST;
		break;
	default:
		arg.flags = 1U << (4 + below(c, 28));
		want = EOPNOTSUPP;
	}
	c->a = what;
	if (arg.addr) {
		err = call(c, c->kho, KHO_OBJ_PRESERVE, &arg);
		/* The place of the memory may be checked before its kind. */
		if (slate->small && err == EADDRNOTAVAIL)
			want = err;
		ALLOW(c, err, "bad preserve", want, ENOMEM, EDQUOT);
	}
	munmap(p, bytes);
}

/* ---- Mappings that are replaced while they are pinned ---- */

#define RACE_PAGES	8

struct race {
	char *p;
	int ours, theirs, secret;
	volatile bool end;
};

static void *swap_mappings(void *arg)
{
	struct race *r = arg;

	while (!r->end) {
		mmap(r->p, RACE_PAGES * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, r->theirs, 0);
		/* Not even the kernel must read secret memory, wherever it lies. */
		if (r->secret >= 0)
			mmap(r->p, RACE_PAGES * PAGE, RW,
			     MAP_SHARED | MAP_FIXED | MAP_POPULATE, r->secret, 0);
		mmap(r->p, RACE_PAGES * PAGE, RW, MAP_SHARED | MAP_FIXED, r->ours, 0);
	}
	return NULL;
}

/*
 * A file that may only be read is mapped in the midst of the call.  Whatever the call
 * returns, nobody must be able to write to the file.
 */
void op_preserve_race(struct ctx *c)
{
	struct kho_obj_preserve arg = { .size = sizeof(arg) };
	char was[RACE_PAGES * PAGE], now[RACE_PAGES * PAGE];
	struct race r = {};
	char path[64];
	pthread_t thread;
	unsigned int i;
	int err;

	snprintf(path, sizeof(path), "/run/fuzz-file-%u", c->nr);
	r.theirs = open(path, O_RDONLY | O_CLOEXEC);
	r.ours = memfd_create("fuzz", MFD_CLOEXEC);
	r.secret = below(c, 2) ? -1 : syscall(SYS_memfd_secret, O_CLOEXEC);
	if (r.secret >= 0 && ftruncate(r.secret, sizeof(was)))
		finding(c, "memfd_secret: %s", strerror(errno));
	if (r.theirs < 0 || r.ours < 0 || ftruncate(r.ours, sizeof(was)))
		goto out;
	if (pread(r.theirs, was, sizeof(was), 0) != sizeof(was))
		finding(c, "%s: %s", path, strerror(errno));
	r.p = mmap(NULL, sizeof(was), RW, MAP_SHARED, r.ours, 0);
	if (r.p == MAP_FAILED || pthread_create(&thread, NULL, swap_mappings, &r))
		goto out;
	snprintf((char *)arg.name, sizeof(arg.name), "race%u", c->nr);
	for (i = 0; i < 12; i++) {
		arg.size = sizeof(arg);
		arg.flags = KHO_PRESERVE_UNCOMMITTED;
		arg.addr = ptr64(r.p);
		arg.bytes = sizeof(was);
		err = call(c, c->kho, KHO_OBJ_PRESERVE, &arg);
		ALLOW(c, err, "preserve of what changes", 0, ENOMEM, EDQUOT, EACCES,
		      EFAULT, ESTALE, EEXIST, EBUSY, EADDRNOTAVAIL, EKEYREJECTED);
		if (err)
			continue;
		memset(now, 0xee, sizeof(now));
		if (pwrite(arg.fd, now, sizeof(now), 0) < 0)
			ALLOW(c, errno, "write to what was preserved", EPERM, EBADF);
		close(arg.fd);
		if (pread(r.theirs, now, sizeof(now), 0) != sizeof(now))
			finding(c, "%s: %s", path, strerror(errno));
		same(c, now, was, sizeof(was), 0, "a file that may only be read");
	}
	r.end = true;
	pthread_join(thread, NULL);
	munmap(r.p, sizeof(was));
out:
	close(r.theirs);
	close(r.ours);
	if (r.secret >= 0)
		close(r.secret);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The objects of the fake /dev/kho.
 *
 * In KHO_FAKE_DIR, objects/NAME is the content of a committed object, and
 * uncommitted/NAME of one that is not: a caller that is killed before the commit
 * leaves nothing in objects/.  data/NAME is the user data, sums/NAME a copy of the
 * content in place of checksums, and info/NAME has these numbers:
 *
 *	FLAGS(hex) UID GID MODE(octal) GENERATION IDLE PMD-PAGES PUD-PAGES
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "khoctl-fake.h"

#define HUGE_BYTES	(2U << 20)
#define NR_NODES	2

struct state {
	char name[KHO_NAME_SIZE];
	__u32 flags;
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 generation;
	__u32 idle;
	__u64 pmd_pages;
	__u64 pud_pages;
};

static struct {
	bool used;
	bool writable;
	char name[KHO_NAME_SIZE];
} files[NR_FDS];

static bool lies(void)
{
	return getenv("KHO_FAKE_LIES");
}

/* KHO_FAKE_POISONED=NAME:FIRST:COUNT: pages of the object NAME that are poisoned */
static __u64 poisoned(const char *name, __u64 *first)
{
	const char *what = getenv("KHO_FAKE_POISONED");
	size_t len = strlen(name);
	unsigned long long from, nr;

	if (!what || strncmp(what, name, len) || what[len] != ':' ||
	    sscanf(what + len, ":%llu:%llu", &from, &nr) != 2)
		return 0;
	*first = from;
	return nr;
}

static bool is_there(const char *sub, const char *name)
{
	char path[512];

	return !access(in_dir(path, sub, name), F_OK);
}

static const char *content_dir(const char *name)
{
	return is_there("uncommitted/", name) ? "uncommitted/" : "objects/";
}

static void load(struct state *s, const char *name)
{
	char path[512];
	FILE *f = fopen(in_dir(path, "info/", name), "re");
	unsigned long long pmd = 0, pud = 0;

	memset(s, 0, sizeof(*s));
	strncpy(s->name, name, KHO_NAME_SIZE - 1);
	s->flags = KHO_OBJ_ARRIVED;
	s->mode = 0600;
	s->generation = 2;
	if (f) {
		if (fscanf(f, "%x %u %u %o %u %u %llu %llu", &s->flags, &s->uid,
			   &s->gid, &s->mode, &s->generation, &s->idle, &pmd,
			   &pud) != 8)
			abort();
		fclose(f);
	}
	s->pmd_pages = pmd;
	s->pud_pages = pud;
	if (!strcmp(name, env("KHO_FAKE_BUSY", "")))
		s->flags |= KHO_OBJ_BUSY;
	if (is_there("uncommitted/", name))
		s->flags |= KHO_OBJ_UNCOMMITTED;
}

static void save(const struct state *s)
{
	char path[512];
	FILE *f = fopen(in_dir(path, "info/", s->name), "we");

	if (!f)
		abort();
	fprintf(f, "%x %u %u %o %u %u %llu %llu\n",
		s->flags & ~(KHO_OBJ_BUSY | KHO_OBJ_UNCOMMITTED), s->uid, s->gid,
		s->mode, s->generation, s->idle,
		(unsigned long long)s->pmd_pages,
		(unsigned long long)s->pud_pages);
	fclose(f);
}

static int no_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

int list_names(struct dirent ***names)
{
	char path[512];
	int n = scandir(in_dir(path, "objects", ""), names, no_dots, alphasort);

	/* An empty list is allocated as well. */
	if (!n)
		free(*names);
	return n < 0 ? 0 : n;
}

void free_names(struct dirent **names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		free(names[i]);
	if (n)
		free(names);
}

__u64 object_size(const char *name)
{
	char path[512];
	struct stat st;

	return stat(in_dir(path, content_dir(name), name), &st) ? 0 : st.st_size;
}

static void remove_files(const char *name)
{
	static const char * const dirs[] = {
		"uncommitted/", "objects/", "info/", "data/", "sums/"
	};
	char path[512];
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		unlink(in_dir(path, dirs[i], name));
}

static void track(int fd, const char *name, bool writable)
{
	if (fd < 0 || fd >= NR_FDS)
		abort();
	files[fd].used = true;
	files[fd].writable = writable;
	memset(files[fd].name, 0, KHO_NAME_SIZE);
	strncpy(files[fd].name, name, KHO_NAME_SIZE - 1);
}

bool is_object(int fd)
{
	return fd >= 0 && fd < NR_FDS && files[fd].used;
}

void object_closed(int fd)
{
	int i;

	if (!is_object(fd))
		return;
	files[fd].used = false;
	for (i = 0; i < NR_FDS; i++)
		if (files[i].used && !strcmp(files[i].name, files[fd].name))
			return;
	if (is_there("uncommitted/", files[fd].name))
		remove_files(files[fd].name);
}

static int bad_name(const __u8 *name)
{
	size_t len = strnlen((const char *)name, KHO_NAME_SIZE);
	size_t i;

	if (len == KHO_NAME_SIZE)
		return -ENAMETOOLONG;
	for (i = len; i < KHO_NAME_SIZE; i++)
		if (name[i])
			return -EINVAL;
	return len && !memchr(name, '/', len) ? 0 : -EINVAL;
}

/* Makes an empty object, a file.  Return: its descriptor or a negative errno. */
static int new_object(const char *name, bool uncommitted, __u32 flags)
{
	struct state s = {
		.flags = flags | KHO_OBJ_CLAIMED,
		.mode = 0600,
	};
	char path[512];
	int fd;

	if (is_there("objects/", name) || is_there("uncommitted/", name))
		return -EEXIST;
	in_dir(path, uncommitted ? "uncommitted/" : "objects/", name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	strcpy(s.name, name);
	save(&s);
	track(fd, name, true);
	return fd;
}

static int do_obj_create(struct kho_obj_create *c)
{
	const char *on_create = env("KHO_FAKE_ON_CREATE", "");

	if (c->flags & ~(KHO_CREATE_UNCOMMITTED | KHO_CREATE_HUGE |
			 KHO_CREATE_NODE | KHO_CREATE_SUM))
		return -EOPNOTSUPP;
	if (bad_name(c->name))
		return bad_name(c->name);
	if (!c->bytes || (c->flags & KHO_CREATE_HUGE && c->bytes % HUGE_BYTES))
		return -EINVAL;
	if (c->flags & KHO_CREATE_NODE ? c->node >= NR_NODES : c->node)
		return -EINVAL;
	if (c->bytes >= 1ULL << 40)
		return -ENOMEM;
	c->fd = new_object((char *)c->name, c->flags & KHO_CREATE_UNCOMMITTED,
			   c->flags & KHO_CREATE_SUM ? KHO_OBJ_SUM_AT_JUMP : 0);
	if (c->fd < 0)
		return c->fd;
	if (ftruncate(c->fd, c->bytes))
		return -errno;
	if (!strcmp(on_create, "signal"))
		kill(getpid(), SIGINT);
	else if (*on_create && truncate(on_create, 10))
		return -errno;
	if (lies()) {
		close(c->fd);
		remove_files((char *)c->name);
		c->fd = -1;
	}
	return 0;
}

static int do_obj_preserve(struct kho_obj_preserve *p)
{
	const void *memory = (void *)(unsigned long)p->addr;
	ssize_t n;

	p->why = KHO_WHY_NONE;
	p->bad_addr = 0;
	if (p->flags & ~(KHO_PRESERVE_UNCOMMITTED | KHO_PRESERVE_SUM))
		return -EOPNOTSUPP;
	if (bad_name(p->name))
		return bad_name(p->name);
	if (!p->bytes || (p->addr | p->bytes) % PAGE_BYTES)
		return -EINVAL;
	if (p->bytes > 1U << 30) {
		p->why = KHO_WHY_LIMIT;
		return -EDQUOT;
	}
	p->fd = new_object((char *)p->name, p->flags & KHO_PRESERVE_UNCOMMITTED,
			   KHO_OBJ_PINNED | (p->flags & KHO_PRESERVE_SUM ?
			   KHO_OBJ_SUM_AT_JUMP : 0));
	if (p->fd < 0)
		return p->fd;
	n = write(p->fd, memory, p->bytes);
	if (n == (ssize_t)p->bytes)
		return 0;
	close(p->fd);
	object_closed(p->fd);
	remove_files((char *)p->name);
	p->fd = -1;
	p->why = KHO_WHY_UNMAPPED;
	p->bad_addr = p->addr + (n > 0 ? n : 0);
	return -EFAULT;
}

static int do_obj_open(struct kho_obj_name *o)
{
	bool writable = !(o->flags & KHO_OPEN_READ);
	const char *name = (char *)o->name;
	char path[512];
	struct state s;

	if (o->flags & ~(KHO_OPEN_READ | KHO_OPEN_LARGEST) || o->reserved)
		return -EOPNOTSUPP;
	if (bad_name(o->name))
		return bad_name(o->name);
	load(&s, name);
	if (s.flags & KHO_OBJ_SEALED)
		writable = false;
	o->fd = open(in_dir(path, content_dir(name), name),
		     (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (o->fd < 0)
		return -errno;
	track(o->fd, name, writable);
	s.idle = 0;
	s.flags |= KHO_OBJ_CLAIMED;
	if (writable)
		s.flags &= ~KHO_OBJ_SUMMED;
	save(&s);
	o->bytes = object_size(name);
	return 0;
}

static int do_obj_remove(struct kho_obj_name *o)
{
	const char *name = (char *)o->name;
	int fd;

	if (o->flags || o->reserved)
		return -EOPNOTSUPP;
	if (bad_name(o->name))
		return bad_name(o->name);
	if (!strcmp(name, env("KHO_FAKE_BUSY", "")))
		return -EBUSY;
	/* The caller must have closed the object. */
	for (fd = 0; fd < NR_FDS; fd++)
		if (files[fd].used && !strcmp(files[fd].name, name))
			return -EBUSY;
	if (!is_there("objects/", name))
		return -ENOENT;
	remove_files(name);
	return 0;
}

static int do_obj_list(struct kho_obj_list *l)
{
	struct kho_obj_entry *out = (void *)(unsigned long)l->entries;
	__u32 room = l->count;
	struct dirent **names;
	int n = list_names(&names), i;

	if (l->flags || l->reserved)
		return -EOPNOTSUPP;
	l->count = 0;
	for (i = l->first; i < n && l->count < room; i++) {
		struct kho_obj_entry *e = &out[l->count++];

		memset(e, 0, sizeof(*e));
		strncpy((char *)e->name, names[i]->d_name, KHO_NAME_SIZE - 1);
		e->bytes = object_size(names[i]->d_name);
	}
	l->total = n;
	free_names(names, n);
	return 0;
}

static void fill_info(struct kho_obj_info *e, const char *name)
{
	char path[512];
	struct state s;
	struct stat st;
	__u64 first;

	load(&s, name);
	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	strncpy((char *)e->name, name, KHO_NAME_SIZE - 1);
	e->flags = s.flags;
	e->bytes = object_size(name);
	e->pages = (e->bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	e->extents = 1;
	e->pmd_pages = s.pmd_pages;
	e->pud_pages = s.pud_pages;
	e->created = 1700000000;
	e->generation = s.generation;
	e->idle = s.idle;
	e->uid = s.uid;
	e->gid = s.gid;
	e->mode = s.mode;
	e->poisoned_pages = poisoned(name, &first);
	if (!stat(in_dir(path, "data/", name), &st))
		e->data_bytes = st.st_size;
	strcpy((char *)e->comm, "agent");
	strcpy((char *)e->release, "6.1.0-fake");
}

static int do_info_list(struct kho_obj_info_list *l)
{
	char *out = (void *)(unsigned long)l->entries;
	__u32 room = l->count;
	struct dirent **names;
	int n = list_names(&names), i;

	if (l->flags)
		return -EOPNOTSUPP;
	if (l->entry_size != sizeof(struct kho_obj_info))
		return -EINVAL;
	l->count = 0;
	for (i = l->first; i < n && l->count < room; i++)
		fill_info((void *)(out + l->count++ * l->entry_size),
			  names[i]->d_name);
	l->total = n;
	if (lies())
		l->count = room + 1;
	free_names(names, n);
	return 0;
}

int object_command(unsigned long cmd, void *arg)
{
	switch (cmd) {
	case KHO_OBJ_CREATE:
		return do_obj_create(arg);
	case KHO_OBJ_OPEN:
		return do_obj_open(arg);
	case KHO_OBJ_REMOVE:
		return do_obj_remove(arg);
	case KHO_OBJ_LIST:
		return do_obj_list(arg);
	case KHO_OBJ_PRESERVE:
		return do_obj_preserve(arg);
	case KHO_OBJ_INFO_LIST:
		return do_info_list(arg);
	default:
		return -ENOTTY;
	}
}

/* ---- Commands on an object's file ---- */

static int copy_file(const char *from, const char *to)
{
	char buf[PAGE_BYTES];
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	size_t n;

	if (!in || !out)
		return -EIO;
	while ((n = fread(buf, 1, sizeof(buf), in)))
		fwrite(buf, 1, n, out);
	fclose(in);
	return fclose(out) ? -EIO : 0;
}

static int do_plain(unsigned long cmd, struct state *s, bool writable,
		    const struct kho_obj_plain *p)
{
	char from[512], to[512];

	if (p->flags & ~(cmd == KHO_OBJ_SEAL ? KHO_SEAL_SUM : 0))
		return -EOPNOTSUPP;
	if (!writable)
		return -EBADF;
	if (cmd == KHO_OBJ_COMMIT) {
		in_dir(from, "uncommitted/", s->name);
		in_dir(to, "objects/", s->name);
		return s->flags & KHO_OBJ_UNCOMMITTED && rename(from, to) ?
		       -errno : 0;
	}
	s->flags |= KHO_OBJ_SEALED;
	if (p->flags) {
		s->flags |= KHO_OBJ_SUMMED;
		if (copy_file(in_dir(from, content_dir(s->name), s->name),
			      in_dir(to, "sums/", s->name)))
			return -ENOMEM;
	}
	save(s);
	return 0;
}

static int do_resize(const struct state *s, bool writable,
		     const struct kho_obj_resize *r)
{
	char path[512];

	if (r->flags)
		return -EOPNOTSUPP;
	if (!writable)
		return -EBADF;
	if (s->flags & KHO_OBJ_SEALED)
		return -EPERM;
	if (!r->bytes || s->flags & KHO_OBJ_PINNED ||
	    (s->pmd_pages && r->bytes % HUGE_BYTES))
		return -EINVAL;
	if (r->bytes >= 1ULL << 40)
		return -ENOMEM;
	in_dir(path, content_dir(s->name), s->name);
	return truncate(path, r->bytes) ? -errno : 0;
}

static int set_data(const struct state *s, bool writable,
		    const struct kho_obj_data *d)
{
	char path[512];
	FILE *f;

	if (d->flags || d->reserved)
		return -EOPNOTSUPP;
	if (!writable)
		return -EBADF;
	if (d->bytes > KHO_DATA_MAX)
		return -EINVAL;
	in_dir(path, "data/", s->name);
	if (!d->bytes)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	f = fopen(path, "we");
	if (!f || fwrite((void *)(unsigned long)d->data, d->bytes, 1, f) != 1)
		return -EFAULT;
	return fclose(f) ? -errno : 0;
}

static int get_data(const struct state *s, struct kho_obj_data *d)
{
	char path[512], buf[KHO_DATA_MAX];
	size_t n = 0;
	FILE *f;

	if (d->flags || d->reserved)
		return -EOPNOTSUPP;
	f = fopen(in_dir(path, "data/", s->name), "re");
	if (f) {
		n = fread(buf, 1, sizeof(buf), f);
		fclose(f);
	}
	memcpy((void *)(unsigned long)d->data, buf, n < d->bytes ? n : d->bytes);
	d->bytes = lies() ? KHO_DATA_MAX + 1 : n;
	return 0;
}

static int set_owner(struct state *s, const struct kho_obj_owner *o)
{
	if (o->flags & ~(KHO_OWNER_UID | KHO_OWNER_GID | KHO_OWNER_MODE) ||
	    o->reserved)
		return -EOPNOTSUPP;
	if (o->flags & KHO_OWNER_MODE && o->mode & ~0666U)
		return -EINVAL;
	if (o->flags & KHO_OWNER_UID && getenv("KHO_FAKE_USER"))
		return -EPERM;
	if (o->flags & KHO_OWNER_UID)
		s->uid = o->uid;
	if (o->flags & KHO_OWNER_GID)
		s->gid = o->gid;
	if (o->flags & KHO_OWNER_MODE)
		s->mode = o->mode;
	save(s);
	return 0;
}

static void read_page(FILE *f, __u64 nr, char *page)
{
	memset(page, 0, PAGE_BYTES);
	fseek(f, nr * PAGE_BYTES, SEEK_SET);
	if (!fread(page, 1, PAGE_BYTES, f))
		page[0] = ~0;
}

static int do_verify(const struct state *s, struct kho_obj_verify *v)
{
	__u64 pages = (object_size(s->name) + PAGE_BYTES - 1) / PAGE_BYTES;
	char path[512], now[PAGE_BYTES], then[PAGE_BYTES];
	__u64 most = v->count, done, lost = 0, nr_lost = poisoned(s->name, &lost);
	FILE *f, *sums;

	if (v->flags)
		return -EOPNOTSUPP;
	if (!(s->flags & KHO_OBJ_SUMMED))
		return -ENODATA;
	f = fopen(in_dir(path, content_dir(s->name), s->name), "re");
	sums = fopen(in_dir(path, "sums/", s->name), "re");
	if (!f || !sums)
		abort();
	/* The kernel may check fewer pages than requested. */
	if (most > 100)
		most = 100;
	v->bad = 0;
	v->poisoned = 0;
	for (done = 0; done < most && v->first < pages &&
	     done < pages - v->first; done++) {
		if (v->first + done >= lost && v->first + done - lost < nr_lost) {
			if (!v->poisoned++)
				v->first_poisoned = v->first + done;
			continue;
		}
		read_page(f, v->first + done, now);
		read_page(sums, v->first + done, then);
		if (memcmp(now, then, PAGE_BYTES) && !v->bad++)
			v->first_bad = v->first + done;
	}
	v->count = lies() ? v->count + 1 : done;
	fclose(f);
	fclose(sums);
	return 0;
}

int file_command(int fd, unsigned long cmd, void *arg)
{
	bool writable = files[fd].writable;
	struct state s;

	load(&s, files[fd].name);
	switch (cmd) {
	case KHO_OBJ_COMMIT:
	case KHO_OBJ_SEAL:
		return do_plain(cmd, &s, writable, arg);
	case KHO_OBJ_RESIZE:
		return do_resize(&s, writable, arg);
	case KHO_OBJ_SET_DATA:
		return set_data(&s, writable, arg);
	case KHO_OBJ_GET_DATA:
		return get_data(&s, arg);
	case KHO_OBJ_SET_OWNER:
		return set_owner(&s, arg);
	case KHO_OBJ_INFO:
		if (((struct kho_obj_info *)arg)->flags)
			return -EOPNOTSUPP;
		fill_info(arg, files[fd].name);
		return 0;
	case KHO_OBJ_VERIFY:
		return do_verify(&s, arg);
	default:
		return -ENOTTY;
	}
}

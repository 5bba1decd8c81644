// SPDX-License-Identifier: GPL-2.0
/*
 * A fake /dev/kho to preload, so that khoctl's tests need no kernel.
 *
 * Its state is in the directory KHO_FAKE_DIR: objects as khoctl-fakeobj.c says, and
 * pages by number in the file pages.  It is as strict about sizes and reserved
 * members as linux/kho.h says of the module.
 *
 * Other environment variables:
 *	KHO_FAKE_META		dump file that META_READ reads
 *	KHO_FAKE_SCRATCH	ADDR:SIZE (default 0x40000000:0x10000000)
 *	KHO_FAKE_SETUP		address of the setup_data node
 *	KHO_FAKE_FROZEN		set: the machine is going down
 *	KHO_FAKE_ABI		3 or 4 (default)
 *	KHO_FAKE_OLD		set: a module without envelopes
 *	KHO_FAKE_NO_AGENTS	set: a module without owners of objects
 *	KHO_FAKE_NO_HANDOFF	set: a module without HANDOFF
 *	KHO_FAKE_NO_SCRATCH	set: a module without SCRATCH
 *	KHO_FAKE_NO_IMAGE	set: a module without IMAGE, for memory hotplug
 *	KHO_FAKE_NO_GROW	set: a module in which scratch can't grow
 *	KHO_FAKE_FOUND_SCRATCH	ADDR:SIZE that SCRATCH finds, if there is none or less
 *	KHO_FAKE_MOVED_SCRATCH	ADDR:SIZE where it is once IMAGE has said BEGUN
 *	KHO_FAKE_HANDOFF	file with how pages are handed over, a number
 *	KHO_FAKE_KEYS		keys of the full tree (default 100)
 *	KHO_FAKE_LEAN_KEYS	keys of the boot tree (default 2)
 *	KHO_FAKE_IMAGE		image, a number
 *	KHO_FAKE_IMAGES		file to which the states that IMAGE sets are added
 *	KHO_FAKE_FILE_LOAD	set: kexec_file_load() can carry a handover; lost: it does not
 *	KHO_FAKE_STALE		set: memory is added whenever a kernel is loaded
 *	KHO_FAKE_USER		set: the caller lacks CAP_SYS_ADMIN
 *	KHO_FAKE_LIES		set: results are impossible
 *	KHO_FAKE_KILL		CMD, a number: that command kills the caller
 *	KHO_FAKE_BACKEND	kernel: the backend for in-kernel KHO
 *	KHO_FAKE_ENVELOPES	ADDR:SIZE,... that are outgoing
 *	KHO_FAKE_ARRIVED	ADDR:SIZE,... that are incoming
 *	KHO_FAKE_OTHER_PAGES	pages that other kernel modules have preserved
 *	KHO_FAKE_ENV_PAGES	pages of RAM in the envelopes (default: by size)
 *	KHO_FAKE_RAM		pages of RAM (default: 1048576, 4 GiB)
 *	KHO_FAKE_RELEASE	STATE:PAGES:DONE, numbers
 *	KHO_FAKE_FREEING	PAGES:DONE, numbers
 *	KHO_FAKE_KIND		arrival_kind, a number
 *	KHO_FAKE_SUBTREES	NAME:ADDR:BYTES:FLAGS,...
 *	KHO_FAKE_ARRIVAL	taken, refused or off
 *	KHO_FAKE_CHANGING	set: "changes" grows with each query
 *	KHO_FAKE_BUSY		name of an object that is open elsewhere
 *	KHO_FAKE_FAIL		CMD:ERRNO, numbers: that command fails
 *	KHO_FAKE_ON_CREATE	"signal", or the path of a file to truncate
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "khoctl-fake.h"

#define FREE_PFN	0x666	/* the page that nobody uses */
#define DUMP_HEAD	64

static bool is_dev[NR_FDS];

const char *env(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value && *value ? value : fallback;
}

char *in_dir(char *buf, const char *sub, const char *name)
{
	snprintf(buf, 512, "%s/%s%.64s", env("KHO_FAKE_DIR", "."), sub, name);
	return buf;
}

static int fake_open(const char *path)
{
	int fd;

	if (strcmp(path, "/dev/kho"))
		return -2;
	fd = memfd_create("fake-kho", MFD_CLOEXEC);
	if (fd >= 0 && fd < NR_FDS)
		is_dev[fd] = true;
	return fd;
}

typedef int open_fn(const char *path, int flags, ...);

static int real_open(const char *name, const char *path, int flags, va_list args)
{
	open_fn *real = dlsym(RTLD_NEXT, name);
	int fd = fake_open(path);

	if (fd != -2)
		return fd;
	if (flags & (O_CREAT | O_TMPFILE))
		return real(path, flags, va_arg(args, mode_t));
	return real(path, flags);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = real_open("open", path, flags, args);
	va_end(args);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = real_open("open64", path, flags, args);
	va_end(args);
	return fd;
}

int close(int fd)
{
	static int (*real)(int);

	if (!real)
		real = dlsym(RTLD_NEXT, "close");
	if (fd >= 0 && fd < NR_FDS)
		is_dev[fd] = false;
	object_closed(fd);
	return real(fd);
}

/* ---- Its state ---- */

static size_t load_pages(struct kho_page_entry **entries)
{
	char path[512];
	FILE *f = fopen(in_dir(path, "pages", ""), "re");
	struct kho_page_entry e;
	unsigned long long pfn;
	size_t n = 0;

	*entries = NULL;
	memset(&e, 0, sizeof(e));
	while (f && fscanf(f, "%llu %u %u", &pfn, &e.order, &e.flags) == 3) {
		e.pfn = pfn;
		*entries = realloc(*entries, (n + 1) * sizeof(e));
		(*entries)[n++] = e;
	}
	if (f)
		fclose(f);
	return n;
}

static void save_pages(const struct kho_page_entry *e, size_t n)
{
	char path[512];
	FILE *f = fopen(in_dir(path, "pages", ""), "we");

	for (; f && n--; e++)
		fprintf(f, "%llu %u %u\n", (unsigned long long)e->pfn, e->order,
			e->flags);
	if (f)
		fclose(f);
}

/* ---- Commands ---- */

/* Stores the entries of a variable that is ADDR:SIZE,..., and counts them */
static __u32 envelopes(const char *name, struct kho_envelope_entry *out,
		       __u32 room, __u64 first, __u64 *total)
{
	const char *p = env(name, "");
	unsigned long long addr, size;
	__u32 n = 0;

	*total = 0;
	while (sscanf(p, "%llx:%llx", &addr, &size) == 2) {
		if (*total >= first && n < room) {
			out[n].addr = addr;
			out[n++].bytes = size;
		}
		(*total)++;
		p = strchr(p, ',');
		if (!p++)
			break;
	}
	return n;
}

static void query_envelopes(struct kho_query *q)
{
	struct kho_envelope_entry list[64];
	__u64 total, done, pages = 0;
	unsigned int state;
	__u32 n, i;

	q->features |= KHO_FEATURE_ENVELOPES | KHO_FEATURE_SUBTREES;
	n = envelopes("KHO_FAKE_ENVELOPES", list, 64, 0, &total);
	q->envelopes = n;
	for (i = 0; i < n; i++)
		q->envelope_pages += list[i].bytes / PAGE_BYTES;
	if (getenv("KHO_FAKE_ENV_PAGES"))
		q->envelope_pages = strtoull(getenv("KHO_FAKE_ENV_PAGES"), NULL, 0);
	q->ram_pages = strtoull(env("KHO_FAKE_RAM", "1048576"), NULL, 0);
	q->arrival_kind = strtoul(env("KHO_FAKE_KIND", "0"), NULL, 0);
	if (sscanf(env("KHO_FAKE_RELEASE", ""), "%u:%llu:%llu", &state,
		   (unsigned long long *)&pages,
		   (unsigned long long *)&done) == 3) {
		q->release = state;
		q->release_pages = pages;
		q->release_done = done;
	}
	if (sscanf(env("KHO_FAKE_FREEING", ""), "%llu:%llu",
		   (unsigned long long *)&pages,
		   (unsigned long long *)&done) == 2) {
		q->freeing_pages = pages;
		q->freeing_done = done;
	}
	if (!strcmp(env("KHO_FAKE_BACKEND", ""), "kernel")) {
		q->backend = KHO_BACKEND_KERNEL;
		q->setup_addr = 0;
		q->scratch_addr = 0;
		q->scratch_size = 0;
	}
}

static int do_envelope_list(struct kho_envelope_list *l)
{
	struct kho_envelope_entry *out = (void *)(unsigned long)l->entries;
	const char *name = l->flags ? "KHO_FAKE_ARRIVED" : "KHO_FAKE_ENVELOPES";

	if (l->flags & ~KHO_ENVELOPE_ARRIVED || l->reserved)
		return -EOPNOTSUPP;
	/* Two at a time, so that the caller has to call again. */
	l->count = envelopes(name, out, l->count < 2 ? l->count : 2, l->first,
			     (void *)&l->total);
	return 0;
}

static int do_subtree_list(struct kho_subtree_list *l)
{
	struct kho_subtree_entry *out = (void *)(unsigned long)l->entries;
	const char *p = env("KHO_FAKE_SUBTREES", "");
	unsigned long long addr, bytes;
	__u32 room = l->count;
	unsigned int flags;
	char name[32];

	if (l->flags || l->reserved)
		return -EOPNOTSUPP;
	l->count = 0;
	l->total = 0;
	while (sscanf(p, "%31[^:]:%llx:%llx:%u", name, &addr, &bytes,
		      &flags) == 4) {
		if (l->total++ >= l->first && l->count < room) {
			struct kho_subtree_entry *e = &out[l->count++];

			memset(e, 0, sizeof(*e));
			strcpy((char *)e->name, name);
			e->addr = addr;
			e->bytes = bytes;
			e->flags = flags;
		}
		p = strchr(p, ',');
		if (!p++)
			break;
	}
	return 0;
}

static unsigned int known_commands(void)
{
	return getenv("KHO_FAKE_OLD") ? 12 : getenv("KHO_FAKE_NO_AGENTS") ? 14 :
	       getenv("KHO_FAKE_NO_HANDOFF") ? 24 :
	       getenv("KHO_FAKE_NO_SCRATCH") ? 25 :
	       getenv("KHO_FAKE_NO_IMAGE") ? 26 :
	       KHO_CMD_IMAGE + 1 - KHO_CMD_BASE;
}

/* How pages are handed over is in the file KHO_FAKE_HANDOFF; no file counts as 0. */
static void query_handoff(struct kho_query *q)
{
	FILE *f = fopen(env("KHO_FAKE_HANDOFF", "/nonexistent"), "r");

	q->features |= KHO_FEATURE_HANDOFF;
	q->keys = strtoull(env("KHO_FAKE_KEYS", "100"), NULL, 0);
	q->lean_keys = strtoull(env("KHO_FAKE_LEAN_KEYS", "2"), NULL, 0);
	if (!f)
		return;
	if (fscanf(f, "%u", &q->handoff) != 1)
		q->handoff = 0;
	fclose(f);
}

static int do_handoff(const struct kho_handoff *arg)
{
	FILE *f = fopen(env("KHO_FAKE_HANDOFF", "/nonexistent"), "w");

	if (!f)
		return -ENOMEM;
	fprintf(f, "%u", arg->how);
	return fclose(f) ? -EIO : 0;
}

static int do_query(struct kho_query *q)
{
	static __u64 changes = 7;
	const char *arrival = env("KHO_FAKE_ARRIVAL", "none");
	struct kho_page_entry *pages;
	struct dirent **names;
	int n, i;

	if (q->flags)
		return -EOPNOTSUPP;
	memset(q, 0, sizeof(*q));
	q->size = sizeof(*q);
	q->uapi_version = KHO_UAPI_VERSION;
	q->abi = strtoul(env("KHO_FAKE_ABI", "4"), NULL, 0);
	q->features = KHO_FEATURE_PAGES | KHO_FEATURE_OBJECTS | KHO_FEATURE_META;
	q->page_size = PAGE_BYTES;
	q->frozen = !!getenv("KHO_FAKE_FROZEN");
	q->changes = changes;
	changes += !!getenv("KHO_FAKE_CHANGING");
	q->setup_addr = strtoull(env("KHO_FAKE_SETUP", "0x100000"), NULL, 0);
	q->fdt_addr = 0x101000;
	q->fdt_size = PAGE_BYTES;
	q->root_addr = 0x102000;
	query_scratch(q);
	n = load_pages(&pages);
	for (i = 0; i < n; i++) {
		if (pages[i].flags)
			q->arrived_pages += 1ULL << pages[i].order;
		else
			q->raw_pages += 1ULL << pages[i].order;
	}
	free(pages);
	q->objects = list_names(&names);
	for (i = 0; i < (int)q->objects; i++)
		q->object_pages += (object_size(names[i]->d_name) +
				    PAGE_BYTES - 1) / PAGE_BYTES;
	free_names(names, q->objects);
	q->preserved_pages = q->object_pages + q->raw_pages + q->arrived_pages +
			     atoi(env("KHO_FAKE_OTHER_PAGES", "0"));
	q->meta_pages = 9;
	if (!strcmp(arrival, "taken")) {
		q->arrival = KHO_ARRIVAL_TAKEN;
		q->generation = 3;
		q->stub_pages = 4711;
		q->stub_extents = 12;
		q->stub_usecs = 345;
		strcpy((char *)q->previous_release, "6.1.0-fake");
	} else if (!strcmp(arrival, "refused")) {
		q->arrival = KHO_ARRIVAL_REFUSED;
		strcpy((char *)q->arrival_error, "FDT magic is wrong\033[2J");
	} else if (!strcmp(arrival, "off")) {
		q->arrival = KHO_ARRIVAL_OFF;
	}
	/* Members that an older module does not know stay 0. */
	if (!getenv("KHO_FAKE_OLD"))
		query_envelopes(q);
	if (known_commands() > 14)
		q->features |= KHO_FEATURE_AGENTS;
	if (known_commands() > 24)
		query_handoff(q);
	if (known_commands() > 25)
		q->features |= KHO_FEATURE_SCRATCH;
	if (known_commands() > 26) {
		q->features |= KHO_FEATURE_IMAGE;
		if (!getenv("KHO_FAKE_NO_GROW"))
			q->features |= KHO_FEATURE_GROW;
		if (getenv("KHO_FAKE_FILE_LOAD"))
			q->features |= KHO_FEATURE_FILE_LOAD;
		q->image = strtoul(env("KHO_FAKE_IMAGE", "0"), NULL, 0);
	}
	if (getenv("KHO_FAKE_USER")) {
		q->setup_addr = 0;
		q->fdt_addr = 0;
		q->root_addr = 0;
		q->scratch_addr = 0;
	}
	return 0;
}

static int add_one(struct kho_page_entry **pages, size_t *n,
		   const struct kho_page_entry *e)
{
	size_t i;

	if (e->flags)
		return -EOPNOTSUPP;
	if (e->order > 10 || e->pfn & ((1ULL << e->order) - 1))
		return -EINVAL;
	if (e->pfn == FREE_PFN)
		return -EADDRNOTAVAIL;
	for (i = 0; i < *n; i++)
		if ((*pages)[i].pfn == e->pfn)
			return (*pages)[i].order == e->order ? -EEXIST : -EBUSY;
	*pages = realloc(*pages, (*n + 1) * sizeof(*e));
	(*pages)[(*n)++] = *e;
	return 0;
}

static int del_one(struct kho_page_entry **pages, size_t *n,
		   const struct kho_page_entry *e)
{
	size_t i;

	for (i = 0; i < *n; i++) {
		if ((*pages)[i].pfn == e->pfn && (*pages)[i].order == e->order) {
			(*pages)[i] = (*pages)[--*n];
			return 0;
		}
	}
	return -ENOENT;
}

static int do_batch(struct kho_batch *b,
		    int (*one)(struct kho_page_entry **, size_t *,
			       const struct kho_page_entry *))
{
	const struct kho_page_entry *e = (void *)(unsigned long)b->entries;
	struct kho_page_entry *pages;
	size_t n = load_pages(&pages);
	int ret = 0;
	__u32 i;

	if (b->reserved)
		return -EOPNOTSUPP;
	if (!b->count || b->count > KHO_BATCH_MAX)
		return -EINVAL;
	for (i = 0; i < b->count && !ret; i++)
		ret = one(&pages, &n, &e[i]);
	b->failed = ret ? i - 1 : b->count;
	if (!ret)
		save_pages(pages, n);
	free(pages);
	return ret;
}

static int do_page(unsigned long cmd, const struct kho_page *p)
{
	struct kho_page_entry e = { .pfn = p->pfn, .order = p->order };
	struct kho_page_entry *pages;
	size_t n = load_pages(&pages);
	int ret;

	ret = cmd == KHO_PAGE_ADD ? add_one(&pages, &n, &e) :
	      del_one(&pages, &n, &e);
	if (!ret)
		save_pages(pages, n);
	free(pages);
	return ret;
}

static int do_page_open(struct kho_page_open *p)
{
	struct kho_page_entry *pages;
	size_t n = load_pages(&pages), i;
	int ret = -ENOENT;
	__u64 at;

	if (p->flags)
		return -EOPNOTSUPP;
	for (i = 0; i < n; i++) {
		if (pages[i].pfn != p->pfn || pages[i].order != p->order)
			continue;
		if (!pages[i].flags) {
			ret = -EBUSY;
			break;
		}
		p->fd = memfd_create("fake-page", MFD_CLOEXEC);
		for (at = 0; at < (__u64)PAGE_BYTES << p->order; at += 8) {
			__u64 word = (p->pfn << 32) + at;

			if (write(p->fd, &word, 8) != 8)
				abort();
		}
		ret = 0;
		break;
	}
	free(pages);
	return ret;
}

static int do_page_list(struct kho_page_list *l)
{
	struct kho_page_entry *out = (void *)(unsigned long)l->entries, *pages;
	size_t n = load_pages(&pages), i;
	__u32 room = l->count;

	if (l->flags || l->reserved)
		return -EOPNOTSUPP;
	l->count = 0;
	for (i = l->first; i < n && l->count < room; i++)
		out[l->count++] = pages[i];
	l->total = n;
	free(pages);
	return 0;
}

static int do_meta_read(struct kho_meta_read *r)
{
	char *entries = (void *)(unsigned long)r->entries;
	char *pages = (void *)(unsigned long)r->pages;
	FILE *f = fopen(env("KHO_FAKE_META", "/nonexistent"), "re");
	__u32 head[DUMP_HEAD / 4], room = r->count;
	size_t size;

	if (r->flags || r->reserved)
		return -EOPNOTSUPP;
	if (!f || fread(head, DUMP_HEAD, 1, f) != 1)
		return -EFAULT;
	size = sizeof(struct kho_meta_entry) + PAGE_BYTES;
	fseek(f, DUMP_HEAD + r->first * size, SEEK_SET);
	/* Three at a time, so that the caller has to call again. */
	if (room > 3)
		room = 3;
	r->total = head[3];
	r->count = 0;
	while (r->count < room && r->first + r->count < r->total) {
		if (fread(entries, sizeof(struct kho_meta_entry), 1, f) != 1 ||
		    fread(pages, PAGE_BYTES, 1, f) != 1)
			return -EFAULT;
		entries += sizeof(struct kho_meta_entry);
		pages += PAGE_BYTES;
		r->count++;
	}
	fclose(f);
	return 0;
}

/* Checks that are the same for all commands, and injected faults */
static int check_command(unsigned long cmd, const void *arg)
{
	static const __u32 sizes[] = {
		sizeof(struct kho_query), sizeof(struct kho_page),
		sizeof(struct kho_page), sizeof(struct kho_batch),
		sizeof(struct kho_batch), sizeof(struct kho_page_open),
		sizeof(struct kho_page_list), sizeof(struct kho_obj_create),
		sizeof(struct kho_obj_name), sizeof(struct kho_obj_name),
		sizeof(struct kho_obj_list), sizeof(struct kho_meta_read),
		sizeof(struct kho_envelope_list),
		sizeof(struct kho_subtree_list),
		sizeof(struct kho_obj_preserve), sizeof(struct kho_obj_plain),
		sizeof(struct kho_obj_plain), sizeof(struct kho_obj_resize),
		sizeof(struct kho_obj_data), sizeof(struct kho_obj_data),
		sizeof(struct kho_obj_owner), sizeof(struct kho_obj_info),
		sizeof(struct kho_obj_verify), sizeof(struct kho_obj_info_list),
		sizeof(struct kho_handoff), sizeof(struct kho_scratch_take),
		sizeof(struct kho_image),
	};
	unsigned int nr = _IOC_NR(cmd) - KHO_CMD_BASE;
	unsigned int fail_nr, fail_errno;

	if (nr >= known_commands() ||
	    cmd != _IO(KHO_IOCTL_TYPE, KHO_CMD_BASE + nr))
		return -ENOTTY;
	if (*(const __u32 *)arg != sizes[nr])
		return -EINVAL;
	if (strtoul(env("KHO_FAKE_KILL", "0"), NULL, 0) == nr + KHO_CMD_BASE)
		kill(getpid(), SIGKILL);
	if (sscanf(env("KHO_FAKE_FAIL", ""), "%u:%u", &fail_nr,
		   &fail_errno) == 2 && fail_nr == nr + KHO_CMD_BASE)
		return -(int)fail_errno;
	return 0;
}

static bool is_for_root(unsigned long cmd)
{
	switch (cmd) {
	case KHO_PAGE_ADD:
	case KHO_PAGE_DEL:
	case KHO_BATCH_ADD:
	case KHO_BATCH_DEL:
	case KHO_PAGE_OPEN:
	case KHO_PAGE_LIST:
	case KHO_META_READ:
	case KHO_ENVELOPE_LIST:
	case KHO_SUBTREE_LIST:
	case KHO_HANDOFF:
	case KHO_SCRATCH:
	case KHO_IMAGE:
		return true;
	default:
		return false;
	}
}

static int do_image(const struct kho_image *image)
{
	FILE *f = fopen(env("KHO_FAKE_IMAGES", "/dev/null"), "a");

	if (!f)
		return -EIO;
	fprintf(f, "%u%s\n", image->state, image->flags & KHO_IMAGE_BY_FILE ? " by file" : "");
	fclose(f);
	if (image->flags & ~(getenv("KHO_FAKE_FILE_LOAD") ? KHO_IMAGE_BY_FILE : 0))
		return -EOPNOTSUPP;
	if (image->state == KHO_IMAGE_LOADED && !strcmp(env("KHO_FAKE_FILE_LOAD", ""), "lost"))
		return -ENOENT;
	return image->state == KHO_IMAGE_LOADED && getenv("KHO_FAKE_STALE") ? -ESTALE : 0;
}

static int run(unsigned long cmd, void *arg)
{
	int ret = check_command(cmd, arg);

	if (ret)
		return ret;
	if (getenv("KHO_FAKE_FROZEN") && cmd != KHO_QUERY &&
	    cmd != KHO_OBJ_LIST && cmd != KHO_PAGE_LIST &&
	    cmd != KHO_META_READ && cmd != KHO_ENVELOPE_LIST &&
	    cmd != KHO_SUBTREE_LIST && cmd != KHO_OBJ_INFO_LIST)
		return -ESHUTDOWN;
	if (getenv("KHO_FAKE_USER") && is_for_root(cmd))
		return -EPERM;

	switch (cmd) {
	case KHO_QUERY:
		return do_query(arg);
	case KHO_PAGE_ADD:
	case KHO_PAGE_DEL:
		return do_page(cmd, arg);
	case KHO_BATCH_ADD:
		return do_batch(arg, add_one);
	case KHO_BATCH_DEL:
		return do_batch(arg, del_one);
	case KHO_PAGE_OPEN:
		return do_page_open(arg);
	case KHO_PAGE_LIST:
		return do_page_list(arg);
	case KHO_META_READ:
		return do_meta_read(arg);
	case KHO_ENVELOPE_LIST:
		return do_envelope_list(arg);
	case KHO_SUBTREE_LIST:
		return do_subtree_list(arg);
	case KHO_HANDOFF:
		return do_handoff(arg);
	case KHO_SCRATCH:
		return do_scratch(arg);
	case KHO_IMAGE:
		image_told(((const struct kho_image *)arg)->state);
		return do_image(arg);
	default:
		return object_command(cmd, arg);
	}
}

int ioctl(int fd, unsigned long cmd, ...)
{
	static int (*real)(int, unsigned long, ...);
	va_list args;
	void *arg;
	int ret;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (is_object(fd)) {
		ret = check_command(cmd, arg);
		if (!ret)
			ret = file_command(fd, cmd, arg);
	} else if (fd >= 0 && fd < NR_FDS && is_dev[fd]) {
		ret = run(cmd, arg);
	} else {
		if (!real)
			real = dlsym(RTLD_NEXT, "ioctl");
		return real(fd, cmd, arg);
	}
	errno = -ret;
	return ret ? -1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel that is loaded.
 *
 * Three witnesses say what it is: the kernel, whether one is loaded; the module, what khoctl
 * told it; and khoctl's record, which kernel that was.  Other programs tell nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/meminfo.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "device/lists.h"
#include "device/loaded.h"
#include "device/next.h"
#include "device/record.h"

static const char * const words[] = {
	[NEXT_NO_KEXEC] = "no-kexec",
	[NEXT_NONE] = "none",
	[NEXT_OURS] = "ours",
	[NEXT_UNVERIFIED] = "unverified",
	[NEXT_KERNEL] = "kernel",
	[NEXT_BY_FILE] = "by-file",
	[NEXT_OTHER] = "other",
	[NEXT_STALE] = "stale",
};

const char *next_word(const struct next_kernel *next)
{
	return words[next->state];
}

static void set(struct next_kernel *next, enum next_state state, char *text)
{
	next->state = state;
	next->lost = state == NEXT_OTHER || state == NEXT_STALE;
	next->text = text;
}

static void bad(struct next_kernel *next, enum next_state state, const char *why)
{
	set(next, state, xasprintf("loaded, BUT %s: %s", why, NEXT_FIX));
}

/* Does any of it lie outside scratch, where pages may be preserved by now? */
static bool left_scratch(const struct record *r, const struct kho_query *q)
{
	size_t i;

	for (i = 0; i < r->nr_segs; i++) {
		const struct image_segment *s = &r->segs[i];

		if (s->mem < q->scratch_addr || s->memsz > q->scratch_size ||
		    s->mem - q->scratch_addr > q->scratch_size - s->memsz)
			return true;
	}
	return false;
}

/*
 * What is preserved may have grown since khoctl load has found that there is enough RAM.
 * Returns what to say if there is not any more, or NULL; the caller frees it.
 */
static char *lacks_ram(const struct record *r, const struct kho_query *q)
{
	__u64 kept = q->envelope_pages * q->page_size, left = 0;
	__u64 used = kept + memory_ballooned(), ram = q->ram_pages * q->page_size;

	if (!r->needed || !ram)
		return NULL;
	if (ram > used)
		left = ram - used;
	if (r->ram && r->ram < kept + left)
		left = r->ram > kept ? r->ram - kept : 0;
	if (left >= r->needed)
		return NULL;
	return xasprintf("loaded, BUT more is preserved since: its boot needs about %s, and %s are left outside of the envelopes: preserve less, or load another kernel",
			 size_str(r->needed), size_str(left));
}

/* Does an envelope lie by now where the loaded kernel has no memory for it? */
static bool lies_lost(const struct record *r, int dev, const struct kho_query *q)
{
	struct kho_envelope_entry *env;
	bool lost = false;
	size_t nr, i;

	if (!r->lost.nr || !(q->features & KHO_FEATURE_ENVELOPES) ||
	    list_envelopes(dev, 0, &env, &nr))
		return false;
	for (i = 0; i < nr && !lost; i++)
		lost = ranges_overlap(&r->lost, env[i].addr, env[i].addr + env[i].bytes);
	free(env);
	return lost;
}

static char *describe(const struct record *r)
{
	char *kernel = printable(r->kernel, strlen(r->kernel));
	char *version = printable(r->version, strlen(r->version));
	char *text = xasprintf("loaded by khoctl: %s%s%s%s, %s", *version ? "Linux " : "",
			       version, *version ? " from " : "", kernel, time_str(r->time));

	free(kernel);
	free(version);
	return text;
}

static const char *cannot_see(int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return "only root can see it, without kptr_restrict=2 and lockdown";
	case -ENOEXEC:
		return "khoctl does not understand how this kernel notes it";
	default:
		return strerror(-err);
	}
}

/* Compares what is loaded with the record of this life of the module. */
static void compare(struct next_kernel *next, int dev, const struct kho_query *q,
		    struct record *r)
{
	char *what;
	__u64 now = 0;
	int ret;

	if (q->backend != KHO_BACKEND_KERNEL && q->scratch_addr && left_scratch(r, q)) {
		bad(next, NEXT_STALE, "scratch, where it lies, was moved since");
		return;
	}
	ret = r->identity ? image_identity(&r->variable, NULL, 0, &now) : -ENODATA;
	if (ret == -ENOENT)
		ret = -ENXIO;
	if (!ret && now != r->identity) {
		bad(next, NEXT_OTHER,
		    "not by khoctl: another program has replaced the kernel that khoctl loaded");
		return;
	}
	what = lacks_ram(r, q);
	if (what) {
		set(next, NEXT_STALE, what);
		return;
	}
	if (q->backend != KHO_BACKEND_KERNEL && lies_lost(r, dev, q)) {
		bad(next, NEXT_STALE,
		    "more is preserved since, where its command line leaves no memory");
		return;
	}
	what = describe(r);
	if (!ret)
		set(next, NEXT_OURS, xstrdup(what));
	else
		set(next, NEXT_UNVERIFIED,
		    xasprintf("%s; whether another program has replaced it since is not known: %s",
			      what, ret == -ENODATA ? "that could not be seen when it was loaded" :
			      cannot_see(ret)));
	free(what);
	next->kernel = xstrdup(r->kernel);
	next->version = xstrdup(r->version);
}

/* In-kernel KHO hands over to whatever kexec -s has loaded. */
static void kernel_hands_over(struct next_kernel *next)
{
	free(next->text);
	set(next, NEXT_KERNEL,
	    xstrdup("loaded, not by khoctl: in-kernel KHO hands over to it if that was kexec -s"));
}

/* The module hands over to whatever kexec -s has loaded, and has seen that. */
static void file_load_hands_over(struct next_kernel *next)
{
	next_free(next);
	set(next, NEXT_BY_FILE,
	    xstrdup("loaded, not by khoctl: the module hands over to it, as kexec_file_load (kexec -s) has loaded it"));
}

/* A kernel is loaded that this life of the module knows nothing of. */
static void unknown_to_module(struct next_kernel *next, struct record *r)
{
	__u64 now = 0;

	if (r->identity && !image_identity(&r->variable, NULL, 0, &now) && now == r->identity)
		bad(next, NEXT_STALE,
		    "the module was loaded again since: nothing is handed over to it");
	else
		bad(next, NEXT_OTHER, "not by khoctl: nothing is handed over to it");
}

static void look(struct next_kernel *next, int dev, const struct kho_query *q)
{
	int loaded = sys_kexec_loaded();
	struct record r;
	bool ours;
	int ret;

	memset(next, 0, sizeof(*next));
	if (loaded <= 0) {
		set(next, loaded ? NEXT_NO_KEXEC : NEXT_NONE,
		    xstrdup(loaded ? "this kernel has no kexec" : "not loaded (khoctl load)"));
		return;
	}
	if (image_is_stale(q, loaded)) {
		bad(next, NEXT_STALE, "memory was added or removed since");
		return;
	}
	ret = record_read(&r);
	if (!ret && !record_is_of_this_boot(&r))
		ret = -ESTALE;
	ours = !ret && (!q->setup_addr || q->setup_addr == r.setup_addr);
	if (q->backend == KHO_BACKEND_KERNEL) {
		if (ours)
			compare(next, dev, q, &r);
		if (!ours || next->state == NEXT_OTHER)
			kernel_hands_over(next);
	} else if (q->features & KHO_FEATURE_IMAGE && q->image != KHO_IMAGE_LOADED) {
		unknown_to_module(next, &r);
	} else if (q->file_load == KHO_FILE_LOAD_CARRIED) {
		if (ours)
			compare(next, dev, q, &r);
		if (!ours || next->state == NEXT_OTHER)
			file_load_hands_over(next);
	} else if (ours) {
		compare(next, dev, q, &r);
	} else {
		set(next, NEXT_UNVERIFIED,
		    xasprintf("loaded; whether by khoctl is not known: %s: %s", RECORD_FILE,
			      ret && ret != -ESTALE ? strerror(-ret) :
			      "is about another kernel"));
	}
	record_free(&r);
}

/* Is a khoctl loading a kernel, or unloading one?  Only root can see that. */
static bool being_loaded(void)
{
	char *path = sys_path(LOAD_LOCK_FILE);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool busy;

	free(path);
	if (fd < 0)
		return false;
	busy = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return busy;
}

/*
 * While khoctl loads a kernel, the three disagree for a moment.  So ask them again when it
 * has ended, but do not wait for long.
 */
void next_look(struct next_kernel *next, int dev, struct kho_query *q)
{
	static const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	struct kho_query again;
	unsigned int tries;
	bool busy;

	for (tries = 0; ; tries++) {
		busy = being_loaded();
		look(next, dev, q);
		if (!next->lost || !busy || tries == 50)
			return;
		next_free(next);
		nanosleep(&pause, NULL);
		if (!kho_query(dev, &again)) {
			again.abi = q->abi;	/* see device_abi() */
			*q = again;
		}
	}
}

void next_free(struct next_kernel *next)
{
	free(next->text);
	free(next->kernel);
	free(next->version);
	memset(next, 0, sizeof(*next));
}

bool query_preserves(const struct kho_query *q)
{
	__u64 known = q->object_pages + q->meta_pages;

	if (q->freeing_pages > q->freeing_done)
		known += q->freeing_pages - q->freeing_done;
	/* The rest is what other kernel modules hold, by the in-kernel API. */
	return q->objects || q->raw_pages || q->arrived_pages || q->preserved_pages > known;
}

int query_health(const struct kho_query *q, const struct next_kernel *next)
{
	/* A kernel that does not know the memory as it is may not even boot. */
	if (next->lost && (query_preserves(q) || q->image == KHO_IMAGE_STALE))
		return UNSAFE;
	if (q->arrival == KHO_ARRIVAL_REFUSED ||
	    (q->arrival == KHO_ARRIVAL_TAKEN && q->arrival_error[0]))
		return REFUSED;
	return DONE;
}

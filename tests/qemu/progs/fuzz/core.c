// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: random numbers, content, and findings.
 */
#include <signal.h>
#include <sys/syscall.h>

#include "fuzz.h"

struct slate *slate;
__thread struct guarded guarded;

#define OP_NAME(name, weight, flags) \
	[OP_##name] = #name,
const char *const op_names[NR_OPS] = { OPS(OP_NAME) };

__u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

__u64 chance(struct ctx *c)
{
	c->w->rng += 0x9e3779b97f4a7c15ULL;
	return mix(c->w->rng);
}

__u64 below(struct ctx *c, __u64 n)
{
	return (chance(c) >> 8) % n;
}

/* ---- Content ---- */

/* Tells the object, the place and the version; in digits that people can read, too. */
static __u64 word_at(__u64 index, __u32 id, __u32 version)
{
	__u64 word = (__u64)id << 52 | (index & 0xfffff) << 32 |
		     (__u64)(version & 0xffffff) << 8;

	return word | mix(word) >> 56;
}

void pattern(void *p, __u64 offset, size_t n, __u32 id, __u32 version)
{
	char *to = p;

	while (n) {
		__u64 word = word_at(offset / 8, id, version);
		size_t skip = offset % 8, k = 8 - skip < n ? 8 - skip : n;

		memcpy(to, (char *)&word + skip, k);
		to += k;
		offset += k;
		n -= k;
	}
}

char *content_of(const struct model *o)
{
	return (char *)slate + o->content;
}

/* ---- Calls ---- */

int counted(struct ctx *c, unsigned int cmd, int err)
{
	struct worker *w = c->w;
	struct past *past = &w->past[w->nr_past++ % NR_PAST];

	past->op = w->op;
	past->err = err;
	past->slot = c->slot;
	past->cmd = cmd;
	past->a = c->a;
	past->b = c->b;
	w->calls++;
	w->count[w->op][err < NR_ERRS ? err : NR_ERRS - 1]++;
	return err;
}

int call(struct ctx *c, int fd, unsigned int cmd, void *arg)
{
	int err = ioctl(fd, cmd, arg) < 0 ? errno : 0;

	return counted(c, cmd & 0xff, err);
}

void allow(struct ctx *c, int err, const char *what, const int *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (list[i] == err)
			return;
	/* The machine is going down. */
	if (err == ESHUTDOWN && slate->jumping)
		return;
	finding(c, "%s: %s, which it may not be", what,
		err ? strerrorname_np(err) : "success");
}

void begin(struct ctx *c, __u32 kind, __u32 slot, __u64 a, __u64 b, __u64 version)
{
	struct flight *f = &c->w->flight;

	f->slot = slot;
	f->a = a;
	f->b = b;
	f->c = version;
	c->a = a;
	c->b = b;
	c->slot = slot;
	__atomic_store_n(&f->kind, kind, __ATOMIC_SEQ_CST);
}

void end(struct ctx *c)
{
	__atomic_store_n(&c->w->flight.kind, FLIGHT_NONE, __ATOMIC_SEQ_CST);
}

/* ---- Findings ---- */

static size_t tell_past(const struct worker *w, char *text, size_t size)
{
	unsigned int i, n = w->nr_past < 14 ? w->nr_past : 14;
	size_t at = 0;

	for (i = w->nr_past - n; i != w->nr_past && at < size; i++) {
		const struct past *past = &w->past[i % NR_PAST];

		at += snprintf(text + at, size - at, " %s/%x[%u %#llx %#llx]=%d",
			       op_names[past->op], past->cmd, past->slot, past->a,
			       past->b, past->err);
	}
	return at;
}

void finding(struct ctx *c, const char *format, ...)
{
	unsigned int nr = __atomic_fetch_add(&slate->claimed, 1, __ATOMIC_SEQ_CST);
	char text[1024];
	size_t at, size = sizeof(text);
	va_list ap;

	at = snprintf(text, size, "worker %u, op %llu (%s), object %u: ", c->nr,
		      c->w->programs, op_names[c->w->op], c->slot);
	va_start(ap, format);
	at += vsnprintf(text + at, size - at, format, ap);
	va_end(ap);
	if (at < size)
		at += snprintf(text + at, size - at, "; before:");
	if (at < size)
		tell_past(c->w, text + at, size - at);
	if (nr < NR_FINDINGS)
		memcpy(slate->finding[nr], text, size);
	fprintf(stderr, "found: %s\n", text);
	/* The text is complete: from now on all processes may be ended. */
	__atomic_fetch_add(&slate->nr_findings, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slate->stop, 1, __ATOMIC_SEQ_CST);
	c->w->paused = 1;
	/* Everything stays as it is until the process is killed. */
	for (;;)
		pause();
}

void same(struct ctx *c, const void *got, const void *want, size_t n, __u64 offset,
	  const char *what)
{
	const unsigned char *g = got, *w = want;
	__u64 a = 0, b = 0;
	size_t i = 0;

	if (!memcmp(got, want, n))
		return;
	while (g[i] == w[i])
		i++;
	memcpy(&a, g + i, n - i < 8 ? n - i : 8);
	memcpy(&b, w + i, n - i < 8 ? n - i : 8);
	finding(c, "%s: byte %#llx of %#llx+%#zx is %016llx, not %016llx", what,
		offset + i, offset, n, a, b);
}

/* ---- Memory that may have holes ---- */

static void on_fault(int sig)
{
	if (guarded.armed) {
		guarded.armed = false;
		siglongjmp(guarded.jump, 1);
	}
	signal(sig, SIG_DFL);
}

void catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool peek(void *to, const void *from, size_t n)
{
	if (sigsetjmp(guarded.jump, 0))
		return false;
	guarded.armed = true;
	memcpy(to, from, n);
	guarded.armed = false;
	return true;
}

/*
 * Makes a hole in a mapping of ours.  If there are other threads, it is a mapping without
 * access: else one of them might map its memory there, and we would unmap that together
 * with what is around it.
 */
void make_hole(struct ctx *c, char *p, size_t bytes)
{
	if (c->alone)
		munmap(p, bytes);
	else if (mmap(p, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		      0) == MAP_FAILED)
		finding(c, "MAP_FIXED: %s", strerror(errno));
}

bool poke(void *to, const void *from, size_t n)
{
	return peek(to, from, n);
}

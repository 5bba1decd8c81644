// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer: objects that all workers use at once.
 *
 * No worker knows their whole content.  But each word says to which object it belongs,
 * where, and when it was written: so a word is noticed that is of another object, or older
 * than its object.  And a worker has to find a word that it wrote again, as long as nobody
 * has begun to resize or remove the object.
 */
#include "fuzz.h"

#define SHARED_BYTES	(128ULL << 10)
/* Whole words, as what is cut off is zero. */
#define ANY_SIZE(c)	(8 + below(c, SHARED_BYTES / 8) * 8)

void shared_name(unsigned int k, __u8 *name)
{
	memset(name, 0, KHO_NAME_SIZE);
	snprintf((char *)name, KHO_NAME_SIZE, "shared%u", k);
}

/* 12 bits say of which object it is, 16 where, 28 when; 8 are a check of these. */
static __u64 word_of(unsigned int k, __u32 index, __u32 version)
{
	__u64 word = (__u64)(0x800 + k) << 52 | (__u64)(index & 0xffff) << 36 |
		     (__u64)(version & 0xfffffff) << 8;

	return word | mix(word) >> 56;
}

static bool good_word(unsigned int k, __u32 index, __u64 word)
{
	__u32 version = word >> 8 & 0xfffffff;

	return !word || (word == word_of(k, index, version) &&
			 version >= slate->shared[k].birth);
}

static __u32 next_version(void)
{
	return __atomic_add_fetch(&slate->version, 1, __ATOMIC_SEQ_CST);
}

static __u32 ended(unsigned int k)
{
	return __atomic_load_n(&slate->shared[k].ended, __ATOMIC_SEQ_CST);
}

static bool since(unsigned int k, __u32 epoch)
{
	return __atomic_load_n(&slate->shared[k].begun, __ATOMIC_SEQ_CST) != epoch;
}

static void change_begins(struct ctx *c, unsigned int k)
{
	__atomic_add_fetch(&slate->shared[k].begun, 1, __ATOMIC_SEQ_CST);
	begin(c, FLIGHT_SHARED, k, 0, 0, 0);
}

static void change_ends(struct ctx *c, unsigned int k)
{
	end(c);
	__atomic_add_fetch(&slate->shared[k].ended, 1, __ATOMIC_SEQ_CST);
}

static struct window *any_window(struct ctx *c, unsigned int *k, bool mapped)
{
	unsigned int i, first = below(c, NR_SHARED);

	for (i = 0; i < NR_SHARED; i++) {
		*k = (first + i) % NR_SHARED;
		c->slot = 100 + *k;
		if (c->window[*k].fd >= 0 && (!mapped || c->window[*k].p))
			return &c->window[*k];
	}
	return NULL;
}

static void unmap(struct window *w)
{
	if (w->p)
		munmap(w->p, w->bytes);
	w->p = NULL;
}

static void let_go(struct ctx *c, struct window *w)
{
	unmap(w);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	memset(w->mine, 0, sizeof(w->mine));
	counted(c, 0, 0);
}

/* ---- Coming and going ---- */

static void make_shared(struct ctx *c, unsigned int k, const __u8 *name)
{
	struct kho_obj_owner owner = {
		.size = sizeof(owner),
		.flags = KHO_OWNER_MODE,
		.mode = 0666,
	};
	struct kho_obj_create arg = { .size = sizeof(arg) };
	__u32 birth = next_version(), was;
	int err;

	arg.bytes = ANY_SIZE(c);
	memcpy(arg.name, name, sizeof(arg.name));
	err = call(c, c->kho, KHO_OBJ_CREATE, &arg);
	ALLOW(c, err, "create of what is shared", 0, EEXIST, NO_ROOM);
	if (err)
		return;
	was = slate->shared[k].birth;
	while (was < birth && !__atomic_compare_exchange_n(&slate->shared[k].birth, &was,
							   birth, false, __ATOMIC_SEQ_CST,
							   __ATOMIC_SEQ_CST))
		;
	ALLOW(c, call(c, arg.fd, KHO_OBJ_SET_OWNER, &owner), "mode of what is shared", 0);
	c->window[k].fd = arg.fd;
	c->window[k].writable = true;
}

void op_s_open(struct ctx *c)
{
	unsigned int k = below(c, NR_SHARED);
	struct window *w = &c->window[k];
	__u32 flags = one_in(c, 6) ? KHO_OPEN_READ : 0;
	__u8 name[KHO_NAME_SIZE];
	int err, fd;

	if (w->fd >= 0)
		return;
	c->slot = 100 + k;
	shared_name(k, name);
	err = open_name(c, name, flags, NULL, &fd);
	/* The worker that made it may not have set its mode yet. */
	ALLOW(c, err, "open of what is shared", 0, ENOENT, EACCES);
	if (err) {
		make_shared(c, k, name);
		return;
	}
	/* A sealed object is opened for reading. */
	w->fd = fd;
	w->writable = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

void op_s_close(struct ctx *c)
{
	unsigned int k;
	struct window *w = any_window(c, &k, false);

	if (w)
		let_go(c, w);
}

void op_s_remove(struct ctx *c)
{
	unsigned int k = below(c, NR_SHARED);
	__u8 name[KHO_NAME_SIZE];
	int err;

	c->slot = 100 + k;
	let_go(c, &c->window[k]);
	shared_name(k, name);
	change_begins(c, k);
	err = remove_name(c, name);
	change_ends(c, k);
	ALLOW(c, err, "remove of what is shared", 0, ENOENT, EBUSY, EPERM);
}

static __u64 bytes_of(struct ctx *c, int fd)
{
	struct kho_obj_info info = { .size = sizeof(info) };

	ALLOW(c, call(c, fd, KHO_OBJ_INFO, &info), "info of what is shared", 0);
	return info.bytes;
}

void op_s_map(struct ctx *c)
{
	unsigned int k;
	struct window *w = any_window(c, &k, false);
	__u64 bytes;
	int prot, err;
	char *p;

	if (!w)
		return;
	unmap(w);
	bytes = (bytes_of(c, w->fd) + PAGE - 1) & ~(PAGE - 1);
	prot = w->writable ? PROT_READ | PROT_WRITE : PROT_READ;
	p = mmap(NULL, bytes, prot, MAP_SHARED, w->fd, 0);
	err = counted(c, 0, p == MAP_FAILED ? errno : 0);
	ALLOW(c, err, "mmap of what is shared", 0, EINVAL, EPERM);
	if (err)
		return;
	w->p = p;
	w->bytes = bytes;
}

/* ---- Words ---- */

/* By read(), which may see only a part of what another worker writes meanwhile. */
static bool read_word(struct window *w, __u32 index, __u64 *word)
{
	return pread(w->fd, word, 8, 8ULL * index) == 8;
}

static void look_by_read(struct ctx *c, unsigned int k, struct window *w, __u32 index)
{
	__u64 word, first = 0;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		if (!read_word(w, index, &word) || good_word(k, index, word)) {
			counted(c, 1, 0);
			return;
		}
		if (i && word != first)
			i = 0;
		first = word;
	}
	finding(c, "word %#x of shared object %u is %016llx (birth %#x)", index, k, word,
		slate->shared[k].birth);
}

void op_s_look(struct ctx *c)
{
	unsigned int k, i;
	struct window *w = any_window(c, &k, true);
	__u32 index;
	__u64 word;

	if (!w)
		return;
	for (i = 0; i < ARRAY_SIZE(w->mine); i++) {
		if (!w->mine[i].word || since(k, w->mine[i].epoch))
			continue;
		if (!read_word(w, w->mine[i].index, &word))
			word = ~0ULL;
		if (word != w->mine[i].word && !since(k, w->mine[i].epoch))
			finding(c, "word %#x of shared object %u is %016llx, not %016llx as written",
				w->mine[i].index, k, word, w->mine[i].word);
	}
	index = below(c, w->bytes / 8);
	c->a = index;
	if (one_in(c, 3)) {
		look_by_read(c, k, w, index);
		return;
	}
	for (i = 0; i < 8 && index < w->bytes / 8; i++, index++) {
		if (!peek(&word, w->p + 8ULL * index, 8))
			break;
		if (!good_word(k, index, word))
			finding(c, "word %#x of shared object %u is mapped as %016llx (birth %#x)",
				index, k, word, slate->shared[k].birth);
	}
	counted(c, 0, 0);
}

/* The index of a word that only we write. */
static __u32 index_of_ours(struct ctx *c, const struct window *w)
{
	return below(c, w->bytes / 8 / NR_WORKERS) * NR_WORKERS + c->nr;
}

void op_s_touch(struct ctx *c)
{
	unsigned int k, i;
	struct window *w = any_window(c, &k, true);
	__u32 index, epoch;
	__u64 word, got;

	if (!w || !w->writable)
		return;
	index = index_of_ours(c, w);
	epoch = ended(k);
	word = word_of(k, index, next_version());
	c->a = index;
	for (i = 0; i < ARRAY_SIZE(w->mine); i++)
		if (w->mine[i].index == index)
			w->mine[i].word = 0;
	if (!poke(w->p + 8ULL * index, &word, 8)) {
		counted(c, 0, EFAULT);
		return;
	}
	counted(c, 0, 0);
	if (read_word(w, index, &got)) {
		if (got != word && !since(k, epoch))
			finding(c, "word %#x of shared object %u is %016llx, and %016llx was written to its mapping",
				index, k, got, word);
		i = below(c, ARRAY_SIZE(w->mine));
		w->mine[i].word = word;
		w->mine[i].index = index;
		w->mine[i].epoch = epoch;
	} else {
		__u64 end = (bytes_of(c, w->fd) + PAGE - 1) & ~(PAGE - 1);

		if (8ULL * index >= end && !since(k, epoch))
			finding(c, "word %#x of shared object %u could be written, which ends at %#llx",
				index, k, end);
	}
}

/* ---- What changes it ---- */

void op_s_resize(struct ctx *c)
{
	struct kho_obj_resize arg = { .size = sizeof(arg) };
	unsigned int k;
	struct window *w = any_window(c, &k, false);
	int err;

	if (!w)
		return;
	arg.bytes = ANY_SIZE(c);
	c->a = arg.bytes;
	change_begins(c, k);
	err = call(c, w->fd, KHO_OBJ_RESIZE, &arg);
	change_ends(c, k);
	if (w->writable)
		ALLOW(c, err, "resize of what is shared", 0, EPERM, NO_ROOM);
	else
		ALLOW(c, err, "resize of what is open for reading", EBADF);
}

void op_s_seal(struct ctx *c)
{
	struct kho_obj_plain arg = { .size = sizeof(arg), .flags = below(c, 2) };
	unsigned int k;
	struct window *w = any_window(c, &k, false);

	if (!w)
		return;
	if (slate->small)
		arg.flags = 0;
	ALLOW(c, call(c, w->fd, KHO_OBJ_SEAL, &arg), "seal of what is shared", 0, EBUSY,
	      EPERM, EBADF, NO_ROOM);
}

void op_s_advise(struct ctx *c)
{
	static const int hints[] = {
		MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT, MADV_HUGEPAGE, 22, 23,
	};
	unsigned int k, page;
	struct window *w = any_window(c, &k, true);
	int err, advice = hints[below(c, ARRAY_SIZE(hints))];

	if (!w)
		return;
	page = below(c, w->bytes / PAGE);
	err = madvise(w->p + page * PAGE, w->bytes - page * PAGE, advice) ? errno : 0;
	counted(c, advice, err);
	ALLOW(c, err, "madvise of what is shared", 0, EINVAL, ENOMEM, EFAULT, EACCES,
	      EBUSY, EAGAIN);
}

/* A private copy stays as it is, whoever seals the object or writes to it. */
void op_s_private(struct ctx *c)
{
	unsigned int k;
	struct window *w = any_window(c, &k, true);
	__u32 index, epoch;
	__u64 word, got;
	size_t bytes;
	char *p;
	int err, i;

	if (!w)
		return;
	bytes = w->bytes;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, w->fd, 0);
	err = counted(c, 0, p == MAP_FAILED ? errno : 0);
	ALLOW(c, err, "private mmap of what is shared", 0, EINVAL);
	if (err)
		return;
	index = below(c, bytes / 8);
	epoch = ended(k);
	word = chance(c);
	if (poke(p + 8ULL * index, &word, 8)) {
		for (i = 0; i < 3; i++)
			op_s_touch(c);
		if (one_in(c, 4))
			op_s_seal(c);
		if (!peek(&got, p + 8ULL * index, 8))
			got = ~word;
		if (got != word && !since(k, epoch))
			finding(c, "the private copy of word %#x of shared object %u is %016llx, not %016llx",
				index, k, got, word);
	}
	munmap(p, bytes);
}

/* Checks all words of an object that nobody uses. */
void check_shared(struct ctx *c, unsigned int k, bool remove)
{
	__u8 name[KHO_NAME_SIZE];
	__u64 *words = (__u64 *)c->buf;
	__u64 bytes, i;
	int fd;

	c->slot = 100 + k;
	shared_name(k, name);
	slate->shared[k].ended = 0;
	slate->shared[k].begun = 0;
	if (open_name(c, name, KHO_OPEN_READ, &bytes, &fd))
		return;
	memset(words, 0, SHARED_BYTES);
	if (bytes > SHARED_BYTES || pread(fd, words, bytes, 0) != (ssize_t)bytes)
		finding(c, "shared object %u of %llu bytes: %s", k, bytes, strerror(errno));
	for (i = 0; i < bytes / 8; i++)
		if (!good_word(k, i, words[i]))
			finding(c, "word %#llx of shared object %u is %016llx", i, k, words[i]);
	close(fd);
	if (remove)
		ALLOW(c, remove_name(c, name), "remove of what is shared", 0);
}

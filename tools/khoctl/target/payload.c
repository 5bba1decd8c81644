// SPDX-License-Identifier: GPL-2.0
/*
 * Unpacking the payload of a kernel image.
 *
 * An external program gets the payload through a pipe, and what it unpacks comes back
 * through another one: neither is ever kept as a whole.  It runs with resource limits,
 * because the payload may be malicious.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/program.h"
#include "base/signals.h"
#include "target/payload.h"

#define CHILD_MEMORY	(1024 * MIB)
#define CHILD_SECONDS	300
#define SIZE_BYTES	4	/* of the size that follows the data */
#define PIECE		(256 * 1024)
#define WORDS_MAX	1023	/* bytes kept of its error messages */

static const struct format {
	const char *name;
	const char *program;	/* takes -dc, even busybox's version */
	const char *package;
	const char *magic;
	size_t magic_len;
	bool size_appended;	/* in a payload; the format of gzip has it anyway */
} formats[] = {
	{ "gzip", "gzip", "gzip", "\x1f\x8b", 2, false },
	{ "xz", "xz", "xz-utils", "\xfd\067zXZ", 6, true },
	{ "zstd", "zstd", "zstd", "\x28\xb5\x2f\xfd", 4, true },
	{ "lz4", "lz4", "lz4", "\x02\x21\x4c\x18", 4, true },
	{ "bzip2", "bzip2", "bzip2", "BZh", 3, true },
	{ "lzma", "lzma", "xz-utils", "\x5d\0\0", 3, true },
	{ "lzo", "lzop", "lzop", "\x89LZO", 4, true },
};

static const struct format *find_format(const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (len >= formats[i].magic_len &&
		    !memcmp(data, formats[i].magic, formats[i].magic_len))
			return &formats[i];
	return NULL;
}

const char *payload_format(const unsigned char *data, size_t len)
{
	const struct format *f = find_format(data, len);

	return f ? f->name : NULL;
}

int write_all(int fd, const void *bytes, size_t nr)
{
	size_t at = 0;

	while (at < nr) {
		ssize_t n = write(fd, (const char *)bytes + at, nr - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
	}
	return 0;
}

static void limit_child(void)
{
	const struct {
		int what;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_AS, CHILD_MEMORY },
		{ RLIMIT_CPU, CHILD_SECONDS },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },	/* pipes do not count */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit;

		/* A limit that is lower already stays. */
		if (getrlimit(limits[i].what, &limit))
			continue;
		if (limit.rlim_cur > limits[i].value)
			limit.rlim_cur = limits[i].value;
		/* At the limit comes SIGXCPU, which says why; SIGKILL later. */
		if (limit.rlim_max > limits[i].value)
			limit.rlim_max = limits[i].value +
					 (limits[i].what == RLIMIT_CPU);
		setrlimit(limits[i].what, &limit);
	}
}

/* A program that runs, and our ends of its pipes; -1 if closed */
struct child {
	pid_t pid;
	int in, out, err;
	char words[WORDS_MAX + 1];
	size_t nr_words;
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Return: 0 or a negative errno */
static int start(struct child *c, const char *program)
{
	const char * const argv[] = { program, "-dc", NULL };
	int pipes[3][2], nr = 0, ret = 0, i;
	pid_t self = getpid();

	memset(c, 0, sizeof(*c));
	for (nr = 0; nr < 3 && !ret; nr++)
		if (pipe2(pipes[nr], O_CLOEXEC))
			ret = -errno;
	if (ret) {
		nr--;
		goto err_close;
	}
	/* Under the limits, a khoctl with sanitizers could not allocate it. */
	program_env();
	fflush(NULL);
	c->pid = fork();
	if (c->pid < 0) {
		ret = -errno;
		goto err_close;
	}
	if (!c->pid) {
		limit_child();
		program_exec(argv, self, pipes[0][0], pipes[1][1], pipes[2][1]);
	}
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	c->in = pipes[0][1];
	c->out = pipes[1][0];
	c->err = pipes[2][0];
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	/* Fewer turns; not all users get so much. */
	fcntl(c->in, F_SETPIPE_SZ, PIECE);
	fcntl(c->out, F_SETPIPE_SZ, PIECE);
	return 0;

err_close:
	for (i = 0; i < nr; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	return ret;
}

/* Passes on as much as fits; closes the pipe at the end.  Return: 0 or a negative errno */
static int feed(struct child *c, const struct packed *in, __u64 *fed)
{
	off_t at = in->at + *fed;
	ssize_t n = 0;

	if (*fed < in->len) {
		n = sendfile(c->in, in->fd, &at, in->len - *fed);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		/* It may have seen enough: its exit status tells. */
		if (n < 0 && errno != EPIPE)
			return -errno;
	}
	if (n > 0)
		*fed += n;
	if (n <= 0 || *fed == in->len)
		close_end(&c->in);
	return 0;
}

/* Keeps the last error messages. */
static void hear(struct child *c)
{
	char text[256];
	ssize_t n = read(c->err, text, sizeof(text));
	size_t drop;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close_end(&c->err);
		return;
	}
	drop = c->nr_words + n > WORDS_MAX ? c->nr_words + n - WORDS_MAX : 0;
	memmove(c->words, c->words + drop, c->nr_words - drop);
	memcpy(c->words + c->nr_words - drop, text, n);
	c->nr_words += n - drop;
}

/*
 * Feeds the program and takes what it unpacks, until it has closed its output, or that is
 * too long, or no more is wanted, or a signal came.  Return: 0, 1 if no more is wanted, or
 * a negative errno
 */
static int converse(struct child *c, const struct packed *in, payload_fn_t fn, void *data,
		    struct payload *out)
{
	unsigned char *piece = xmalloc(PIECE);
	__u64 fed = 0;
	int ret = 0;

	while (!ret && (c->out >= 0 || c->err >= 0)) {
		struct pollfd p[] = {
			{ .fd = c->in, .events = POLLOUT },
			{ .fd = c->out, .events = POLLIN },
			{ .fd = c->err, .events = POLLIN },
		};
		ssize_t n;

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			ret = -errno;
		if (caught_signal())
			ret = -EINTR;
		if (ret)
			break;
		if (p[0].revents)
			ret = feed(c, in, &fed);
		if (p[2].revents)
			hear(c);
		if (!p[1].revents)
			continue;
		n = read(c->out, piece, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close_end(&c->out);
			continue;
		}
		out->size += n;
		if (out->size > in->limit)
			break;
		if (!fn(data, piece, n))
			ret = 1;
	}
	free(piece);
	return ret;
}

/* Ends the conversation.  Return: the wait status */
static int finish(struct child *c, bool stop)
{
	int status = 0;

	if (stop)
		kill(c->pid, SIGKILL);
	close_end(&c->in);
	close_end(&c->out);
	close_end(&c->err);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		if (caught_signal())
			kill(c->pid, SIGKILL);
	return status;
}

/* Programs of busybox support less than the originals. */
static bool is_busybox(const char *program)
{
	char *path = realpath(program, NULL);
	const char *name = path ? strrchr(path, '/') : NULL;
	bool is = name && !strncmp(name, "/busybox", 8);

	free(path);
	return is;
}

static enum payload_result judge(const struct format *f, const char *program,
				 int status, const char *output, struct payload *out)
{
	const char *words = program_last_line(output);

	if (!status)
		return PAYLOAD_OK;
	if (program_not_run(status)) {
		out->package = f->package;
		snprintf(out->why, sizeof(out->why),
			 "compressed with %s, but %s can't be run: %.120s", f->name,
			 f->program, *words ? words : "it does not say why");
		return PAYLOAD_NO_PROGRAM;
	}
	if (program_lacks_memory(status, words)) {
		snprintf(out->why, sizeof(out->why), "%s: %s%s%.120s", f->program,
			 program_status_str(status), *words ? ": " : "", words);
		return PAYLOAD_NOT_NOW;
	}
	if (is_busybox(program)) {
		out->package = f->package;
		snprintf(out->why, sizeof(out->why),
			 "%s data, which busybox's %s can't unpack", f->name,
			 f->program);
		return PAYLOAD_NO_PROGRAM;
	}
	snprintf(out->why, sizeof(out->why), "damaged %s data: %s: %s%s%.100s",
		 f->name, f->program, program_status_str(status),
		 *words ? ": " : "", words);
	return PAYLOAD_DAMAGED;
}

static enum payload_result run_program(const struct format *f, const char *program,
				       const struct packed *in, payload_fn_t fn,
				       void *data, struct payload *out)
{
	/* If the program ends early, SIGPIPE must not kill khoctl. */
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	struct child child;
	int ret, status;

	ret = start(&child, program);
	if (ret) {
		snprintf(out->why, sizeof(out->why), "cannot run %s: %s",
			 program, strerror(-ret));
		return PAYLOAD_NOT_NOW;
	}
	sigaction(SIGPIPE, &ignore, &before);
	ret = converse(&child, in, fn, data, out);
	sigaction(SIGPIPE, &before, NULL);
	status = finish(&child, ret || out->size > in->limit);
	if (ret > 0)
		return PAYLOAD_STOPPED;
	if (ret) {
		snprintf(out->why, sizeof(out->why), "%s: %s", f->program, strerror(-ret));
		return PAYLOAD_NOT_NOW;
	}
	if (out->size > in->limit) {
		snprintf(out->why, sizeof(out->why),
			 "%s data that unpacks to more than the %llu bytes allowed",
			 f->name, in->limit);
		return PAYLOAD_DAMAGED;
	}
	return judge(f, program, status, child.words, out);
}

static bool read_at(int fd, void *to, size_t nr, __u64 at)
{
	return pread(fd, to, nr, at) == (ssize_t)nr;
}

enum payload_result payload_unpack(const struct packed *in, payload_fn_t fn, void *data,
				   struct payload *out)
{
	unsigned char head[8] = { 0 }, tail[SIZE_BYTES] = { 0 };
	size_t len = in->len < sizeof(head) ? in->len : sizeof(head);
	struct packed inner = *in;
	const struct format *f;
	enum payload_result result;
	char *program;
	__u64 size;

	memset(out, 0, sizeof(*out));
	if (!read_at(in->fd, head, len, in->at) ||
	    (len >= SIZE_BYTES &&
	     !read_at(in->fd, tail, SIZE_BYTES, in->at + in->len - SIZE_BYTES))) {
		snprintf(out->why, sizeof(out->why), "cannot read it: %s", strerror(errno));
		return PAYLOAD_NOT_NOW;
	}
	f = find_format(head, len);
	if (!f || in->len < f->magic_len + SIZE_BYTES) {
		snprintf(out->why, sizeof(out->why),
			 "compressed in an unknown format%s", len < 4 ? "" : ":");
		if (len >= 4)
			snprintf(out->why + strlen(out->why), 32,
				 " it begins with %02x %02x %02x %02x", head[0],
				 head[1], head[2], head[3]);
		return PAYLOAD_UNKNOWN;
	}
	out->format = f->name;
	size = tail[0] | tail[1] << 8 | tail[2] << 16 | (__u64)tail[3] << 24;
	if (in->sized && size > in->limit) {
		snprintf(out->why, sizeof(out->why),
			 "%s data that claims to unpack to %llu bytes, more than the %llu allowed",
			 f->name, size, in->limit);
		return PAYLOAD_DAMAGED;
	}
	program = program_find(f->program);
	if (!program) {
		out->package = f->package;
		snprintf(out->why, sizeof(out->why),
			 "compressed with %s, but there is no program %s",
			 f->name, f->program);
		return PAYLOAD_NO_PROGRAM;
	}
	if (in->sized) {
		inner.limit = size;
		inner.len -= f->size_appended ? SIZE_BYTES : 0;
	}
	result = run_program(f, program, &inner, fn, data, out);
	free(program);
	if (result == PAYLOAD_OK && in->sized && out->size != size) {
		snprintf(out->why, sizeof(out->why),
			 "%s data that unpacks to %llu bytes instead of %llu",
			 f->name, out->size, size);
		result = PAYLOAD_DAMAGED;
	}
	return result;
}

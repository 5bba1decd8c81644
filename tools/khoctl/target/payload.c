// SPDX-License-Identifier: GPL-2.0
/*
 * Unpacking the payload of a kernel image.
 *
 * External programs read the payload from a memfd and write to another one.  They run with
 * resource limits, because the payload may be malicious.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/program.h"
#include "base/signals.h"
#include "target/payload.h"

#define CHILD_MEMORY	(1024 * MIB)
#define CHILD_SECONDS	300
#define SIZE_BYTES	4	/* of the size that follows the data */

static const struct format {
	const char *name;
	const char *program;	/* takes -dc, even busybox's version */
	const char *package;
	const char *magic;
	size_t magic_len;
	bool size_appended;	/* part of the format in the case of gzip */
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

static int memory_file(const unsigned char *data, size_t len)
{
	int fd = memfd_create("khoctl-payload", MFD_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < len) {
		ssize_t n = write(fd, data + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			return -1;
		}
		at += n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* The kernel kills a program that writes more than @bytes to a file. */
static void limit_child(__u64 bytes)
{
	const struct {
		int what;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_AS, CHILD_MEMORY },
		{ RLIMIT_CPU, CHILD_SECONDS },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, bytes },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = { limits[i].value, limits[i].value };

		setrlimit(limits[i].what, &limit);
	}
}

static pid_t start(const char *program, int in, int out, int err, __u64 limit)
{
	const char * const argv[] = { program, "-dc", NULL };
	pid_t pid, self = getpid();

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	if (!die_with(self))
		_exit(127);
	setenv("LC_ALL", "C", 1);
	signal(SIGXFSZ, SIG_DFL);
	limit_child(limit);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0)
		_exit(127);
	execv(program, (char * const *)argv);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		if (caught_signal())
			kill(pid, SIGKILL);
	return status;
}

/* Reads the last line of the error messages of the program. */
static void last_words(int fd, char *buf, size_t size)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	snprintf(buf, size, "%s", program_last_line(text));
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
				 int status, int err, __u64 limit,
				 struct payload *out)
{
	char words[128];

	if (out->size > limit) {
		snprintf(out->why, sizeof(out->why),
			 "%s data that unpacks to more than the %llu bytes allowed",
			 f->name, limit);
		return PAYLOAD_DAMAGED;
	}
	if (!status)
		return PAYLOAD_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		snprintf(out->why, sizeof(out->why), "cannot run %s", program);
		return PAYLOAD_UNKNOWN;
	}
	if (is_busybox(program)) {
		out->package = f->package;
		snprintf(out->why, sizeof(out->why),
			 "%s data, which busybox's %s can't unpack", f->name,
			 f->program);
		return PAYLOAD_NO_PROGRAM;
	}
	last_words(err, words, sizeof(words));
	snprintf(out->why, sizeof(out->why), "damaged %s data: %s: %s%s%.100s",
		 f->name, f->program, program_status_str(status),
		 *words ? ": " : "", words);
	return PAYLOAD_DAMAGED;
}

static enum payload_result run_program(const struct format *f,
				       const char *program,
				       const unsigned char *data, size_t len,
				       __u64 limit, struct payload *out)
{
	int in = memory_file(data, len), to, err;
	enum payload_result result = PAYLOAD_UNKNOWN;
	pid_t pid = -1;
	struct stat st;
	int status;
	void *map;

	to = memfd_create("khoctl-unpacked", MFD_CLOEXEC);
	err = memfd_create("khoctl-stderr", MFD_CLOEXEC);
	if (in >= 0 && to >= 0 && err >= 0)
		/* One byte more, to detect output that is too long. */
		pid = start(program, in, to, err, limit + 1);
	if (pid < 0) {
		snprintf(out->why, sizeof(out->why), "cannot run %s: %s",
			 program, strerror(errno));
		goto out_close;
	}
	status = wait_for(pid);
	if (fstat(to, &st)) {
		snprintf(out->why, sizeof(out->why), "cannot read from %s: %s",
			 program, strerror(errno));
		goto out_close;
	}
	out->size = st.st_size;
	result = judge(f, program, status, err, limit, out);
	if (result != PAYLOAD_OK || !out->size)
		goto out_close;
	map = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, to, 0);
	if (map == MAP_FAILED) {
		snprintf(out->why, sizeof(out->why), "cannot map %zu bytes: %s",
			 out->size, strerror(errno));
		result = PAYLOAD_UNKNOWN;
		goto out_close;
	}
	out->data = map;
out_close:
	if (in >= 0)
		close(in);
	if (to >= 0)
		close(to);
	if (err >= 0)
		close(err);
	return result;
}

enum payload_result payload_unpack(const unsigned char *data, size_t len,
				   __u64 limit, struct payload *out)
{
	const struct format *f = find_format(data, len);
	enum payload_result result;
	const unsigned char *tail;
	char *program;
	__u64 size;

	memset(out, 0, sizeof(*out));
	if (!f || len < f->magic_len + SIZE_BYTES) {
		snprintf(out->why, sizeof(out->why),
			 "compressed in an unknown format%s", len < 4 ? "" : ":");
		if (len >= 4)
			snprintf(out->why + strlen(out->why), 32,
				 " it begins with %02x %02x %02x %02x", data[0],
				 data[1], data[2], data[3]);
		return PAYLOAD_UNKNOWN;
	}
	out->format = f->name;
	tail = data + len - SIZE_BYTES;
	size = tail[0] | tail[1] << 8 | tail[2] << 16 | (__u64)tail[3] << 24;
	if (size > limit) {
		snprintf(out->why, sizeof(out->why),
			 "%s data that claims to unpack to %llu bytes, more than the %llu allowed",
			 f->name, size, limit);
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
	result = run_program(f, program, data,
			     len - (f->size_appended ? SIZE_BYTES : 0), size,
			     out);
	free(program);
	if (result == PAYLOAD_OK && out->size != size) {
		snprintf(out->why, sizeof(out->why),
			 "%s data that unpacks to %zu bytes instead of %llu",
			 f->name, out->size, size);
		result = PAYLOAD_DAMAGED;
	}
	if (result != PAYLOAD_OK)
		payload_free(out);
	return result;
}

void payload_free(struct payload *p)
{
	if (p->data)
		munmap(p->data, p->size);
	p->data = NULL;
	p->size = 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Output files that are either complete or absent.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/output.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/text.h"

/* Bytes to copy between checks for signals */
#define COPY_STEP	MIB

/* Threads at most, and bytes at least, to copy with several of them */
#define COPY_THREADS	4
#define COPY_TOGETHER	(16 * MIB)

static const char *output_name(const struct output *out)
{
	return out->path ? out->path : "stdout";
}

/*
 * Opens an unnamed file, which vanishes unless it is given a name.  Return: -1 if the
 * file system does not support that
 */
static int open_nameless(const char *path)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	int fd = -1;

	if (slash)
		slash[slash == dir] = '\0';
	/* name_it() links the file through this directory. */
	if (!access("/proc/self/fd", X_OK))
		fd = open(slash ? dir : ".",
			  O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	free(dir);
	return fd;
}

/*
 * Returns 0 or an errno.  An existing file can only be replaced by renaming, so the new
 * one gets a temporary name first.
 */
static int name_it(struct output *out)
{
	char *from = xasprintf("/proc/self/fd/%d", out->fd);
	int err = 0, tries;

	if (linkat(AT_FDCWD, from, AT_FDCWD, out->path, AT_SYMLINK_FOLLOW))
		err = errno;
	for (tries = 0; err == EEXIST && tries < 100; tries++) {
		free(out->temp);
		out->temp = xasprintf("%s.%06d", out->path,
				      (getpid() + tries) % 1000000);
		err = linkat(AT_FDCWD, from, AT_FDCWD, out->temp,
			     AT_SYMLINK_FOLLOW) ? errno : 0;
	}
	/* A file by that name belongs to somebody else. */
	if (err) {
		free(out->temp);
		out->temp = NULL;
	}
	free(from);
	return err;
}

int output_open(struct output *out, const char *path)
{
	struct stat st;

	out->temp = NULL;
	out->path = NULL;
	out->nameless = false;
	if (!path || !strcmp(path, "-")) {
		if (want_json())
			return usage_error("stdout is for the JSON: name a FILE");
		out->fd = STDOUT_FILENO;
		return DONE;
	}
	out->path = path;

	/* A device or a pipe cannot be replaced: write into it. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		if (S_ISDIR(st.st_mode))
			return cmd_err("%s: is a directory", path);
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		if (out->fd < 0)
			return cmd_errno_err(errno, "%s", path);
		return DONE;
	}

	/* Preserved data may be secret: mode 0600, as with mkostemp(). */
	out->fd = open_nameless(path);
	if (out->fd >= 0) {
		out->nameless = true;
		return DONE;
	}
	out->temp = xasprintf("%s.XXXXXX", path);
	out->fd = mkostemp(out->temp, O_CLOEXEC);
	if (out->fd < 0) {
		int err = errno;

		free(out->temp);
		out->temp = NULL;
		return cmd_errno_err(err, "%s: cannot make a file beside it", path);
	}
	return DONE;
}

int output_write(struct output *out, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n;

		if (caught_signal())
			return cmd_err("interrupted");
		n = write(out->fd, p, len);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return cmd_errno_err(errno, "%s: cannot write",
					     output_name(out));
		}
		p += n;
		len -= n;
	}
	return DONE;
}

int output_commit(struct output *out)
{
	int err = 0;

	if (!out->path) {
		out->fd = -1;
		return DONE;
	}
	if ((out->temp || out->nameless) && fsync(out->fd))
		err = errno;
	if (out->nameless && !err)
		err = name_it(out);
	if (close(out->fd) && !err)
		err = errno;
	out->fd = -1;
	if (out->temp && !err && rename(out->temp, out->path))
		err = errno;
	if (err) {
		output_abort(out);
		return cmd_errno_err(err, "%s: cannot write", out->path);
	}
	free(out->temp);
	out->temp = NULL;
	return DONE;
}

void output_abort(struct output *out)
{
	if (out->path && out->fd >= 0)
		close(out->fd);
	out->fd = -1;
	if (out->temp)
		unlink(out->temp);
	free(out->temp);
	out->temp = NULL;
}

/* A copy by several threads, and how far it is */
struct together {
	int from;
	char *to;
	__u64 bytes;
	__u64 next;	/* not begun */
	__u64 done;
	int failed;
};

static void *copy_pieces(void *arg)
{
	struct together *t = arg;
	__u64 at;

	while ((at = __atomic_fetch_add(&t->next, COPY_STEP, __ATOMIC_RELAXED)) < t->bytes) {
		__u64 end = t->bytes - at < COPY_STEP ? t->bytes : at + COPY_STEP;

		while (at < end) {
			ssize_t n;

			if (caught_signal() || __atomic_load_n(&t->failed, __ATOMIC_RELAXED))
				return NULL;
			n = pread(t->from, t->to + at, end - at, at);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0) {
				__atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
				return NULL;
			}
			at += n;
			__atomic_fetch_add(&t->done, n, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

/*
 * In tmpfs, memory has to be found for each page, and that takes longer than the copy.
 * write() holds a lock meanwhile, but a mapping of the file is filled by several threads
 * at once.  It is the kernel that writes there, so lack of memory, or a poisoned page, is
 * an error and no signal.
 *
 * Return: whether all of it was copied; if not, for any reason, the usual way writes all of
 * it, or tells what is wrong
 */
static bool copy_together(struct output *out, int fd, __u64 bytes, struct progress *progress)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct together t = { .from = fd, .bytes = bytes };
	pthread_t thread[COPY_THREADS];
	int nr = 0, wanted;
	struct statfs fs;

	wanted = cpus < COPY_THREADS ? (int)cpus : COPY_THREADS;
	if (wanted < 2 || bytes < COPY_TOGETHER || (!out->nameless && !out->temp) ||
	    fstatfs(out->fd, &fs) || fs.f_type != TMPFS_MAGIC || ftruncate(out->fd, bytes))
		return false;
	t.to = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, out->fd, 0);
	if (t.to == MAP_FAILED)
		return false;
	while (nr < wanted - 1 && !pthread_create(&thread[nr], NULL, copy_pieces, &t))
		nr++;
	copy_pieces(&t);
	while (nr)
		pthread_join(thread[--nr], NULL);
	munmap(t.to, bytes);
	progress_update(progress, t.done);
	return t.done == bytes;
}

int output_mapping(int fd, __u64 bytes, const char *path, const char *label)
{
	struct progress progress;
	struct output out;
	__u64 at = 0;
	void *addr;
	char *map;
	int ret;

	if (!bytes || bytes > SIZE_MAX)
		return cmd_err("%s: impossible size: %llu bytes", label,
			       bytes);
	ret = kho_object_map(fd, 0, bytes, PROT_READ, &addr);
	if (ret)
		return cmd_errno_err(ret, "%s: cannot map %s", label,
				     size_str(bytes));
	map = addr;
	catch_signals();
	ret = output_open(&out, path);
	if (ret)
		goto out_unmap;

	progress_start(&progress, label, bytes);
	if (copy_together(&out, fd, bytes, &progress))
		at = bytes;
	while (at < bytes && !ret) {
		size_t n = bytes - at < COPY_STEP ? bytes - at : COPY_STEP;

		ret = output_write(&out, map + at, n);
		at += n;
		progress_update(&progress, at);
	}
	progress_end(&progress);
	if (ret)
		output_abort(&out);
	else
		ret = output_commit(&out);
out_unmap:
	munmap(map, bytes);
	die_of_signal();
	return ret;
}

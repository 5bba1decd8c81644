// SPDX-License-Identifier: GPL-2.0
/*
 * Files of kho.ko.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/program.h"
#include "target/modulefile.h"

/* No module is as large. */
#define MODULE_MAX	(64 * MIB)

static const struct {
	const char *suffix;
	const char *program;
} packers[] = {
	{ ".xz", "xz" },
	{ ".zst", "zstd" },
	{ ".gz", "gzip" },
};

static int slurp(int fd, struct module_file *file)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((__u64)st.st_size > MODULE_MAX)
		return -EFBIG;
	file->len = st.st_size;
	file->data = xmalloc(file->len + 1);
	while (done < file->len) {
		ssize_t n = pread(fd, file->data + done, file->len - done, done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += n;
	}
	file->data[done] = '\0';
	return 0;
}

/* Unpacks @fd into a new file. */
static int unpack(int fd, const char *program)
{
	const char * const argv[] = { program, "-dc", NULL };
	int to = memfd_create("khoctl-module", MFD_CLOEXEC), status = -1;
	pid_t pid, self = getpid();

	if (to < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid)
		program_exec(argv, self, fd, to, STDERR_FILENO);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!status)
		return to;
	close(to);
	return -EBADMSG;
}

/* Finds "key=value" among the NUL-terminated strings of .modinfo. */
static const char *modinfo(const struct module_file *file, const char *key)
{
	size_t len = strlen(key), at = 0;

	while (at + len < file->len) {
		const char *p = memmem(file->data + at, file->len - at, key, len);

		if (!p)
			break;
		at = p - file->data;
		if (at && !p[-1] && p[len] == '=')
			return p + len + 1;
		at += len;
	}
	return "";
}

static const char *packer_of(const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < ARRAY_SIZE(packers); i++) {
		size_t n = strlen(packers[i].suffix);

		if (len > n && !strcmp(path + len - n, packers[i].suffix))
			return packers[i].program;
	}
	return NULL;
}

int module_file_read(const char *path, struct module_file *file)
{
	const char *packer = packer_of(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC), plain, ret = 0;
	char *program;

	memset(file, 0, sizeof(*file));
	if (fd < 0)
		return cmd_errno_err(errno, "%s", path);
	if (packer) {
		program = program_find(packer);
		if (!program) {
			close(fd);
			return cmd_err("%s: there is no program %s to unpack it", path, packer);
		}
		plain = unpack(fd, program);
		free(program);
		close(fd);
		fd = plain;
		ret = plain < 0 ? plain : 0;
	}
	ret = ret ? ret : slurp(fd, file);
	if (fd >= 0)
		close(fd);
	if (ret) {
		free(file->data);
		return cmd_errno_err(ret, "%s: can't read the module", path);
	}
	file->path = xstrdup(path);
	file->name = modinfo(file, "name");
	file->version = modinfo(file, "version");
	file->srcversion = modinfo(file, "srcversion");
	file->vermagic = modinfo(file, "vermagic");
	file->left = modinfo(file, "kho_left");
	if (!strcmp(file->name, "kho"))
		return DONE;
	cmd_err("%s: is not kho.ko: its name is '%s'", path, file->name);
	module_file_free(file);
	return FAILED;
}

void module_file_free(struct module_file *file)
{
	free(file->path);
	free(file->data);
	memset(file, 0, sizeof(*file));
}

int module_file_load(const struct module_file *file, const char *params)
{
	return init_module(file->data, file->len, params) ? -errno : 0;
}

int module_unload(void)
{
	return delete_module("kho", O_NONBLOCK) ? -errno : 0;
}

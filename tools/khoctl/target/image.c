// SPDX-License-Identifier: GPL-2.0
/*
 * Reading kernel images.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/signals.h"
#include "base/text.h"
#include "target/image.h"

/* Read the file once and check what was read: the file may change. */
int image_read(struct image_file *file, const char *path)
{
	int fd, ret = FAILED;
	struct stat st;
	const char *why;
	size_t at = 0;

	memset(file, 0, sizeof(*file));
	file->path = path;
	/* Do not wait for a writer of a pipe, which is refused below. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		cmd_errno_err(errno, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		cmd_err("%s: is not a regular file", path);
		goto out;
	}
	if (st.st_size > (off_t)IMAGE_SIZE_MAX) {
		cmd_err("%s: is not a %s: it has %s", path, arch_image_format,
			size_str(st.st_size));
		goto out;
	}
	file->size = st.st_size;
	file->data = xmalloc(file->size);
	while (at < file->size) {
		ssize_t n = read(fd, file->data + at, file->size - at);

		if (n < 0 && errno == EINTR && !caught_signal())
			continue;
		if (n <= 0) {
			cmd_err("%s: cannot read: %s", path,
				n ? strerror(errno) : "it has shrunk meanwhile");
			goto out;
		}
		at += n;
	}
	why = arch_image_check(file->data, at, at, &file->image);
	if (why)
		cmd_err("%s: %s", path, why);
	else
		ret = DONE;
out:
	if (fd >= 0)
		close(fd);
	if (ret)
		image_free(file);
	return ret;
}

void image_free(struct image_file *file)
{
	free(file->data);
	file->data = NULL;
}

int initrd_size(const char *path, __u64 *size)
{
	struct stat st;

	*size = 0;
	if (!path)
		return DONE;
	if (access(path, R_OK) || stat(path, &st))
		return cmd_errno_err(errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return cmd_err("%s: is not a regular file", path);
	if (!st.st_size)
		return cmd_err("%s: is empty", path);
	*size = st.st_size;
	return DONE;
}

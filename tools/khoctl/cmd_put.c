// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl put NAME [FILE|-]
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "khoctl.h"

/*
 * Copies what @fd has into a memfd, which takes its place: an object's size
 * has to be known when it is made.
 */
static int buffer_input(int *fd, const char *path, __u64 *bytes)
{
	struct progress progress;
	int mem, ret = DONE;
	ssize_t n;

	mem = memfd_create("khoctl-put", MFD_CLOEXEC);
	if (mem < 0)
		return cmd_errno_err(errno, "cannot make a buffer for %s", path);
	*bytes = 0;
	progress_start(&progress, path, 0);
	for (;;) {
		char *map;

		/* Straight into the buffer's pages, a step at a time. */
		if (ftruncate(mem, *bytes + COPY_STEP))
			goto err_buffer;
		map = mmap(NULL, COPY_STEP, PROT_READ | PROT_WRITE, MAP_SHARED,
			   mem, *bytes & ~(COPY_STEP - 1));
		if (map == MAP_FAILED)
			goto err_buffer;
		n = read(*fd, map + *bytes % COPY_STEP,
			 COPY_STEP - *bytes % COPY_STEP);
		if (n < 0 && errno != EINTR)
			ret = cmd_errno_err(errno, "%s: cannot read", path);
		munmap(map, COPY_STEP);
		if (caught_signal())
			ret = cmd_err("interrupted");
		if (ret || !n)
			break;
		if (n > 0)
			*bytes += n;
		progress_update(&progress, *bytes);
	}
	progress_end(&progress);
	if (!ret && (ftruncate(mem, *bytes) || lseek(mem, 0, SEEK_SET) < 0))
		goto err_buffer;
	if (ret) {
		close(mem);
		return ret;
	}
	close(*fd);
	*fd = mem;
	return DONE;

err_buffer:
	ret = cmd_errno_err(errno, "cannot buffer %s", path);
	progress_end(&progress);
	close(mem);
	return ret;
}

/* What is left to read in @fd; 0 if only reading it will tell. */
static __u64 input_size(int fd)
{
	struct stat st;
	off_t at, end;

	if (fstat(fd, &st))
		return 0;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0;
	at = lseek(fd, 0, SEEK_CUR);
	end = S_ISREG(st.st_mode) ? st.st_size : lseek(fd, 0, SEEK_END);
	if (at < 0 || end < at || lseek(fd, at, SEEK_SET) != at)
		return 0;
	return end - at;
}

static int copy(int in, const char *path, int obj, __u64 bytes,
		const char *name)
{
	struct progress progress;
	__u64 at = 0;
	int ret = DONE;
	char *map;

	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, obj, 0);
	if (map == MAP_FAILED)
		return cmd_errno_err(errno, "%s: cannot map %s", name,
				     size_str(bytes));
	progress_start(&progress, name, bytes);
	while (at < bytes && !ret) {
		size_t step = bytes - at < COPY_STEP ? bytes - at : COPY_STEP;
		ssize_t n = read(in, map + at, step);

		if (caught_signal())
			ret = cmd_err("interrupted");
		else if (n < 0 && errno != EINTR)
			ret = cmd_errno_err(errno, "%s: cannot read", path);
		else if (!n)
			ret = cmd_err("%s: ended after %llu bytes of %llu: it has shrunk meanwhile",
				      path, at,
				      bytes);
		else if (n > 0)
			at += n;
		progress_update(&progress, at);
	}
	progress_end(&progress);
	munmap(map, bytes);
	return ret;
}

static int create(int dev, const char *name, __u64 bytes)
{
	int obj = kho_dev_obj_create(dev, name, bytes);

	if (obj == -EEXIST)
		cmd_err("%s: there is an object of this name ('khoctl rm' releases it)",
			name);
	else if (obj == -ENOMEM)
		cmd_err("%s: not enough memory for %s", name, size_str(bytes));
	else if (obj == -EINVAL)
		cmd_err("%s: the module refuses this name or a size of %s", name,
			size_str(bytes));
	else if (obj < 0)
		cmd_err("%s: %s", name, device_error(obj));
	return obj;
}

int cmd_put(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		END_OF_OPTIONS
	};
	const char *name, *path, *why;
	struct kho_query query;
	int dev, in, obj, ret;
	__u64 bytes;

	while ((ret = next_option(argc, argv, ":", longs)) != -1)
		if (ret == BAD_OPTION)
			return USAGE;
	if (optind == argc)
		return usage_error("which object? NAME is missing");
	if (argc - optind > 2)
		return usage_error("too many arguments: '%s'", argv[optind + 2]);
	name = argv[optind];
	path = argv[optind + 1];
	why = bad_name(name);
	if (why)
		return usage_error("'%s': %s", name, why);

	dev = open_device_query(&query, KHO_FEATURE_OBJECTS);
	if (dev < 0)
		return FAILED;
	ret = FAILED;
	if (!path || !strcmp(path, "-")) {
		path = "stdin";
		in = dup(STDIN_FILENO);
	} else {
		in = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (in < 0) {
		cmd_errno_err(errno, "%s", path);
		goto out_close_dev;
	}

	catch_signals();
	bytes = input_size(in);
	/* Files in /proc claim to be empty. */
	if (!bytes && buffer_input(&in, path, &bytes))
		goto out_close_in;
	if (!bytes) {
		cmd_err("%s: is empty, and an object has at least one byte", path);
		goto out_close_in;
	}

	obj = create(dev, name, bytes);
	if (obj < 0)
		goto out_close_in;
	ret = copy(in, path, obj, bytes, name);
	close(obj);
	if (ret) {
		int err = kho_dev_obj_remove(dev, name);

		if (err)
			cmd_err("%s: cannot remove the incomplete object: %s", name,
				err == -EBUSY ? "it is open or mapped by a process" :
				device_error(err));
	}
out_close_in:
	close(in);
out_close_dev:
	close(dev);
	die_of_signal();
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl put NAME [FILE|-]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libkho.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/objects.h"
#include "device/owner.h"

/* Bytes to copy between checks for signals */
#define COPY_STEP	MIB

/*
 * Replaces @fd by a memfd with the same data: the size of an object has to be known when it
 * is created.
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

		/* Read straight into the pages of the memfd. */
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

/* Returns the bytes left in @fd, or 0 if only reading can tell. */
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
	void *addr;
	char *map;
	int ret;

	ret = kho_object_map(obj, 0, bytes, PROT_READ | PROT_WRITE, &addr);
	if (ret)
		return cmd_errno_err(ret, "%s: cannot map %s", name,
				     size_str(bytes));
	map = addr;
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

/* The options */
struct put {
	__u32 flags;			/* KHO_CREATE_* */
	__u32 node;
	bool seal;
	struct owner owner;
	const char *data_path;		/* path of the user data, or NULL */
	void *data;
	__u32 data_bytes;
};

static int create(int dev, const char *name, __u64 bytes, const struct put *put)
{
	int obj = kho_object_create(dev, name, bytes,
				    put->flags | KHO_CREATE_UNCOMMITTED,
				    put->node);

	if (obj == -ENOMEM)
		cmd_err("%s: not enough memory for %s%s%s", name, size_str(bytes),
			put->flags & KHO_CREATE_HUGE ? " of huge pages" : "",
			put->flags & KHO_CREATE_NODE ? " on that node" : "");
	else if (obj == -EPERM)
		cmd_err("%s: not permitted: the kernel is locked down", name);
	else if (obj == -EINVAL)
		cmd_err("%s: the module refuses this name, a size of %s%s", name,
			size_str(bytes), put->flags & KHO_CREATE_NODE ?
			", or the node" : "");
	else if (obj < 0)
		cmd_err("%s: %s", name, put->flags & KHO_CREATE_SUM ?
			sum_error(obj) : object_error(obj));
	return obj;
}

/* Until it is committed, the object vanishes when this process ends. */
static int finish(int obj, const char *name, const struct put *put)
{
	int ret = 0;

	if (put->data)
		ret = kho_object_set_data(obj, put->data, put->data_bytes);
	if (ret)
		return cmd_err("%s: user data: %s", name, object_error(ret));
	if (put->seal)
		ret = kho_object_seal(obj, KHO_SEAL_SUM);
	if (ret)
		return cmd_err("%s: cannot seal: %s", name, sum_error(ret));
	if (set_owner(obj, name, &put->owner))
		return FAILED;
	if (caught_signal())
		return cmd_err("interrupted");
	ret = kho_object_commit(obj);
	if (ret)
		return cmd_err("%s: cannot commit: %s", name, object_error(ret));
	return DONE;
}

static int put_file(int dev, const struct kho_query *query, const char *name,
		    const char *path, const struct put *put)
{
	__u32 huge = huge_page_size(query);
	__u64 bytes;
	int in, obj, ret = FAILED;

	if (!path || !strcmp(path, "-")) {
		path = "stdin";
		in = dup(STDIN_FILENO);
	} else {
		in = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (in < 0)
		return cmd_errno_err(errno, "%s", path);

	bytes = input_size(in);
	/* Files in /proc claim to be empty. */
	if (!bytes && buffer_input(&in, path, &bytes))
		goto out;
	if (!bytes) {
		cmd_err("%s: is empty, and an object has at least one byte", path);
		goto out;
	}
	if (put->flags & KHO_CREATE_HUGE && bytes % huge) {
		cmd_err("%s: has %llu bytes, but with --huge it has to be a multiple of %s",
			path, bytes, size_str(huge));
		goto out;
	}

	obj = create(dev, name, bytes, put);
	if (obj < 0)
		goto out;
	ret = copy(in, path, obj, bytes, name);
	if (!ret)
		ret = finish(obj, name, put);
	close(obj);
out:
	close(in);
	return ret;
}

static int put_option(struct put *put, int c)
{
	__u64 n;

	switch (c) {
	case 'H':
		put->flags |= KHO_CREATE_HUGE;
		return DONE;
	case 'N':
		if (parse_u64(optarg, &n) || n > UINT32_MAX)
			return usage_error("--node: '%s': is not the number of a node",
					   optarg);
		put->flags |= KHO_CREATE_NODE;
		put->node = n;
		return DONE;
	case 's':
		put->flags |= KHO_CREATE_SUM;
		return DONE;
	case 'S':
		put->seal = true;
		return DONE;
	case 'd':
		put->data_path = optarg;
		return DONE;
	case 'o':
		return parse_owner(optarg, &put->owner);
	case 'm':
		return parse_mode(optarg, &put->owner);
	default:
		return USAGE;
	}
}

int cmd_put(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "huge", no_argument, NULL, 'H' },
		{ "node", required_argument, NULL, 'N' },
		{ "sum", no_argument, NULL, 's' },
		{ "seal", no_argument, NULL, 'S' },
		{ "data", required_argument, NULL, 'd' },
		{ "owner", required_argument, NULL, 'o' },
		{ "mode", required_argument, NULL, 'm' },
		END_OF_OPTIONS
	};
	struct put put = { 0 };
	const char *name, *path;
	struct kho_query query;
	int c, dev, ret;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		ret = put_option(&put, c);
		if (ret)
			return ret;
	}
	ret = name_argument(argc, argv, 2, &name);
	if (ret)
		return ret;
	path = argv[optind + 1];
	if (put.data_path && !strcmp(put.data_path, "-") &&
	    (!path || !strcmp(path, "-")))
		return usage_error("stdin can't be both the object and --data");

	dev = open_objects(&query, 0);
	if (dev < 0)
		return FAILED;
	catch_signals();
	if (put.data_path)
		ret = read_user_data(put.data_path, &put.data, &put.data_bytes);
	if (!ret)
		ret = put_file(dev, &query, name, path, &put);
	free(put.data);
	close(dev);
	die_of_signal();
	return ret;
}

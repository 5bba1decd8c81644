// SPDX-License-Identifier: GPL-2.0
/* A mapping of an object is memory like any other. */
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#include "objects.h"

static bool direct_read(char *p, size_t bytes)
{
	int fd = open("/dev/vda", O_RDONLY | O_DIRECT | O_CLOEXEC);
	ssize_t got;
	bool good;

	if (fd < 0)
		die("/dev/vda: %s", strerror(errno));
	got = pread(fd, p, bytes, 0);
	if (got != (ssize_t)bytes)
		printf("# read %zd: %s\n", got, strerror(errno));
	close(fd);
	fd = open("/dev/vda", O_RDONLY | O_CLOEXEC);
	good = got == (ssize_t)bytes && object_is(fd, p, bytes);
	close(fd);
	return good;
}

/* Long-term pins, as a driver takes them. */
static int register_buffer(char *p, size_t bytes)
{
	struct io_uring_params params = { .flags = 0 };
	struct iovec iov = { .iov_base = p, .iov_len = bytes };
	int ring = syscall(SYS_io_uring_setup, 4, &params), err = 0;

	if (ring < 0)
		return errno;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1))
		err = errno;
	close(ring);
	return err;
}

/* Before 6.5, io_uring takes no mapping of any file but shmem's and hugetlb's. */
static int want_register(bool object)
{
	unsigned int major, minor;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &major, &minor) != 2)
		die("uname: no release");
	return object && (major < 6 || (major == 6 && minor < 5)) ? EOPNOTSUPP : 0;
}

static void use_mapping(char *p, size_t bytes, bool object, const char *what)
{
	size_t n = bytes < 32 * PAGE ? bytes : 32 * PAGE, at = bytes - n;
	struct iovec to = { .iov_base = p + at, .iov_len = n };
	char *copy = malloc(n);
	struct iovec from = { .iov_base = copy, .iov_len = n };
	int ends[2], err;

	fill(p + at, n, 5);
	memset(copy, 0, n);
	if (process_vm_readv(getpid(), &from, 1, &to, 1, 0) == -1 &&
	    need_not_be(errno)) {
		printf("# this kernel has no process_vm_readv()\n");
	} else {
		result(!memcmp(p + at, copy, n), "%s: process_vm_readv", what);
		memset(copy, 1, n);
		result(process_vm_writev(getpid(), &from, 1, &to, 1, 0) ==
		       (ssize_t)n && !memcmp(p + at, copy, n),
		       "%s: process_vm_writev", what);
	}
	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	memset(copy, 0, n);
	result(vmsplice(ends[1], &to, 1, 0) > 0 &&
	       read(ends[0], copy, PAGE) == (ssize_t)PAGE &&
	       !memcmp(p + at, copy, PAGE), "%s: vmsplice", what);
	close(ends[0]);
	close(ends[1]);
	result(direct_read(p + at, n), "%s: O_DIRECT", what);
	err = register_buffer(p, bytes);
	if (need_not_be(err))
		printf("# this kernel has no io_uring\n");
	else
		failed_with(want_register(object), err, "io_uring registers it");
	free(copy);
}

void test_using(void)
{
	struct kho_obj_name name = { .size = sizeof(name), .name = "use" };
	char *p, *memory = map_anon(64 * PAGE);
	struct iovec page = { .iov_len = PAGE };
	struct kho_query before;
	long pins = pinned();
	int ends[2], fd, fd2;

	get_query(kho, &before);
	need(create("use", 64 * PAGE + 5, &fd), "create");
	p = map_object(fd, 64 * PAGE);
	use_mapping(p, 64 * PAGE, true, "small pages");
	munmap(p, 64 * PAGE);
	drop("use", fd);

	need(create_as("use", 2 * HUGE_SIZE, KHO_CREATE_HUGE, 0, &fd), "create");
	p = map_aligned(2 * HUGE_SIZE, HUGE_SIZE, fd, PROT_READ | PROT_WRITE,
			MAP_SHARED);
	use_mapping(p, 2 * HUGE_SIZE, true, "huge pages");
	munmap(p, 2 * HUGE_SIZE);
	drop("use", fd);

	/* In this kernel, only the process's own mapping of its memory is for direct I/O. */
	fill(memory, 64 * PAGE, 6);
	need(preserve("use", memory, 64 * PAGE, 0, &fd), "preserve");
	use_mapping(memory, 64 * PAGE, false, "preserved memory");
	p = map_object(fd, 64 * PAGE);
	result(!memcmp(p, memory, 64 * PAGE), "its object shows all that");
	fd2 = open("/dev/vda", O_RDONLY | O_DIRECT | O_CLOEXEC);
	result(pread(fd2, p, PAGE, 0) == -1 && errno == EFAULT,
	       "but is not for direct I/O: EFAULT");
	close(fd2);
	munmap(p, 64 * PAGE);
	drop("use", fd);

	/* A pipe keeps a page of an object when all else is gone. */
	need(create("use", 4 * PAGE, &fd), "create");
	p = map_object(fd, 4 * PAGE);
	page.iov_base = p;
	strcpy(p, "in a pipe");
	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	if (vmsplice(ends[1], &page, 1, 0) != (ssize_t)PAGE)
		die("vmsplice: %s", strerror(errno));
	munmap(p, 4 * PAGE);
	close(fd);
	done(call(KHO_OBJ_REMOVE, &name), "remove while a pipe has a page");
	p = malloc(PAGE);
	result(read(ends[0], p, PAGE) == (ssize_t)PAGE && !strcmp(p, "in a pipe"),
	       "the pipe has it still");
	free(p);
	close(ends[0]);
	close(ends[1]);
	munmap(memory, 64 * PAGE);
	result(unchanged(&before, "use") && pins_are(pins),
	       "nothing is left behind");
}

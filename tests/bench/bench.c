// SPDX-License-Identifier: GPL-2.0
/*
 * The clock of the benchmarks, in a guest and on the host.
 *
 *	bench hz		prints the frequency of the TSC, for the host
 *	bench time COMMAND...	runs it, and prints how many ns that took
 *	bench jump LABEL	jumps into the kernel that is loaded, and tells
 *				the host when
 *	bench pin 4k|2m BYTES ROUNDS
 *				measures preserving memory by its address
 *	bench objects N		makes N objects of a page
 *	bench remove N		checks their content, and removes them
 *
 * As process 1 it is first.c.
 */
#include <stdarg.h>
#include <time.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/reboot.h>

#include "bench.h"

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

void tell(const char *format, ...)
{
	char line[512];
	va_list ap;
	int fd, n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	fd = open("/dev/ttyS1", O_WRONLY | O_NOCTTY);
	if (fd < 0 || write(fd, line, n) != n)
		die("/dev/ttyS1: %s", strerror(errno));
	/* Closing waits until it is sent. */
	close(fd);
}

static int cmd_hz(char **argv)
{
	__u64 begin_tsc = tsc(), begin = now_ns(), end_tsc, end;
	struct timespec wait = { .tv_nsec = 300000000 };

	(void)argv;
	nanosleep(&wait, NULL);
	end_tsc = tsc();
	end = now_ns();
	printf("%.0f\n", (end_tsc - begin_tsc) * 1e9 / (end - begin));
	return 0;
}

static int cmd_time(char **argv)
{
	__u64 begin = now_ns();
	pid_t pid = fork();
	int status;

	if (!pid) {
		/* Its output must not mix with ours. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[0], argv);
		die("%s: %s", argv[0], strerror(errno));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("%s: %s", argv[0], strerror(errno));
	if (status)
		die("%s: status %#x", argv[0], status);
	printf("%llu\n", now_ns() - begin);
	return 0;
}

static int cmd_jump(char **argv)
{
	sync();
	/* This comes before the clock is read, as sending takes time. */
	tell("KHO-BENCH %s jump\n", argv[0]);
	tell("KHO-TSC jump %llu\n", tsc());
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	die("kexec: %s", strerror(errno));
}

/* object_name() - of object @i of `bench objects` */
static void object_name(__u8 *name, unsigned long i)
{
	snprintf((char *)name, KHO_NAME_SIZE, "bench-%06lu", i);
}

static int cmd_objects(char **argv)
{
	unsigned long i, n = strtoul(argv[0], NULL, 10);
	int kho = open_kho();

	for (i = 0; i < n; i++) {
		struct kho_obj_create arg = { .size = sizeof(arg), .bytes = PAGE };

		object_name(arg.name, i);
		if (ioctl(kho, KHO_OBJ_CREATE, &arg))
			die("object %lu: %s", i, strerror(errno));
		if (pwrite(arg.fd, &i, sizeof(i), 0) != sizeof(i))
			die("write to object %lu: %s", i, strerror(errno));
		close(arg.fd);
	}
	close(kho);
	return 0;
}

static int cmd_remove(char **argv)
{
	unsigned long i, content, n = strtoul(argv[0], NULL, 10);
	int kho = open_kho();

	for (i = 0; i < n; i++) {
		struct kho_obj_name arg = { .size = sizeof(arg) };

		object_name(arg.name, i);
		if (ioctl(kho, KHO_OBJ_OPEN, &arg))
			die("object %lu: %s", i, strerror(errno));
		if (pread(arg.fd, &content, sizeof(content), 0) != sizeof(content) ||
		    content != i)
			die("object %lu has other content", i);
		close(arg.fd);
		if (ioctl(kho, KHO_OBJ_REMOVE, &arg))
			die("removing object %lu: %s", i, strerror(errno));
	}
	close(kho);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **argv);
	int args;	/* at least */
} commands[] = {
	{ "hz", cmd_hz, 0 },
	{ "time", cmd_time, 1 },
	{ "jump", cmd_jump, 1 },
	{ "pin", bench_pin, 2 },
	{ "objects", cmd_objects, 1 },
	{ "remove", cmd_remove, 1 },
};

int main(int argc, char **argv)
{
	__u64 begin = tsc();
	size_t i;

	if (getpid() == 1)
		return bench_first(begin);
	for (i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name) &&
		    argc - 2 >= commands[i].args)
			return commands[i].run(argv + 2);
	die("usage: bench hz|time|jump|pin|objects|remove ARGUMENT...");
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of a kernel whose boot is timed.  bench=WHAT on the kernel's
 * command line says what it does before and after it reports the time:
 *
 *	boot	nothing; then the verdict, and the guest ends
 *	release	loads the module and waits until the last page of the envelopes
 *		is given back; then the verdict
 *	arrive	loads the module, which takes over what arrived; then the verdict
 *	objects	the same; then /init goes on
 *	plain, placed
 *		nothing; then /init goes on
 *	agent, unchecked
 *		loads the module and reads a byte of the object "first"; then
 *		/init goes on
 */
#include <time.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "bench.h"

#define OBJECT	"first"

static char cmdline[4096];

/* The last one counts, as each kernel passes its own on. */
static const char *wanted(void)
{
	static char what[64];
	const char *p;

	for (p = cmdline; (p = strstr(p, "bench=")); p++)
		if (p == cmdline || p[-1] == ' ')
			snprintf(what, sizeof(what), "%.*s",
				 (int)strcspn(p + 6, "\n "), p + 6);
	return what;
}

static void mount_at(const char *what, const char *where)
{
	mkdir(where, 0755);
	if (mount(what, where, what, 0, NULL))
		die("%s: %s", where, strerror(errno));
}

static void read_cmdline(void)
{
	int fd = open("/proc/cmdline", O_RDONLY);

	if (fd < 0 || read(fd, cmdline, sizeof(cmdline) - 1) <= 0)
		die("/proc/cmdline: %s", strerror(errno));
	close(fd);
}

/* Sends the lines of the kernel's log that contain @what to the host. */
static void tell_log(const char *what)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	char line[2048], *text;
	ssize_t n;

	while (fd >= 0 && ((n = read(fd, line, sizeof(line) - 1)) > 0 ||
			   errno == EPIPE)) {
		if (n <= 0)
			continue;
		line[n] = '\0';
		text = strchr(line, ';');
		if (text && strstr(text, what))
			tell("KHO-NOTE log %.*s\n", (int)strcspn(text + 1, "\n"),
			     text + 1);
	}
	close(fd);
}

static void tell_memory(void)
{
	char text[512], *line;
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		die("/proc/meminfo: %s", strerror(errno));
	close(fd);
	text[n] = '\0';
	line = strstr(text, "MemTotal:");
	if (line)
		tell("KHO-NOTE total %llu\n", strtoull(line + 9, NULL, 10));
}

static void load_module(void)
{
	struct utsname u;
	char path[256];
	int fd;

	uname(&u);
	snprintf(path, sizeof(path), "/lib/modules/%s/kho/kho.ko", u.release);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("%s: %s", path, strerror(errno));
	close(fd);
}

/* Waits until the last page is given back; returns the TSC then. */
static __u64 wait_for_release(void)
{
	struct timespec wait = { .tv_nsec = 1000000 };
	struct kho_query q;
	int kho = open_kho();
	__u64 end;

	for (get_query(kho, &q); q.release == KHO_RELEASE_RUNNING;
	     get_query(kho, &q))
		nanosleep(&wait, NULL);
	end = tsc();
	if (q.arrival != KHO_ARRIVAL_TAKEN || q.release != KHO_RELEASE_DONE ||
	    q.release_done != q.release_pages)
		die("arrival %u %s, release %u, %llu of %llu pages", q.arrival,
		    q.arrival_error, q.release, q.release_done, q.release_pages);
	tell("KHO-NOTE arrived %llu\n", q.arrived_pages);
	tell("KHO-NOTE released %llu\n", q.release_done);
	return end;
}

/* Loads the module, whose load takes over what arrived; returns the TSC then. */
static __u64 take_over(void)
{
	__u64 begin = tsc(), end;
	struct kho_query q;
	int kho;

	load_module();
	end = tsc();
	kho = open_kho();
	get_query(kho, &q);
	close(kho);
	/* With nothing preserved, nothing arrives. */
	if (q.arrived_pages && q.arrival != KHO_ARRIVAL_TAKEN)
		die("arrival %u %s", q.arrival, q.arrival_error);
	tell("KHO-NOTE arrived %llu\n", q.arrived_pages);
	tell("KHO-TSC load %llu\n", begin);
	return end;
}

/* What an agent does first: open the object, map it, read a byte. */
static __u64 read_first_byte(void)
{
	struct kho_obj_name arg = { .size = sizeof(arg), .name = OBJECT };
	const volatile char *p;
	int kho = open_kho();
	__u64 end;
	char byte;

	if (ioctl(kho, KHO_OBJ_OPEN, &arg))
		die("KHO_OBJ_OPEN: %s", strerror(errno));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, arg.fd, 0);
	if (p == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	byte = *p;
	end = tsc();
	tell("KHO-NOTE byte %d\n", byte);
	close(arg.fd);
	close(kho);
	return end;
}

/**
 * bench_first() - what process 1 does
 * @begin: the TSC when it began
 */
int bench_first(__u64 begin)
{
	__u64 end = begin;
	const char *what;

	mount_at("proc", "/proc");
	read_cmdline();
	what = wanted();
	/* Mounted before the clock is read, as what is timed needs it. */
	mount_at("devtmpfs", "/dev");

	if (!strcmp(what, "release")) {
		load_module();
		end = wait_for_release();
	} else if (!strcmp(what, "arrive") || !strcmp(what, "objects")) {
		end = take_over();
	} else if (!strcmp(what, "agent") || !strcmp(what, "unchecked")) {
		load_module();
		end = read_first_byte();
	}
	tell("KHO-TSC init %llu\nKHO-TSC %s %llu\n", begin, what, end);
	/* After a jump, /init goes on with the test. */
	if (strcmp(what, "boot") && strcmp(what, "release") && strcmp(what, "arrive")) {
		execl("/init", "/init", NULL);
		die("/init: %s", strerror(errno));
	}

	tell_log("kho: ");
	tell_log("KHO: ");
	tell_memory();
	tell("KHO-VERDICT pass 1 done\n");
	sync();
	reboot(RB_AUTOBOOT);
	return 1;
}

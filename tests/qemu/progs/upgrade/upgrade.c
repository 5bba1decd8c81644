// SPDX-License-Identifier: GPL-2.0
/*
 * An agent whose module is replaced.
 *
 *	upgrade leave			lets the module be unloaded, and ends
 *	upgrade others			prints what KHO_UPGRADE_LEAVE says of others
 *	upgrade yield NAME		has the object mapped until it is asked to make way,
 *					and opens it again afterwards
 *	upgrade blind			asks to leave, and can't be told the result: then the
 *					module must stay
 *	upgrade ours			tries to preserve the pages that lead to what is
 *					preserved, by number; none may be
 *	upgrade theirs MOST		preserves pages of the kernel, by number: at most so
 *					many, all over memory
 *	upgrade race SECONDS MODULE	replaces the module by MODULE again and again, while
 *					others open the device, and make and read objects
 *	upgrade pin NAME BYTES FILE	preserves its own memory, and keeps it until FILE
 *					exists; it must be unchanged, and writing to it
 *					changes the object
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

static void pause_ms(unsigned int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static int upgrade(int kho, __u32 state, __u32 *others)
{
	struct kho_upgrade arg = { .size = sizeof(arg), .state = state };
	int ret = ioctl(kho, KHO_UPGRADE, &arg) ? errno : 0;

	*others = arg.others;
	return ret;
}

static int open_named(int kho, const char *name, __u64 *bytes)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };

	strncpy((char *)arg.name, name, sizeof(arg.name) - 1);
	if (ioctl(kho, KHO_OBJ_OPEN, &arg))
		die("%s: %s", name, strerror(errno));
	*bytes = arg.bytes;
	return arg.fd;
}

static int leave(char **argv)
{
	__u32 others;
	int ret = upgrade(open_kho(), KHO_UPGRADE_LEAVE, &others);

	(void)argv;
	if (ret)
		die("KHO_UPGRADE_LEAVE: %s, %u others", strerror(ret), others);
	return 0;
}

static int others(char **argv)
{
	__u32 nr;
	int kho = open_kho(), ret = upgrade(kho, KHO_UPGRADE_LEAVE, &nr);

	(void)argv;
	printf("%s %u\n", ret ? strerror(ret) : "none", nr);
	upgrade(kho, KHO_UPGRADE_NONE, &nr);
	return 0;
}

static int yield(char **argv)
{
	struct pollfd asked = { .events = POLLPRI };
	__u64 bytes, *memory, sum, i;
	int kho = open_kho(), obj, times;

	for (times = 0; times < 2; times++) {
		obj = open_named(kho, argv[0], &bytes);
		memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, obj, 0);
		if (memory == MAP_FAILED)
			die("mmap: %s", strerror(errno));
		for (sum = 0, i = 0; i < bytes / 8; i++)
			sum = sum * 31 + memory[i];
		printf("%llu\n", (unsigned long long)sum);
		fflush(stdout);
		if (times)
			break;
		asked.fd = kho;
		if (poll(&asked, 1, -1) != 1 || asked.revents != POLLPRI)
			die("poll: %#x", asked.revents);
		munmap(memory, bytes);
		close(obj);
		close(kho);
		/* Whoever opens the device at once would be in the way. */
		do {
			pause_ms(1000);
			kho = open("/dev/kho", O_RDWR | O_CLOEXEC);
		} while (kho < 0);
	}
	return 0;
}

/* How many references the kernel shows. */
static int references(void)
{
	FILE *f = fopen("/sys/module/kho/refcnt", "r");
	int nr;

	if (!f || fscanf(f, "%d", &nr) != 1)
		die("/sys/module/kho/refcnt: can't be read");
	fclose(f);
	return nr;
}

static int blind(char **argv)
{
	struct kho_upgrade *arg = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int kho = open_kho(), before = references(), after, err;

	(void)argv;
	if (arg == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	arg->size = sizeof(*arg);
	arg->state = KHO_UPGRADE_LEAVE;
	mprotect(arg, PAGE, PROT_READ);
	err = ioctl(kho, KHO_UPGRADE, arg) ? errno : 0;
	after = references();
	if (err != EFAULT || after != before)
		die("%s, and %d references instead of %d", strerror(err), after, before);
	return 0;
}

/* Pages of metadata are preserved already; nodes of trees and the setup page are not. */
static int ours(char **argv)
{
	static struct kho_meta_entry room[64];
	static char pages[64 * PAGE];
	struct kho_meta_read read = {
		.size = sizeof(read),
		.entries = ptr64(room),
		.pages = ptr64(pages),
	};
	unsigned int bad = 0, tried = 0, i;
	int kho = open_kho();

	(void)argv;
	do {
		read.count = ARRAY_SIZE(room);
		if (ioctl(kho, KHO_META_READ, &read))
			die("KHO_META_READ: %s", strerror(errno));
		for (i = 0; i < read.count; i++) {
			struct kho_page arg = {
				.size = sizeof(arg),
				.pfn = room[i].addr / PAGE,
			};
			int err = ioctl(kho, KHO_PAGE_ADD, &arg) ? errno : 0;

			tried++;
			if (err == EBUSY || err == EEXIST)
				continue;
			bad++;
			printf("%#llx, kind %u: %s\n", room[i].addr, room[i].kind,
			       strerror(err));
		}
		read.first += read.count;
	} while (read.count == ARRAY_SIZE(room));
	if (!tried || bad)
		die("%u of %u pages", bad, tried);
	return 0;
}

/* The pages of which the kernel says nothing are those that somebody has allocated. */
static int theirs(char **argv)
{
	__u64 most = strtoull(argv[0], NULL, 0), added = 0, first = 0, flags[512];
	int kho = open_kho(), fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	ssize_t i, n;

	if (fd < 0)
		die("/proc/kpageflags: %s", strerror(errno));
	for (; added < most; first += n) {
		n = pread(fd, flags, sizeof(flags), first * 8) / 8;
		if (n <= 0)
			break;
		for (i = 0; i < n && added < most; i++) {
			struct kho_page arg = { .size = sizeof(arg), .pfn = first + i };

			if (!flags[i])
				added += !ioctl(kho, KHO_PAGE_ADD, &arg);
		}
	}
	printf("%llu pages\n", added);
	if (!added)
		die("there are none");
	return 0;
}

/* Replaces the module, if nobody uses it; returns whether it has. */
static bool replace(const char *path)
{
	int kho = open("/dev/kho", O_RDWR | O_CLOEXEC), fd;
	__u32 nr;

	if (kho < 0)
		die("/dev/kho: %s", strerror(errno));
	upgrade(kho, KHO_UPGRADE_LEAVE, &nr);
	close(kho);
	if (syscall(SYS_delete_module, "kho", O_NONBLOCK)) {
		if (errno != EAGAIN && errno != EBUSY && errno != EWOULDBLOCK)
			die("delete_module: %s", strerror(errno));
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("%s: %s", path, strerror(errno));
	close(fd);
	return true;
}

/* Makes an object and reads it again, as user @nr, each time with the device opened anew. */
static void use(unsigned int nr)
{
	struct kho_obj_create make = {
		.size = sizeof(make), .flags = KHO_CREATE_UNCOMMITTED, .bytes = 3 * PAGE,
	};
	struct kho_obj_plain commit = { .size = sizeof(commit) };
	struct kho_obj_name remove = { .size = sizeof(remove) };
	__u64 word = 0x5555 + nr, got, bytes;
	unsigned int i;
	int kho, obj;

	snprintf((char *)make.name, sizeof(make.name), "race-%u", nr);
	memcpy(remove.name, make.name, sizeof(remove.name));
	for (i = 0;; i++) {
		kho = open("/dev/kho", O_RDWR | O_CLOEXEC);
		/* There is none while it is replaced, which may be seen at any moment. */
		if (kho < 0)
			goto pause;
		if (i % 4 == 0) {
			if (ioctl(kho, KHO_OBJ_CREATE, &make))
				die("create: %s", strerror(errno));
			if (pwrite(make.fd, &word, sizeof(word), 2 * PAGE) != sizeof(word))
				die("write: %s", strerror(errno));
			if (ioctl(make.fd, KHO_OBJ_COMMIT, &commit))
				die("commit: %s", strerror(errno));
			close(make.fd);
		} else if (i % 4 == 3) {
			if (ioctl(kho, KHO_OBJ_REMOVE, &remove))
				die("remove: %s", strerror(errno));
		} else {
			obj = open_named(kho, (char *)make.name, &bytes);
			if (pread(obj, &got, sizeof(got), 2 * PAGE) != sizeof(got) ||
			    got != word || bytes != make.bytes)
				die("object %u is not what it was", nr);
			close(obj);
		}
		close(kho);
pause:
		if (kho < 0)
			i--;
		pause_ms(7 + 3 * nr);
	}
}

static int race(char **argv)
{
	enum { USERS = 3 };
	time_t end = time(NULL) + atoi(argv[0]);
	unsigned int done = 0, tried = 0, nr;
	pid_t users[USERS];
	int status;

	for (nr = 0; nr < USERS; nr++) {
		users[nr] = fork();
		if (!users[nr])
			use(nr);
	}
	while (time(NULL) < end) {
		tried++;
		done += replace(argv[1]);
		for (nr = 0; nr < USERS; nr++)
			if (waitpid(users[nr], &status, WNOHANG))
				die("user %u has ended, status %#x", nr, status);
	}
	for (nr = 0; nr < USERS; nr++) {
		kill(users[nr], SIGKILL);
		waitpid(users[nr], &status, 0);
	}
	printf("replaced %u times, tried %u times\n", done, tried);
	if (!done || done == tried)
		die("nobody was in each other's way");
	return 0;
}

static int pin(char **argv)
{
	struct kho_obj_preserve arg = { .size = sizeof(arg) };
	__u64 bytes = strtoull(argv[1], NULL, 0), i;
	__u64 *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int kho = open_kho();

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	for (i = 0; i < bytes / 8; i++)
		memory[i] = i * 0x9e3779b97f4a7c15ULL;
	strncpy((char *)arg.name, argv[0], sizeof(arg.name) - 1);
	arg.addr = ptr64(memory);
	arg.bytes = bytes;
	if (ioctl(kho, KHO_OBJ_PRESERVE, &arg))
		die("KHO_OBJ_PRESERVE: %s", strerror(errno));
	close(arg.fd);
	close(kho);
	puts("ready");
	fflush(stdout);
	while (access(argv[2], F_OK))
		pause_ms(100);
	for (i = 0; i < bytes / 8; i++)
		if (memory[i] != i * 0x9e3779b97f4a7c15ULL)
			die("word %llu has changed", (unsigned long long)i);
	memory[0] = 0x1122334455667788ULL;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **argv);
	} commands[] = {
		{ "leave", 0, leave },
		{ "others", 0, others },
		{ "yield", 1, yield },
		{ "blind", 0, blind },
		{ "ours", 0, ours },
		{ "theirs", 1, theirs },
		{ "race", 2, race },
		{ "pin", 3, pin },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (argc >= 2 && !strcmp(argv[1], commands[i].name) &&
		    argc == 2 + commands[i].args)
			return commands[i].run(argv + 2);
	die("usage: upgrade COMMAND [ARGUMENT]...");
}

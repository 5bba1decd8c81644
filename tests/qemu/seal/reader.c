// SPDX-License-Identifier: GPL-2.0
/*
 * An unprivileged user who tries to read what lies in the envelopes.
 *
 *	reader make COUNT		writes COUNT pages of a known pattern
 *	reader root SYSFS		reads all nodes, as the calling user
 *	reader user SYSFS		the same as nobody, without any capability
 *	reader container DIR		as root of a user namespace of nobody's,
 *					with a sysfs of its own, mounted on DIR
 *
 * With a FILE after that, "user" opens the files, and "container" looks them up
 * without opening, and then both create FILE and wait until it is gone.
 *
 * Prints a line for each node, and at the end one for all of them: how many nodes, how
 * many envelopes, how many envelopes that could be read, and how many different pages
 * of the pattern were seen.
 */
#include <dirent.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/capability.h>

#include <kho/abi.h>
#include "guest.h"

#define NOBODY		65534
#define PAGES_MAX	4096

static const char magic[] = "KHO-SEAL-SECRET ";

static unsigned char seen[PAGES_MAX];

/* Page @number of the pattern. */
static void pattern(unsigned char *page, unsigned int number)
{
	uint32_t x = number * 2654435761U + 1;
	size_t i;

	memset(page, 0, 32);
	memcpy(page, magic, sizeof(magic));
	memcpy(page + 24, &number, sizeof(number));
	for (i = 32; i < PAGE; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		page[i] = x;
	}
}

static void look_at(const unsigned char *page)
{
	unsigned char wanted[PAGE];
	unsigned int number;

	if (memcmp(page, magic, sizeof(magic)))
		return;
	memcpy(&number, page + 24, sizeof(number));
	if (number >= PAGES_MAX)
		return;
	pattern(wanted, number);
	if (!memcmp(page, wanted, PAGE))
		seen[number] = 1;
}

static int make(unsigned int count)
{
	unsigned char page[PAGE];
	unsigned int i;

	if (!count || count > PAGES_MAX)
		die("1 to %d pages", PAGES_MAX);
	for (i = 0; i < count; i++) {
		pattern(page, i);
		if (fwrite(page, PAGE, 1, stdout) != 1)
			die("can't write: %s", strerror(errno));
	}
	return 0;
}

static void no_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		die("capget: %s", strerror(errno));
	if (data[0].effective || data[1].effective || data[0].permitted ||
	    data[1].permitted)
		die("there are capabilities left");
}

static void become_nobody(void)
{
	if (geteuid() != NOBODY &&
	    (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	     setresuid(NOBODY, NOBODY, NOBODY)))
		die("can't become nobody: %s", strerror(errno));
	no_capabilities();
	/* Otherwise /proc/self/uid_map would belong to root. */
	if (prctl(PR_SET_DUMPABLE, 1))
		die("PR_SET_DUMPABLE: %s", strerror(errno));
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static void enter_container(const char *dir)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET))
		die("unshare: %s", strerror(errno));
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 65534 1");
	put("/proc/self/gid_map", "0 65534 1");
	if (geteuid())
		die("not root of the new namespace");
	if (mount("sysfs", dir, "sysfs", 0, NULL))
		die("mount of sysfs on %s: %s", dir, strerror(errno));
}

static void wait_for(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
	while (!access(path, F_OK))
		usleep(20000);
}

/* Reads to the end; returns how much that was, or -1. */
static long long read_all(int fd)
{
	static unsigned char page[PAGE];
	long long total = 0;
	ssize_t n;

	/* sysfs gives a page at most at a time. */
	while ((n = pread(fd, page, PAGE, total)) > 0) {
		if (n == (ssize_t)PAGE)
			look_at(page);
		total += n;
	}
	return n < 0 ? -1 : total;
}

static int is_number(const struct dirent *entry)
{
	return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

static ATTRIBUTE(format(printf, 1, 2)) char *text(const char *format, ...)
{
	va_list ap;
	char *p;

	va_start(ap, format);
	if (vasprintf(&p, format, ap) < 0)
		die("out of memory");
	va_end(ap);
	return p;
}

struct node {
	const char *name;
	char *data;			/* path of what we are after */
	unsigned int type;
	int fd;
	int error;			/* why there is no fd */
};

static void open_node(struct node *node)
{
	node->fd = open(node->data, O_RDONLY | O_CLOEXEC);
	node->error = errno;
}

/* What everybody may know. */
static void look_up_node(struct node *node, const char *list, const char *name)
{
	char *type = text("%s/%s/type", list, name);
	struct stat st;
	FILE *f;

	f = fopen(type, "re");
	if (!f || fscanf(f, "%x", &node->type) != 1)
		die("%s: no type", type);
	fclose(f);
	free(type);

	node->name = name;
	node->data = text("%s/%s/data", list, name);
	if (stat(node->data, &st))
		die("%s: %s", node->data, strerror(errno));
}

/* Returns true if there was anything to read. */
static int read_node(struct node *node)
{
	long long bytes = -1;
	struct stat st;

	if (stat(node->data, &st))
		die("%s: %s", node->data, strerror(errno));
	if (node->fd >= 0) {
		bytes = read_all(node->fd);
		node->error = errno;
		close(node->fd);
	}
	printf("node %s type %#x mode %04o size %lld: ", node->name, node->type,
	       st.st_mode & 07777, (long long)st.st_size);
	if (bytes >= 0)
		printf("read %lld\n", bytes);
	else
		printf("%s\n", strerror(node->error));
	return bytes > 0;
}

/* A user who can't read a node must not be able to change that. */
static void break_open(const struct node *node)
{
	if (open(node->data, O_RDWR | O_CLOEXEC) >= 0 ||
	    !chmod(node->data, 0444) || !chown(node->data, geteuid(), -1))
		die("%s: could be opened up", node->data);
}

static int read_nodes(const char *sysfs, const char *signal, int open_first,
		      int guest)
{
	int i, n, envelopes = 0, readable = 0, pages = 0;
	struct dirent **entry;
	struct node *nodes;
	char *list;

	list = text("%s/kernel/boot_params/setup_data", sysfs);
	n = scandir(list, &entry, is_number, alphasort);
	if (n < 0)
		die("%s: %s", list, strerror(errno));
	nodes = calloc(n + 1, sizeof(*nodes));
	if (!nodes)
		die("out of memory");

	for (i = 0; i < n; i++) {
		look_up_node(&nodes[i], list, entry[i]->d_name);
		if (open_first)
			open_node(&nodes[i]);
	}
	if (signal)
		wait_for(signal);
	for (i = 0; i < n; i++) {
		int could;

		if (!open_first)
			open_node(&nodes[i]);
		could = read_node(&nodes[i]);
		if (nodes[i].type == KHO_SETUP_ENVELOPE) {
			envelopes++;
			readable += could;
		}
		if (guest)
			break_open(&nodes[i]);
	}

	for (i = 0; i < PAGES_MAX; i++)
		pages += seen[i];
	printf("uid %d nodes %d envelopes %d readable %d pages %d\n",
	       (int)geteuid(), n, envelopes, readable, pages);
	return 0;
}

int main(int argc, char **argv)
{
	const char *file;

	if (argc != 3 && argc != 4)
		die("usage: reader make|root|user|container ARGUMENT [FILE]");
	file = argc == 4 ? argv[3] : NULL;

	if (!strcmp(argv[1], "make"))
		return make(atoi(argv[2]));
	if (!strcmp(argv[1], "root"))
		return read_nodes(argv[2], NULL, 0, 0);
	become_nobody();
	if (!strcmp(argv[1], "user"))
		return read_nodes(argv[2], file, !!file, 1);
	if (!strcmp(argv[1], "container")) {
		enter_container(argv[2]);
		return read_nodes(argv[2], file, 0, 1);
	}
	die("%s is no command", argv[1]);
}

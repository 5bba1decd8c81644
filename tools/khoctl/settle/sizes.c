// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel sized by the memory at boot: sysctls and limits.
 *
 * The formulas are the kernel's, the same from 6.1 to 7.3; each is named with its function.
 * Nearly all are linear, but begin with a little less memory than there was: the kernel itself,
 * its initial RAM disk and hash tables are left out, each time differently.  So the new value
 * is the old one plus what the additional memory gives, which is what the kernel would have
 * computed with all of it.  A value that is not near what the formula gives for the memory at
 * boot was set by somebody, and stays.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/sysinfo.h"
#include "settle/settle.h"

#define KIB_PER_PAGE	4

/* Below that, nothing is worth a change: boot RAM and its parts are known to some percent. */
#define WORTH(base)	((base) + (base) / 4)

/* sizeof(struct epitem) + sizeof(struct eppoll_entry): EP_ITEM_COST, eventpoll_init() */
#define EPITEM_COST	184

/* How much a value grows by each page: @num / @den */
static const struct linear {
	const char *name;
	double num;
	double den;
	/* The part of the memory, in percent, that the value at boot may stand for */
	unsigned int low;
	unsigned int high;
	__u64 least;
	__u64 most;
} linears[] = {
	/* set_max_threads(): an eighth of the memory for stacks of 16 KiB */
	{ "kernel.threads-max", 1, 32, 70, 130, 20, 0x3fffffff },
	/* files_maxfiles_init(): a file for 10 KiB, less one and a half times what is in use */
	{ "fs.file-max", 4, 10, 40, 110, 8192, ~0ULL >> 1 },
	/* init_user_reserve(), init_admin_reserve(): a 32nd of what is free, in KiB */
	{ "vm.user_reserve_kbytes", KIB_PER_PAGE, 32, 50, 130, 0, 128 << 10 },
	{ "vm.admin_reserve_kbytes", KIB_PER_PAGE, 32, 50, 130, 0, 8 << 10 },
	/* inotify_user_setup(), fanotify_user_setup(): 1 %, by what two inodes and a mark take */
	{ "fs.inotify.max_user_watches", 4096, 100 * 1312, 70, 130, 8192, 1 << 20 },
	{ "fs.fanotify.max_user_marks", 4096, 100 * 1232, 70, 130, 8192, 1 << 20 },
	/* eventpoll_init(): 4 % */
	{ "fs.epoll.max_user_watches", 4096, 25 * EPITEM_COST, 90, 110, 0, ~0ULL >> 1 },
};

/* Three values: three quarters of a part of the memory, all of it, and one and a half times */
static const struct linear triples[] = {
	/* tcp_init_mem(), udp_init() */
	{ "net.ipv4.tcp_mem", 1, 16, 70, 130, 128, ~0ULL >> 1 },
	{ "net.ipv4.udp_mem", 1, 8, 70, 130, 128, ~0ULL >> 1 },
};

/* Set to half of threads-max: fork_init() */
static const char * const half_threads[] = {
	"user.max_user_namespaces", "user.max_pid_namespaces", "user.max_uts_namespaces",
	"user.max_ipc_namespaces", "user.max_net_namespaces", "user.max_mnt_namespaces",
	"user.max_cgroup_namespaces", "user.max_time_namespaces",
};

/* The same, as limits of process 1, which all others inherit from */
static const struct {
	const char *name;
	int resource;
} half_limits[] = {
	{ "Max processes", RLIMIT_NPROC },
	{ "Max pending signals", RLIMIT_SIGPENDING },
};

struct size_item *size_add(struct sizes *sizes, enum size_kind kind, enum size_state state,
			   const char *name, char *from, char *to, char *why)
{
	struct size_item *new;

	sizes->list = grow(sizes->list, sizes->nr, &sizes->room, sizeof(*sizes->list));
	new = &sizes->list[sizes->nr++];
	memset(new, 0, sizeof(*new));
	new->kind = kind;
	new->state = state;
	new->name = xstrdup(name);
	new->from = from;
	new->to = to;
	new->why = why;
	sizes->small += state == SIZE_SMALL;
	return new;
}

__u64 size_base(const struct sizes *sizes, const char *name, const char *from)
{
	struct json_object *values, *value, *pages;

	if (sizes->before && json_object_object_get_ex(sizes->before, "values", &values) &&
	    json_object_is_type(values, json_type_object) &&
	    json_object_object_get_ex(values, name, &value) &&
	    json_object_object_get_ex(sizes->before, "pages", &pages) &&
	    json_object_is_type(value, json_type_string) &&
	    !strcmp(json_object_get_string(value), from))
		return json_object_get_uint64(pages);
	return sizes->boot;
}

static char *sysctl_path(const char *name)
{
	char *path = xasprintf("/proc/sys/%s", name), *p;

	for (p = path + strlen("/proc/sys/"); *p; p++)
		if (*p == '.')
			*p = '/';
	return path;
}

/* Reads up to @nr numbers.  Return: how many there are */
static int read_sysctl(const char *name, __u64 *values, int nr)
{
	char *path = sysctl_path(name), text[128], *p = text;
	int ret = sys_read(path, text, sizeof(text)), n = 0;

	free(path);
	if (ret <= 0)
		return 0;
	while (n < nr) {
		char *end;

		errno = 0;
		values[n] = strtoull(p, &end, 10);
		if (end == p || errno)
			break;
		n++;
		p = end;
	}
	return n;
}

/*
 * Adds a sysctl whose value at boot is known to stand for @base pages, unless it is
 * configured, or as it should be.
 */
static void add_sysctl(struct sizes *sizes, const char *name, char *from, char *to)
{
	char *file = size_configured(name);

	if (file) {
		size_add(sizes, SIZE_SYSCTL, SIZE_KEPT, name, from, NULL,
			 xasprintf("%s sets it", file));
		free(file);
		free(to);
	} else {
		size_add(sizes, SIZE_SYSCTL, SIZE_SMALL, name, from, to, NULL);
	}
}

static bool is_near(const struct linear *f, __u64 value, __u64 base)
{
	double wanted = base * f->num / f->den;

	return value * 100.0 >= wanted * f->low && value * 100.0 <= wanted * f->high;
}

/* The value for all memory, if @value is one for @base pages; else 0 */
static __u64 linear_for(const struct sizes *sizes, const struct linear *f, __u64 value,
			__u64 base)
{
	double to;

	/* What is limited below says nothing of the memory. */
	if (value == f->least && base * f->num / f->den <= value)
		to = sizes->now * f->num / f->den;
	else if (is_near(f, value, base))
		to = value + (sizes->now - base) * f->num / f->den;
	else
		return 0;
	return to > f->most ? f->most : (__u64)to;
}

static void look_linear(struct sizes *sizes, const struct linear *f)
{
	__u64 value, to, base;
	char *from;

	if (read_sysctl(f->name, &value, 1) != 1)
		return;
	from = xasprintf("%llu", value);
	base = size_base(sizes, f->name, from);
	to = sizes->now > WORTH(base) ? linear_for(sizes, f, value, base) : 0;
	if (to > value)
		add_sysctl(sizes, f->name, from, xasprintf("%llu", to));
	else
		free(from);
}

static void look_triple(struct sizes *sizes, const struct linear *f)
{
	__u64 v[3], base, to;
	char *from;

	if (read_sysctl(f->name, v, 3) != 3 || v[0] != v[1] / 4 * 3 || v[2] != v[0] * 2)
		return;
	from = xasprintf("%llu %llu %llu", v[0], v[1], v[2]);
	base = size_base(sizes, f->name, from);
	to = sizes->now > WORTH(base) ? linear_for(sizes, f, v[1], base) : 0;
	if (to > v[1])
		add_sysctl(sizes, f->name, from,
			   xasprintf("%llu %llu %llu", to / 4 * 3, to, to / 4 * 6));
	else
		free(from);
}

/* tcp_init(): the largest buffer is a 128th of the memory, from a minimum to 4 or 6 MiB. */
static void look_buffers(struct sizes *sizes, const char *name, __u64 middle, __u64 least,
			 __u64 most)
{
	struct linear f = { name, 32, 1, 70, 130, least, most };
	__u64 v[3], base, to;
	char *from;

	if (read_sysctl(name, v, 3) != 3 || v[0] != 4096 || v[1] != middle)
		return;
	from = xasprintf("%llu %llu %llu", v[0], v[1], v[2]);
	base = size_base(sizes, name, from);
	to = sizes->now > WORTH(base) ? linear_for(sizes, &f, v[2], base) : 0;
	if (to > v[2])
		add_sysctl(sizes, name, from, xasprintf("%llu %llu %llu", v[0], v[1], to));
	else
		free(from);
}

/* Zones in which khugepaged wants some free pages; the last ones have movable pages only. */
static unsigned int count_zones(void)
{
	char *path = sys_path("/proc/zoneinfo"), *line = NULL;
	FILE *f = fopen(path, "re");
	unsigned int n = 0;
	bool counts = false;
	size_t room = 0;
	__u64 present;

	free(path);
	while (f && getline(&line, &room, f) >= 0) {
		if (!strncmp(line, "Node ", 5))
			counts = !strstr(line, "zone  Movable") && !strstr(line, "zone   Device");
		else if (counts && sscanf(line, " present %llu", &present) == 1)
			n += present > 0;
	}
	free(line);
	if (f)
		fclose(f);
	return n;
}

static __u64 square_root(__u64 n)
{
	__u64 root = 0, bit;

	for (bit = 1ULL << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= n)
			root |= bit;
	return root;
}

/*
 * calculate_min_free_kbytes(); with transparent huge pages, khugepaged raises it, in
 * set_recommended_min_free_kbytes(): two pageblocks and nine more for each zone, but a 20th of
 * the memory at most.
 */
static __u64 min_free(__u64 pages)
{
	__u64 kib = square_root(pages * KIB_PER_PAGE * 16), more;
	char thp[64];

	kib = kib < 128 ? 128 : kib > 262144 ? 262144 : kib;
	if (sys_read("/sys/kernel/mm/transparent_hugepage/enabled", thp, sizeof(thp)) <= 0 ||
	    strstr(thp, "[never]"))
		return kib;
	more = count_zones() * 512ULL * 11;
	if (more > pages / 20)
		more = pages / 20;
	return more * KIB_PER_PAGE > kib ? more * KIB_PER_PAGE : kib;
}

static void look_min_free(struct sizes *sizes)
{
	static const char name[] = "vm.min_free_kbytes";
	__u64 value, base, then, to;
	char *from;

	if (read_sysctl(name, &value, 1) != 1)
		return;
	from = xasprintf("%llu", value);
	base = size_base(sizes, name, from);
	then = min_free(base);
	to = min_free(sizes->now);
	if (sizes->now > WORTH(base) && to > value &&
	    value * 100 >= then * 70 && value * 100 <= then * 115)
		add_sysctl(sizes, name, from, xasprintf("%llu", to));
	else
		free(from);
}

/* nf_conntrack_init_start(); it is a module, and so sees what is there when it is loaded. */
static __u64 conntrack_buckets(__u64 pages)
{
	__u64 n = pages * 4096 / 16384 / 8;

	if (pages > 4ULL << 18)
		return 262144;
	if (pages > 1ULL << 18)
		return 65536;
	return n < 1024 ? 1024 : n;
}

static void look_conntrack(struct sizes *sizes)
{
	static const char buckets[] = "net.netfilter.nf_conntrack_buckets";
	static const char max[] = "net.netfilter.nf_conntrack_max";
	__u64 value, most, base, then, to = conntrack_buckets(sizes->now);
	char *from;

	if (read_sysctl(buckets, &value, 1) != 1 || read_sysctl(max, &most, 1) != 1)
		return;
	from = xasprintf("%llu", value);
	base = size_base(sizes, buckets, from);
	then = conntrack_buckets(base);
	if (to > value && most == value && value >= then * 9 / 10 && value <= then * 14 / 10) {
		add_sysctl(sizes, buckets, xstrdup(from), xasprintf("%llu", to));
		add_sysctl(sizes, max, xstrdup(from), xasprintf("%llu", to));
	}
	free(from);
}

/* The value that threads-max has now, and will have; false if it stays */
static bool threads_max(const struct sizes *sizes, __u64 *from, __u64 *to)
{
	size_t i;

	for (i = 0; i < sizes->nr; i++) {
		const struct size_item *item = &sizes->list[i];

		if (!strcmp(item->name, "kernel.threads-max") && item->state == SIZE_SMALL) {
			*from = strtoull(item->from, NULL, 10);
			*to = strtoull(item->to, NULL, 10);
			return true;
		}
	}
	return false;
}

static void look_limits(struct sizes *sizes, __u64 from, __u64 to)
{
	char *path = sys_path("/proc/1/limits"), *line = NULL;
	FILE *f = fopen(path, "re");
	size_t room = 0, i;
	__u64 soft, hard;

	free(path);
	while (f && getline(&line, &room, f) >= 0)
		for (i = 0; i < ARRAY_SIZE(half_limits); i++)
			if (!strncmp(line, half_limits[i].name, strlen(half_limits[i].name)) &&
			    sscanf(line + strlen(half_limits[i].name), " %llu %llu", &soft,
				   &hard) == 2 && soft == from / 2 && hard == soft)
				size_add(sizes, SIZE_LIMIT, SIZE_SMALL, half_limits[i].name,
					 xasprintf("%llu", soft), xasprintf("%llu", to / 2),
					 NULL)->resource = half_limits[i].resource;
	free(line);
	if (f)
		fclose(f);
}

static void look_half_threads(struct sizes *sizes)
{
	__u64 from, to, value;
	size_t i;

	if (!threads_max(sizes, &from, &to))
		return;
	for (i = 0; i < ARRAY_SIZE(half_threads); i++)
		if (read_sysctl(half_threads[i], &value, 1) == 1 && value == from / 2)
			add_sysctl(sizes, half_threads[i], xasprintf("%llu", value),
				   xasprintf("%llu", to / 2));
	look_limits(sizes, from, to);
}

/* RAM that the kernel had when it sized things, by what it allows for epoll, or 0 */
static __u64 boot_pages(void)
{
	static const char name[] = "fs.epoll.max_user_watches";
	char *file = size_configured(name);
	__u64 value;
	bool good = !file && read_sysctl(name, &value, 1) == 1;

	free(file);
	return good ? value * EPITEM_COST / 4096 * 25 : 0;
}

static __u64 pages_now(void)
{
	char text[256];
	__u64 kib;

	if (sys_read("/proc/meminfo", text, sizeof(text)) <= 0 ||
	    sscanf(text, "MemTotal: %llu", &kib) != 1)
		return 0;
	return kib / KIB_PER_PAGE;
}

static struct json_object *read_before(void)
{
	struct json_object *before;
	char text[16384];

	if (sys_read(SETTLED_FILE, text, sizeof(text)) <= 0)
		return NULL;
	before = json_tokener_parse(text);
	if (!json_object_is_type(before, json_type_object)) {
		json_object_put(before);
		before = NULL;
	}
	return before;
}

void sizes_look(struct sizes *sizes, const struct kho_query *q)
{
	struct json_object *boot;
	size_t i;

	memset(sizes, 0, sizeof(*sizes));
	sizes->now = pages_now();
	if (q->arrival == KHO_ARRIVAL_NONE || q->arrival == KHO_ARRIVAL_OFF)
		return;
	sizes->before = read_before();
	if (sizes->before && json_object_object_get_ex(sizes->before, "boot_pages", &boot))
		sizes->boot = json_object_get_uint64(boot);
	else
		sizes->boot = boot_pages();
	/* Without that, by what the module has freed; what arrived was missing as well. */
	if (!sizes->boot && sizes->now > q->release_done)
		sizes->boot = sizes->now - q->release_done;
	sizes->grown = sizes->boot && sizes->now > WORTH(sizes->boot);
	if (!sizes->grown)
		return;
	sizes_look_tmpfs(sizes);
	for (i = 0; i < ARRAY_SIZE(linears); i++)
		look_linear(sizes, &linears[i]);
	look_half_threads(sizes);
	for (i = 0; i < ARRAY_SIZE(triples); i++)
		look_triple(sizes, &triples[i]);
	look_buffers(sizes, "net.ipv4.tcp_rmem", 131072, 131072, 6 << 20);
	look_buffers(sizes, "net.ipv4.tcp_wmem", 16384, 65536, 4 << 20);
	look_min_free(sizes);
	look_conntrack(sizes);
	sizes_look_tables(sizes);
}

void sizes_free(struct sizes *sizes)
{
	size_t i;

	for (i = 0; i < sizes->nr; i++) {
		free(sizes->list[i].name);
		free(sizes->list[i].from);
		free(sizes->list[i].to);
		free(sizes->list[i].why);
	}
	free(sizes->list);
	json_object_put(sizes->before);
	memset(sizes, 0, sizeof(*sizes));
}

/* ---- Raising ---- */

static int write_sysctl(const char *name, const char *value)
{
	char *below = sysctl_path(name), *path = sys_path(below);
	FILE *f = fopen(path, "we");
	int ret = 0;

	free(below);
	free(path);
	if (!f)
		return -errno;
	if (fputs(value, f) < 0)
		ret = -EIO;
	if (fclose(f) && !ret)
		ret = -errno;
	return ret;
}

static int raise_limit(const struct size_item *item)
{
	struct rlimit limit;

	/* A system that is made up has no process 1. */
	if (getenv("KHO_SYSROOT"))
		return 0;
	limit.rlim_cur = strtoull(item->to, NULL, 10);
	limit.rlim_max = limit.rlim_cur;
	return prlimit(1, item->resource, &limit, NULL) ? -errno : 0;
}

/* With its own content: the kernel computes anew what it keeps free of each zone. */
static void renew_reserve(void)
{
	static const char name[] = "vm.lowmem_reserve_ratio";
	char *path = sysctl_path(name), text[128];

	if (sys_read(path, text, sizeof(text)) > 0)
		write_sysctl(name, text);
	free(path);
}

/* Notes what was raised to what, so that the next settle knows it from what others set. */
static int write_after(struct sizes *sizes)
{
	struct json_object *root = sizes->before ? sizes->before : json_new(), *values;
	char *dir = sys_path("/run/kho"), *path = sys_path(SETTLED_FILE);
	size_t i;
	int ret;

	sizes->before = root;
	if (!json_object_object_get_ex(root, "values", &values) ||
	    !json_object_is_type(values, json_type_object)) {
		values = json_new();
		json_object_object_add(root, "values", values);
	}
	json_object_object_del(root, "boot_pages");
	json_object_object_del(root, "pages");
	json_add_u64(root, "boot_pages", sizes->boot);
	json_add_u64(root, "pages", sizes->now);
	for (i = 0; i < sizes->nr; i++)
		if (sizes->list[i].state == SIZE_RAISED)
			json_object_object_add(values, sizes->list[i].name,
					       json_object_new_string(sizes->list[i].to));
	mkdir(dir, 0755);
	ret = json_object_to_file_ext(path, root, JSON_C_TO_STRING_PRETTY) ? -errno : 0;
	free(dir);
	free(path);
	return ret;
}

static int raise_item(const struct size_item *item)
{
	switch (item->kind) {
	case SIZE_TMPFS:
		return size_raise_tmpfs(item);
	case SIZE_LIMIT:
		return raise_limit(item);
	default:
		return write_sysctl(item->name, item->to);
	}
}

int sizes_raise(struct sizes *sizes, size_t *failed)
{
	size_t i;

	*failed = 0;
	for (i = 0; i < sizes->nr; i++) {
		struct size_item *item = &sizes->list[i];
		int ret;

		if (item->state != SIZE_SMALL)
			continue;
		ret = raise_item(item);
		item->state = ret ? SIZE_FAILED : SIZE_RAISED;
		if (ret) {
			item->why = xstrdup(strerror(-ret));
			*failed += 1;
		} else if (!strcmp(item->name, "vm.min_free_kbytes")) {
			renew_reserve();
		}
	}
	return sizes->small > *failed ? write_after(sizes) : 0;
}

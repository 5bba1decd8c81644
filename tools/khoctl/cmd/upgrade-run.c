// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl upgrade: waiting for others, replacing the module, and what there is afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <time.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "cmd/upgrade.h"
#include "device/device.h"
#include "device/lists.h"
#include "device/users.h"

/* How often to try again while others use the module, in ms */
#define RETRY_MS	200
/* How long to wait for the device node after a module was loaded, in ms */
#define NODE_MS		10000
#define LOG_ACTION_READ_ALL	3

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void sleep_ms(unsigned int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

void upgrade_attribute(const char *name, char *buf, size_t size)
{
	char *path = xasprintf("/sys/module/kho/%s", name);

	if (sys_read(path, buf, size) < 0)
		buf[0] = '\0';
	free(path);
}

int upgrade_read_state(int dev, struct upgrade_state *state)
{
	int ret = kho_query(dev, &state->query);

	if (ret)
		return cmd_err("%s: %s", device_path(), device_error(ret));
	if (list_objects(dev, &state->objects, &state->nr_objects))
		return FAILED;
	ret = list_pages(dev, &state->pages, &state->nr_pages);
	if (ret)
		return cmd_err("listing pages: %s", device_error(ret));
	return DONE;
}

void upgrade_free_state(struct upgrade_state *state)
{
	free(state->objects);
	free(state->pages);
}

/* ---- Waiting for others ---- */

static int set_state(int dev, __u32 state, __u32 *others)
{
	struct kho_upgrade arg = { .size = sizeof(arg), .state = state };
	int ret = ioctl(dev, KHO_UPGRADE, &arg) ? -errno : 0;

	if (others)
		*others = arg.others;
	return ret;
}

/* Prints the kernel modules that use ours; returns how many. */
static unsigned int print_holders(void)
{
	char *path = sys_path("/sys/module/kho/holders");
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int nr = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			fprintf(stderr, "  the kernel module %s uses it: rmmod %s\n",
				entry->d_name, entry->d_name);
			nr++;
		}
	if (dir)
		closedir(dir);
	free(path);
	return nr;
}

static void print_others(unsigned int others)
{
	struct user *users;
	size_t nr = users_find(&users);

	users_print(users, nr, "  ");
	nr += print_holders();
	users_free(users, nr);
	if (!nr && others)
		fprintf(stderr, "  %s that no process shows: a descriptor that is on its way through a socket, or another container's\n",
			count_str(others, "reference"));
}

/*
 * Lets the module be unloaded, and unloads it.  Return: 0; -EBUSY if others use it, then
 * *@others says how many; or another negative errno
 */
static int leave_once(int *dev, __u32 *others)
{
	int ret = set_state(*dev, KHO_UPGRADE_LEAVE, others);

	if (ret)
		return ret;
	/* From here on the module is unloaded or, if somebody opens the device, stays. */
	close(*dev);
	*dev = -1;
	ret = module_unload();
	if (!ret)
		return 0;
	*dev = kho_open(device_path());
	/* Somebody else was faster, and has opened it. */
	if (ret == -EWOULDBLOCK || ret == -EBUSY)
		ret = -EBUSY;
	if (*dev < 0 && ret == -EBUSY)
		ret = *dev;
	return ret;
}

int upgrade_leave(struct upgrade *u)
{
	__u64 end = now_ms() + u->wait * 1000ULL;
	__u32 others = 0;
	int dev = kho_open(device_path()), ret;
	bool told = false;

	if (dev < 0)
		return cmd_errno_err(dev, "%s", device_path());
	for (;;) {
		/* Each time anew, as the previous file may have been closed. */
		if (u->wait)
			set_state(dev, KHO_UPGRADE_ASK, NULL);
		ret = leave_once(&dev, &others);
		if (ret != -EBUSY || caught_signal() || now_ms() >= end)
			break;
		if (!told) {
			cmd_warn("asks and waits for others, for at most %u seconds:", u->wait);
			print_others(others);
		}
		told = true;
		sleep_ms(RETRY_MS);
	}
	if (!ret)
		return DONE;
	if (ret == -EBUSY) {
		cmd_err("the module is in use, and stays as it is:");
		print_others(others);
	} else if (ret == -EPERM) {
		cmd_err("not permitted: this needs CAP_SYS_ADMIN and CAP_SYS_MODULE, and a kernel without lockdown or modules_disabled; the module stays as it is");
	} else {
		cmd_err("%s; the module stays as it is", device_error(ret));
	}
	if (dev >= 0)
		close(dev);
	return FAILED;
}

/* ---- Loading ---- */

/* Prints why the kernel did not take a module: the last line of ours in its log. */
static void print_log(void)
{
	enum { SIZE = 1 << 18 };
	char *log = xmalloc(SIZE), *line, *rest, *why = NULL;
	int n = klogctl(LOG_ACTION_READ_ALL, log, SIZE - 1);

	log[n > 0 ? n : 0] = '\0';
	for (line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line = strstr(line, "kho: ");
		if (line && !strstr(line, "not loaded"))
			why = line;
	}
	if (why) {
		char *clean = printable(why, strlen(why));

		fprintf(stderr, "  the kernel says: %s\n", clean);
		free(clean);
	}
	free(log);
}

static int go_back(struct upgrade *u)
{
	int ret;

	if (!u->old.data)
		return cmd_err("no kho.ko is loaded now. What was preserved is still in place: load any version that can take it over (modprobe kho)");
	ret = module_file_load(&u->old, u->params);
	if (ret && ret != -EEXIST) {
		cmd_errno_err(ret, "%s: could not be loaded either", u->old.path);
		print_log();
		return cmd_err("no kho.ko is loaded now. What was preserved is still in place: load any version that can take it over (modprobe kho)");
	}
	return cmd_err("version %s is loaded again, with everything that was preserved",
		       u->version);
}

int upgrade_load(struct upgrade *u)
{
	char is[sizeof(u->srcversion)];
	int ret = module_file_load(&u->new, u->params);

	if (!ret)
		return DONE;
	upgrade_attribute("srcversion", is, sizeof(is));
	if (ret == -EEXIST && *is && !strcmp(is, u->new.srcversion))
		return DONE;
	if (ret == -EEXIST)
		return cmd_err("somebody else has loaded another kho.ko meanwhile (srcversion %s): it has taken over what was preserved",
			       is);
	cmd_errno_err(ret, "%s: could not be loaded", u->new.path);
	print_log();
	return go_back(u);
}

/* ---- Afterwards ---- */

static int open_again(void)
{
	__u64 end = now_ms() + NODE_MS;
	int dev;

	for (;;) {
		dev = kho_open(device_path());
		/* udev may still have to make the node, or set its mode. */
		if ((dev != -ENOENT && dev != -ENXIO && dev != -ENODEV && dev != -EACCES) ||
		    now_ms() >= end)
			return dev;
		sleep_ms(RETRY_MS / 4);
	}
}

static bool same_object(const struct kho_obj_info *a, const struct kho_obj_info *b)
{
	return !memcmp(a->name, b->name, sizeof(a->name)) && a->bytes == b->bytes &&
	       a->uid == b->uid && a->gid == b->gid && a->mode == b->mode &&
	       a->created == b->created && a->generation == b->generation &&
	       a->data_bytes == b->data_bytes;
}

static int compare(const struct upgrade_state *a, const struct upgrade_state *b)
{
	size_t i;

	if (a->nr_objects != b->nr_objects)
		return cmd_err("there were %zu objects, and now there are %zu",
			       a->nr_objects, b->nr_objects);
	for (i = 0; i < a->nr_objects; i++)
		if (!same_object(&a->objects[i], &b->objects[i])) {
			char *name = printable(a->objects[i].name, KHO_NAME_SIZE);

			cmd_err("object '%s' is not the same as before", name);
			free(name);
			return FAILED;
		}
	if (a->nr_pages != b->nr_pages ||
	    (a->nr_pages && memcmp(a->pages, b->pages, a->nr_pages * sizeof(*a->pages))))
		return cmd_err("the pages by number are not the same as before: %zu entries, and now %zu",
			       a->nr_pages, b->nr_pages);
	if (a->query.preserved_pages != b->query.preserved_pages)
		cmd_warn("%llu pages were preserved, and now %llu, with metadata",
			 a->query.preserved_pages, b->query.preserved_pages);
	if (a->query.setup_addr != b->query.setup_addr)
		return cmd_err("the announcement for the next kernel has moved: load that kernel again");
	return DONE;
}

int upgrade_compare(struct upgrade *u)
{
	struct upgrade_state after = {};
	int dev = open_again(), ret;

	if (dev < 0)
		return cmd_errno_err(dev, "%s", device_path());
	ret = upgrade_read_state(dev, &after);
	close(dev);
	if (ret)
		return ret;
	ret = compare(&u->before, &after);
	upgrade_free_state(&after);
	return ret;
}

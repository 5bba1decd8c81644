// SPDX-License-Identifier: GPL-2.0
/*
 * A module that can be replaced, to preload before the fake /dev/kho: the host's kernel
 * must not see any of it.
 *
 * It is loaded while KHO_SYSROOT/sys/module/kho exists.  A file of it is whatever has
 * strings as in .modinfo; "fails=1" among them makes it fail when it is loaded.  The file
 * calls in KHO_FAKE_DIR gets a line for each call.
 *
 *	KHO_FAKE_OTHERS		file with a number: that many times, others use the module
 *	KHO_FAKE_NO_UPGRADE	set: a module that can't be replaced
 *	KHO_FAKE_LOSES		set: after loading, an object is missing
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kho.h>

static FILE *open_in(const char *variable, const char *sub, const char *mode)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", getenv(variable), sub);
	return fopen(path, mode);
}

static void note(const char *what, const char *more)
{
	FILE *f = open_in("KHO_FAKE_DIR", "calls", "a");

	fprintf(f, "%s %s\n", what, more);
	fclose(f);
}

static int fail(int err)
{
	errno = err;
	return -1;
}

static const char *value_of(const char *image, unsigned long len, const char *key)
{
	const char *at = memmem(image, len, key, strlen(key));

	return at ? at + strlen(key) : "";
}

static char *module_dir(void)
{
	static char dir[512];

	snprintf(dir, sizeof(dir), "%s/sys/module/kho", getenv("KHO_SYSROOT"));
	return dir;
}

static void write_attribute(const char *name, const char *value)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", module_dir(), name);
	f = fopen(path, "w");
	fprintf(f, "%s\n", value);
	fclose(f);
}

int init_module(void *image, unsigned long len, const char *params)
{
	char what[256];

	snprintf(what, sizeof(what), "%s (%s)", value_of(image, len, "srcversion="), params);
	if (!strcmp(value_of(image, len, "vermagic="), "bad"))
		return fail(ENOEXEC);
	if (!access(module_dir(), F_OK))
		return fail(EEXIST);
	note("load", what);
	if (*value_of(image, len, "fails="))
		return fail(EINVAL);
	mkdir(module_dir(), 0755);
	write_attribute("srcversion", value_of(image, len, "srcversion="));
	write_attribute("version", value_of(image, len, "shown="));
	if (getenv("KHO_FAKE_LOSES")) {
		snprintf(what, sizeof(what), "%s/objects/one", getenv("KHO_FAKE_DIR"));
		unlink(what);
	}
	return 0;
}

int delete_module(const char *name, unsigned int flags)
{
	char command[600];

	(void)flags;
	note("unload", name);
	snprintf(command, sizeof(command), "rm -r %s", module_dir());
	return system(command) ? fail(EBUSY) : 0;
}

/* Takes one from the number in that file; returns what it was. */
static unsigned int others(void)
{
	const char *path = getenv("KHO_FAKE_OTHERS");
	unsigned int nr = 0;
	FILE *f = path ? fopen(path, "r+") : NULL;

	if (!f)
		return 0;
	if (fscanf(f, "%u", &nr) == 1 && nr) {
		rewind(f);
		fprintf(f, "%-8u", nr - 1);
	}
	fclose(f);
	return nr;
}

int ioctl(int fd, unsigned long cmd, ...)
{
	int (*real)(int fd, unsigned long cmd, ...) = dlsym(RTLD_NEXT, "ioctl");
	struct kho_upgrade *upgrade;
	va_list args;
	void *arg;
	int ret;

	va_start(args, cmd);
	arg = va_arg(args, void *);
	va_end(args);
	if (cmd == KHO_UPGRADE) {
		upgrade = arg;
		if (getenv("KHO_FAKE_NO_UPGRADE"))
			return fail(ENOTTY);
		note("state", upgrade->state == KHO_UPGRADE_ASK ? "ask" : "leave");
		if (upgrade->state != KHO_UPGRADE_LEAVE)
			return 0;
		upgrade->others = others();
		return upgrade->others ? fail(EBUSY) : 0;
	}
	ret = real(fd, cmd, arg);
	if (!ret && cmd == KHO_QUERY && !getenv("KHO_FAKE_NO_UPGRADE"))
		((struct kho_query *)arg)->features |= KHO_FEATURE_UPGRADE;
	return ret;
}

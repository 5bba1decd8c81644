// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl upgrade [--to FILE]
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/modfile.h"
#include "base/options.h"
#include "base/signals.h"
#include "base/sysinfo.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/upgrade.h"
#include "device/device.h"

/* Where the running module's file is kept, and where dkms keeps what it has built. */
#define KEPT_DIR	"/var/lib/kho"
#define DKMS_BUILDS	"/var/lib/dkms/kho/*/%s/*/module/kho.ko*"

#define WAIT_DEFAULT	30
#define WAIT_MAX	86400

struct args {
	const char *to;
	const char *old;
	bool dry_run;
	bool force;
	bool no_rollback;
	bool save;
	unsigned int wait;
};

static int parse_args(int argc, char **argv, struct args *args)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "to", required_argument, NULL, 't' },
		{ "old", required_argument, NULL, 'o' },
		{ "wait", required_argument, NULL, 'w' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "force", no_argument, NULL, 'f' },
		{ "no-rollback", no_argument, NULL, 'r' },
		{ "save", no_argument, NULL, 's' },
		END_OF_OPTIONS
	};
	char *end;
	long n;
	int c;

	args->wait = WAIT_DEFAULT;
	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		switch (c) {
		case 't':
			args->to = optarg;
			break;
		case 'o':
			args->old = optarg;
			break;
		case 'w':
			errno = 0;
			n = strtol(optarg, &end, 10);
			if (errno || end == optarg || *end || n < 0 || n > WAIT_MAX)
				return usage_error("'%s' is not a number of seconds, 0 to %d",
						   optarg, WAIT_MAX);
			args->wait = n;
			break;
		case 'n':
			args->dry_run = true;
			break;
		case 'f':
			args->force = true;
			break;
		case 'r':
			args->no_rollback = true;
			break;
		case 's':
			args->save = true;
			break;
		default:
			return USAGE;
		}
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	return DONE;
}

/* ---- The running module ---- */

/* Adds a parameter with the value that the running module has. */
static void add_param(struct upgrade *u, const char *name)
{
	char *attribute = xasprintf("parameters/%s", name), value[64], *more;

	upgrade_attribute(attribute, value, sizeof(value));
	free(attribute);
	if (!*value || value[strspn(value, "0123456789")])
		return;
	more = xasprintf("%s%s%s=%s", u->params, *u->params ? " " : "", name, value);
	free(u->params);
	u->params = more;
}

static void read_running(struct upgrade *u)
{
	upgrade_attribute("srcversion", u->srcversion, sizeof(u->srcversion));
	upgrade_attribute("version", u->version, sizeof(u->version));
	u->params = xstrdup("");
	add_param(u, "abi");
	add_param(u, "scratch_mib");
	add_param(u, "max_idle");
}

static bool is_running(const struct upgrade *u, const struct module_file *file)
{
	return *u->srcversion && !strcmp(file->srcversion, u->srcversion);
}

static char *kept_file(void)
{
	char *below = xasprintf(KEPT_DIR "/%s/kho.ko", sys_release()), *path = sys_path(below);

	free(below);
	return path;
}

/* Reads a file if it is that of the running module. */
static bool try_old(struct upgrade *u, const char *path)
{
	if (access(path, R_OK) || module_file_read(path, &u->old))
		return false;
	if (is_running(u, &u->old))
		return true;
	module_file_free(&u->old);
	return false;
}

/* Looks for the running module's file: it may have been replaced on disk already. */
static bool find_old(struct upgrade *u)
{
	char *below = xasprintf(DKMS_BUILDS, sys_release()), *pattern = sys_path(below);
	char *path = module_find(sys_release()), *kept = kept_file();
	bool found = (path && try_old(u, path)) || try_old(u, kept);
	glob_t builds;
	size_t i;

	if (!found && !glob(pattern, 0, NULL, &builds)) {
		for (i = 0; i < builds.gl_pathc && !found; i++)
			found = try_old(u, builds.gl_pathv[i]);
		globfree(&builds);
	}
	free(kept);
	free(path);
	free(pattern);
	free(below);
	return found;
}

/* Keeps the file of the module that is loaded, to be able to go back to it. */
static int save(const struct module_file *file)
{
	char *path = kept_file(), *tmp = xasprintf("%s.new", path), *dir = xstrdup(path);
	char *above = sys_path(KEPT_DIR);
	int fd = -1, ret = DONE;

	*strrchr(dir, '/') = '\0';
	if ((mkdir(above, 0755) && errno != EEXIST) || (mkdir(dir, 0755) && errno != EEXIST))
		ret = cmd_errno_err(errno, "%s", dir);
	if (!ret) {
		unlink(tmp);
		fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	}
	if (!ret && (fd < 0 || write(fd, file->data, file->len) != (ssize_t)file->len ||
		     fsync(fd) || rename(tmp, path)))
		ret = cmd_errno_err(errno, "%s", path);
	if (fd >= 0)
		close(fd);
	free(above);
	free(dir);
	free(tmp);
	free(path);
	return ret;
}

/* ---- What can be checked beforehand ---- */

/*
 * Has the kernel check signature, version magic and lockdown: it does so before it sees
 * that a module of this name is loaded.
 */
static int try_load(const struct module_file *file)
{
	int ret = module_file_load(file, "");

	switch (ret) {
	case 0:
	case -EEXIST:
		return DONE;
	case -ENOEXEC:
		return cmd_err("%s: the kernel would not load it: it was built for '%s', or is damaged",
			       file->path, file->vermagic);
	case -ENOKEY:
	case -EKEYREJECTED:
		return cmd_err("%s: the kernel would not load it: its signature is missing or unknown",
			       file->path);
	case -EPERM:
		return cmd_err("%s: the kernel would not load it: no CAP_SYS_MODULE, lockdown, or kernel.modules_disabled",
			       file->path);
	default:
		return cmd_errno_err(ret, "%s: the kernel would not load it", file->path);
	}
}

static int check_file(const struct module_file *file)
{
	if (!*file->left)
		return cmd_err("%s: version %s can't take over what another one has left",
			       file->path, file->version);
	return try_load(file);
}

static int read_files(struct upgrade *u, const struct args *args)
{
	char *path = args->to ? xstrdup(args->to) : module_find(sys_release());
	int ret;

	if (!path)
		return cmd_err("no kho.ko is installed for %s: give --to FILE", sys_release());
	ret = module_file_read(path, &u->new);
	free(path);
	if (ret)
		return ret;
	if (!args->old) {
		find_old(u);
	} else if (module_file_read(args->old, &u->old)) {
		return FAILED;
	} else if (*u->srcversion && !is_running(u, &u->old)) {
		cmd_warn("%s: is not the running module, but srcversion %s", args->old,
			 u->old.srcversion);
	}
	return DONE;
}

static int report(const struct upgrade *u, const char *what)
{
	struct json_object *root, *part;

	if (!want_json()) {
		if (*u->version)
			printf("%s: %s -> %s (%s)\n", what, u->version, u->new.version,
			       u->new.path);
		else
			printf("%s: %s (%s)\n", what, u->new.version, u->new.path);
		return DONE;
	}
	root = json_new();
	json_add_str(root, "result", what);
	part = json_new();
	json_add_str(part, "version", u->version);
	json_add_str(part, "srcversion", u->srcversion);
	json_object_object_add(root, "from", part);
	part = json_new();
	json_add_str(part, "version", u->new.version);
	json_add_str(part, "srcversion", u->new.srcversion);
	json_add_str(part, "file", u->new.path);
	json_object_object_add(root, "to", part);
	json_add_u64(root, "objects", u->before.nr_objects);
	json_print(root);
	return DONE;
}

/* No module is loaded: perhaps one has left something, and nobody has loaded the next. */
static int load_only(struct upgrade *u, const struct args *args)
{
	int ret;

	if (args->dry_run)
		return report(u, "would be loaded");
	ret = module_file_load(&u->new, u->params);
	if (ret)
		return cmd_errno_err(ret, "%s: could not be loaded", u->new.path);
	save(&u->new);
	return report(u, "loaded");
}

static int replace(struct upgrade *u, const struct args *args)
{
	int ret;

	if (is_running(u, &u->new) && !args->force)
		return report(u, "already running");
	ret = check_file(&u->new);
	if (ret)
		return ret;
	if (u->old.data && check_file(&u->old)) {
		if (!args->no_rollback)
			return cmd_err("%s: it would be impossible to go back to it; see --no-rollback",
				       u->old.path);
		module_file_free(&u->old);
	}
	if (!u->old.data && !args->no_rollback)
		return cmd_err("the file of the running module (version %s, srcversion %s) is nowhere: give --old FILE, or --no-rollback to do without",
			       u->version, u->srcversion);
	if (args->dry_run)
		return report(u, "would be replaced");
	/* From here to the end nothing may end this program halfway. */
	catch_signals();
	ret = upgrade_leave(u) ?: upgrade_load(u) ?: upgrade_compare(u);
	if (!ret) {
		save(&u->new);
		report(u, "replaced");
	}
	die_of_signal();
	return ret;
}

static int read_before(struct upgrade *u)
{
	int dev = open_device_query(&u->before.query, KHO_FEATURE_OBJECTS | KHO_FEATURE_AGENTS);
	int ret;

	if (dev < 0)
		return FAILED;
	if (u->before.query.features & KHO_FEATURE_UPGRADE)
		ret = upgrade_read_state(dev, &u->before);
	else if (u->before.query.backend == KHO_BACKEND_KERNEL)
		ret = cmd_err("on a kernel with in-kernel KHO the module can't be replaced while it holds anything");
	else
		ret = cmd_err("the running module (version %s) is too old to leave what it holds to another one: it is replaced with the next kernel, or when nothing is preserved (rmmod kho; modprobe kho)",
			      u->version);
	close(dev);
	return ret;
}

int cmd_upgrade(int argc, char **argv)
{
	struct args args = {};
	struct upgrade u = {};
	int ret = parse_args(argc, argv, &args);

	if (ret)
		return ret;
	u.wait = args.wait;
	read_running(&u);
	if (args.save) {
		ret = find_old(&u) ? save(&u.old) :
		      cmd_err("the file of the running module is nowhere");
		goto out;
	}
	ret = read_files(&u, &args);
	if (ret)
		goto out;
	if (!sys_exists("/sys/module/kho")) {
		ret = load_only(&u, &args);
		goto out;
	}
	ret = read_before(&u) ?: replace(&u, &args);
out:
	upgrade_free_state(&u.before);
	module_file_free(&u.new);
	module_file_free(&u.old);
	free(u.params);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What the commands on objects share.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "khoctl.h"

int open_objects(struct kho_query *query, __u64 more)
{
	return open_device_query(query, KHO_FEATURE_OBJECTS |
				 KHO_FEATURE_AGENTS | more);
}

const char *object_error(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such object, or none that you may see ('khoctl ls' lists them)";
	case -EEXIST:
		return "there is an object of this name ('khoctl rm' releases it)";
	case -EBUSY:
		return "is open or mapped by a process";
	case -EPERM:
		return "not permitted: it is somebody else's or sealed, or there is lockdown";
	case -EACCES:
		return "permission denied: its mode does not let you (see 'khoctl own')";
	default:
		return device_error(err);
	}
}

const char *sum_error(int err)
{
	/* All flags are known to the module: there is nothing else to refuse. */
	if (err == -EOPNOTSUPP)
		return "this kernel has no checksums: it was built without CONFIG_XXHASH";
	return object_error(err);
}

int open_object(int dev, const char *name, __u32 flags, __u64 *bytes)
{
	uint64_t size;
	int obj = kho_object_open(dev, name, flags, &size);

	if (obj < 0) {
		cmd_err("%s: %s", name, object_error(obj));
		return -1;
	}
	if (bytes)
		*bytes = size;
	return obj;
}

int name_argument(int argc, char **argv, int most, const char **name)
{
	const char *why;

	if (optind == argc)
		return usage_error("which object? NAME is missing");
	if (argc - optind > most)
		return usage_error("too many arguments: '%s'",
				   argv[optind + most]);
	*name = argv[optind];
	why = bad_name(*name);
	if (why)
		return usage_error("'%s': %s", *name, why);
	return DONE;
}

/* A number, or a name that @find knows; (__u32)-1 stands for nobody. */
static bool parse_id(const char *arg, long long (*find)(const char *name), __u32 *id)
{
	__u64 n;
	long long found;

	if (!parse_u64(arg, &n)) {
		*id = n;
		return n < UINT32_MAX;
	}
	found = find(arg);
	*id = found;
	return found >= 0;
}

static long long find_user(const char *name)
{
	const struct passwd *pw = getpwnam(name);

	return pw ? (long long)pw->pw_uid : -1;
}

static long long find_group(const char *name)
{
	const struct group *gr = getgrnam(name);

	return gr ? (long long)gr->gr_gid : -1;
}

int parse_owner(const char *arg, struct owner *owner)
{
	const char *colon = strchr(arg, ':');
	char *user = colon ? strndup(arg, colon - arg) : strdup(arg);
	int ret = DONE;

	if (!user)
		return cmd_err("out of memory");
	if (!*arg || (colon && !colon[1])) {
		ret = usage_error("--owner: '%s': UID, UID:GID or :GID", arg);
		goto out;
	}
	if (*user) {
		owner->which |= KHO_OWNER_UID;
		if (!parse_id(user, find_user, &owner->uid))
			ret = usage_error("--owner: '%s': no such user", user);
	}
	if (colon && !ret) {
		owner->which |= KHO_OWNER_GID;
		if (!parse_id(colon + 1, find_group, &owner->gid))
			ret = usage_error("--owner: '%s': no such group",
					  colon + 1);
	}
out:
	free(user);
	return ret;
}

int parse_mode(const char *arg, struct owner *owner)
{
	size_t n = strspn(arg, "01234567");

	if (!n || arg[n] || n > 5)
		return usage_error("--mode: '%s': is no octal number", arg);
	owner->mode = strtoul(arg, NULL, 8);
	if (owner->mode & ~0666U)
		return usage_error("--mode: '%s': only read and write bits, 0 to 0666",
				   arg);
	owner->which |= KHO_OWNER_MODE;
	return DONE;
}

int set_owner(int obj, const char *name, const struct owner *owner)
{
	int ret;

	if (!owner->which)
		return DONE;
	ret = kho_object_set_owner(obj, owner->which, owner->uid, owner->gid,
				   owner->mode);
	if (ret == -EPERM)
		return cmd_err("%s: not permitted: it is somebody else's, or only root may give it to this user or group",
			       name);
	if (ret)
		return cmd_err("%s: %s", name, object_error(ret));
	return DONE;
}

int read_user_data(const char *path, void **data, __u32 *bytes)
{
	bool is_stdin = !path || !strcmp(path, "-");
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	/* One more: to see that there is more. */
	char *buf = xmalloc(KHO_DATA_MAX + 1);
	int ret = DONE;
	size_t at = 0;
	ssize_t n;

	if (is_stdin)
		path = "stdin";
	if (fd < 0) {
		ret = cmd_errno_err(errno, "%s", path);
		goto out;
	}
	do {
		n = read(fd, buf + at, KHO_DATA_MAX + 1 - at);
		if (n > 0)
			at += n;
		else if (n < 0 && errno != EINTR)
			ret = cmd_errno_err(errno, "%s: cannot read", path);
		if (caught_signal())
			ret = cmd_err("interrupted");
	} while (!ret && n && at <= KHO_DATA_MAX);
	close(fd);
	if (!ret && at > KHO_DATA_MAX)
		ret = cmd_err("%s: has more than %s, the most of user data",
			      path, size_str(KHO_DATA_MAX));
out:
	if (ret) {
		free(buf);
		return ret;
	}
	*data = buf;
	*bytes = at;
	return DONE;
}

__u32 huge_page_size(const struct kho_query *query)
{
	/* A page of pointers to base pages */
	return query->page_size / 8 * query->page_size;
}

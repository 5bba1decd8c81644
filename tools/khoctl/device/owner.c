// SPDX-License-Identifier: GPL-2.0
/*
 * Owner and mode of an object.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/parse.h"
#include "device/objects.h"
#include "device/owner.h"

/* Parses a number, or a name that @find knows.  (__u32)-1 is not a valid ID. */
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
	char *user = check_alloc(colon ? strndup(arg, colon - arg) : strdup(arg));
	int ret = DONE;

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
		return usage_error("--mode: '%s': is not an octal number", arg);
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

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libkho: objects.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "internal.h"

int kho_copy_name(uint8_t *to, const char *name)
{
	size_t len = strnlen(name, KHO_NAME_SIZE);

	if (!len)
		return -EINVAL;
	if (len == KHO_NAME_SIZE)
		return -ENAMETOOLONG;
	memcpy(to, name, len);
	return 0;
}

int kho_object_create(int dev, const char *name, uint64_t bytes,
		      uint32_t flags, uint32_t node)
{
	struct kho_obj_create arg = {
		.size = sizeof(arg),
		.flags = flags,
		.bytes = bytes,
		.fd = -1,
		.node = node,
	};
	int ret = kho_copy_name(arg.name, name);

	if (!ret)
		ret = kho_ioctl(dev, KHO_OBJ_CREATE, &arg);
	return kho_new_fd(ret, arg.fd);
}

int kho_object_preserve(int dev, const char *name, const void *addr,
			uint64_t bytes, uint32_t flags,
			struct kho_refusal *refusal)
{
	struct kho_obj_preserve arg = {
		.size = sizeof(arg),
		.flags = flags,
		.addr = (uintptr_t)addr,
		.bytes = bytes,
		.fd = -1,
	};
	int ret = kho_copy_name(arg.name, name);

	if (!ret)
		ret = kho_ioctl(dev, KHO_OBJ_PRESERVE, &arg);
	if (refusal) {
		refusal->why = arg.why;
		refusal->addr = arg.bad_addr;
	}
	return kho_new_fd(ret, arg.fd);
}

int kho_object_open(int dev, const char *name, uint32_t flags, uint64_t *bytes)
{
	struct kho_obj_name arg = {
		.size = sizeof(arg),
		.flags = flags,
		.fd = -1,
	};
	int ret = kho_copy_name(arg.name, name);

	if (!ret)
		ret = kho_ioctl(dev, KHO_OBJ_OPEN, &arg);
	ret = kho_new_fd(ret, arg.fd);
	if (ret >= 0 && bytes)
		*bytes = arg.bytes;
	return ret;
}

int kho_object_remove(int dev, const char *name)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };
	int ret = kho_copy_name(arg.name, name);

	return ret ? ret : kho_ioctl(dev, KHO_OBJ_REMOVE, &arg);
}

int kho_object_list(int dev, uint64_t first, struct kho_obj_info *infos,
		    uint32_t *count, uint64_t *total)
{
	struct kho_obj_info_list arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)infos,
		.count = *count,
		.entry_size = sizeof(*infos),
	};
	int ret;

	/* An older module fills in less of each entry. */
	if (*count)
		memset(infos, 0, *count * sizeof(*infos));
	ret = kho_ioctl(dev, KHO_OBJ_INFO_LIST, &arg);
	return kho_listed(ret, arg.count, arg.total, count, total);
}

static int plain_cmd(int obj, unsigned long cmd, uint32_t flags)
{
	struct kho_obj_plain arg = {
		.size = sizeof(arg),
		.flags = flags,
	};

	return kho_ioctl(obj, cmd, &arg);
}

int kho_object_commit(int obj)
{
	return plain_cmd(obj, KHO_OBJ_COMMIT, 0);
}

int kho_object_seal(int obj, uint32_t flags)
{
	return plain_cmd(obj, KHO_OBJ_SEAL, flags);
}

int kho_object_resize(int obj, uint64_t bytes)
{
	struct kho_obj_resize arg = {
		.size = sizeof(arg),
		.bytes = bytes,
	};

	return kho_ioctl(obj, KHO_OBJ_RESIZE, &arg);
}

int kho_object_info(int obj, struct kho_obj_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return kho_ioctl(obj, KHO_OBJ_INFO, info);
}

int kho_object_set_data(int obj, const void *data, uint32_t bytes)
{
	struct kho_obj_data arg = {
		.size = sizeof(arg),
		.data = (uintptr_t)data,
		.bytes = bytes,
	};

	return kho_ioctl(obj, KHO_OBJ_SET_DATA, &arg);
}

int kho_object_get_data(int obj, void *data, uint32_t *bytes)
{
	struct kho_obj_data arg = {
		.size = sizeof(arg),
		.data = (uintptr_t)data,
		.bytes = *bytes,
	};
	int ret = kho_ioctl(obj, KHO_OBJ_GET_DATA, &arg);

	if (ret)
		return ret;
	if (arg.bytes > KHO_DATA_MAX)
		return -EPROTO;
	*bytes = arg.bytes;
	return 0;
}

int kho_object_set_owner(int obj, uint32_t which, uint32_t uid, uint32_t gid,
			 uint32_t mode)
{
	struct kho_obj_owner arg = {
		.size = sizeof(arg),
		.flags = which,
		.uid = which & KHO_OWNER_UID ? uid : 0,
		.gid = which & KHO_OWNER_GID ? gid : 0,
		.mode = which & KHO_OWNER_MODE ? mode : 0,
	};

	return kho_ioctl(obj, KHO_OBJ_SET_OWNER, &arg);
}

/* True if there are no such pages (@nr is 0), or if @first was among those compared */
static bool in_pages(const struct kho_obj_verify *verify, uint64_t nr, uint64_t first)
{
	return !nr || (nr <= verify->count && first >= verify->first &&
		       first - verify->first < verify->count);
}

int kho_object_verify_pages(int obj, struct kho_obj_verify *verify)
{
	struct kho_obj_verify arg = {
		.size = sizeof(arg),
		.first = verify->first,
		.count = verify->count,
	};
	int ret = kho_ioctl(obj, KHO_OBJ_VERIFY, &arg);

	if (ret)
		return ret;
	if (arg.first != verify->first || arg.count > verify->count ||
	    !in_pages(&arg, arg.bad, arg.first_bad) ||
	    !in_pages(&arg, arg.poisoned, arg.first_poisoned) ||
	    arg.bad > arg.count - arg.poisoned)
		return -EPROTO;
	*verify = arg;
	return 0;
}

int kho_object_verify(int obj, uint64_t first, uint64_t *count, uint64_t *bad,
		      uint64_t *first_bad)
{
	struct kho_obj_verify verify = { .first = first, .count = *count };
	int ret = kho_object_verify_pages(obj, &verify);

	if (ret)
		return ret;
	*count = verify.count;
	*bad = verify.bad;
	*first_bad = verify.first_bad;
	return 0;
}

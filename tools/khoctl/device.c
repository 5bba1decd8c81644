// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kho, one function per command.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

static int dev_ioctl(int dev, unsigned long cmd, void *arg)
{
	return ioctl(dev, cmd, arg) < 0 ? -errno : 0;
}

/* Names are NUL-padded: the rest of the struct is zero already. */
static int copy_name(__u8 *to, const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return -EINVAL;
	if (len >= KHO_NAME_SIZE)
		return -ENAMETOOLONG;
	memcpy(to, name, len);
	return 0;
}

int kho_dev_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kho_dev_query(int dev, struct kho_query *query)
{
	memset(query, 0, sizeof(*query));
	query->size = sizeof(*query);
	return dev_ioctl(dev, KHO_QUERY, query);
}

static int page_cmd(int dev, unsigned long cmd, __u64 pfn, __u32 order)
{
	struct kho_page arg = {
		.size = sizeof(arg),
		.order = order,
		.pfn = pfn,
	};

	return dev_ioctl(dev, cmd, &arg);
}

int kho_dev_page_add(int dev, __u64 pfn, __u32 order)
{
	return page_cmd(dev, KHO_PAGE_ADD, pfn, order);
}

int kho_dev_page_del(int dev, __u64 pfn, __u32 order)
{
	return page_cmd(dev, KHO_PAGE_DEL, pfn, order);
}

static int batch_cmd(int dev, unsigned long cmd,
		     const struct kho_page_entry *entries, __u32 count,
		     __u32 *failed)
{
	/* What fails before any element is looked at leaves failed alone. */
	struct kho_batch arg = {
		.size = sizeof(arg),
		.count = count,
		.entries = (uintptr_t)entries,
		.failed = count,
	};
	int ret = dev_ioctl(dev, cmd, &arg);

	*failed = arg.failed < count ? arg.failed : count;
	return ret;
}

int kho_dev_batch_add(int dev, const struct kho_page_entry *entries,
		      __u32 count, __u32 *failed)
{
	return batch_cmd(dev, KHO_BATCH_ADD, entries, count, failed);
}

int kho_dev_batch_del(int dev, const struct kho_page_entry *entries,
		      __u32 count, __u32 *failed)
{
	return batch_cmd(dev, KHO_BATCH_DEL, entries, count, failed);
}

int kho_dev_page_open(int dev, __u64 pfn, __u32 order)
{
	struct kho_page_open arg = {
		.size = sizeof(arg),
		.order = order,
		.pfn = pfn,
		.fd = -1,
	};
	int ret = dev_ioctl(dev, KHO_PAGE_OPEN, &arg);

	return ret ? ret : arg.fd;
}

int kho_dev_page_list(int dev, __u64 first, struct kho_page_entry *entries,
		      __u32 *count, __u64 *total)
{
	struct kho_page_list arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
	};
	int ret = dev_ioctl(dev, KHO_PAGE_LIST, &arg);

	if (ret)
		return ret;
	if (arg.count > *count)
		return -EPROTO;
	*count = arg.count;
	*total = arg.total;
	return 0;
}

int kho_dev_obj_create(int dev, const char *name, __u64 bytes)
{
	struct kho_obj_create arg = {
		.size = sizeof(arg),
		.bytes = bytes,
		.fd = -1,
	};
	int ret = copy_name(arg.name, name);

	if (!ret)
		ret = dev_ioctl(dev, KHO_OBJ_CREATE, &arg);
	return ret ? ret : arg.fd;
}

int kho_dev_obj_open(int dev, const char *name, __u64 *bytes)
{
	struct kho_obj_name arg = { .size = sizeof(arg), .fd = -1 };
	int ret = copy_name(arg.name, name);

	if (!ret)
		ret = dev_ioctl(dev, KHO_OBJ_OPEN, &arg);
	if (ret)
		return ret;
	*bytes = arg.bytes;
	return arg.fd;
}

int kho_dev_obj_remove(int dev, const char *name)
{
	struct kho_obj_name arg = { .size = sizeof(arg) };
	int ret = copy_name(arg.name, name);

	return ret ? ret : dev_ioctl(dev, KHO_OBJ_REMOVE, &arg);
}

int kho_dev_obj_list(int dev, __u64 first, struct kho_obj_entry *entries,
		     __u32 *count, __u64 *total)
{
	struct kho_obj_list arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
	};
	int ret = dev_ioctl(dev, KHO_OBJ_LIST, &arg);

	if (ret)
		return ret;
	if (arg.count > *count)
		return -EPROTO;
	*count = arg.count;
	*total = arg.total;
	return 0;
}

int kho_dev_meta_read(int dev, __u64 first, struct kho_meta_entry *entries,
		      void *pages, __u32 *count, __u64 *total)
{
	struct kho_meta_read arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
		.pages = (uintptr_t)pages,
	};
	int ret = dev_ioctl(dev, KHO_META_READ, &arg);

	if (ret)
		return ret;
	if (arg.count > *count)
		return -EPROTO;
	*count = arg.count;
	*total = arg.total;
	return 0;
}

int kho_dev_envelope_list(int dev, __u32 flags, __u64 first,
			  struct kho_envelope_entry *entries, __u32 *count,
			  __u64 *total)
{
	struct kho_envelope_list arg = {
		.size = sizeof(arg),
		.flags = flags,
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
	};
	int ret = dev_ioctl(dev, KHO_ENVELOPE_LIST, &arg);

	if (ret)
		return ret;
	if (arg.count > *count)
		return -EPROTO;
	*count = arg.count;
	*total = arg.total;
	return 0;
}

int kho_dev_subtree_list(int dev, __u64 first,
			 struct kho_subtree_entry *entries, __u32 *count,
			 __u64 *total)
{
	struct kho_subtree_list arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
	};
	int ret = dev_ioctl(dev, KHO_SUBTREE_LIST, &arg);

	if (ret)
		return ret;
	if (arg.count > *count)
		return -EPROTO;
	*count = arg.count;
	*total = arg.total;
	return 0;
}

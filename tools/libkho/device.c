// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libkho: the device, its lists, and pages by number.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"
#include "version.h"

int kho_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int kho_new_fd(int ret, int32_t fd)
{
	if (ret)
		return ret;
	return fd < 0 ? -EPROTO : fd;
}

int kho_listed(int ret, uint32_t filled, uint64_t all, uint32_t *count,
	       uint64_t *total)
{
	if (ret)
		return ret;
	/* The caller must not read beyond its buffer. */
	if (filled > *count)
		return -EPROTO;
	*count = filled;
	*total = all;
	return 0;
}

const char *kho_version(void)
{
	return KHO_VERSION;
}

const char *kho_why_text(uint32_t why)
{
	switch (why) {
	case KHO_WHY_NONE:
		return "no reason is given";
	case KHO_WHY_UNMAPPED:
		return "nothing is mapped there";
	case KHO_WHY_PROTECTED:
		return "the memory has no access, or none to write";
	case KHO_WHY_DEVICE:
		return "the memory belongs to a device";
	case KHO_WHY_FILE:
		return "the memory is a file system's page cache";
	case KHO_WHY_DAX:
		return "the memory belongs to a file on a DAX device";
	case KHO_WHY_SECRET:
		return "the memory is secret";
	case KHO_WHY_TAKEN:
		return "the memory is preserved already";
	case KHO_WHY_PLACE:
		return "nothing can be preserved where the memory lies";
	case KHO_WHY_LIMIT:
		return "RLIMIT_MEMLOCK does not allow as much";
	case KHO_WHY_CHANGED:
		return "the memory was mapped or truncated meanwhile";
	case KHO_WHY_DRIVER:
		return "a driver added the memory: the next kernel has none there";
	default:
		return "for a reason that this library does not know";
	}
}

int kho_open(const char *path)
{
	int fd = open(path ? path : KHO_DEV_PATH, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kho_query(int dev, struct kho_query *query)
{
	/* An older module does not fill in fields that it does not know. */
	memset(query, 0, sizeof(*query));
	query->size = sizeof(*query);
	return kho_ioctl(dev, KHO_QUERY, query);
}

static int page_cmd(int dev, unsigned long cmd, uint64_t pfn, uint32_t order)
{
	struct kho_page arg = {
		.size = sizeof(arg),
		.order = order,
		.pfn = pfn,
	};

	return kho_ioctl(dev, cmd, &arg);
}

int kho_page_add(int dev, uint64_t pfn, uint32_t order)
{
	return page_cmd(dev, KHO_PAGE_ADD, pfn, order);
}

int kho_page_del(int dev, uint64_t pfn, uint32_t order)
{
	return page_cmd(dev, KHO_PAGE_DEL, pfn, order);
}

static int batch_cmd(int dev, unsigned long cmd,
		     const struct kho_page_entry *entries, uint32_t count,
		     uint32_t *failed)
{
	/* An error before the first element leaves arg.failed unchanged. */
	struct kho_batch arg = {
		.size = sizeof(arg),
		.count = count,
		.entries = (uintptr_t)entries,
		.failed = count,
	};
	int ret = kho_ioctl(dev, cmd, &arg);

	*failed = arg.failed < count ? arg.failed : count;
	return ret;
}

int kho_batch_add(int dev, const struct kho_page_entry *entries,
		  uint32_t count, uint32_t *failed)
{
	return batch_cmd(dev, KHO_BATCH_ADD, entries, count, failed);
}

int kho_batch_del(int dev, const struct kho_page_entry *entries,
		  uint32_t count, uint32_t *failed)
{
	return batch_cmd(dev, KHO_BATCH_DEL, entries, count, failed);
}

int kho_page_open(int dev, uint64_t pfn, uint32_t order)
{
	struct kho_page_open arg = {
		.size = sizeof(arg),
		.order = order,
		.pfn = pfn,
		.fd = -1,
	};
	int ret = kho_ioctl(dev, KHO_PAGE_OPEN, &arg);

	return kho_new_fd(ret, arg.fd);
}

int kho_page_list(int dev, uint64_t first, struct kho_page_entry *entries,
		  uint32_t *count, uint64_t *total)
{
	struct kho_page_list arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
	};
	int ret = kho_ioctl(dev, KHO_PAGE_LIST, &arg);

	return kho_listed(ret, arg.count, arg.total, count, total);
}

int kho_meta_read(int dev, uint64_t first, struct kho_meta_entry *entries,
		  void *pages, uint32_t *count, uint64_t *total)
{
	struct kho_meta_read arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
		.pages = (uintptr_t)pages,
	};
	int ret = kho_ioctl(dev, KHO_META_READ, &arg);

	return kho_listed(ret, arg.count, arg.total, count, total);
}

int kho_envelope_list(int dev, uint32_t flags, uint64_t first,
		      struct kho_envelope_entry *entries, uint32_t *count,
		      uint64_t *total)
{
	struct kho_envelope_list arg = {
		.size = sizeof(arg),
		.flags = flags,
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
	};
	int ret = kho_ioctl(dev, KHO_ENVELOPE_LIST, &arg);

	return kho_listed(ret, arg.count, arg.total, count, total);
}

int kho_subtree_list(int dev, uint64_t first,
		     struct kho_subtree_entry *entries, uint32_t *count,
		     uint64_t *total)
{
	struct kho_subtree_list arg = {
		.size = sizeof(arg),
		.first = first,
		.entries = (uintptr_t)entries,
		.count = *count,
	};
	int ret = kho_ioctl(dev, KHO_SUBTREE_LIST, &arg);

	return kho_listed(ret, arg.count, arg.total, count, total);
}

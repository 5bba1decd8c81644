// SPDX-License-Identifier: GPL-2.0
/*
 * Opening /dev/kho, and its errors.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <libkho.h>

#include <kho/left.h>

#include "base/message.h"
#include "base/options.h"
#include "base/sysinfo.h"
#include "device/device.h"

const char *device_error(int err)
{
	switch (err) {
	case -EPERM:
		return "not permitted: this needs CAP_SYS_ADMIN and a kernel without lockdown";
	case -EACCES:
		return "permission denied";
	case -EBADF:
		return "it is read-only: it is sealed, or its mode does not let you write";
	case -EDQUOT:
		return "more memory than your RLIMIT_MEMLOCK allows (see ulimit -l)";
	case -ENODATA:
		return "it has no checksum, or was opened for writing since the checksum was taken";
	case -ENODEV:
		return "the memory belongs to a device";
	case -EMEDIUMTYPE:
		return "the memory is a file system's page cache";
	case -EXDEV:
		return "the memory belongs to a file on a DAX device";
	case -EREMOTE:
		return "a driver added the memory: the next kernel has none there";
	case -EKEYREJECTED:
		return "the memory is secret";
	case -ESTALE:
		return "the memory was mapped or truncated meanwhile";
	case -EPROTO:
		return "the module returned impossible values: is it of another version?";
	case -ENOTTY:
		return "the module does not know this command: it is older than khoctl";
	case -E2BIG:
		return "the module is older than khoctl and does not know all of the request";
	case -ESHUTDOWN:
		return "the machine is going down or about to resume: nothing may change any more";
	case -ENOMEM:
		return "not enough memory";
	case -EOPNOTSUPP:
		return "not supported here, see the kernel log (is its KHO off? boot with kho=on)";
	case -EINTR:
		return "interrupted; nothing has changed";
	default:
		return strerror(-err);
	}
}

bool device_left(void)
{
	return sys_has_word("/proc/iomem", KHO_LEFT_NAME);
}

/* Returns -1 after printing the reason for a failure. */
static int open_device(void)
{
	const char *path = device_path();
	int dev = kho_open(path);

	switch (dev) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		if (sys_locked_down() && !strcmp(sys_locked_down(), "integrity"))
			cmd_err("%s: no such device: the module is not loaded, and the kernel is locked down (integrity): sign the module (see docs/secure-boot.md), then 'modprobe kho'",
				path);
		else if (sys_locked_down())
			cmd_err("%s: no such device, and the kernel is locked down (%s), which forbids kexec_load: %s",
				path, sys_locked_down(), LOCKDOWN_FIX);
		else if (sys_kho_off())
			cmd_err("%s: no such device: in-kernel KHO, which the module uses, is off: boot with kho=on, then 'modprobe kho'",
				path);
		else if (device_left())
			cmd_err("%s: no such device: the module was unloaded by khoctl upgrade, and what it held is still in place: 'modprobe kho'; do not reboot",
				path);
		else
			cmd_err("%s: no such device: the module is not loaded (try 'modprobe kho'; 'khoctl check' says what is missing)",
				path);
		return -1;
	case -EACCES:
	case -EPERM:
		cmd_err("%s: permission denied: run khoctl as root, or as a member of the device's group",
			path);
		return -1;
	}
	if (dev < 0) {
		cmd_errno_err(dev, "%s", path);
		return -1;
	}
	return dev;
}

int open_device_query(struct kho_query *query, __u64 needed)
{
	int dev = open_device(), ret;

	if (dev < 0)
		return -1;
	ret = kho_query(dev, query);
	if (ret == -ENOTTY || ret == -EINVAL)
		cmd_err("%s: is not the device of the kho module", device_path());
	else if (ret)
		cmd_err("%s: %s", device_path(), device_error(ret));
	else if (needed & ~query->features & KHO_FEATURE_AGENTS)
		ret = cmd_err("%s: the module is older than khoctl: it has no owners, user data and checksums of objects; load the module of this version of khoctl",
			      device_path());
	else if ((query->features & needed) != needed)
		ret = cmd_err("%s: the module is older than khoctl, or has this switched off: features 0x%llx, needed 0x%llx",
			      device_path(), query->features, needed);
	else if (query->page_size != 4096 && query->page_size != 16384 &&
		 query->page_size != 65536)
		ret = cmd_err("%s: the module reports an impossible page size: %u",
			      device_path(), query->page_size);
	if (ret) {
		close(dev);
		return -1;
	}
	device_abi(query);
	return dev;
}

void device_abi(struct kho_query *query)
{
	unsigned int abi;

	/* The module reports what it was built for; the running kernel may differ. */
	abi = query->backend == KHO_BACKEND_KERNEL ? sys_kernel_abi() : 0;
	if (abi)
		query->abi = abi;
}

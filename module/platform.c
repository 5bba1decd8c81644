// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machines on which a handover would be lost: better to say so than to try.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cc_platform.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/printk.h>
#include <linux/security.h>
#include <xen/xen.h>

#include "internal.h"

/**
 * kho_platform_locked_down() - can this machine still jump to another kernel?
 *
 * Lockdown can begin at any time, and from then on kexec_load is refused, so
 * nothing that is preserved would ever reach another kernel.
 *
 * Return: 0, or -EPERM if the kernel is locked down.
 */
int kho_platform_locked_down(void)
{
	/* A kernel with KHO of its own goes by kexec_file_load, which may do. */
	if (kho_native())
		return 0;
	return security_locked_down(LOCKDOWN_KEXEC);
}

/**
 * kho_platform_check() - refuse where a handover can't work
 *
 * Return: 0, -EOPNOTSUPP, or -EPERM if the kernel is locked down.
 */
int kho_platform_check(void)
{
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		pr_err("refused: memory is encrypted (SEV, TDX or SME), the next kernel could not read it\n");
		return -EOPNOTSUPP;
	}
	if (xen_pv_domain()) {
		pr_err("refused: a Xen PV guest can't kexec and has no physical addresses of its own\n");
		return -EOPNOTSUPP;
	}
	if (kho_native() && !kho_native_enabled() && !kho_native_booted()) {
		pr_err("refused: the kernel's own KHO is off, and nothing can be preserved: boot with kho=on\n");
		return -EOPNOTSUPP;
	}
	if (kho_platform_locked_down()) {
		pr_err("refused: the kernel is locked down, kexec_load would be refused\n");
		return -EPERM;
	}
	return 0;
}

/**
 * kho_read_file() - read from a file of a file system that the kernel makes up
 * @type: of the file system, such as "sysfs"
 * @path: the file, relative to the file system's root
 * @read: how to read it, or NULL for files that take kernel_read()
 * @to: where to
 * @size: bytes at most
 * @pos: where in the file to begin
 *
 * By a mount of its own: the one that userspace has may not be there yet, or
 * not show what it should.
 *
 * Context: may sleep; no locks held.
 * Return: bytes read, or a negative errno.
 */
ssize_t kho_read_file(const char *type, const char *path, kho_read_t read,
		      void *to, size_t size, loff_t pos)
{
	struct file_system_type *fs = get_fs_type(type);
	struct vfsmount *mount;
	struct file *file;
	struct path root;
	ssize_t ret;

	if (!fs)
		return -ENODEV;
	mount = kern_mount(fs);
	module_put(fs->owner);
	if (IS_ERR(mount))
		return PTR_ERR(mount);

	root.mnt = mount;
	root.dentry = mount->mnt_root;
	file = file_open_root(&root, path, O_RDONLY, 0);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto out_unmount;
	}
	ret = read ? read(file, to, size, pos) : kernel_read(file, to, size, &pos);
	fput(file);
out_unmount:
	kern_unmount(mount);
	return ret;
}

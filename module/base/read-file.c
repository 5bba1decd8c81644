// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading what the kernel shows only to userspace.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>

#include "compat/compat.h"
#include "read-file.h"

/**
 * kho_read_file() - read from a file of a pseudo file system
 * @type: type of the file system, such as "sysfs"
 * @path: the file, relative to the root of the file system
 * @read: function to read it, or NULL for files that support kernel_read()
 * @to: destination
 * @size: maximum number of bytes
 * @pos: offset in the file
 *
 * Uses a private mount: userspace may not have mounted the file system yet, or
 * may hide parts of it.
 *
 * Context: may sleep; no locks held.
 * Return: number of bytes read, or a negative errno.
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
	file = kho_open_root(&root, path, O_RDONLY);
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

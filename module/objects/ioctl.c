// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands on the file of an object: checks their structs, and calls what carries them
 * out.
 *
 * Commands that change an object need a file that is open for writing.  Its owner, group
 * and mode can be changed by its owner only, through any file.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/compat.h"
#include "base/args.h"
#include "base/log.h"
#include "core/core.h"
#include "memory/memory.h"
#include "mm/poison.h"
#include "object.h"

#include <linux/kho.h>

union kho_object_any {
	struct kho_obj_plain plain;
	struct kho_obj_resize resize;
	struct kho_obj_data data;
	struct kho_obj_owner owner;
	struct kho_obj_info info;
	struct kho_obj_verify verify;
};

static int do_commit(struct kho_object *object, struct inode *inode,
		     union kho_object_any *any)
{
	if (any->plain.flags)
		return kho_not_zero("kho_obj_plain.flags", any->plain.flags);
	return kho_object_commit(object);
}

static int do_seal(struct kho_object *object, struct inode *inode,
		   union kho_object_any *any)
{
	u32 flags = any->plain.flags;

	if (flags & ~KHO_SEAL_SUM)
		return kho_not_zero("kho_obj_plain.flags & ~KHO_SEAL_SUM",
				flags & ~KHO_SEAL_SUM);
	return kho_object_seal(object, inode, flags & KHO_SEAL_SUM);
}

static int do_resize(struct kho_object *object, struct inode *inode,
		     union kho_object_any *any)
{
	if (any->resize.flags)
		return kho_not_zero("kho_obj_resize.flags", any->resize.flags);
	return kho_object_resize(object, inode, any->resize.bytes);
}

static int check_data(const struct kho_obj_data *data)
{
	if (data->flags)
		return kho_not_zero("kho_obj_data.flags", data->flags);
	if (data->reserved)
		return kho_not_zero("kho_obj_data.reserved", data->reserved);
	return 0;
}

static int do_set_data(struct kho_object *object, struct inode *inode,
		       union kho_object_any *any)
{
	struct kho_obj_data *data = &any->data;
	void *copy;
	int ret = check_data(data);

	if (ret)
		return ret;
	if (data->bytes > KHO_DATA_MAX)
		return kho_refuse(-EINVAL, "kho_obj_data.bytes is %u, must be %u at most",
				  data->bytes, KHO_DATA_MAX);
	copy = kvmalloc(data->bytes ?: 1, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, u64_to_user_ptr(data->data), data->bytes))
		ret = -EFAULT;
	ret = ret ?: kho_object_set_data(object, copy, data->bytes);
	kvfree(copy);
	return ret;
}

static int do_get_data(struct kho_object *object, struct inode *inode,
		       union kho_object_any *any)
{
	struct kho_obj_data *data = &any->data;
	u32 capacity = min_t(u32, data->bytes, KHO_DATA_MAX);
	void *copy;
	int ret = check_data(data);

	if (ret)
		return ret;
	copy = kvzalloc(capacity ?: 1, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	ret = kho_object_get_data(object, copy, capacity, &data->bytes);
	if (!ret && copy_to_user(u64_to_user_ptr(data->data), copy,
				 min(capacity, data->bytes)))
		ret = -EFAULT;
	kvfree(copy);
	return ret;
}

static int do_set_owner(struct kho_object *object, struct inode *inode,
			union kho_object_any *any)
{
	const struct kho_obj_owner *owner = &any->owner;
	u32 known = KHO_OWNER_UID | KHO_OWNER_GID | KHO_OWNER_MODE;

	if (owner->flags & ~known)
		return kho_not_zero("kho_obj_owner.flags & ~(KHO_OWNER_UID | KHO_OWNER_GID | KHO_OWNER_MODE)",
				owner->flags & ~known);
	if (owner->reserved)
		return kho_not_zero("kho_obj_owner.reserved", owner->reserved);
	if (owner->flags & KHO_OWNER_MODE && owner->mode & ~0666)
		return kho_refuse(-EINVAL, "kho_obj_owner.mode is %#o, must not have bits other than 0666",
				  owner->mode);
	return kho_object_set_owner(object, owner);
}

static int do_info(struct kho_object *object, struct inode *inode,
		   union kho_object_any *any)
{
	if (any->info.flags)
		return kho_not_zero("kho_obj_info.flags", any->info.flags);
	kho_poison_settle();
	mutex_lock(&kho.lock);
	kho_object_fill_info(object, &any->info);
	mutex_unlock(&kho.lock);
	return 0;
}

static int do_verify(struct kho_object *object, struct inode *inode,
		     union kho_object_any *any)
{
	int ret;

	if (any->verify.flags)
		return kho_not_zero("kho_obj_verify.flags", any->verify.flags);
	/* Keeps others from resizing it. */
	if (down_read_killable(&inode->i_rwsem))
		return -EINTR;
	ret = kho_sums_verify(object, &any->verify);
	inode_unlock_shared(inode);
	return ret;
}

/**
 * struct object_command - how a command is carried out
 */
struct object_command {
	/** @size: size of its struct. */
	unsigned int size;
	/** @first_size: size of the struct's first version, or 0: the same. */
	unsigned int first_size;
	/** @mode: how the file has to be open. */
	fmode_t mode;
	/** @copy_out: it returns its struct, and has changed nothing. */
	bool copy_out;
	/** @run: carries it out. */
	int (*run)(struct kho_object *object, struct inode *inode,
		   union kho_object_any *any);
};

/* As in dev.c: the struct is copied into @_member of the union. */
#define COMMAND(nr, type, _member, _mode, _run, ...) \
	[KHO_CMD_##nr - KHO_CMD_OBJ_COMMIT] = { \
		.size = KHO_ARG_SIZE(union kho_object_any, _member, type), \
		.mode = (_mode), .run = (_run), __VA_ARGS__ }

static_assert(KHO_CMD_OBJ_COMMIT == 0x4f);
static_assert(KHO_CMD_OBJ_VERIFY == 0x56);

static const struct object_command commands[] = {
	COMMAND(OBJ_COMMIT, struct kho_obj_plain, plain, FMODE_WRITE, do_commit),
	COMMAND(OBJ_SEAL, struct kho_obj_plain, plain, FMODE_WRITE, do_seal),
	COMMAND(OBJ_RESIZE, struct kho_obj_resize, resize, FMODE_WRITE, do_resize),
	COMMAND(OBJ_SET_DATA, struct kho_obj_data, data, FMODE_WRITE, do_set_data),
	COMMAND(OBJ_GET_DATA, struct kho_obj_data, data, FMODE_READ, do_get_data,
		.copy_out = true),
	COMMAND(OBJ_SET_OWNER, struct kho_obj_owner, owner, FMODE_READ, do_set_owner),
	COMMAND(OBJ_INFO, struct kho_obj_info, info, FMODE_READ, do_info, .copy_out = true,
		.first_size = offsetof(struct kho_obj_info, poisoned_pages)),
	COMMAND(OBJ_VERIFY, struct kho_obj_verify, verify, FMODE_READ, do_verify, .copy_out = true,
		.first_size = offsetof(struct kho_obj_verify, poisoned)),
};

/**
 * kho_object_ioctl() - carry out a command on the file of an object
 * @file: the file
 * @mem: the memory that it shows
 * @cmd: the command
 * @user: its struct
 *
 * Context: may sleep.
 * Return: 0 or an errno, see include/uapi/linux/kho.h.
 */
long kho_object_ioctl(struct file *file, struct kho_mem *mem, unsigned int cmd,
		      void __user *user)
{
	const struct object_command *command;
	union kho_object_any any = {};
	unsigned int nr = _IOC_NR(cmd);
	u32 size;
	int ret;

	if (nr < KHO_CMD_OBJ_COMMIT ||
	    nr >= KHO_CMD_OBJ_COMMIT + ARRAY_SIZE(commands) ||
	    cmd != _IO(KHO_IOCTL_TYPE, nr))
		return -ENOTTY;
	command = &commands[nr - KHO_CMD_OBJ_COMMIT];
	if (!(file->f_mode & command->mode))
		return kho_refuse(-EBADF, "command 0x%x: the object's file is not open for %s",
				  nr, command->mode & FMODE_WRITE ? "writing" :
								    "reading");
	ret = kho_take_args(nr, &any, command->size,
			    command->first_size ?: command->size, user, &size);
	ret = ret ?: command->run(container_of(mem, struct kho_object, mem),
				  file_inode(file), &any);
	/* Other commands return nothing, and must not fail after a change. */
	if (!ret && command->copy_out &&
	    copy_to_user(user, &any, min(size, command->size)))
		ret = -EFAULT;
	return ret;
}

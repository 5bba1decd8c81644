// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kho: decodes requests, and has them carried out elsewhere.
 *
 * Arguments are copied in before anything is done, and out afterwards, so no lock of
 * ours is held while user memory is accessed.  A file descriptor is installed last,
 * when nothing can fail any more.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat/compat.h"
#include "base/args.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/image.h"
#include "dev.h"
#include "incoming/incoming.h"
#include "leave.h"
#include "mm/poison.h"
#include "objects/objects.h"
#include "pages/pages.h"

#include <kho/objects.h>
#include <linux/kho.h>

/* Lists and metadata pages are copied out in pieces of at most so many entries. */
#define LIST_PIECE	1024U
#define META_PIECE	64U

/* Size of the first version of struct kho_obj_info. */
#define KHO_INFO_LEAST	offsetofend(struct kho_obj_info, release)

union kho_any {
	struct kho_query query;
	struct kho_page page;
	struct kho_batch batch;
	struct kho_page_open page_open;
	struct kho_page_list page_list;
	struct kho_obj_create obj_create;
	struct kho_obj_name obj_name;
	struct kho_obj_list obj_list;
	struct kho_obj_preserve obj_preserve;
	struct kho_obj_info_list obj_info_list;
	struct kho_meta_read meta_read;
	struct kho_envelope_list envelope_list;
	struct kho_subtree_list subtree_list;
	struct kho_handoff handoff;
	struct kho_image image;
	struct kho_scratch_take scratch_take;
	struct kho_upgrade upgrade;
};

static int do_query(union kho_any *any)
{
	if (any->query.flags)
		return kho_not_zero("kho_query.flags", any->query.flags);
	kho_query(&any->query);
	return 0;
}

static int do_page_add(union kho_any *any)
{
	struct kho_page_entry entry = {
		.pfn = any->page.pfn,
		.order = any->page.order,
	};
	u32 failed;

	return kho_pages_add(&entry, 1, &failed);
}

static int do_page_del(union kho_any *any)
{
	struct kho_page_entry entry = {
		.pfn = any->page.pfn,
		.order = any->page.order,
	};
	u32 failed;

	return kho_pages_del(&entry, 1, &failed);
}

static int do_batch(struct kho_batch *batch,
		    int (*carry_out)(const struct kho_page_entry *entry, u32 nr,
				     u32 *failed))
{
	struct kho_page_entry *entry;
	u32 i;
	int ret;

	if (batch->reserved)
		return kho_not_zero("kho_batch.reserved", batch->reserved);
	batch->failed = batch->count;
	if (!batch->count || batch->count > KHO_BATCH_MAX)
		return kho_refuse(-EINVAL, "kho_batch.count is %u, must be 1 to %u",
				  batch->count, KHO_BATCH_MAX);

	entry = kvmalloc_array(batch->count, sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	if (copy_from_user(entry, u64_to_user_ptr(batch->entries),
			   batch->count * sizeof(*entry))) {
		ret = -EFAULT;
		goto out;
	}
	for (i = 0; i < batch->count; i++) {
		if (!entry[i].flags)
			continue;
		batch->failed = i;
		ret = kho_not_zero("kho_page_entry.flags", entry[i].flags);
		goto out;
	}
	ret = carry_out(entry, batch->count, &batch->failed);
out:
	kvfree(entry);
	return ret;
}

static void preset_batch(union kho_any *any)
{
	any->batch.failed = any->batch.count;
}

static int do_batch_add(union kho_any *any)
{
	return do_batch(&any->batch, kho_pages_add);
}

static int do_batch_del(union kho_any *any)
{
	return do_batch(&any->batch, kho_pages_del);
}

static int do_page_open(union kho_any *any, struct file **file)
{
	struct kho_page_open *open = &any->page_open;

	if (open->flags)
		return kho_not_zero("kho_page_open.flags", open->flags);
	return kho_page_open(open->pfn, open->order, file);
}

static u32 record_flags(u32 flags)
{
	/* The same bits are used for both. */
	BUILD_BUG_ON(KHO_PRESERVE_UNCOMMITTED ^ KHO_CREATE_UNCOMMITTED ||
		     KHO_PRESERVE_SUM ^ KHO_CREATE_SUM);
	return (flags & KHO_CREATE_UNCOMMITTED ? KHO_OBJS_UNCOMMITTED : 0) |
	       (flags & KHO_CREATE_SUM ? KHO_OBJS_SUM_AT_JUMP : 0);
}

static int do_obj_create(union kho_any *any, struct file **file)
{
	struct kho_obj_create *create = &any->obj_create;
	u32 known = KHO_CREATE_UNCOMMITTED | KHO_CREATE_HUGE | KHO_CREATE_NODE |
		    KHO_CREATE_SUM;
	struct kho_object_params params = {
		.name = (char *)create->name,
		.bytes = create->bytes,
		.flags = record_flags(create->flags),
		.huge = create->flags & KHO_CREATE_HUGE,
		.nid = create->flags & KHO_CREATE_NODE ?
		       (int)min_t(u32, create->node, MAX_NUMNODES) :
		       NUMA_NO_NODE,
	};

	if (create->flags & ~known)
		return kho_not_zero("kho_obj_create.flags without the known ones",
					 create->flags & ~known);
	if (create->node && !(create->flags & KHO_CREATE_NODE))
		return kho_not_zero("kho_obj_create.node", create->node);
	return kho_new_name_check(create->name) ?: kho_object_create(&params, file);
}

static int do_obj_preserve(union kho_any *any, struct file **file)
{
	struct kho_obj_preserve *preserve = &any->obj_preserve;
	u32 known = KHO_PRESERVE_UNCOMMITTED | KHO_PRESERVE_SUM;
	struct kho_object_params params = {
		.name = (char *)preserve->name,
		.bytes = preserve->bytes,
		.flags = record_flags(preserve->flags),
	};

	if (preserve->flags & ~known)
		return kho_not_zero("kho_obj_preserve.flags without the known ones",
					 preserve->flags & ~known);
	return kho_new_name_check(preserve->name) ?:
	       kho_pin_preserve(&params, preserve, file);
}

static int check_obj_name(const struct kho_obj_name *name, u32 known)
{
	if (name->flags & ~known)
		return kho_not_zero("kho_obj_name.flags without the known ones",
					 name->flags & ~known);
	if (name->reserved)
		return kho_not_zero("kho_obj_name.reserved", name->reserved);
	return kho_name_check(name->name);
}

static int do_obj_open(union kho_any *any, struct file **file)
{
	struct kho_obj_name *name = &any->obj_name;
	int ret = check_obj_name(name, KHO_OPEN_READ | KHO_OPEN_LARGEST);

	return ret ?: kho_object_open((char *)name->name, name->flags, file,
				      &name->bytes);
}

static int do_obj_remove(union kho_any *any)
{
	struct kho_obj_name *name = &any->obj_name;

	return check_obj_name(name, 0) ?:
	       kho_object_remove((char *)name->name);
}

/* Copies a list out in pieces; @count is the capacity, then the entries copied. */
static int copy_list(u64 first, u64 entries, u32 *count, u64 *total, size_t size,
		     void (*list)(u64 first, u32 room, void *entry, u32 *filled,
				  u64 *total))
{
	u32 done = 0, filled;
	void *entry;
	int ret = 0;

	entry = kvcalloc(LIST_PIECE, size, GFP_KERNEL);
	if (!entry)
		return -ENOMEM;
	kho_poison_settle();
	do {
		u64 to = entries + (u64)done * size;

		list(first + done, min(*count - done, LIST_PIECE), entry,
		     &filled, total);
		if (copy_to_user(u64_to_user_ptr(to), entry, filled * size))
			ret = -EFAULT;
		done += filled;
	} while (!ret && filled == LIST_PIECE && done < *count);
	kvfree(entry);
	*count = done;
	return ret;
}

static int do_page_list(union kho_any *any)
{
	struct kho_page_list *list = &any->page_list;

	if (list->flags)
		return kho_not_zero("kho_page_list.flags", list->flags);
	if (list->reserved)
		return kho_not_zero("kho_page_list.reserved", list->reserved);
	return copy_list(list->first, list->entries, &list->count, &list->total,
			 sizeof(struct kho_page_entry), kho_pages_list);
}

static int do_obj_list(union kho_any *any)
{
	struct kho_obj_list *list = &any->obj_list;

	if (list->flags)
		return kho_not_zero("kho_obj_list.flags", list->flags);
	if (list->reserved)
		return kho_not_zero("kho_obj_list.reserved", list->reserved);
	return copy_list(list->first, list->entries, &list->count, &list->total,
			 sizeof(struct kho_obj_entry), kho_object_list);
}

/* The caller gives the distance of entries, and may know a newer or an older struct. */
static int do_obj_info_list(union kho_any *any)
{
	struct kho_obj_info_list *list = &any->obj_info_list;
	struct kho_obj_info *info;
	u32 i, done = 0, filled;
	int ret = 0;

	if (list->flags)
		return kho_not_zero("kho_obj_info_list.flags", list->flags);
	if (list->entry_size < KHO_INFO_LEAST || list->entry_size > PAGE_SIZE ||
	    list->entry_size % 8)
		return kho_refuse(-EINVAL, "kho_obj_info_list.entry_size is %u, must be %zu to %lu and a multiple of 8",
				  list->entry_size, KHO_INFO_LEAST, PAGE_SIZE);

	info = kvcalloc(LIST_PIECE, sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	kho_poison_settle();
	do {
		kho_object_list_info(list->first + done,
				     min(list->count - done, LIST_PIECE), info,
				     &filled, &list->total);
		for (i = 0; i < filled && !ret; i++) {
			u64 to = list->entries + (u64)(done + i) * list->entry_size;
			u32 size = min_t(u32, list->entry_size, sizeof(*info));

			info[i].size = size;
			if (copy_to_user(u64_to_user_ptr(to), &info[i], size))
				ret = -EFAULT;
		}
		done += filled;
	} while (!ret && filled == LIST_PIECE && done < list->count);
	kvfree(info);
	list->count = done;
	return ret;
}

static int do_meta_read(union kho_any *any)
{
	struct kho_meta_read *read = &any->meta_read;
	struct kho_meta_entry *entry;
	u32 done = 0, filled;
	void *pages;
	int ret;

	if (read->flags)
		return kho_not_zero("kho_meta_read.flags", read->flags);
	if (read->reserved)
		return kho_not_zero("kho_meta_read.reserved", read->reserved);

	entry = kvmalloc_array(META_PIECE, sizeof(*entry), GFP_KERNEL);
	pages = kvmalloc_array(META_PIECE, PAGE_SIZE, GFP_KERNEL);
	if (!entry || !pages) {
		ret = -ENOMEM;
		goto out;
	}
	do {
		u64 to = read->entries + (u64)done * sizeof(*entry);
		u64 to_pages = read->pages + (u64)done * PAGE_SIZE;

		kho_meta_copy(read->first + done,
			      min(read->count - done, META_PIECE), entry, pages,
			      &filled, &read->total);
		ret = 0;
		if (copy_to_user(u64_to_user_ptr(to), entry,
				 filled * sizeof(*entry)) ||
		    copy_to_user(u64_to_user_ptr(to_pages), pages,
				 filled * PAGE_SIZE))
			ret = -EFAULT;
		done += filled;
	} while (!ret && filled == META_PIECE && done < read->count);
	if (!ret)
		read->count = done;
out:
	kvfree(pages);
	kvfree(entry);
	return ret;
}

static int do_subtree_list(union kho_any *any)
{
	struct kho_subtree_list *list = &any->subtree_list;

	if (list->flags)
		return kho_not_zero("kho_subtree_list.flags", list->flags);
	if (list->reserved)
		return kho_not_zero("kho_subtree_list.reserved",
					 list->reserved);
	return copy_list(list->first, list->entries, &list->count, &list->total,
			 sizeof(struct kho_subtree_entry), kho_backend_list_children);
}

static int do_envelope_list(union kho_any *any)
{
	struct kho_envelope_list *list = &any->envelope_list;
	bool arrived = list->flags & KHO_ENVELOPE_ARRIVED;

	if (list->flags & ~KHO_ENVELOPE_ARRIVED)
		return kho_not_zero("kho_envelope_list.flags without KHO_ENVELOPE_ARRIVED",
					 list->flags & ~KHO_ENVELOPE_ARRIVED);
	if (list->reserved)
		return kho_not_zero("kho_envelope_list.reserved",
					 list->reserved);
	return copy_list(list->first, list->entries, &list->count, &list->total,
			 sizeof(struct kho_envelope_entry),
			 arrived ? kho_list_envelopes :
				   kho_backend_list_envelopes);
}

static int do_handoff(union kho_any *any)
{
	struct kho_handoff *handoff = &any->handoff;

	if (handoff->flags)
		return kho_not_zero("kho_handoff.flags", handoff->flags);
	if (handoff->reserved)
		return kho_not_zero("kho_handoff.reserved", handoff->reserved);
	return kho_backend_set_mode(handoff->how);
}

static int do_image(union kho_any *any)
{
	struct kho_image *image = &any->image;

	if (image->flags & ~KHO_IMAGE_BY_FILE)
		return kho_not_zero("kho_image.flags", image->flags & ~KHO_IMAGE_BY_FILE);
	if (image->reserved)
		return kho_not_zero("kho_image.reserved", image->reserved);
	return kho_image_set(image->state, image->limit, image->flags & KHO_IMAGE_BY_FILE);
}

static void preset_upgrade(union kho_any *any)
{
	any->upgrade.others = 0;
}

static int do_upgrade(union kho_any *any, struct file *dev)
{
	struct kho_upgrade *upgrade = &any->upgrade;

	if (upgrade->flags)
		return kho_not_zero("kho_upgrade.flags", upgrade->flags);
	return kho_dev_upgrade(dev, upgrade->state, &upgrade->others);
}

static int do_scratch(union kho_any *any)
{
	struct kho_scratch_take *take = &any->scratch_take;
	int ret;

	if (take->flags)
		return kho_not_zero("kho_scratch_take.flags", take->flags);
	ret = kho_backend_ask_scratch(take->bytes);
	if (!ret)
		kho_backend_scratch_size(&take->bytes, &take->held);
	return ret;
}

/**
 * struct command - how a command is carried out
 */
struct command {
	/** @size: size of the command's struct. */
	unsigned int size;
	/** @first_size: size of the struct's first version, or 0 if it is @size. */
	unsigned int first_size;
	/** @fd_at: offset of the file descriptor in the struct, for @run_fd. */
	unsigned int fd_at;
	/** @all: for everybody who may open the device, not only CAP_SYS_ADMIN. */
	bool all;
	/** @out_on_error: the struct is copied out after an error too. */
	bool out_on_error;
	/** @out_after_fd: @run_fd sets more members than the file descriptor. */
	bool out_after_fd;
	/** @out: the struct is copied out; if that fails, the caller can try again. */
	bool out;
	/**
	 * @preset: for @out_on_error: sets in advance what success would copy out.  If
	 * that can't be copied out, the command is not carried out.
	 */
	void (*preset)(union kho_any *any);
	/** @run: carries out the command. */
	int (*run)(union kho_any *any);
	/** @run_fd: instead of @run: carries out the command and makes a file. */
	int (*run_fd)(union kho_any *any, struct file **file);
	/** @run_on: instead of @run: carries out the command for this file of the device. */
	int (*run_on)(union kho_any *any, struct file *dev);
};

/*
 * Names the member of the union that the struct is copied into, which must have the same
 * type.  A struct that is not in the union could overrun it; this does not compile.
 */
#define COMMAND(nr, type, member, ...) \
	[KHO_CMD_##nr - KHO_CMD_BASE] = { \
		.size = KHO_ARG_SIZE(union kho_any, member, type), __VA_ARGS__ }
#define FD_AT(member)	.fd_at = offsetof(union kho_any, member.fd)

/* The numbers are part of the UAPI and must not change. */
static_assert(KHO_CMD_META_READ == 0x4b);
static_assert(KHO_CMD_ENVELOPE_LIST == 0x4c);
static_assert(KHO_CMD_SUBTREE_LIST == 0x4d);
static_assert(KHO_CMD_OBJ_PRESERVE == 0x4e);
static_assert(KHO_CMD_OBJ_INFO_LIST == 0x57);
static_assert(KHO_CMD_HANDOFF == 0x58);
static_assert(KHO_CMD_SCRATCH == 0x59);
static_assert(KHO_CMD_IMAGE == 0x5a);
static_assert(KHO_CMD_UPGRADE == 0x60);

static const struct command commands[] = {
	COMMAND(QUERY, struct kho_query, query, .run = do_query, .all = true,
		.out = true,
		.first_size = offsetof(struct kho_query, arrival_kind)),
	COMMAND(PAGE_ADD, struct kho_page, page, .run = do_page_add),
	COMMAND(PAGE_DEL, struct kho_page, page, .run = do_page_del),
	COMMAND(BATCH_ADD, struct kho_batch, batch, .run = do_batch_add,
		.out_on_error = true, .preset = preset_batch),
	COMMAND(BATCH_DEL, struct kho_batch, batch, .run = do_batch_del,
		.out_on_error = true, .preset = preset_batch),
	COMMAND(PAGE_OPEN, struct kho_page_open, page_open, .run_fd = do_page_open,
		FD_AT(page_open)),
	COMMAND(PAGE_LIST, struct kho_page_list, page_list, .run = do_page_list,
		.out = true),
	COMMAND(OBJ_CREATE, struct kho_obj_create, obj_create, .run_fd = do_obj_create,
		.all = true,
		FD_AT(obj_create)),
	COMMAND(OBJ_OPEN, struct kho_obj_name, obj_name, .run_fd = do_obj_open,
		.all = true,
		FD_AT(obj_name), .out_after_fd = true),
	COMMAND(OBJ_REMOVE, struct kho_obj_name, obj_name, .run = do_obj_remove,
		.all = true),
	COMMAND(OBJ_LIST, struct kho_obj_list, obj_list, .run = do_obj_list,
		.all = true, .out = true),
	COMMAND(META_READ, struct kho_meta_read, meta_read, .run = do_meta_read,
		.out = true),
	COMMAND(ENVELOPE_LIST, struct kho_envelope_list, envelope_list,
		.run = do_envelope_list, .out = true),
	COMMAND(SUBTREE_LIST, struct kho_subtree_list, subtree_list, .run = do_subtree_list,
		.out = true),
	COMMAND(OBJ_PRESERVE, struct kho_obj_preserve, obj_preserve,
		.run_fd = do_obj_preserve, FD_AT(obj_preserve),
		.all = true, .out_on_error = true),
	COMMAND(OBJ_INFO_LIST, struct kho_obj_info_list, obj_info_list,
		.run = do_obj_info_list, .all = true, .out = true),
	COMMAND(HANDOFF, struct kho_handoff, handoff, .run = do_handoff),
	COMMAND(SCRATCH, struct kho_scratch_take, scratch_take, .run = do_scratch,
		.out = true),
	COMMAND(IMAGE, struct kho_image, image, .run = do_image),
	COMMAND(UPGRADE, struct kho_upgrade, upgrade, .run_on = do_upgrade,
		.out_on_error = true, .preset = preset_upgrade, .out = true),
};

/*
 * Copies the file descriptor out before it makes the file, so that a bad pointer leaves
 * no object behind.  If the command sets more members, copies the struct out again
 * afterwards.
 */
static int make_fd(const struct command *command, union kho_any *any,
		   void __user *user)
{
	__s32 *fd_member = (void *)((char *)any + command->fd_at);
	struct file *file = NULL;
	int ret, fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	*fd_member = fd;
	ret = -EFAULT;
	if (copy_to_user(user, any, command->size))
		goto err_put_fd;
	ret = command->run_fd(any, &file);
	if (ret)
		goto err_copy_out;
	if (command->out_after_fd && copy_to_user(user, any, command->size)) {
		ret = -EFAULT;
		goto err_put_file;
	}
	fd_install(fd, file);
	return 0;

err_put_file:
	fput(file);
err_copy_out:
	*fd_member = -1;
	if (command->out_on_error && copy_to_user(user, any, command->size))
		ret = -EFAULT;
err_put_fd:
	put_unused_fd(fd);
	return ret;
}

static long kho_ioctl(struct file *dev, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd);
	const struct command *command;
	union kho_any any = {};
	u32 size;
	int ret;

	if (nr < KHO_CMD_BASE || nr >= KHO_CMD_BASE + ARRAY_SIZE(commands) ||
	    cmd != _IO(KHO_IOCTL_TYPE, nr))
		return -ENOTTY;
	/* Not when the device is opened, under a lock that is taken inside of kho.lock. */
	kho_leave_cancel();
	command = &commands[nr - KHO_CMD_BASE];
	/* Some numbers in between are for files of objects. */
	if (!command->size)
		return -ENOTTY;
	if (!command->all && !capable(CAP_SYS_ADMIN))
		return -EPERM;

	ret = kho_take_args(nr, &any, command->size,
			    command->first_size ?: command->size, user, &size);
	if (ret)
		return ret;

	if (command->run_fd)
		return make_fd(command, &any, user);
	/* If the result can't be copied out, the command must not be carried out. */
	size = min(size, command->size);
	if (command->preset) {
		command->preset(&any);
		if (copy_to_user(user, &any, size))
			return -EFAULT;
	}
	ret = command->run_on ? command->run_on(&any, dev) : command->run(&any);
	if (ret ? command->out_on_error : command->out)
		if (copy_to_user(user, &any, size))
			return -EFAULT;
	return ret;
}

static const struct file_operations kho_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = kho_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
	.release = kho_dev_release,
	.poll = kho_dev_poll,
};

static struct miscdevice kho_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kho",
	.fops = &kho_fops,
	.mode = 0600,
};

/**
 * kho_dev_init() - register /dev/kho
 *
 * Context: may sleep.
 * Return: 0 or the error of misc_register().
 */
int kho_dev_init(void)
{
	return misc_register(&kho_misc);
}

/**
 * kho_dev_exit() - deregister /dev/kho
 */
void kho_dev_exit(void)
{
	misc_deregister(&kho_misc);
}

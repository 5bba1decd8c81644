// SPDX-License-Identifier: GPL-2.0-only
/*
 * Committing and sealing an object.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/text.h"
#include "core/core.h"
#include "memory/memory.h"
#include "object.h"

#include <kho/objects.h>

/**
 * kho_object_commit() - let an object outlive its files
 * @object: the object
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0 or -ESHUTDOWN.
 */
int kho_object_commit(struct kho_object *object)
{
	int ret = 0;

	mutex_lock(&kho.lock);
	if (kho.frozen) {
		ret = -ESHUTDOWN;
	} else if (object->flags & KHO_OBJS_UNCOMMITTED) {
		kho_inject("commit");
		object->flags &= ~KHO_OBJS_UNCOMMITTED;
		kho_record_update(object);
		kho_inject("commit-written");
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return ret;
}

static int may_seal(const struct kho_object *object)
{
	int ret;

	mutex_lock(&kho.lock);
	ret = object->flags & KHO_OBJS_SEALED ? -EPERM : kho_may_change();
	mutex_unlock(&kho.lock);
	return ret;
}

/* Ends writing: refuses new writers, and fails if somebody may still write. */
static int stop_writers(struct kho_object *object)
{
	int ret = kho_mem_deny_writers(&object->mem);

	if (ret)
		return kho_refuse(ret, "object '%s' is mapped for writing",
				  kho_shown(object->name));
	if (object->mem.pinned)
		return 0;
	ret = kho_mem_in_use(&object->mem);
	if (ret)
		kho_mem_allow_writers(&object->mem);
	if (ret == -EBUSY)
		kho_refuse(ret, "object '%s': pages are in use by direct I/O or the like",
			   kho_shown(object->name));
	return ret;
}

/* Sets the seal and makes room for sums.  A jump waits for both, or for neither. */
static int set_seal(struct kho_object *object, bool with_sums)
{
	u64 sums = 0;
	int ret;

	kho_change_begin();
	ret = kho_may_change();
	if (!ret && with_sums && !object->record->sums)
		ret = kho_sums_alloc(object->mem.nr_pages, &sums);
	if (ret)
		goto out;
	mutex_lock(&kho.lock);
	if (sums)
		object->record->sums = sums;
	object->flags |= KHO_OBJS_SEALED;
	object->flags &= ~KHO_OBJS_SUMMED;
	kho_record_update(object);
	kho_changed();
	mutex_unlock(&kho.lock);
out:
	kho_change_end();
	return ret;
}

/* Completes a seal with sums.  If they could not be taken, it undoes the seal. */
static int finish_sums(struct kho_object *object, int ret)
{
	u64 sums = 0;

	kho_change_begin();
	mutex_lock(&kho.lock);
	if (kho.frozen) {
		/* Its record is handed over with the seal, so the seal stays. */
		ret = -ESHUTDOWN;
	} else if (!ret) {
		object->flags |= KHO_OBJS_SUMMED;
	} else {
		object->flags &= ~KHO_OBJS_SEALED;
		kho_mem_allow_writers(&object->mem);
	}
	/* Free what was allocated for the sums only. */
	if (ret && !kho.frozen && !(object->flags & KHO_OBJS_SUM_AT_JUMP))
		swap(sums, object->record->sums);
	if (!kho.frozen) {
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	kho_sums_free(sums);
	kho_change_end();
	return ret;
}

static int take_sums(struct kho_object *object)
{
	int ret;

	kho_inject("seal-sums");
	ret = kho_sums_take(object, true);
	kho_inject("seal-summed");
	return finish_sums(object, ret);
}

/**
 * kho_object_seal() - end all writing to an object
 * @object: the object
 * @inode: inode of its file
 * @with_sums: take a checksum
 *
 * What takes longer the more pages there are is done with only the inode's lock held:
 * nobody writes or resizes the object meanwhile, and the rest of the module need not
 * wait.
 *
 * Context: may sleep; takes @inode's lock, then kho.gate and kho.lock.
 * Return: 0, -EPERM if it is sealed already, -EBUSY if somebody may still write,
 * -ENOMEM, -EINTR, -EOPNOTSUPP, or as kho_may_change().  The object is not sealed after
 * an error, except for -ESHUTDOWN if the jump begins while checksums are taken: then
 * only these are missing.
 */
int kho_object_seal(struct kho_object *object, struct inode *inode, bool with_sums)
{
	int ret;

	/* A writer may hold it for as long as its own memory takes to be faulted in. */
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	kho_inject("seal");
	ret = may_seal(object) ?: stop_writers(object);
	if (ret)
		goto out;
	ret = set_seal(object, with_sums);
	if (ret)
		kho_mem_allow_writers(&object->mem);
	else if (with_sums)
		ret = take_sums(object);
out:
	inode_unlock(inode);
	return ret;
}

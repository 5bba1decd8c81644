// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing the owner, group and mode of an object.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/cred.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/text.h"
#include "core/core.h"
#include "memory/memory.h"
#include "object.h"

#include <linux/kho.h>

/**
 * kho_object_set_owner() - set the owner, group and mode of an object
 * @object: the object
 * @to: what to set; flags and mode have been checked
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -EPERM, -EINVAL for an invalid uid or gid, or as kho_may_change().
 */
int kho_object_set_owner(struct kho_object *object, const struct kho_obj_owner *to)
{
	kuid_t uid = object->uid;
	kgid_t gid = object->gid;
	bool all = kho_allowed_all();
	int ret;

	if (to->flags & KHO_OWNER_UID)
		uid = make_kuid(&init_user_ns, to->uid);
	if (to->flags & KHO_OWNER_GID)
		gid = make_kgid(&init_user_ns, to->gid);
	if (!uid_valid(uid) || !gid_valid(gid))
		return kho_refuse(-EINVAL, "object '%s': uid %u or gid %u is invalid",
				  kho_shown(object->name), to->uid, to->gid);

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret && (!kho_owns(object) ||
		     (!all && !uid_eq(uid, object->uid)) ||
		     (!all && !gid_eq(gid, object->gid) && !in_group_p(gid))))
		ret = kho_refuse(-EPERM, "object '%s': uid %u may not give it to uid %u, gid %u",
				 kho_shown(object->name),
				 from_kuid(&init_user_ns, current_fsuid()),
				 from_kuid(&init_user_ns, uid),
				 from_kgid(&init_user_ns, gid));
	if (!ret) {
		object->uid = uid;
		object->gid = gid;
		if (to->flags & KHO_OWNER_MODE)
			object->mode = to->mode;
		kho_mem_set_inode(&object->mem, object->uid, object->gid,
				  object->mode);
		kho_inject("owner");
		kho_record_update(object);
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what with an object.
 *
 * Objects have an owner, a group and a mode, as files do.  An object that a caller does
 * not own and may neither read nor write does not exist for that caller.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/user_namespace.h>

#include "compat/compat.h"
#include "object.h"

/**
 * kho_allowed_all() - may the caller do everything?
 *
 * A refusal is not audited.
 */
bool kho_allowed_all(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/**
 * kho_may() - may the caller read or write an object?
 * @object: the object
 * @mask: MAY_READ, MAY_WRITE, or both
 *
 * Context: kho.lock held.
 */
bool kho_may(const struct kho_object *object, unsigned int mask)
{
	umode_t mode = object->mode;

	if (kho_allowed_all())
		return true;
	if (uid_eq(object->uid, current_fsuid()))
		mode >>= 6;
	else if (in_group_p(object->gid))
		mode >>= 3;
	return (mode & mask) == mask;
}

/**
 * kho_owns() - may the caller remove an object and give it away, as its owner may?
 * @object: the object
 *
 * Context: kho.lock held.
 */
bool kho_owns(const struct kho_object *object)
{
	return uid_eq(object->uid, current_fsuid()) || kho_allowed_all();
}

/**
 * kho_sees() - may the caller know that an object exists?
 * @object: the object
 *
 * Context: kho.lock held.
 */
bool kho_sees(const struct kho_object *object)
{
	return kho_owns(object) || kho_may(object, MAY_READ) ||
	       kho_may(object, MAY_WRITE);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The struct of an ioctl: copied in by its size, and what nobody knows refused.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/mm.h>
#include <linux/uaccess.h>

#include "compat/compat.h"
#include "args.h"
#include "log.h"

/**
 * kho_not_zero() - refuse what is reserved, or unknown, and not 0
 * @what: the member, for people
 * @value: what it is
 *
 * Return: -EOPNOTSUPP.
 */
int kho_not_zero(const char *what, u64 value)
{
	return kho_refuse(-EOPNOTSUPP, "%s is 0x%llx, must be 0", what, value);
}

/**
 * kho_take_args() - copy the struct of a command in
 * @nr: number of the command, for the log
 * @any: where to; zeroed
 * @known: how long it is as we know it
 * @least: how long it was in the first version
 * @user: where from
 * @size: set to how long it is for the caller
 *
 * Return: 0, -EFAULT, -EINVAL if it is too short, -E2BIG if it says what we
 * don't know.
 */
int kho_take_args(unsigned int nr, void *any, u32 known, u32 least,
		  void __user *user, u32 *size)
{
	if (get_user(*size, (u32 __user *)user))
		return -EFAULT;
	if (*size < least)
		return kho_refuse(-EINVAL, "command 0x%x: size is %u, must be %u at least",
				  nr, *size, least);
	if (*size > PAGE_SIZE)
		return kho_refuse(-E2BIG, "command 0x%x: size is %u, more than a page",
				  nr, *size);
	return copy_struct_from_user(any, known, user, *size);
}

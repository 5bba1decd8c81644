// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioctl arguments: copies a struct in by its size, and refuses unknown fields.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/mm.h>
#include <linux/uaccess.h>

#include "compat/compat.h"
#include "args.h"
#include "log.h"

/**
 * kho_not_zero() - refuse a reserved or unknown field that is not 0
 * @what: name of the member, for the log
 * @value: its value
 *
 * Return: -EOPNOTSUPP.
 */
int kho_not_zero(const char *what, u64 value)
{
	return kho_refuse(-EOPNOTSUPP, "%s is 0x%llx, must be 0", what, value);
}

/**
 * kho_take_args() - copy in the struct of a command
 * @nr: number of the command, for the log
 * @args: destination; bytes that the caller does not pass are zeroed
 * @args_size: size of the struct as this module knows it
 * @min_size: its size in the first version
 * @user: source
 * @size: set to the size that the caller passes
 *
 * Return: 0; -EFAULT; -EINVAL if the struct is too short; -E2BIG if it is larger than a
 * page, or has non-zero bytes that this module does not know.
 */
int kho_take_args(unsigned int nr, void *args, u32 args_size, u32 min_size,
		  void __user *user, u32 *size)
{
	if (get_user(*size, (u32 __user *)user))
		return -EFAULT;
	if (*size < min_size)
		return kho_refuse(-EINVAL, "command 0x%x: size is %u, must be at least %u",
				  nr, *size, min_size);
	if (*size > PAGE_SIZE)
		return kho_refuse(-E2BIG, "command 0x%x: size is %u, more than a page",
				  nr, *size);
	return copy_struct_from_user(args, args_size, user, *size);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying in the structs of ioctls.
 */
#ifndef KHO_ARGS_H
#define KHO_ARGS_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Size of a command's struct.  All structs are copied into a union @any on the stack, so
 * this checks that @member of the union has that type and fits.
 */
#define KHO_ARG_SIZE(any, member, type) \
	(sizeof(type) + \
	 BUILD_BUG_ON_ZERO(!__same_type(type, typeof_member(any, member))) + \
	 BUILD_BUG_ON_ZERO(sizeof(type) > sizeof(any)))

int kho_not_zero(const char *what, u64 value);
int kho_take_args(unsigned int nr, void *args, u32 args_size, u32 min_size,
		  void __user *user, u32 *size);

#endif /* KHO_ARGS_H */

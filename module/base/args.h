/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The structs that ioctls take.
 */
#ifndef KHO_ARGS_H
#define KHO_ARGS_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Size of a command's struct, which @member of @any has to be: everything that is
 * copied in lands in such a union on the stack.
 */
#define KHO_ARG_SIZE(any, member, type) \
	(sizeof(type) + \
	 BUILD_BUG_ON_ZERO(!__same_type(type, typeof_member(any, member))) + \
	 BUILD_BUG_ON_ZERO(sizeof(type) > sizeof(any)))

int kho_not_zero(const char *what, u64 value);
int kho_take_args(unsigned int nr, void *any, u32 known, u32 least,
		  void __user *user, u32 *size);

#endif /* KHO_ARGS_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of libkho share.  None of it is exported.
 */
#ifndef LIBKHO_INTERNAL_H
#define LIBKHO_INTERNAL_H

#include <stdint.h>

/* All is built hidden but what is declared there; libkho.map says it again. */
#pragma GCC visibility push(default)
#include "libkho.h"
#pragma GCC visibility pop

/* Return: 0 or a negative errno. */
int kho_ioctl(int fd, unsigned long cmd, void *arg);

/*
 * What a command that makes a descriptor returns: @fd, unless the command has
 * failed with @ret.
 */
int kho_new_fd(int ret, int32_t fd);

/* @to: zeroed.  Return: 0, -EINVAL for an empty name, or -ENAMETOOLONG. */
int kho_copy_name(uint8_t *to, const char *name);

/*
 * The end of all commands that list: @filled and @all are what the kernel said,
 * @ret is the command's result.
 */
int kho_listed(int ret, uint32_t filled, uint64_t all, uint32_t *count,
	       uint64_t *total);

#endif /* LIBKHO_INTERNAL_H */

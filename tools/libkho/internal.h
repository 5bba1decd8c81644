/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Internal functions of libkho, none of which is exported.
 */
#ifndef LIBKHO_INTERNAL_H
#define LIBKHO_INTERNAL_H

#include <stdint.h>

/* Everything else is built hidden; libkho.map lists the exports again. */
#pragma GCC visibility push(default)
#include "libkho.h"
#pragma GCC visibility pop

/* Return: 0 or a negative errno */
int kho_ioctl(int fd, unsigned long cmd, void *arg);

/* Result of a command that makes a descriptor: @fd, or @ret if the command failed */
int kho_new_fd(int ret, int32_t fd);

/* Copies @name to @to, which is zeroed.  Return: 0, -EINVAL (empty), -ENAMETOOLONG */
int kho_copy_name(uint8_t *to, const char *name);

/*
 * Finishes a command that reads a list.  @ret: its result; @filled, @all: what the module
 * returned
 */
int kho_listed(int ret, uint32_t filled, uint64_t all, uint32_t *count,
	       uint64_t *total);

#endif /* LIBKHO_INTERNAL_H */

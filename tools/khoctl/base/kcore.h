/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading the running kernel's own variables, through /proc/kallsyms and /proc/kcore.
 */
#ifndef KHOCTL_KCORE_H
#define KHOCTL_KCORE_H

#include <stddef.h>

#include <linux/types.h>

/*
 * Finds the address of a variable of the kernel itself.  Return: 0 or a negative errno;
 * -EPERM if addresses are hidden from this process
 */
int kcore_variable(const char *name, __u64 *addr);
/*
 * Opens the kernel's memory for kcore_read(); the caller closes it.  Return: a descriptor
 * or a negative errno
 */
int kcore_open(void);
/* Reads @size bytes at a virtual address.  Return: 0 or a negative errno */
int kcore_read(int fd, __u64 addr, void *buf, size_t size);

#endif /* KHOCTL_KCORE_H */

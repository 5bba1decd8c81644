/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Opening /dev/kho, and its errors.
 */
#ifndef KHOCTL_DEVICE_H
#define KHOCTL_DEVICE_H

#include <stdbool.h>

#include <linux/kho.h>

/*
 * Opens and queries the device.  @needed: features (KHO_FEATURE_*) that it must have.
 * Return: a descriptor, or -1 after printing the reason
 */
int open_device_query(struct kho_query *query, __u64 needed);
/* Has a module that was unloaded left what it held to the next one? */
bool device_left(void);
/* Corrects @query->abi if the kernel uses in-kernel KHO. */
void device_abi(struct kho_query *query);
/* Why an ioctl of /dev/kho failed, for errors that mean the same in all commands */
const char *device_error(int err);

#endif /* KHOCTL_DEVICE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/kho.
 */
#ifndef KHOCTL_DEVICE_H
#define KHOCTL_DEVICE_H

#include <linux/kho.h>

/*
 * Opens and queries the device; @needed: features (KHO_FEATURE_*) that it has to
 * have.  Prints the reason and returns -1 if that can't be.
 */
int open_device_query(struct kho_query *query, __u64 needed);
/* Corrects @query->abi where the kernel's own KHO is what speaks. */
void device_abi(struct kho_query *query);
/* Why an ioctl of /dev/kho failed, for errors that mean the same for all. */
const char *device_error(int err);

#endif /* KHOCTL_DEVICE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that firmware, drivers and boot parameters have claimed.
 */
#ifndef KHO_FIRMWARE_H
#define KHO_FIRMWARE_H

#include "mm/iomem.h"

int kho_firmware_each(kho_range_fn_t fn, void *data);
int kho_firmware_each_doubtful(kho_range_fn_t fn, void *data);
int kho_claimed_each(kho_range_fn_t fn, void *data);

#endif /* KHO_FIRMWARE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* virt_to_phys() and phys_to_virt() are in mm.h. */
#include <linux/mm.h>

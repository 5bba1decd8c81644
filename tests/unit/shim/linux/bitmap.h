/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions of bitmaps are in bitops.h. */
#include <linux/bitops.h>

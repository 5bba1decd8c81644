/* SPDX-License-Identifier: GPL-2.0-only */
/* What there is of bitmaps is with the bits. */
#include <linux/bitops.h>

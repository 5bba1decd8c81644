/* SPDX-License-Identifier: GPL-2.0-only */
/* BIT() is in bitops.h. */
#include <linux/bitops.h>

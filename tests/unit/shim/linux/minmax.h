/* SPDX-License-Identifier: GPL-2.0-only */
/* The least and the greatest are in kernel.h. */
#include <linux/kernel.h>

/* SPDX-License-Identifier: GPL-2.0-only */
/* No memory comes or goes. */

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KHO_VERSION
#define KHO_VERSION "0.1.0"
#endif

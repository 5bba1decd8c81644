/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_EXPORT_H
#define SHIM_LINUX_EXPORT_H

/* Takes the semicolon that follows. */
#define EXPORT_SYMBOL_GPL(sym)	extern __typeof__(sym) sym

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the module is installed, and for which kernels.
 */
#ifndef KHOCTL_MODFILE_H
#define KHOCTL_MODFILE_H

/* Path of kho.ko for @release (NULL: for any), or NULL; the caller frees it. */
char *module_find(const char *release);

#endif /* KHOCTL_MODFILE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding the installed module.
 */
#ifndef KHOCTL_MODFILE_H
#define KHOCTL_MODFILE_H

/* Path of kho.ko for @release (NULL: any), or NULL; the caller frees it. */
char *module_find(const char *release);
/* The command that installs kho.ko for @release; the caller frees the text. */
char *module_fix(const char *release);

#endif /* KHOCTL_MODFILE_H */

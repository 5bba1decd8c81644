/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files of kho.ko: reading and loading them.
 */
#ifndef KHOCTL_MODULEFILE_H
#define KHOCTL_MODULEFILE_H

#include <stddef.h>

/* A file of the module, in memory: it may be replaced on disk meanwhile. */
struct module_file {
	char *path;
	/** @data: unpacked. */
	char *data;
	size_t len;
	/* From its .modinfo, or "" */
	const char *name;
	const char *version;
	const char *srcversion;
	const char *vermagic;
	/** @left: set if it can take over what another module has left. */
	const char *left;
};

/* Prints errors.  Return: DONE or FAILED, and then there is nothing to free */
int module_file_read(const char *path, struct module_file *file);
void module_file_free(struct module_file *file);
/* Loads it.  Return: 0 or a negative errno */
int module_file_load(const struct module_file *file, const char *params);
/* Unloads the running kho.ko, if nobody uses it.  Return: 0 or a negative errno */
int module_unload(void);

/* No header of the C library declares them; tests have their own. */
int init_module(void *image, unsigned long len, const char *params);
int delete_module(const char *name, unsigned int flags);

#endif /* KHOCTL_MODULEFILE_H */

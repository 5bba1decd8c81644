/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khoctl upgrade: shared by its parts.
 */
#ifndef KHOCTL_UPGRADE_H
#define KHOCTL_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/kho.h>

#include "target/modulefile.h"

/* What there is, to compare */
struct upgrade_state {
	struct kho_query query;
	struct kho_obj_info *objects;
	size_t nr_objects;
	struct kho_page_entry *pages;
	size_t nr_pages;
};

struct upgrade {
	struct module_file new;
	/** @old: the running module's file, to go back to it; without data if there is none. */
	struct module_file old;
	/** @srcversion: of the running module, or "". */
	char srcversion[64];
	char version[64];
	/** @params: parameters of the running module. */
	char *params;
	/** @wait: how many seconds to wait for others. */
	unsigned int wait;
	struct upgrade_state before;
};

/* upgrade-run.c.  They print errors.  Return: DONE or FAILED */
int upgrade_leave(struct upgrade *u);
int upgrade_load(struct upgrade *u);
int upgrade_compare(struct upgrade *u);
int upgrade_read_state(int dev, struct upgrade_state *state);
void upgrade_free_state(struct upgrade_state *state);
/* An attribute of the running module, such as "srcversion", or "" */
void upgrade_attribute(const char *name, char *buf, size_t size);

#endif /* KHOCTL_UPGRADE_H */

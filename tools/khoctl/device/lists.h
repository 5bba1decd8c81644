/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading complete lists from /dev/kho, in several calls if necessary.
 */
#ifndef KHOCTL_LISTS_H
#define KHOCTL_LISTS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/kho.h>

/* Prints errors.  Return: DONE or FAILED */
int list_objects(int dev, struct kho_obj_info **entries, size_t *nr);
/*
 * The others return 0 or a negative errno, which list_error() prints.  Return: DONE or
 * FAILED
 */
int list_error(int err);
int list_pages(int dev, struct kho_page_entry **entries, size_t *nr);
int list_envelopes(int dev, bool arrived, struct kho_envelope_entry **entries,
		   size_t *nr);
int list_subtrees(int dev, struct kho_subtree_entry **entries, size_t *nr);

#endif /* KHOCTL_LISTS_H */

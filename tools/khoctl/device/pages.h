/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages by number: PFN[:ORDER].
 */
#ifndef KHOCTL_PAGES_H
#define KHOCTL_PAGES_H

#include <stdbool.h>

#include <linux/kho.h>

/* Returns NULL, or what is wrong with @arg. */
const char *parse_page(const char *arg, struct kho_page_entry *entry);
/* Why a command failed for the page of @entry */
const char *page_error(int err, const struct kho_page_entry *entry);
/* True if @err blames a single page rather than the whole call */
bool is_about_page(int err);

#endif /* KHOCTL_PAGES_H */

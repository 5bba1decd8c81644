/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages by number: PFN[:ORDER].
 */
#ifndef KHOCTL_PAGES_H
#define KHOCTL_PAGES_H

#include <stdbool.h>

#include <linux/kho.h>

/* NULL, or what is wrong with @arg */
const char *parse_page(const char *arg, struct kho_page_entry *entry);
/* Why something could not be done with the page of @entry, or at all */
const char *page_error(int err, const struct kho_page_entry *entry);
/* False for errors of the call as a whole, which blame no page. */
bool is_about_page(int err);

#endif /* KHOCTL_PAGES_H */

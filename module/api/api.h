/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this folder share. */
#ifndef KHO_API_H
#define KHO_API_H

#include <linux/types.h>

int kho_hold(unsigned long pfn, unsigned long nr_pages);
int kho_unhold(unsigned long pfn, unsigned long nr_pages);
bool kho_holds(unsigned long pfn, unsigned int order);

#endif /* KHO_API_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend for in-kernel KHO: what the files of this folder share.
 */
#ifndef KHO_NATIVE_BACKEND_H
#define KHO_NATIVE_BACKEND_H

#include <linux/types.h>

/* enveloped.c: incoming pages that in-kernel KHO does not know */
int kho_enveloped_list(void);
int kho_enveloped_get(u64 pfn, u64 nr_pages);
int kho_enveloped_mark(void);
void kho_enveloped_commit(void);

#endif /* KHO_NATIVE_BACKEND_H */

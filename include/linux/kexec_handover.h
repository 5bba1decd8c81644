/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preserving memory across kexec, for kernel code: mainline's names.
 *
 * A kernel that has KHO has a header of this name as well, and it is found
 * first: whoever is written for mainline builds against either.
 */
#ifndef LINUX_KEXEC_HANDOVER_H
#define LINUX_KEXEC_HANDOVER_H

#include <linux/types.h>

struct page;

int kho_preserve_pages(struct page *page, unsigned long nr_pages);
void kho_unpreserve_pages(struct page *page, unsigned long nr_pages);
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr_pages);

int kho_add_subtree(const char *name, void *blob, size_t size);
void kho_remove_subtree(void *blob);
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size);

#endif /* LINUX_KEXEC_HANDOVER_H */

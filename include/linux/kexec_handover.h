/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Preserving memory across kexec, for kernel code, under mainline's names (7.1 on).
 *
 * A kernel with in-kernel KHO has a header of the same name, which is found
 * first, so code written for mainline builds against either.
 * docs/kernel-api.md describes the API.  The guard has another name than that of
 * the kernel's header, by which kho/abi.h knows what that one has declared.
 */
#ifndef KHO_LINUX_KEXEC_HANDOVER_H
#define KHO_LINUX_KEXEC_HANDOVER_H

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/types.h>

struct folio;
struct kho_vmalloc;
struct page;

bool kho_is_enabled(void);
bool is_kho_boot(void);

int kho_preserve_folio(struct folio *folio);
void kho_unpreserve_folio(struct folio *folio);
struct folio *kho_restore_folio(phys_addr_t phys);

int kho_preserve_pages(struct page *page, unsigned long nr_pages);
void kho_unpreserve_pages(struct page *page, unsigned long nr_pages);
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr_pages);

int kho_preserve_vmalloc(void *ptr, struct kho_vmalloc *preservation);
void kho_unpreserve_vmalloc(struct kho_vmalloc *preservation);
void *kho_restore_vmalloc(const struct kho_vmalloc *preservation);

void *kho_alloc_preserve(size_t size);
void kho_unpreserve_free(void *mem);
void kho_restore_free(void *mem);

int kho_add_subtree(const char *name, void *blob, size_t size);
void kho_remove_subtree(void *blob);
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size);

#endif /* KHO_LINUX_KEXEC_HANDOVER_H */

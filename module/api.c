// SPDX-License-Identifier: GPL-2.0-only
/*
 * What other modules may call.  Names and meaning are mainline's (7.1 on);
 * what is stricter here is said with each.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/export.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "internal.h"

/**
 * kho_preserve_pages() - preserve adjacent pages
 * @page: the first of them
 * @nr_pages: how many
 *
 * Unlike mainline's, it takes a reference to each page: what is preserved is
 * neither freed nor moved, even if its owner forgets about it.
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0; -EINVAL, -ENXIO or -EADDRNOTAVAIL for what are no pages in use,
 * -EBUSY for pages in scratch or preserved already in another way, -EEXIST,
 * -ENOMEM; -ESHUTDOWN once the machine is going down; -EPERM under lockdown.
 * Nothing has changed after an error.
 */
int kho_preserve_pages(struct page *page, unsigned long nr_pages)
{
	unsigned long pfn = page_to_pfn(page);
	unsigned long i;
	int ret;

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (!ret && kho_in_scratch(pfn, nr_pages))
		ret = -EBUSY;
	if (ret)
		goto out;
	for (i = 0; i < nr_pages; i++) {
		ret = kho_take_page(pfn + i);
		if (ret)
			goto err_put;
	}
	ret = kho_mark_range(pfn, nr_pages);
	if (ret)
		goto err_put;
	kho.kernel_pages += nr_pages;
	kho_changed();
	mutex_unlock(&kho.lock);
	return 0;

err_put:
	kho_put_pages(pfn, i);
out:
	mutex_unlock(&kho.lock);
	return kho_refuse(ret, "preserving %lu pages at pfn 0x%lx: error %d",
			  nr_pages, pfn, ret);
}
EXPORT_SYMBOL_GPL(kho_preserve_pages);

/**
 * kho_unpreserve_pages() - give up what kho_preserve_pages() preserved
 * @page: the first page, as it was then
 * @nr_pages: how many, as they were
 *
 * Warns, and changes nothing, if they were not preserved just so.  Once the
 * machine is going down nothing changes any more, and they stay preserved.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_unpreserve_pages(struct page *page, unsigned long nr_pages)
{
	unsigned long pfn = page_to_pfn(page);

	mutex_lock(&kho.lock);
	if (!kho.frozen &&
	    !WARN_ON_ONCE(kho_unmark_range(pfn, nr_pages))) {
		kho_put_pages(pfn, nr_pages);
		kho.kernel_pages -= nr_pages;
		kho.released += nr_pages;
		kho_changed();
	}
	mutex_unlock(&kho.lock);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_pages);

/**
 * kho_restore_pages() - take back pages that a kernel before preserved
 * @phys: physical address of the first page, as it was preserved
 * @nr_pages: how many, as they were
 *
 * They are no longer preserved, and the caller has the one reference to each.
 *
 * Context: may sleep; takes kho.lock.
 * Return: the first page, or NULL if no such pages arrived or somebody else
 * has taken them.
 */
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr_pages)
{
	struct page *page = NULL;

	if (offset_in_page(phys))
		return NULL;

	mutex_lock(&kho.lock);
	if (!kho.frozen &&
	    !kho_radix_del_range(&kho.arrived, PHYS_PFN(phys), nr_pages)) {
		WARN_ON_ONCE(kho_unmark_range(PHYS_PFN(phys), nr_pages));
		page = pfn_to_page(PHYS_PFN(phys));
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return page;
}
EXPORT_SYMBOL_GPL(kho_restore_pages);

/**
 * kho_add_subtree() - let the next kernel find data by name
 * @name: at most 31 bytes
 * @blob: the data, in memory that the caller preserves; of any format
 * @size: its size in bytes
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -EINVAL, -EEXIST, -ENOSPC if the FDT is full, -ESHUTDOWN, -EPERM.
 */
int kho_add_subtree(const char *name, void *blob, size_t size)
{
	int ret;

	mutex_lock(&kho.lock);
	ret = kho_may_change() ?:
	      kho_handoff_set_child(name, virt_to_phys(blob), size);
	if (!ret)
		kho_changed();
	mutex_unlock(&kho.lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_add_subtree);

/**
 * kho_remove_subtree() - take back what kho_add_subtree() added
 * @blob: the data
 *
 * Also what arrived by name and was to be carried on.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_remove_subtree(void *blob)
{
	mutex_lock(&kho.lock);
	if (!kho.frozen && !kho_handoff_drop_child(virt_to_phys(blob)))
		kho_changed();
	mutex_unlock(&kho.lock);
}
EXPORT_SYMBOL_GPL(kho_remove_subtree);

/**
 * kho_retrieve_subtree() - find what a kernel before left under a name
 * @name: the name
 * @phys: set to the physical address of the data
 * @size: set to its size in bytes; may be NULL
 *
 * The data comes from another kernel: check it before it is believed.
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, or -ENOENT if nothing arrived under that name.
 */
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	unsigned int i;
	int ret = -ENOENT;

	mutex_lock(&kho.lock);
	for (i = 0; kho.in && i < kho.in->nr; i++) {
		const struct kho_fdt_child *child = &kho.in->child[i];

		if (strcmp(child->name, name) || child->has != 3)
			continue;
		*phys = child->addr;
		if (size)
			*size = child->size;
		ret = 0;
		break;
	}
	mutex_unlock(&kho.lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_retrieve_subtree);

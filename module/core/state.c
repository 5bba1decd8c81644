// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all parts of the module share: the state, and how pages are owned.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/lockdep.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/page-flags.h>

#include "internal.h"
#include "core/page-alloc.h"

struct kho_state kho = {
	.gate = __RWSEM_INITIALIZER(kho.gate),
	.lock = __MUTEX_INITIALIZER(kho.lock),
	.blobs_lock = __MUTEX_INITIALIZER(kho.blobs_lock),
	.objects = LIST_HEAD_INIT(kho.objects),
	.open_mems = LIST_HEAD_INIT(kho.open_mems),
	.blobs = LIST_HEAD_INIT(kho.blobs),
};

static void assert_may_mark(void)
{
	lockdep_assert(lockdep_is_held(&kho.lock) || lockdep_is_held(&kho.gate));
}

/**
 * kho_may_change() - may what is preserved change now?
 *
 * Context: kho.lock or kho.gate held.
 * Return: 0, -ESHUTDOWN once the machine is going down, or -EPERM.
 */
int kho_may_change(void)
{
	assert_may_mark();

	if (kho.frozen)
		return kho_refuse(-ESHUTDOWN, "the machine is going down, nothing changes any more");
	if (kho.resuming)
		return kho_refuse(-ESHUTDOWN, "the machine resumes from hibernation, nothing of this kernel is left then");
	if (kho_platform_locked_down())
		return kho_refuse(-EPERM, "the kernel is locked down, no kexec_load: nothing would arrive");
	if (kho_native() && !kho_native_enabled())
		return kho_refuse(-EOPNOTSUPP, "the kernel's own KHO is off: boot with kho=on");
	return 0;
}

/**
 * kho_holds_any() - is anything preserved, or of what arrived still to be had?
 *
 * Context: kho.lock held.
 * Return: true if so.
 */
bool kho_holds_any(void)
{
	lockdep_assert_held(&kho.lock);

	return kho.nr_objects || kho.kernel_pages || kho_radix_nr_pages(&kho.raw) ||
	       kho_radix_nr_pages(&kho.arrived);
}

/**
 * kho_hold_module() - keep the module loaded as long as it holds anything
 *
 * Context: kho.lock held; the caller has a reference to the module, or the
 * module waits for it before it goes.
 */
void kho_hold_module(void)
{
	bool holds;

	lockdep_assert_held(&kho.lock);

	holds = kho_holds_any() || kho.freeing;
	if (holds && !kho.pinned)
		__module_get(THIS_MODULE);
	else if (!holds && kho.pinned)
		module_put(THIS_MODULE);
	kho.pinned = holds;
}

/**
 * kho_changed() - what is preserved has changed
 *
 * Counts it, and keeps the module loaded as long as it holds anything for
 * somebody else.
 *
 * Context: kho.lock held; the caller has a reference to the module.
 */
void kho_changed(void)
{
	lockdep_assert_held(&kho.lock);

	kho.changes++;
	kho_poison_update();
	kho_envelopes_update();
	kho_memfile_keep(kho.nr_objects);
	kho_hold_module();
}

/**
 * kho_mark_page() - have pages preserved
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_radix_add_page(), or what the kernel's own KHO says, or
 * -EADDRNOTAVAIL for pages that are going offline.
 */
int kho_mark_page(unsigned long pfn, unsigned int order)
{
	int ret;

	assert_may_mark();

	if (!kho_ram_stays(pfn, 1UL << order))
		return -EADDRNOTAVAIL;
	ret = kho_radix_add_page(&kho.tree, pfn, order);
	if (ret)
		return ret;
	ret = kho_native_preserve(pfn, 1ULL << order);
	if (ret)
		kho_radix_del_page(&kho.tree, pfn, order);
	kho_poison_touched(pfn, 1ULL << order);
	return ret;
}

/**
 * kho_unmark_page() - have pages preserved no more
 * @pfn: number of the first page
 * @order: log2 of how many, as they were marked
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_unmark_page(unsigned long pfn, unsigned int order)
{
	assert_may_mark();

	if (!WARN_ON_ONCE(kho_radix_del_page(&kho.tree, pfn, order)))
		kho_native_unpreserve(pfn, 1ULL << order);
	kho_poison_touched(pfn, 1ULL << order);
}

/**
 * kho_mark_batch() - have blocks of pages preserved
 * @pfn: numbers of their first pages; rising ones are fastest
 * @nr: how many
 * @order: log2 of the number of pages of each
 * @done: set to how many are: after an error, those before @pfn[@done]
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_mark_page() for @pfn[@done].
 */
int kho_mark_batch(const unsigned long *pfn, unsigned long nr,
		   unsigned int order, unsigned long *done)
{
	unsigned long i, marked, wanted = nr;
	int ret;

	assert_may_mark();

	for (i = 0; i < nr; i++)
		if (!kho_ram_stays(pfn[i], 1UL << order))
			nr = i;
	ret = kho_radix_add_batch(&kho.tree, pfn, nr, order, done);
	if (!ret && nr < wanted)
		ret = -EADDRNOTAVAIL;
	for (i = 0; kho_native() && i < *done; i++) {
		int err = kho_native_preserve(pfn[i], 1ULL << order);

		if (!err)
			continue;
		WARN_ON_ONCE(kho_radix_del_batch(&kho.tree, pfn + i, *done - i,
						 order, &marked));
		*done = i;
		ret = err;
	}
	for (i = 0; i < *done; i++)
		kho_poison_touched(pfn[i], 1ULL << order);
	return ret;
}

/**
 * kho_unmark_batch() - have blocks of pages preserved no more
 * @pfn: numbers of their first pages
 * @nr: how many
 * @order: log2 of the number of pages of each, as they were marked
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_unmark_batch(const unsigned long *pfn, unsigned long nr,
		      unsigned int order)
{
	unsigned long i, done;

	assert_may_mark();

	WARN_ON_ONCE(kho_radix_del_batch(&kho.tree, pfn, nr, order, &done));
	for (i = 0; kho_native() && i < done; i++)
		kho_native_unpreserve(pfn[i], 1ULL << order);
	for (i = 0; i < done; i++)
		kho_poison_touched(pfn[i], 1ULL << order);
}

/**
 * kho_mark_range() - have adjacent pages preserved
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: as kho_radix_add_range(), or what the kernel's own KHO says, or
 * -EADDRNOTAVAIL for pages that are going offline.
 */
int kho_mark_range(unsigned long pfn, unsigned long nr_pages)
{
	int ret;

	assert_may_mark();

	if (!kho_ram_stays(pfn, nr_pages))
		return -EADDRNOTAVAIL;
	ret = kho_radix_add_range(&kho.tree, pfn, nr_pages);
	if (ret)
		return ret;
	ret = kho_native_preserve(pfn, nr_pages);
	if (ret)
		kho_radix_del_range(&kho.tree, pfn, nr_pages);
	kho_poison_touched(pfn, nr_pages);
	return ret;
}

/**
 * kho_unmark_range() - the opposite of kho_mark_range()
 * @pfn: number of the first page, as it was
 * @nr_pages: how many, as it was
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: 0, or -ENOENT, and then nothing has changed.
 */
int kho_unmark_range(unsigned long pfn, unsigned long nr_pages)
{
	int ret;

	assert_may_mark();

	ret = kho_radix_del_range(&kho.tree, pfn, nr_pages);
	if (!ret)
		kho_native_unpreserve(pfn, nr_pages);
	kho_poison_touched(pfn, nr_pages);
	return ret;
}

/**
 * kho_mark_cut() - have only the first pages of a block preserved
 * @pfn: number of the first page
 * @order: that all of it was marked under
 * @nr_pages: how many of them stay
 *
 * Context: may sleep; kho.gate held: for a moment pages are marked twice.
 * Return: 0, -ENOMEM, or what the kernel's own KHO says; nothing has changed after
 * an error.
 */
int kho_mark_cut(unsigned long pfn, unsigned int order, unsigned long nr_pages)
{
	int ret;

	lockdep_assert_held(&kho.gate);

	ret = kho_native_preserve(pfn, nr_pages);
	if (ret)
		return ret;
	ret = kho_radix_cut(&kho.tree, pfn, order, nr_pages);
	if (ret) {
		kho_native_unpreserve(pfn, nr_pages);
		return ret;
	}
	kho_native_unpreserve(pfn, 1ULL << order);
	kho_poison_touched(pfn + nr_pages, (1ULL << order) - nr_pages);
	return 0;
}

/**
 * kho_take_page() - hold on to a page that somebody uses
 * @pfn: its number
 *
 * Return: 0; -ENXIO if there is no such RAM, -EADDRNOTAVAIL if nobody uses the
 * page, or if it is reserved or poisoned; or as kho_ram_check().
 */
int kho_take_page(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;
	int ret;

	if (!page)
		return -ENXIO;
	if (PageReserved(page) || PageHWPoison(page))
		return -EADDRNOTAVAIL;
	ret = kho_ram_check(pfn, 1);
	if (ret)
		return ret;

	folio = page_folio(page);
	if (!folio_try_get(folio))
		return -EADDRNOTAVAIL;
	/*
	 * It may have been freed and taken again, as part of another folio; and
	 * hugetlb says only there that it is poisoned.
	 */
	if (page_folio(page) != folio || kho_page_poisoned(page)) {
		folio_put(folio);
		return -EADDRNOTAVAIL;
	}
	return 0;
}

static void *blob_alloc(gfp_t gfp)
{
	void *blob = (void *)kho_zeroed_page(gfp);

	if (!blob)
		return NULL;
	if (kho_mark_page(PHYS_PFN(virt_to_phys(blob)), 0)) {
		free_page((unsigned long)blob);
		return NULL;
	}
	kho_blob_adopt(blob);
	return blob;
}

/**
 * kho_blob_alloc() - a zeroed page of metadata, marked for the next kernel
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: the page, or NULL.
 */
void *kho_blob_alloc(void)
{
	return blob_alloc(GFP_KERNEL);
}

/**
 * kho_blob_alloc_charged() - the same, for one object of the caller's
 *
 * It is charged to the caller's memory cgroup.
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: the page, or NULL.
 */
void *kho_blob_alloc_charged(void)
{
	return blob_alloc(KHO_GFP_CHARGED);
}

/**
 * kho_blob_adopt() - count a page as metadata that is marked already
 * @blob: the page
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_blob_adopt(void *blob)
{
	assert_may_mark();

	mutex_lock(&kho.blobs_lock);
	list_add_tail(&virt_to_page(blob)->lru, &kho.blobs);
	kho.nr_blobs++;
	mutex_unlock(&kho.blobs_lock);
}

/**
 * kho_blob_free() - free a page of metadata
 * @blob: the page, or NULL
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_blob_free(void *blob)
{
	if (!blob)
		return;

	kho_unmark_page(PHYS_PFN(virt_to_phys(blob)), 0);
	mutex_lock(&kho.blobs_lock);
	list_del(&virt_to_page(blob)->lru);
	kho.nr_blobs--;
	mutex_unlock(&kho.blobs_lock);
	free_page((unsigned long)blob);
}

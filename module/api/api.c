// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions for other modules.  Names and meaning are mainline's (7.1 on); where a
 * function is stricter here, its comment says so.
 *
 * We hold a reference to each page that is preserved, and note it in a tree of its own:
 * what belongs to an object, or was added by number, can't be unpreserved from here.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "api.h"
#include "base/log.h"
#include "base/text.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "incoming/incoming.h"
#include "mm/folio.h"
#include "tree/tree.h"

#include <kho/fdt.h>
#include <linux/kho.h>

/* What other modules preserved; there is a tree only while there is anything. */
static struct kho_radix_tree held;
/* Number of its base pages. */
static u64 kernel_pages;

static bool holds(void)
{
	return kernel_pages;
}

/* Only the module that has preserved them can say what they are. */
static const char *stays(void)
{
	return kernel_pages ? "another kernel module has preserved pages" : NULL;
}

static u64 foreign(void)
{
	return kernel_pages;
}

static struct kho_owner api_owner = {
	.holds = holds,
	.stays = stays,
	.foreign = foreign,
};

/**
 * kho_is_enabled() - can anything be preserved?
 *
 * Context: any.
 * Return: true, except under lockdown, as no kexec would reach the next kernel.
 */
bool kho_is_enabled(void)
{
	return !kho_backend_locked_down();
}
EXPORT_SYMBOL_GPL(kho_is_enabled);

/**
 * is_kho_boot() - did a handover arrive?
 *
 * Context: any.
 * Return: true if one was taken over; false if none arrived, or it was refused.
 */
bool is_kho_boot(void)
{
	return kho_incoming_arrival() == KHO_ARRIVAL_TAKEN;
}
EXPORT_SYMBOL_GPL(is_kho_boot);

/**
 * kho_hold() - preserve pages for another module
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Context: may sleep; kho.lock held; the caller calls kho_changed().
 * Return: as for kho_preserve_pages().  Nothing has changed after an error.
 */
int kho_hold(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long i;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (kho.leaving)
		return kho_refuse(-EBUSY, "the module is about to be replaced");
	if (kho_backend_in_scratch(pfn, nr_pages)) {
		/* So that whoever frees it and allocates again gets another page. */
		kho_backend_set_aside_later();
		return -EBUSY;
	}
	for (i = 0; i < nr_pages; i++) {
		ret = kho_get_page(pfn + i);
		if (ret)
			goto err_put;
		cond_resched();
	}
	kho_owner_add(&api_owner);
	ret = held.root ? 0 : kho_radix_init_tree(&held);
	if (ret)
		goto err_put;
	ret = kho_mark_range(pfn, nr_pages);
	if (ret)
		goto err_destroy;
	ret = kho_radix_add_range(&held, pfn, nr_pages);
	if (ret)
		goto err_unmark;
	ret = kho_backend_boot_add(pfn, nr_pages);
	if (ret)
		goto err_release;
	kernel_pages += nr_pages;
	return 0;

err_release:
	kho_radix_del_range(&held, pfn, nr_pages);
err_unmark:
	WARN_ON_ONCE(kho_unmark_range(pfn, nr_pages));
err_destroy:
	if (!kho_radix_nr_pages(&held))
		kho_radix_destroy_tree(&held);
err_put:
	kho_put_pages(pfn, i);
	return ret;
}

/**
 * kho_unhold() - give up what kho_hold() preserved
 * @pfn: number of the first page, as for kho_hold()
 * @nr_pages: number of pages, as for kho_hold()
 *
 * Context: may sleep; kho.lock held; the caller calls kho_changed().
 * Return: 0; or -ENOENT, and nothing has changed, if they are not preserved in exactly
 * this way.
 */
int kho_unhold(unsigned long pfn, unsigned long nr_pages)
{
	lockdep_assert_held(&kho.lock);

	if (kho_radix_del_range(&held, pfn, nr_pages))
		return -ENOENT;
	kho_backend_boot_del(pfn, nr_pages);
	WARN_ON_ONCE(kho_unmark_range(pfn, nr_pages));
	kho_put_pages(pfn, nr_pages);
	kernel_pages -= nr_pages;
	kho.released += nr_pages;
	if (!kho_radix_nr_pages(&held))
		kho_radix_destroy_tree(&held);
	return 0;
}

/**
 * kho_holds() - did kho_hold() preserve exactly this block?
 * @pfn: number of the first page
 * @order: log2 of the number of pages
 *
 * Context: may sleep; kho.lock held.
 * Return: true if so.
 */
bool kho_holds(unsigned long pfn, unsigned int order)
{
	lockdep_assert_held(&kho.lock);

	return kho_radix_has_page(&held, pfn, order);
}

static int preserve(unsigned long pfn, unsigned long nr_pages)
{
	int ret;

	mutex_lock(&kho.lock);
	ret = kho_may_change() ?: kho_hold(pfn, nr_pages);
	if (!ret)
		kho_changed();
	mutex_unlock(&kho.lock);
	if (ret)
		return kho_refuse(ret, "preserving %lu pages at pfn 0x%lx: error %d",
				  nr_pages, pfn, ret);
	return 0;
}

/* Returns whether the pages were given up.  @caller is named in the log if not. */
static bool unpreserve(unsigned long pfn, unsigned long nr_pages, void *caller)
{
	bool done;

	mutex_lock(&kho.lock);
	done = !kho.frozen && !kho_unhold(pfn, nr_pages);
	if (done)
		kho_changed();
	else if (!kho.frozen)
		pr_warn_ratelimited("%pS unpreserves %lu pages at pfn 0x%lx that are not preserved in this way\n",
				    caller, nr_pages, pfn);
	mutex_unlock(&kho.lock);
	return done;
}

/**
 * kho_preserve_pages() - preserve adjacent pages
 * @page: the first of them
 * @nr_pages: number of pages
 *
 * Unlike mainline's, this takes a reference to each page: what is preserved is
 * neither freed nor moved, even if its owner forgets about it.
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0; -EINVAL, -ENXIO or -EADDRNOTAVAIL if these are not pages in use,
 * -EBUSY for pages in scratch or preserved already in another way, -EEXIST,
 * -ENOMEM; -ESHUTDOWN once the machine is going down; -EPERM under lockdown.
 * Nothing has changed after an error.
 */
int kho_preserve_pages(struct page *page, unsigned long nr_pages)
{
	return preserve(page_to_pfn(page), nr_pages);
}
EXPORT_SYMBOL_GPL(kho_preserve_pages);

/**
 * kho_unpreserve_pages() - give up what kho_preserve_pages() preserved
 * @page: the first page, as for kho_preserve_pages()
 * @nr_pages: number of pages, as for kho_preserve_pages()
 *
 * Warns, and changes nothing, if they were not preserved in exactly this way.  Once the
 * machine is going down nothing changes any more, and they stay preserved.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_unpreserve_pages(struct page *page, unsigned long nr_pages)
{
	unpreserve(page_to_pfn(page), nr_pages, __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(kho_unpreserve_pages);

/**
 * kho_preserve_folio() - preserve a folio as a whole
 * @folio: the folio
 *
 * As with kho_preserve_pages(), this takes a reference to each of its pages:
 * folio_ref_count() grows by their number.
 *
 * Context: may sleep; takes kho.lock.
 * Return: as for kho_preserve_pages().
 */
int kho_preserve_folio(struct folio *folio)
{
	return preserve(folio_pfn(folio), folio_nr_pages(folio));
}
EXPORT_SYMBOL_GPL(kho_preserve_folio);

/**
 * kho_unpreserve_folio() - give up what kho_preserve_folio() preserved
 * @folio: the folio
 *
 * Warns as kho_unpreserve_pages() does.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_unpreserve_folio(struct folio *folio)
{
	unpreserve(folio_pfn(folio), folio_nr_pages(folio),
		   __builtin_return_address(0));
}
EXPORT_SYMBOL_GPL(kho_unpreserve_folio);

/**
 * kho_restore_pages() - get pages back that an earlier kernel preserved
 * @phys: physical address of the first page, as it was preserved
 * @nr_pages: number of pages, as they were preserved
 *
 * They are no longer preserved, and the caller has the only reference to each.
 *
 * Context: may sleep; takes kho.lock.
 * Return: the first page, or NULL if no such pages arrived or somebody else has got
 * them already.
 */
struct page *kho_restore_pages(phys_addr_t phys, unsigned long nr_pages)
{
	struct page *page = NULL;

	if (offset_in_page(phys))
		return NULL;

	mutex_lock(&kho.lock);
	if (!kho.frozen &&
	    !kho_unclaimed_del(PHYS_PFN(phys), nr_pages)) {
		kho_backend_boot_del(PHYS_PFN(phys), nr_pages);
		WARN_ON_ONCE(kho_unmark_range(PHYS_PFN(phys), nr_pages));
		page = pfn_to_page(PHYS_PFN(phys));
		kho_changed();
	}
	mutex_unlock(&kho.lock);
	return page;
}
EXPORT_SYMBOL_GPL(kho_restore_pages);

/* The block that find_key() was called for. */
struct found {
	phys_addr_t phys;
	unsigned int order;
};

static int find_key(phys_addr_t phys, unsigned int order, void *data)
{
	struct found *found = data;

	found->phys = phys;
	found->order = order;
	return 1;
}

static struct folio *restore_folio(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys);
	struct found found;

	lockdep_assert_held(&kho.lock);

	if (kho.frozen || offset_in_page(phys) ||
	    kho_unclaimed_each(pfn, 1, find_key, &found) != 1 ||
	    found.phys != phys)
		return NULL;
	/* Make the folio before the block is claimed: this may fail. */
	if (found.order && !kho_folio_make(pfn, found.order, 0)) {
		pr_warn_ratelimited("no folio of order %u can be made at pfn 0x%lx: it stays preserved\n",
				    found.order, pfn);
		return NULL;
	}
	WARN_ON_ONCE(kho_unclaimed_del(pfn, 1UL << found.order));
	kho_backend_boot_del(pfn, 1UL << found.order);
	kho_unmark_page(pfn, found.order);
	kho_changed();
	return page_folio(pfn_to_page(pfn));
}

/**
 * kho_restore_folio() - get a folio back that an earlier kernel preserved
 * @phys: physical address of its first page
 *
 * It has the order with which it was preserved, and one reference, the caller's.
 *
 * Context: may sleep; takes kho.lock.
 * Return: the folio; NULL if none arrived that begins there, or somebody else has got it.
 * Also NULL if somebody uses its pages, or its order is above MAX_PAGE_ORDER:
 * kho_restore_pages() can still restore it then.
 */
struct folio *kho_restore_folio(phys_addr_t phys)
{
	struct folio *folio;

	mutex_lock(&kho.lock);
	folio = restore_folio(phys);
	mutex_unlock(&kho.lock);
	return folio;
}
EXPORT_SYMBOL_GPL(kho_restore_folio);

/**
 * kho_alloc_preserve() - allocate zeroed memory and preserve it
 * @size: bytes; rounded up to a power of two of pages
 *
 * Context: may sleep; takes kho.lock.
 * Return: its address; or ERR_PTR() of -EINVAL for a size of 0, -E2BIG for more than a
 * folio can have, -ENOMEM, or as kho_preserve_folio().
 */
void *kho_alloc_preserve(size_t size)
{
	struct folio *folio;
	unsigned int order;
	int ret;

	if (!size)
		return ERR_PTR(-EINVAL);
	order = get_order(size);
	if (order > MAX_PAGE_ORDER)
		return ERR_PTR(-E2BIG);
	folio = kho_folio_alloc(NUMA_NO_NODE, GFP_KERNEL | __GFP_ZERO, order);
	if (!folio)
		return ERR_PTR(-ENOMEM);
	ret = kho_preserve_folio(folio);
	if (ret) {
		folio_put(folio);
		return ERR_PTR(ret);
	}
	return folio_address(folio);
}
EXPORT_SYMBOL_GPL(kho_alloc_preserve);

/**
 * kho_unpreserve_free() - give up and free what kho_alloc_preserve() returned
 * @mem: its address, or NULL
 *
 * Unlike mainline's, this frees nothing that was not preserved: it warns instead.  Once
 * the machine is going down nothing is freed.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_unpreserve_free(void *mem)
{
	struct folio *folio;

	if (!mem)
		return;
	folio = virt_to_folio(mem);
	if (unpreserve(folio_pfn(folio), folio_nr_pages(folio),
		       __builtin_return_address(0)))
		folio_put(folio);
}
EXPORT_SYMBOL_GPL(kho_unpreserve_free);

/**
 * kho_restore_free() - free what kho_alloc_preserve() returned in an earlier kernel
 * @mem: its address in this kernel, from phys_to_virt(), or NULL
 *
 * Warns, and frees nothing, where kho_restore_folio() would return NULL.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_restore_free(void *mem)
{
	struct folio *folio;

	if (!mem)
		return;
	folio = kho_restore_folio(virt_to_phys(mem));
	if (folio)
		folio_put(folio);
	else
		pr_warn_ratelimited("%pS frees memory at %pK, which did not arrive\n",
				    __builtin_return_address(0), mem);
}
EXPORT_SYMBOL_GPL(kho_restore_free);

/**
 * kho_add_subtree() - let the next kernel find data by name
 * @name: at most 31 bytes
 * @blob: the data, in memory that the caller preserves; in any format
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
	      kho_backend_add_child(name, blob, size, 0);
	if (!ret)
		kho_changed();
	mutex_unlock(&kho.lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_add_subtree);

/**
 * kho_remove_subtree() - remove what kho_add_subtree() added
 * @blob: the data
 *
 * This includes subtrees that arrived and would be handed on.
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_remove_subtree(void *blob)
{
	mutex_lock(&kho.lock);
	if (!kho.frozen && !kho_backend_drop_child(blob))
		kho_changed();
	mutex_unlock(&kho.lock);
}
EXPORT_SYMBOL_GPL(kho_remove_subtree);

/* Number of marked pages from @first to @last: @nr. */
struct marked {
	u64 first;
	u64 last;
	u64 nr;
};

static int count_marked(phys_addr_t phys, unsigned int order, void *data)
{
	u64 first = PHYS_PFN(phys), last = first + (1ULL << order) - 1;
	struct marked *marked = data;

	marked->nr += min(last, marked->last) - max(first, marked->first) + 1;
	return 0;
}

static bool is_preserved(u64 addr, u64 bytes)
{
	struct marked marked = {
		.first = PHYS_PFN(addr),
		.last = PHYS_PFN(addr + max_t(u64, bytes, 1) - 1),
	};

	return marked.last >= marked.first &&
	       !kho_preserved_each(marked.first, marked.last - marked.first + 1,
				   count_marked, &marked) &&
	       marked.nr == marked.last - marked.first + 1;
}

/**
 * kho_retrieve_subtree() - find what an earlier kernel left under a name
 * @name: the name
 * @phys: set to the physical address of the data
 * @size: set to its size in bytes; may be NULL
 *
 * The data comes from another kernel: check it before you rely on it.
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0; -EINVAL without @phys; -ENOENT if nothing arrived under that name, or its
 * memory is not preserved (it never was, or it was restored since).
 */
int kho_retrieve_subtree(const char *name, phys_addr_t *phys, size_t *size)
{
	const struct kho_fdt_child *child;
	int ret = -ENOENT;

	if (!phys)
		return -EINVAL;

	mutex_lock(&kho.lock);
	child = kho_incoming_child(name);
	if (child && is_preserved(child->addr, child->size)) {
		*phys = child->addr;
		if (size)
			*size = child->size;
		ret = 0;
	} else if (child) {
		pr_notice_ratelimited("'%s' arrived, but its %llu bytes at 0x%llx are not preserved\n",
				      kho_shown(name), child->size, child->addr);
	}
	mutex_unlock(&kho.lock);
	return ret;
}
EXPORT_SYMBOL_GPL(kho_retrieve_subtree);

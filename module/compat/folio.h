/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What we use of folios, for kernels that have none.
 *
 * 7b230db3b8d3 ("mm: Introduce struct folio", 5.16) and its series.  Before that a folio
 * is the head of a compound page, or a page that is not part of one.  Nothing but its
 * flags, counts and words in struct page differs, so struct folio is struct page here.
 */
#ifndef KHO_COMPAT_FOLIO_H
#define KHO_COMPAT_FOLIO_H

#include <linux/gfp.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)

struct folio {
	union {
		struct {
			unsigned long flags;
			struct list_head lru;
			struct address_space *mapping;
			pgoff_t index;
			void *private;
			atomic_t _mapcount;
			atomic_t _refcount;
		};
		struct page page;
	};
};

static_assert(sizeof(struct folio) == sizeof(struct page));
static_assert(offsetof(struct folio, lru) == offsetof(struct page, lru));
static_assert(offsetof(struct folio, mapping) == offsetof(struct page, mapping));
static_assert(offsetof(struct folio, index) == offsetof(struct page, index));
static_assert(offsetof(struct folio, private) == offsetof(struct page, private));
static_assert(offsetof(struct folio, _mapcount) == offsetof(struct page, _mapcount));
static_assert(offsetof(struct folio, _refcount) == offsetof(struct page, _refcount));

static inline struct folio *page_folio(const struct page *page)
{
	return (struct folio *)compound_head((struct page *)page);
}

#define folio_page(folio, n)	(&(folio)->page + (n))

static inline unsigned int folio_order(struct folio *folio)
{
	return compound_order(&folio->page);
}

static inline long folio_nr_pages(struct folio *folio)
{
	return compound_nr(&folio->page);
}

static inline unsigned long folio_pfn(struct folio *folio)
{
	return page_to_pfn(&folio->page);
}

static inline long folio_page_idx(const struct folio *folio, const struct page *page)
{
	return page - &folio->page;
}

static inline int folio_nid(const struct folio *folio)
{
	return page_to_nid(&folio->page);
}

static inline int folio_ref_count(const struct folio *folio)
{
	return page_ref_count((struct page *)&folio->page);
}

static inline bool folio_try_get(struct folio *folio)
{
	return page_ref_add_unless(&folio->page, 1, 0);
}

static inline void folio_put(struct folio *folio)
{
	put_page(&folio->page);
}

static inline void folio_lock(struct folio *folio)
{
	lock_page(&folio->page);
}

static inline void folio_unlock(struct folio *folio)
{
	unlock_page(&folio->page);
}

static inline int folio_wait_writeback_killable(struct folio *folio)
{
	if (PageWriteback(&folio->page))
		return wait_on_page_bit_killable(&folio->page, PG_writeback);
	return 0;
}

static inline bool folio_test_large(struct folio *folio)
{
	return PageHead(&folio->page);
}

static inline bool folio_test_hugetlb(struct folio *folio)
{
	return PageHuge(&folio->page);
}

static inline bool folio_test_anon(struct folio *folio)
{
	return PageAnon(&folio->page);
}

static inline bool folio_test_swapbacked(struct folio *folio)
{
	return PageSwapBacked(&folio->page);
}

static inline bool folio_test_hwpoison(struct folio *folio)
{
	return PageHWPoison(&folio->page);
}

static inline bool folio_test_writeback(struct folio *folio)
{
	return PageWriteback(&folio->page);
}

static inline bool folio_test_private(struct folio *folio)
{
	return PagePrivate(&folio->page);
}

static inline int folio_entire_mapcount(struct folio *folio)
{
	return compound_mapcount(&folio->page);
}

static inline size_t folio_size(struct folio *folio)
{
	return page_size(&folio->page);
}

static inline bool folio_mapped(struct folio *folio)
{
	return page_mapped(&folio->page);
}

static inline bool folio_maybe_dma_pinned(struct folio *folio)
{
	return page_maybe_dma_pinned(&folio->page);
}

static inline bool folio_test_reserved(struct folio *folio)
{
	return PageReserved(&folio->page);
}

/* Without __GFP_COMP, pages of order 0 are the same. */
static inline struct folio *folio_alloc(gfp_t gfp, unsigned int order)
{
	return (struct folio *)alloc_pages(gfp | __GFP_COMP, order);
}

#define __folio_alloc(gfp, order, nid, nodemask) \
	((struct folio *)alloc_pages_node(nid, (gfp) | __GFP_COMP, order))

#endif

/* 7d4203c13435 ("mm: add virt_to_folio() and folio_address()", 5.17). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 17, 0)
static inline struct folio *virt_to_folio(const void *addr)
{
	return page_folio(virt_to_page(addr));
}

static inline void *folio_address(const struct folio *folio)
{
	return page_address((struct page *)&folio->page);
}
#endif

/*
 * 41c961b9013e ("mm: introduce PAGEFLAGS_MASK to replace ((1UL << NR_PAGEFLAGS) - 1)", 5.15).
 */
#ifndef PAGEFLAGS_MASK
#define PAGEFLAGS_MASK	((1UL << NR_PAGEFLAGS) - 1)
#endif

/*
 * eac96c3efdb5 ("mm: filemap: check if THP has hwpoisoned subpage for PMD page fault",
 * 5.15): a flag for large folios with a poisoned page.  Before that the kernel maps them
 * by a PMD nevertheless, except where there is a page table: see kho_make_page_table().
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 15, 0)
static inline bool folio_test_has_hwpoisoned(struct folio *folio) { return false; }
static inline void folio_set_has_hwpoisoned(struct folio *folio) { }
static inline void folio_clear_has_hwpoisoned(struct folio *folio) { }
#else
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 16, 0)
#define folio_test_has_hwpoisoned(folio)	PageHasHWPoisoned(&(folio)->page)
#define folio_set_has_hwpoisoned(folio)		SetPageHasHWPoisoned(&(folio)->page)
#define folio_clear_has_hwpoisoned(folio)	ClearPageHasHWPoisoned(&(folio)->page)
#endif
#endif

#endif /* KHO_COMPAT_FOLIO_H */

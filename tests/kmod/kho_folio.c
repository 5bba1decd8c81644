// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes folios of each order from base pages, with a copy of the module's code, uses and
 * frees them, and tries what must be refused.  Loading it fails if a check fails.  The
 * kernel's own checks of freed pages report on the console.
 */
/* The build has copied the module's sources here; this one defines pr_fmt(). */
#include "mm/folio.c"

#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static unsigned int rounds = 3;
module_param(rounds, uint, 0);
MODULE_PARM_DESC(rounds, "How often to do it");

/* Replaces the function of poison/watch.c: no page is poisoned here. */
bool kho_page_poisoned(struct page *page)
{
	return false;
}

#define BLOCK_PAGES	BIT(MAX_PAGE_ORDER)

#define CHECK(condition) do {						\
	if (!(condition)) {						\
		pr_err("folio test, line %d: not so: %s\n", __LINE__, #condition); \
		return -EINVAL;						\
	}								\
} while (0)

static u64 word_for(struct page *page)
{
	return page_to_pfn(page) * 0x9e3779b97f4a7c15ULL;
}

/* Allocates base pages, each with unique content. */
static struct page *alloc_block(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	unsigned long i;

	if (!page)
		return NULL;
	split_page(page, MAX_PAGE_ORDER);
	for (i = 0; i < BLOCK_PAGES; i++)
		*(u64 *)page_address(page + i) = word_for(page + i);
	return page;
}

static void free_block(struct page *page)
{
	unsigned long i;

	for (i = 0; i < BLOCK_PAGES; i++)
		__free_page(page + i);
}

/* Are these still base pages with one reference each? */
static int check_plain(struct page *page, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++) {
		CHECK(!PageCompound(page + i));
		CHECK(page_count(page + i) == 1);
		CHECK(!page[i].mapping && !page[i].private);
	}
	return 0;
}

static int check_folio(struct page *page, unsigned int order, pgoff_t index)
{
	struct folio *folio = page_folio(page), *real;
	unsigned long i, nr_pages = 1UL << order;

	CHECK(&folio->page == page && folio_test_large(folio));
	CHECK(folio_order(folio) == order && folio_nr_pages(folio) == nr_pages);
	CHECK(folio_ref_count(folio) == 1 && folio->index == index);
	CHECK(!folio->mapping && !folio_mapped(folio) && !folio_test_hugetlb(folio));
	CHECK(!folio_maybe_dma_pinned(folio));
	CHECK(kho_folio_is_whole(page_to_pfn(page), order));
	CHECK(!kho_folio_is_whole(page_to_pfn(page), order - 1));
	CHECK(!kho_folio_is_whole(page_to_pfn(page) + 1, order));

	/* Compare with a folio that the allocator made, word for word. */
	real = folio_alloc(GFP_KERNEL, order);
	CHECK(real);
	for (i = 1; i < nr_pages; i++) {
		struct kho_folio_tail ours, theirs;

		CHECK(PageTail(page + i) && page_folio(page + i) == folio);
		CHECK(*(u64 *)page_address(page + i) == word_for(page + i));
		note_tail(&ours, page, i, order);
		note_tail(&theirs, &real->page, i, order);
		/* Only words that are written in every release. */
		CHECK(ours.word[0] == theirs.word[0]);
		CHECK(ours.word[WORD_HEAD] == theirs.word[WORD_HEAD]);
		CHECK(ours.word[WORD_MAPPING] == theirs.word[WORD_MAPPING]);
		CHECK(ours.word[WORD_PRIVATE] == theirs.word[WORD_PRIVATE]);
	}
	folio_put(real);

	/* References to any page count for the folio. */
	get_page(page + nr_pages - 1);
	CHECK(folio_ref_count(folio) == 2);
	put_page(page + nr_pages - 1);
	CHECK(folio_ref_count(folio) == 1);
	return 0;
}

static int check_mapped(struct page *page, unsigned int order)
{
	unsigned long i, nr_pages = 1UL << order;
	struct page **pages;
	u64 *word;

	pages = kvmalloc_array(nr_pages, sizeof(*pages), GFP_KERNEL);
	CHECK(pages);
	for (i = 0; i < nr_pages; i++)
		pages[i] = page + i;
	word = vmap(pages, nr_pages, VM_MAP, PAGE_KERNEL);
	CHECK(word);
	for (i = 0; i < nr_pages; i++)
		CHECK(word[i * PAGE_SIZE / sizeof(*word)] == word_for(page + i));
	vunmap(word);
	kvfree(pages);
	return 0;
}

static int try_order(unsigned int order)
{
	unsigned long i, step = 1UL << order;
	struct page *page = alloc_block();
	int ret;

	CHECK(page);
	/* Flags of a page that was mapped, written and read. */
	SetPageDirty(page + 1);
	set_bit(PG_referenced, words_of(page + step - 1));
	for (i = 0; i < BLOCK_PAGES; i += step) {
		CHECK(kho_folio_make(page_to_pfn(page + i), order, i));
		CHECK(!kho_folio_make(page_to_pfn(page + i), order, i));
		ret = check_folio(page + i, order, i);
		if (ret)
			return ret;
	}
	/* Only once: with KASAN, vunmap() does not free all that vmap() allocates. */
	ret = check_mapped(page, order);
	if (ret)
		return ret;
	for (i = 0; i < BLOCK_PAGES; i += step)
		folio_put(page_folio(page + i));
	return 0;
}

static int try_refused(void)
{
	struct page *page = alloc_block(), *tail;
	unsigned long pfn, nr_pages = 1UL << 9;
	int ret;

	CHECK(page);
	pfn = page_to_pfn(page);
	tail = page + nr_pages - 1;

	CHECK(!kho_folio_make(pfn, 0, 0));
	CHECK(!kho_folio_make(pfn, MAX_PAGE_ORDER + 1, 0));
	CHECK(!kho_folio_make(pfn + 1, 1, 0));
	CHECK(!kho_folio_make(1UL << (BITS_PER_LONG - PAGE_SHIFT - 1), 9, 0));
	CHECK(!kho_folio_is_whole(pfn, 9));

	get_page(tail);
	CHECK(!kho_folio_make(pfn, 9, 0));
	put_page(tail);
	get_page(page);
	CHECK(!kho_folio_make(pfn, 9, 0));
	put_page(page);
	SetPageReserved(tail);
	CHECK(!kho_folio_make(pfn, 9, 0));
	ClearPageReserved(tail);
	tail->mapping = (void *)page;
	CHECK(!kho_folio_make(pfn, 9, 0));
	tail->mapping = NULL;
	atomic_set(&tail->_mapcount, 0);
	CHECK(!kho_folio_make(pfn, 9, 0));
	atomic_set(&tail->_mapcount, -1);

	/* A smaller folio in the middle of the block. */
	CHECK(kho_folio_make(pfn + 4, 2, 0));
	CHECK(!kho_folio_make(pfn, 9, 0));
	ret = check_plain(page, 4) ?:
	      check_plain(page + 8, BLOCK_PAGES - 8) ?:
	      check_folio(page + 4, 2, 0);
	if (ret)
		return ret;
	folio_put(page_folio(page + 4));
	for (pfn = 0; pfn < BLOCK_PAGES; pfn++)
		if (pfn < 4 || pfn >= 8)
			__free_page(page + pfn);
	return 0;
}

/* What is done when a pattern turns out to be wrong leaves the pages as they were. */
static int try_undo(void)
{
	struct kho_folio_pattern *pattern = &patterns[2];
	struct page *page = alloc_block();
	unsigned long i;
	int ret;

	CHECK(page && get_pattern(2));
	CHECK(freeze(page, 4));
	for (i = 1; i < 4; i++)
		write_tail(&pattern->tail[kind_of(i)], kind_of(i), page + i, page);
	CHECK(PageTail(page + 3));
	for (i = 1; i < 4; i++)
		erase_tail(&pattern->tail[kind_of(i)], page + i);
	for (i = 0; i < 4; i++)
		page_ref_unfreeze(page + i, 1);
	ret = check_plain(page, BLOCK_PAGES);
	if (ret)
		return ret;
	free_block(page);
	return 0;
}

/* Freed pages are allocated again, which makes the kernel check them. */
static int use_again(void)
{
	struct page *page[8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(page); i++) {
		page[i] = alloc_block();
		CHECK(page[i]);
	}
	for (i = 0; i < ARRAY_SIZE(page); i++)
		free_block(page[i]);
	return 0;
}

static int __init folio_test_init(void)
{
	unsigned int order, i;
	int ret = 0;

	CHECK(!kho_folio_init());
	for (order = 1; order <= MAX_PAGE_ORDER; order++)
		CHECK(patterns[order].known);
	for (i = 0; i < rounds && !ret; i++) {
		for (order = 1; order <= MAX_PAGE_ORDER && !ret; order++)
			ret = try_order(order);
		ret = ret ?: try_refused() ?: try_undo() ?: use_again();
		cond_resched();
	}
	if (!ret)
		pr_info("folio test ok, %u rounds\n", rounds);
	return ret;
}

static void __exit folio_test_exit(void)
{
	kho_folio_exit();
}

module_init(folio_test_init);
module_exit(folio_test_exit);

MODULE_DESCRIPTION("Test of how kho makes folios");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Folios out of pages that the allocator never handed out as such.
 *
 * What arrives, or was split, is base pages with a reference each.  To map it
 * with huge pages that get_user_pages() accepts, or to give it to another
 * module as a folio, it has to become a compound page.  The kernel's function
 * for that is not exported, and what it writes differs from release to release.
 * So the kernel is made to show it: a folio of the same order is allocated,
 * what its struct pages say is noted down, and it is freed again.  The same is
 * then written to ours.  Words that point to the folio's own struct pages are
 * noted as offsets.
 *
 * A struct page is taken for an array of words here.  The flags are the first,
 * and the union that follows is what compound pages use; behind it come
 * _mapcount and _refcount, and a word that only the first tail page has a use
 * for (_nr_pages, since 6.15).  Nothing else is touched.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/page_ref.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "folio.h"
#include "poison.h"

/* Base pages that are given back in one go. */
#define RUN_PAGES	BIT(MAX_PAGE_ORDER)

#define word_of(field)	(offsetof(struct page, field) / sizeof(unsigned long))

/* Words of the union: where compound_head is, and what follows it. */
#define WORD_HEAD	word_of(lru)
#define WORD_MAPPING	word_of(mapping)
#define WORD_PRIVATE	word_of(private)
#define WORD_MAPCOUNT	word_of(_mapcount)
#define WORD_BEHIND	(word_of(_refcount) + 1)

#if defined(CONFIG_MEMCG) || defined(CONFIG_SLAB_OBJ_EXT)
#define HAS_BEHIND	1
#else
#define HAS_BEHIND	0
#endif
#define WORDS		(WORD_BEHIND + HAS_BEHIND)

static_assert(offsetof(struct page, flags) == 0);
static_assert(sizeof_field(struct page, flags) == sizeof(unsigned long));
static_assert(WORD_HEAD == 1);
static_assert(offsetof(struct page, _refcount) ==
	      offsetof(struct page, _mapcount) + sizeof(atomic_t));
static_assert(offsetof(struct page, _mapcount) % sizeof(unsigned long) == 0);
#ifdef CONFIG_MEMCG
static_assert(word_of(memcg_data) == WORD_BEHIND);
#endif

/* The first two tail pages have fields of the folio in them, the others none. */
enum { FIRST, SECOND, OTHERS, KINDS };

/* What a use as plain memory may leave in the flags, and freeing takes away. */
#define HARMLESS	(BIT(PG_referenced) | BIT(PG_uptodate) | BIT(PG_dirty) | \
			 BIT(PG_workingset))

/**
 * struct kho_folio_tail - what a tail page says
 */
struct kho_folio_tail {
	/** @word: as it is, or an offset from the struct page of the head. */
	unsigned long word[WORDS];
	/** @offset: bit n is set if that is what @word[n] is. */
	unsigned long offset;
};

/**
 * struct kho_folio_pattern - what the tail pages of an order say
 */
struct kho_folio_pattern {
	/** @known: the rest is filled in; once set, it doesn't change. */
	bool known;
	/** @tail: by kind. */
	struct kho_folio_tail tail[KINDS];
};

static DEFINE_MUTEX(patterns_lock);
static struct kho_folio_pattern patterns[MAX_PAGE_ORDER + 1];

static unsigned long *words_of(struct page *page)
{
	return (unsigned long *)page;
}

static unsigned long flags_of(struct page *page)
{
	return READ_ONCE(*words_of(page)) & PAGEFLAGS_MASK;
}

static unsigned int kind_of(unsigned long tail)
{
	return min(tail - 1, (unsigned long)OTHERS);
}

/* Is this a word that prep_compound_page() may write in such a tail page? */
static bool is_written(unsigned int kind, unsigned int word)
{
	if (word == WORD_HEAD || word == WORD_MAPPING || word == WORD_PRIVATE)
		return true;
	if (word > WORD_HEAD && word < WORD_MAPCOUNT)
		return kind != OTHERS;
	return word >= WORD_BEHIND && kind == FIRST;
}

static void note_tail(struct kho_folio_tail *tail, struct page *head,
		      unsigned long i, unsigned int order)
{
	unsigned long start = (unsigned long)head;
	unsigned long end = (unsigned long)(head + (1UL << order));
	unsigned int n;

	memset(tail, 0, sizeof(*tail));
	tail->word[0] = flags_of(head + i);
	for (n = WORD_HEAD; n < WORDS; n++) {
		unsigned long word = words_of(head + i)[n];

		if (!is_written(kind_of(i), n))
			continue;
		if (word >= start && word < end) {
			tail->offset |= BIT(n);
			word -= start;
		}
		tail->word[n] = word;
	}
}

/* Has this folio anything that the pattern does not say? */
static bool shows_all(const struct kho_folio_pattern *pattern, struct folio *folio,
		      unsigned int order)
{
	struct page *head = &folio->page;
	struct kho_folio_tail tail;
	unsigned long i;

	if (folio_order(folio) != order || flags_of(head) != BIT(PG_head))
		return false;
	for (i = 1; i < 1UL << order; i++) {
		note_tail(&tail, head, i, order);
		if (memcmp(&tail, &pattern->tail[kind_of(i)], sizeof(tail)) ||
		    atomic_read(&head[i]._mapcount) != -1 ||
		    page_ref_count(head + i))
			return false;
	}
	return true;
}

static bool learn(struct kho_folio_pattern *pattern, unsigned int order)
{
	struct folio *folio;
	unsigned long i;
	bool known;

	folio = folio_alloc(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, order);
	if (!folio)
		return false;
	for (i = 1; i < 1UL << order && i <= KINDS; i++)
		note_tail(&pattern->tail[kind_of(i)], &folio->page, i, order);
	known = shows_all(pattern, folio, order);
	folio_put(folio);
	if (!known)
		pr_warn_once("folios of order %u are not as expected, none is made\n",
			     order);
	return known;
}

static const struct kho_folio_pattern *get_pattern(unsigned int order)
{
	struct kho_folio_pattern *pattern = &patterns[order];

	/* Pairs with smp_store_release() below. */
	if (smp_load_acquire(&pattern->known))
		return pattern;
	mutex_lock(&patterns_lock);
	if (!pattern->known && learn(pattern, order)) {
		/* Pairs with smp_load_acquire() above. */
		smp_store_release(&pattern->known, true);
	}
	mutex_unlock(&patterns_lock);
	return pattern->known ? pattern : NULL;
}

/* The word behind _refcount, if there is one. */
static unsigned long *word_behind(struct page *page)
{
	return HAS_BEHIND ? &words_of(page)[WORD_BEHIND] : NULL;
}

/* What it is charged to, in the kernel's own words; 0 if it is not. */
static unsigned long charge_of(struct page *page)
{
	return word_behind(page) ? READ_ONCE(*word_behind(page)) : 0;
}

#ifdef CONFIG_MEMCG
/* Is the page charged as memory of the kernel is, by way of an obj_cgroup? */
static bool is_charged_as_kernel(struct page *page)
{
	return folio_memcg_kmem(page_folio(page));
}

/* That of a page for which is_charged_as_kernel() is true, and so no other flag. */
static void put_charge(struct page *page)
{
	unsigned long objcg = charge_of(page) & ~(unsigned long)MEMCG_DATA_KMEM;

	obj_cgroup_put((struct obj_cgroup *)objcg);
}
#else
static bool is_charged_as_kernel(struct page *page) { return false; }
static void put_charge(struct page *page) { }
#endif

/*
 * One reference and no use that a struct page tells of, but that it may be charged
 * to what @charge says; writes nothing.
 */
static bool is_plain(struct page *page, unsigned long charge)
{
	return page_ref_count(page) == 1 &&
	       atomic_read(&page->_mapcount) == -1 &&
	       !(flags_of(page) & ~HARMLESS) && !PageCompound(page) &&
	       !page->mapping && charge_of(page) == charge &&
	       !kho_poison_unflagged(page);
}

static void write_tail(const struct kho_folio_tail *tail, unsigned int kind,
		       struct page *page, struct page *head)
{
	unsigned int n;

	/* Whoever finds memory broken says so without a reference. */
	set_mask_bits(words_of(page), HARMLESS, tail->word[0]);
	for (n = WORD_HEAD; n < WORDS; n++) {
		unsigned long word = tail->word[n];

		if (!is_written(kind, n))
			continue;
		if (tail->offset & BIT(n))
			word += (unsigned long)head;
		WRITE_ONCE(words_of(page)[n], word);
	}
}

/* The opposite of write_tail(), as far as a plain page needs it. */
static void erase_tail(const struct kho_folio_tail *tail, struct page *page)
{
	set_mask_bits(words_of(page), tail->word[0], 0);
	words_of(page)[WORD_HEAD] = 0;
	page->mapping = NULL;
	page->private = 0;
	if (word_behind(page))
		*word_behind(page) = 0;
}

static bool is_made(struct page *head, unsigned int order)
{
	unsigned long i;

	for (i = 1; i < 1UL << order; i++)
		if (!PageTail(head + i) || compound_head(head + i) != head)
			return false;
	return kho_folio_is_whole(page_to_pfn(head), order) &&
	       folio_nr_pages(page_folio(head)) == 1L << order;
}

/* Takes the one reference of each page, or of none. */
static bool freeze(struct page *head, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++)
		if (!page_ref_freeze(head + i, 1))
			goto err_unfreeze;
	return true;

err_unfreeze:
	while (i--)
		page_ref_unfreeze(head + i, 1);
	return false;
}

/**
 * kho_folio_make() - make one folio of base pages
 * @pfn: number of the first page, a multiple of what there are
 * @order: log2 of how many, at least 1
 * @index: of the folio
 *
 * Each page has one reference, the caller's, and no other use.  The folio is
 * as folio_alloc() would return it, with one reference; folio_put() frees it.
 *
 * Context: may sleep; takes patterns_lock.
 * Return: true; or false, and nothing has changed, if a page has another
 * reference or use, the pages are in no one zone, or no folio of that order
 * could be had to see how it is done.
 */
bool kho_folio_make(unsigned long pfn, unsigned int order, pgoff_t index)
{
	const struct kho_folio_pattern *pattern;
	unsigned long i, nr_pages = 1UL << order;
	struct page *head;

	if (!order || order > MAX_PAGE_ORDER || pfn & (nr_pages - 1) ||
	    !pfn_to_online_page(pfn))
		return false;
	/* Blocks of this size have all their struct pages in a row. */
	head = pfn_to_page(pfn);
	for (i = 0; i < nr_pages; i++)
		if (!is_plain(head + i, 0) ||
		    page_zone(head + i) != page_zone(head))
			return false;
	pattern = get_pattern(order);
	if (!pattern || !freeze(head, nr_pages))
		return false;

	/* Nobody gets a reference to any of them now. */
	for (i = 1; i < nr_pages; i++)
		write_tail(&pattern->tail[kind_of(i)], kind_of(i), head + i, head);
	set_bit(PG_head, words_of(head));
	if (WARN_ON_ONCE(!is_made(head, order)))
		goto err_erase;
	((struct folio *)head)->index = index;
	page_ref_unfreeze(head, 1);
	return true;

err_erase:
	clear_bit(PG_head, words_of(head));
	for (i = 1; i < nr_pages; i++)
		erase_tail(&pattern->tail[kind_of(i)], head + i);
	for (i = 0; i < nr_pages; i++)
		page_ref_unfreeze(head + i, 1);
	return false;
}

/**
 * kho_folio_break() - make base pages of a folio
 * @pfn: number of its first page
 * @order: log2 of how many it has, at least 1
 *
 * The folio has one reference, the caller's; each page has one afterwards.
 *
 * Context: may sleep; takes patterns_lock.
 * Return: true; or false, and nothing has changed, if it has another reference, or
 * no folio of that order could be had to see how it is done.
 */
bool kho_folio_break(unsigned long pfn, unsigned int order)
{
	const struct kho_folio_pattern *pattern = get_pattern(order);
	struct page *head = pfn_to_page(pfn);
	unsigned long i;

	if (!pattern || !page_ref_freeze(head, 1))
		return false;
	folio_clear_has_hwpoisoned((struct folio *)head);
	clear_bit(PG_head, words_of(head));
	for (i = 1; i < 1UL << order; i++)
		erase_tail(&pattern->tail[kind_of(i)], head + i);
	page_ref_unfreeze(head, 1);
	/* It was allocated as one: so it is told, and counts the others. */
	split_page(head, order);
	return true;
}

/**
 * kho_folio_is_whole() - is there a folio of just these pages?
 * @pfn: number of the first page
 * @order: log2 of how many, at least 1
 *
 * Context: the caller has a reference to the page.
 * Return: true if so.
 */
bool kho_folio_is_whole(unsigned long pfn, unsigned int order)
{
	struct page *page = pfn_to_online_page(pfn);
	struct folio *folio;

	if (!page || !PageHead(page))
		return false;
	folio = page_folio(page);
	return &folio->page == page && folio_order(folio) == order;
}

/*
 * Takes the one reference of each of these pages, as far as they are the caller's
 * alone, of no use, of one zone, and charged alike; says how many.
 */
static unsigned long freeze_run(unsigned long pfn, unsigned long nr_pages)
{
	struct page *first = pfn_to_page(pfn);
	struct zone *zone = page_zone(first);
	unsigned long i, charge = charge_of(first);

	/* As the kernel's memory is, or not at all. */
	if (charge && (PageCompound(first) || !is_charged_as_kernel(first)))
		return 0;
	for (i = 0; i < nr_pages; i++) {
		struct page *page = pfn_to_page(pfn + i);

		if (!is_plain(page, charge) || page_zone(page) != zone ||
		    !page_ref_freeze(page, 1))
			break;
	}
	return i;
}

/*
 * When pages that were allocated as a block were taken apart, each got a reference
 * to the cgroup that all were charged to.  A block that is freed gives back the
 * charge of all of it by what its first page says, and one reference.
 */
static void join_charges(struct page *page, unsigned long nr_pages)
{
	unsigned long i;

	if (!charge_of(page))
		return;
	for (i = 1; i < nr_pages; i++) {
		WRITE_ONCE(*word_behind(page + i), 0);
		put_charge(page);
	}
}

/* As if blocks of them had been allocated just so, without __GFP_COMP. */
static void free_frozen(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long end = pfn + nr_pages;
	unsigned int order;

	for (; pfn < end; pfn += 1UL << order) {
		struct page *page = pfn_to_page(pfn);

		/* What is being isolated is so by blocks of this order. */
		order = min_t(unsigned int, min(MAX_PAGE_ORDER, pageblock_order),
			      ilog2(end - pfn));
		if (pfn)
			order = min_t(unsigned int, order, __ffs(pfn));
		join_charges(page, 1UL << order);
		page_ref_unfreeze(page, 1);
		__free_pages(page, order);
	}
}

/**
 * kho_put_pages() - give up the reference that each of these pages has
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Those that nobody else has go back in blocks, which is faster than page by page.
 * A poisoned one goes by itself: then the page allocator sees what it is, and does
 * not take it.
 *
 * Context: may sleep.
 */
void kho_put_pages(unsigned long pfn, unsigned long nr_pages)
{
	while (nr_pages) {
		unsigned long n = 0;

		if (nr_pages > 1)
			n = freeze_run(pfn, min(nr_pages, RUN_PAGES));
		if (n) {
			free_frozen(pfn, n);
		} else {
			/* That the flag is set keeps the allocator off. */
			if (!kho_poison_unflagged(pfn_to_page(pfn)))
				put_page(pfn_to_page(pfn));
			n = 1;
		}
		pfn += n;
		nr_pages -= n;
		cond_resched();
	}
}

/**
 * kho_folio_init() - see how folios are made, while there is memory for it
 *
 * An order that could not be had now is tried again when one is to be made.
 *
 * Context: may sleep.
 * Return: 0.
 */
int kho_folio_init(void)
{
	unsigned int order;

	for (order = 1; order <= MAX_PAGE_ORDER; order++)
		get_pattern(order);
	return 0;
}

/**
 * kho_folio_exit() - forget how folios are made
 *
 * Context: nobody makes any.
 */
void kho_folio_exit(void)
{
	memset(patterns, 0, sizeof(patterns));
}

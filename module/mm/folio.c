// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making folios of base pages.
 *
 * Pages that arrived, or that were split, are base pages with a reference each.
 * They must become a compound page before get_user_pages() accepts huge mappings
 * of them, and before another module can get them as a folio.  The kernel's
 * function for that is not exported, and what it writes differs between
 * releases.  So this file learns it from the kernel: it allocates a folio of the
 * same order, notes down the contents of its struct pages, and frees it again.
 * Then it writes the same to our struct pages.  Words that point to the folio's
 * own struct pages are noted as offsets.
 *
 * This file treats a struct page as an array of words.  The first word has the
 * flags.  Then comes the union that compound pages use, then _mapcount and
 * _refcount, then a word that only the first tail page uses (_nr_pages, since
 * 6.15).  Nothing else is touched.
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

/* Maximum number of base pages freed in one go */
#define RUN_PAGES	BIT(MAX_PAGE_ORDER)

#define word_of(field)	(offsetof(struct page, field) / sizeof(unsigned long))

/* Words of the union, where WORD_HEAD has compound_head, and of what follows it */
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
static_assert(word_of(kho_memcg_data) == WORD_BEHIND);
#endif

/* Kinds of tail pages: the first two contain fields of the folio, the others none. */
enum { FIRST, SECOND, OTHERS, KINDS };

/* Flags that use as plain memory may leave behind, and that freeing clears */
#define HARMLESS	(BIT(PG_referenced) | BIT(PG_uptodate) | BIT(PG_dirty) | \
			 BIT(PG_workingset))

/**
 * struct kho_folio_tail - contents of the struct page of a tail page
 */
struct kho_folio_tail {
	/** @word: each word's value, or its offset from the head's struct page. */
	unsigned long word[WORDS];
	/** @offset: bit n is set if @word[n] is an offset. */
	unsigned long offset;
};

/**
 * struct kho_folio_pattern - contents of the tail pages of folios of an order
 */
struct kho_folio_pattern {
	/** @known: the rest is filled in and does not change any more. */
	bool known;
	/** @tail: one for each kind of tail page. */
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

/* May prep_compound_page() write this word in this kind of tail page? */
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

/* Does the pattern describe this folio completely? */
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
		pr_warn_once("folios of order %u have an unexpected layout, making none\n",
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

/* The word that follows _refcount, or NULL if there is none. */
static unsigned long *word_behind(struct page *page)
{
	return HAS_BEHIND ? &words_of(page)[WORD_BEHIND] : NULL;
}

/* The page's memcg_data, or 0 if it is not charged. */
static unsigned long charge_of(struct page *page)
{
	return word_behind(page) ? READ_ONCE(*word_behind(page)) : 0;
}

#ifdef CONFIG_MEMCG
/* Is the page charged as kernel memory, that is, to an obj_cgroup? */
static bool is_charged_as_kernel(struct page *page)
{
	return kho_charged_as_kernel(page);
}

/* Drops an obj_cgroup reference of a page for which is_charged_as_kernel() is true. */
static void put_charge(struct page *page)
{
	kho_put_objcg(charge_of(page));
}
#else
static bool is_charged_as_kernel(struct page *page) { return false; }
static void put_charge(struct page *page) { }
#endif

/*
 * Does the page have one reference, the charge @charge, and no other sign of use in its
 * struct page?  Writes nothing.
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

	/* Atomic, as memory_failure() sets PG_hwpoison without a reference. */
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

/* Undoes write_tail(), as far as a plain page needs it. */
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

/* Freezes the single reference of each page, of all pages or of none. */
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
 * kho_folio_make() - make a folio of base pages
 * @pfn: number of the first page, a multiple of 2^@order
 * @order: log2 of the number of pages, at least 1
 * @index: index of the folio
 *
 * Each page must have one reference, the caller's, and no other use.  The folio
 * looks as folio_alloc() would return it, with one reference; folio_put() frees it.
 *
 * Context: may sleep; takes patterns_lock.
 * Return: true; false, with nothing changed, if a page has another reference or
 * use, if the pages are in different zones, or if no folio of that order could be
 * allocated to learn from.
 */
bool kho_folio_make(unsigned long pfn, unsigned int order, pgoff_t index)
{
	const struct kho_folio_pattern *pattern;
	unsigned long i, nr_pages = 1UL << order;
	struct page *head;

	if (!order || order > MAX_PAGE_ORDER || pfn & (nr_pages - 1) ||
	    !pfn_to_online_page(pfn))
		return false;
	/* The struct pages of a block of at most MAX_PAGE_ORDER are contiguous. */
	head = pfn_to_page(pfn);
	for (i = 0; i < nr_pages; i++)
		if (!is_plain(head + i, 0) ||
		    page_zone(head + i) != page_zone(head))
			return false;
	pattern = get_pattern(order);
	if (!pattern || !freeze(head, nr_pages))
		return false;

	/* From here on nobody can get a reference to any of the pages. */
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
 * kho_folio_break() - split a folio into base pages
 * @pfn: number of its first page
 * @order: log2 of the number of its pages, at least 1
 *
 * The folio must have one reference, the caller's; afterwards each page has one.
 *
 * Context: may sleep; takes patterns_lock.
 * Return: true; false, with nothing changed, if the folio has another reference, or
 * if no folio of that order could be allocated to learn from.
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
	/* Gives the other pages a reference, and splits what is tracked by allocation. */
	split_page(head, order);
	return true;
}

/**
 * kho_folio_is_whole() - do exactly these pages make up a folio?
 * @pfn: number of the first page
 * @order: log2 of the number of pages, at least 1
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
 * Freezes the single references of pages, up to the first page that has another
 * reference or use, another zone or another charge.  Returns how many it froze.
 */
static unsigned long freeze_run(unsigned long pfn, unsigned long nr_pages)
{
	struct page *first = pfn_to_page(pfn);
	struct zone *zone = page_zone(first);
	unsigned long i, charge = charge_of(first);

	/* Only pages without a charge, or charged as kernel memory */
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
 * When an allocated block is split, each page gets a reference to the obj_cgroup that
 * the block is charged to.  Freeing a block uncharges all of it by the memcg_data of its
 * first page, and drops one reference.  So drop those of the other pages here.
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

/* Frees frozen pages in blocks, as if these had been allocated without __GFP_COMP. */
static void free_frozen(unsigned long pfn, unsigned long nr_pages)
{
	unsigned long end = pfn + nr_pages;
	unsigned int order;

	for (; pfn < end; pfn += 1UL << order) {
		struct page *page = pfn_to_page(pfn);

		/* Pages are isolated by pageblock, so no block may span several. */
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
 * kho_put_pages() - drop the caller's reference to each of these pages
 * @pfn: number of the first page
 * @nr_pages: number of pages
 *
 * Pages without other references are freed in blocks, which is faster than page by
 * page.  A poisoned page is freed by itself, so that the page allocator recognises it
 * and does not reuse it.
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
			/* Without its flag, the allocator would reuse a poisoned page. */
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
 * kho_folio_init() - learn how folios are made, while there is memory for it
 *
 * If allocating a folio fails, its order is learnt when it is first needed.
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
 * Context: nobody makes folios any more.
 */
void kho_folio_exit(void)
{
	memset(patterns, 0, sizeof(patterns));
}

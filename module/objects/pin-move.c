// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving the memory of a process out of scratch and out of the first 2 MiB.
 *
 * Most of it is moved when the pages that it lies on are set aside, whatever it is.  That
 * is done in whole blocks of the allocator, and fails where one page of a block can't be
 * moved.  From there single pages are moved as drivers do it for device memory
 * (migrate_vma_setup()), which works for anonymous memory and tmpfs.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/highmem.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/page-alloc.h"
#include "object.h"

/* A page of the caller, noted while it is still pinned. */
struct place {
	unsigned long addr;
	unsigned long pfn;	/* of its folio, */
	unsigned long end;	/* and where that ends */
};

/* Returns how many pages follow each other in memory. */
static unsigned long count_adjacent(struct page **pages, unsigned long nr)
{
	unsigned long pfn = page_to_pfn(pages[0]), n = 1;
	struct folio *folio = page_folio(pages[0]);

	/* Other folios may be mapped in another order. */
	if (folio_test_large(folio) && folio_test_hugetlb(folio))
		return min_t(unsigned long, nr,
			     folio_nr_pages(folio) - folio_page_idx(folio, pages[0]));
	while (n < nr && pages[n] == pfn_to_page(pfn + n))
		n++;
	return n;
}

/* Counts those that have to be moved. */
static unsigned long count_to_move(struct page **pages, unsigned long nr)
{
	unsigned long i, n, to_move = 0;

	for (i = 0; i < nr; i += n) {
		unsigned long pfn = page_to_pfn(pages[i]), end;

		n = count_adjacent(pages + i, nr - i);
		if (!kho_backend_has_to_move(pfn, n))
			continue;
		for (end = pfn + n; pfn < end; pfn++)
			to_move += kho_backend_has_to_move(pfn, 1);
	}
	return to_move;
}

static unsigned long note_places(struct place *place, unsigned long addr,
				 struct page **pages, unsigned long nr)
{
	unsigned long i, n = 0;

	for (i = 0; i < nr; i++) {
		struct folio *folio = page_folio(pages[i]);

		if (!kho_backend_has_to_move(page_to_pfn(pages[i]), 1))
			continue;
		/* A pinned page is not written to swap anew. */
		folio_wait_writeback_killable(folio);
		place[n].addr = addr + (i << PAGE_SHIFT);
		place[n].pfn = folio_pfn(folio);
		place[n].end = folio_pfn(folio) + folio_nr_pages(folio);
		n++;
	}
	return n;
}

/* Adjacent folios are set aside at once. */
static void set_aside(const struct place *place, unsigned long n)
{
	unsigned long i, pfn, end;

	for (i = 0; i < n;) {
		pfn = place[i].pfn;
		end = place[i].end;
		for (i++; i < n && pfn <= place[i].pfn && place[i].pfn <= end; i++)
			end = max(end, place[i].end);
		kho_backend_set_aside(pfn, end);
	}
}

#ifdef CONFIG_DEVICE_MIGRATION
/*
 * Can a page be migrated as drivers do it?  They do it for device memory, where no page
 * is being written to a disk or has private data of a file system.  The page is locked,
 * so this does not change.
 */
static bool can_be_moved(struct folio *folio)
{
	return (folio_test_anon(folio) || folio_test_swapbacked(folio)) &&
	       !folio_test_writeback(folio) && !folio_test_private(folio);
}

/*
 * Copies what is at @addr now to a page elsewhere, if it lies in scratch.  It need not be
 * what was pinned there: something else may have been mapped meanwhile.
 */
static void move_page(struct mm_struct *mm, unsigned long addr)
{
	unsigned long src = 0, dst = 0;
	struct migrate_vma args = {
		.start = addr,
		.end = addr + PAGE_SIZE,
		.src = &src,
		.dst = &dst,
		.flags = MIGRATE_VMA_SELECT_SYSTEM,
	};
	struct page *page, *to;

	if (mmap_read_lock_killable(mm))
		return;
	args.vma = vma_lookup(mm, addr);
	if (!args.vma || !kho_pin_may(args.vma, addr) || migrate_vma_setup(&args))
		goto out;
	page = src & MIGRATE_PFN_MIGRATE ? migrate_pfn_to_page(src) : NULL;
	if (page && kho_backend_has_to_move(page_to_pfn(page), 1) &&
	    can_be_moved(page_folio(page))) {
		/*
		 * It is pinned next, and must not have to be moved again for that.
		 * The OOM killer must not be invoked for it.
		 */
		to = kho_pages_alloc(page_to_nid(page),
				     GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN, 0);
		if (to) {
			lock_page(to);
			copy_highpage(to, page);
			dst = kho_migrate_pfn(page_to_pfn(to));
		}
	}
	migrate_vma_pages(&args);
	/*
	 * Drivers migrate only anonymous memory.  A page of tmpfs that was replaced
	 * in its file still has its mapping set, and whoever migrated it has to clear
	 * that (the kernel itself does so in move_to_new_folio()).
	 */
	if (dst && src & MIGRATE_PFN_MIGRATE && !PageAnon(page))
		page_folio(page)->mapping = NULL;
	migrate_vma_finalize(&args);
out:
	mmap_read_unlock(mm);
}
#else
static void move_page(struct mm_struct *mm, unsigned long addr)
{
}
#endif

/**
 * kho_pin_move() - move the caller's memory out of scratch and the first 2 MiB
 * @addr: where its memory begins
 * @pages: pages of it that are pinned
 * @nr: number of pages
 *
 * Context: may sleep for long; none of our locks held, nor mmap_lock.
 * Return: false if nothing has been done, because nothing had to be or for lack of
 * memory.  Otherwise the pages are no longer pinned, and those of them that lay in
 * scratch may lie elsewhere now.
 */
bool kho_pin_move(unsigned long addr, struct page **pages, unsigned long nr)
{
	unsigned long i, n = count_to_move(pages, nr);
	struct place *place;

	if (!n)
		return false;
	place = kvmalloc_array(n, sizeof(*place), GFP_KERNEL);
	if (!place)
		return false;
	n = note_places(place, addr, pages, nr);
	unpin_user_pages(pages, nr);
	set_aside(place, n);
	for (i = 0; i < n && !fatal_signal_pending(current); i++) {
		move_page(current->mm, place[i].addr);
		cond_resched();
	}
	kvfree(place);
	/* The old places are free now: nobody else's memory should get there. */
	kho_backend_set_aside_later();
	return true;
}

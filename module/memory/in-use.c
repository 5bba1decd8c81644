// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has anybody but us, and who has them mapped, references to the pages of an object?
 *
 * Nothing is unmapped to find out: a mapping has one reference to a folio for each
 * that it counts as a mapping, so what is left are the object's own one and those of
 * direct I/O and the like.  That is what memfd's seal does as well.
 *
 * References come and go: a page fault has one for a moment before its mapping
 * counts, and one goes a moment after it counts no more.  A folio of which there
 * are more is looked at again, with faults on the object held off: those under way
 * come to their end, as they need mem->lock no more, and none begins.  So who keeps
 * reading keeps nobody from sealing, and who has a page pinned does.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/sched/signal.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "core/core.h"
#include "memory.h"
#include "mm/poison.h"

/* Looks at one folio: at first without sleeping, then for 10 ms more each time. */
#define FIRST_LOOKS	16
#define LAST_LOOKS	5

/*
 * References and mappings can't be read at once.  If either changes meanwhile, it
 * counts as in use: there will be another look.
 */
static bool has_others(struct folio *folio)
{
	int refs = folio_ref_count(folio), maps = kho_folio_mapcount(folio);

	/* Each of them is read before and after the other one. */
	smp_rmb();
	if (folio_ref_count(folio) != refs)
		return true;
	/* As above. */
	smp_rmb();
	return kho_folio_mapcount(folio) != maps || refs - maps > 1;
}

/* To a poisoned page the kernel keeps a reference, and nobody writes to it. */
static bool is_poisoned(struct folio *folio)
{
	return !folio_test_large(folio) && kho_page_poisoned(&folio->page);
}

/* 0 once nobody else has it; -EBUSY if somebody still does when it takes too long. */
static int wait_for_others(struct kho_mem *mem, struct folio *folio)
{
	unsigned int look;
	int ret = -EBUSY;

	if (down_write_killable(&mem->lock))
		return -EINTR;
	for (look = 0; look < FIRST_LOOKS + LAST_LOOKS; look++) {
		if (!has_others(folio)) {
			ret = 0;
			break;
		}
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		if (look < FIRST_LOOKS)
			cond_resched();
		else
			schedule_timeout_killable(msecs_to_jiffies(10 * (look - FIRST_LOOKS + 1)));
	}
	up_write(&mem->lock);
	return ret;
}

/**
 * kho_mem_in_use() - does anybody but us have a page?
 * @mem: of what; there is a file, nobody has it mapped for writing, and nobody can
 *
 * Context: may sleep; the inode's lock held, kho.lock not: it takes longer the more
 * pages there are.
 * Return: 0 if nobody has; -EBUSY, or -EINTR after a fatal signal.
 */
int kho_mem_in_use(struct kho_mem *mem)
{
	u64 i;
	int ret;

	lockdep_assert_held(&mem->inode->i_rwsem);
	lockdep_assert_not_held(&kho.lock);

	kho_inject("in_use");
	for (i = 0; i < mem->nr_pages; ) {
		struct folio *folio = page_folio(kho_mem_page(mem, i));

		if (has_others(folio) && !is_poisoned(folio)) {
			ret = wait_for_others(mem, folio);
			if (ret)
				return ret;
		}
		i += folio_nr_pages(folio);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

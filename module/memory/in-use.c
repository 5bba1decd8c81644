// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does anybody hold references to the pages of an object, other than by mapping them?
 *
 * Nothing is unmapped to find out.  Each mapping of a folio counts as a mapping and as
 * a reference, so what is left are the object's own reference and those of direct I/O
 * and the like.  memfd checks its seals in the same way.
 *
 * References come and go: a page fault holds one for a moment before its mapping is
 * counted, and one is held for a moment after its mapping is no longer counted.  So a
 * folio with more references is checked again, while faults on the object are held
 * off: those in progress finish, as they no longer need mem->lock, and none begins.
 * So a process that keeps reading does not prevent a seal, but a pinned page does.
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

/* Checks of one folio: first without sleeping, then 10 ms longer each time. */
#define FIRST_LOOKS	16
#define LAST_LOOKS	5

/*
 * The two counts can't be read at once.  If either changes meanwhile, the folio counts
 * as in use, and is checked again.
 */
static bool has_others(struct folio *folio)
{
	int refs = folio_ref_count(folio), maps = kho_folio_mapcount(folio);

	/* Each count is read before and after the other one. */
	smp_rmb();
	if (folio_ref_count(folio) != refs)
		return true;
	/* As above. */
	smp_rmb();
	return kho_folio_mapcount(folio) != maps || refs - maps > 1;
}

/* The kernel keeps a reference to a poisoned page, and nobody writes to it. */
static bool is_poisoned(struct folio *folio)
{
	return !folio_test_large(folio) && kho_page_poisoned(&folio->page);
}

/* 0 once nobody else has it; -EBUSY if somebody still has it after the last check. */
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
 * kho_mem_in_use() - does anybody but us use a page?
 * @mem: the memory; it has a file, and nobody has it or can map it for writing
 *
 * Context: may sleep, longer the more pages there are; the inode's lock held, kho.lock
 * not.
 * Return: 0 if nobody does; -EBUSY, or -EINTR after a fatal signal.
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

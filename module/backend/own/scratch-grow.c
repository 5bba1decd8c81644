// SPDX-License-Identifier: GPL-2.0-only
/*
 * More scratch, while memory is preserved: the next kernel or its initrd may turn out to
 * be larger than what was set aside.
 *
 * Scratch grows where it is, if the memory beside it can be had.  Otherwise it moves to
 * another place.  The new memory is allocated first, so nothing preserved is in it.  Then
 * all that leads the next kernel to scratch changes at once, with the gate closed.
 *
 * What was scratch is free memory after a move, and may be preserved.  A kernel that had
 * been loaded there would be copied onto it at the jump.  So scratch stays where it is
 * while a kernel is loaded.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/gfp.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "compat/compat.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/read-file.h"
#include "core/core.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "core/ram.h"
#include "mm/folio.h"
#include "own.h"

#define MIB_OF(nr_pages)	((nr_pages) >> (20 - PAGE_SHIFT))

/*
 * One request at a time: two that each have half of the memory would both fail.  Taken
 * before kho.gate.  Once there is scratch, nothing else changes where it is.
 */
static DEFINE_MUTEX(grow_lock);

/*
 * Has somebody loaded a kernel without telling us?  If the answer changes meanwhile, it
 * can't be helped: whoever loads kernels has to say KHO_IMAGE_BEGUN first.  A kernel that
 * does not tell can't load any.
 */
static int check_kexec(void)
{
	char text[2] = "";
	ssize_t ret = kho_read_file("sysfs", "kernel/kexec_loaded", NULL, text, 1, 0);

	if (ret == -ENOENT || ret == -ENODEV || (ret == 1 && text[0] == '0'))
		return 0;
	if (ret == 1)
		return kho_refuse(-EBUSY, "scratch can't change: a kernel is loaded, by whom is unknown; unload it first (khoctl unload)");
	return kho_refuse(ret == -ENOMEM ? -ENOMEM : -EBUSY,
			  "scratch can't change: /sys/kernel/kexec_loaded can't be read, error %zd",
			  ret);
}

static int check_image(void)
{
	if (kho_ram_image_known())
		return kho_refuse(-EBUSY, "scratch can't change: a kernel is loaded there, or is being loaded; unload it first (khoctl unload)");
	return 0;
}

/*
 * The last checks before these pages become scratch, with the gate closed.  Since we have
 * allocated them, they are in use, so somebody may have preserved some by number.
 */
static int check_change(unsigned long pfn, unsigned long nr_pages)
{
	int ret = kho_may_change() ?: check_image();

	/* Removing the memory may have begun after it was allocated. */
	if (!ret && (kho_preserved_lies_in(pfn, nr_pages) || !kho_ram_stays(pfn, nr_pages)))
		ret = -ENOMEM;
	return ret;
}

/* Allocates up to @wanted pages that end, or begin, at @pfn; returns how many. */
static unsigned long alloc_beside(unsigned long pfn, bool below, unsigned long wanted)
{
	unsigned long nr = 0;

	while (nr < wanted && !fatal_signal_pending(current)) {
		unsigned long first = pfn + nr, neighbour = first - 1;

		if (below) {
			neighbour = pfn - nr;
			if (neighbour < KHO_SCRATCH_ALIGN)
				break;
			first = neighbour - KHO_SCRATCH_ALIGN;
		}
		if (!kho_scratch_alloc_beside(first, neighbour))
			break;
		nr += KHO_SCRATCH_ALIGN;
		cond_resched();
	}
	return nr;
}

static void free_pages_of(unsigned long pfn, unsigned long nr_pages)
{
	if (nr_pages)
		kho_put_pages(pfn, nr_pages);
}

/* Adds memory beside scratch, until it has @wanted pages. */
static int grow_here(unsigned long pfn, unsigned long nr_pages, unsigned long wanted)
{
	unsigned long above, below, end = pfn + nr_pages;
	int ret = -ENOMEM;

	above = alloc_beside(end, false, wanted - nr_pages);
	below = alloc_beside(pfn, true, wanted - nr_pages - above);
	if (fatal_signal_pending(current))
		ret = -EINTR;
	else if (nr_pages + above + below == wanted)
		ret = 0;
	if (ret)
		goto err_free;

	kho_inject("scratch-change");
	kho_stop_changes();
	ret = check_change(pfn - below, wanted) ?: kho_scratch_widen(below, above);
	if (!ret) {
		kho_outgoing_new_scratch();
		kho.changes++;
	}
	kho_resume_changes();
	if (!ret)
		return 0;
err_free:
	free_pages_of(end, above);
	free_pages_of(pfn - below, below);
	return ret;
}

/* Makes memory elsewhere scratch, and frees what was. */
static int move(unsigned long wanted)
{
	struct kho_scratch_old old = {};
	unsigned long pfn;
	int ret;

	ret = kho_scratch_alloc(wanted, &pfn);
	if (ret)
		return ret;
	old.pfn = pfn;
	old.nr_pages = wanted;
	kho_inject("scratch-change");
	kho_stop_changes();
	ret = check_change(pfn, wanted);
	if (!ret) {
		kho_scratch_move(pfn, wanted, &old);
		kho_outgoing_new_scratch();
		kho.changes++;
	}
	kho_resume_changes();
	kho_inject("scratch-moved");
	/* Either the old pages, or after an error the new ones. */
	kho_scratch_free(&old);
	return ret;
}

/* Taking this much must leave enough for others: an OOM kill could hit an agent. */
static bool is_available(unsigned long nr_pages)
{
	return nr_pages <= kho_pages_available();
}

static int grow(u64 bytes)
{
	unsigned long wanted = kho_scratch_wanted(DIV_ROUND_UP_ULL(bytes, SZ_1M));
	unsigned long pfn, nr_pages;
	int ret;

	mutex_lock(&kho.lock);
	pfn = kho_scratch_pfn();
	nr_pages = kho_scratch_pages();
	ret = nr_pages < wanted ? check_image() : 0;
	mutex_unlock(&kho.lock);
	if (ret || nr_pages >= wanted)
		return ret;
	ret = check_kexec();
	if (ret)
		return ret;

	ret = is_available(wanted - nr_pages) ? grow_here(pfn, nr_pages, wanted) : -ENOMEM;
	if (ret == -ENOMEM && is_available(wanted))
		ret = move(wanted);
	if (ret == -ENOMEM)
		return kho_refuse(ret, "kho_scratch_take.bytes is %llu: scratch stays at %lu MiB, no %lu MiB of contiguous memory can be had, nor %lu MiB beside it",
				  bytes, MIB_OF(nr_pages), MIB_OF(wanted),
				  MIB_OF(wanted - nr_pages));
	if (ret)
		return ret;
	mutex_lock(&kho.lock);
	pr_info("scratch is %lu MiB at 0x%llx now, it was %lu MiB at 0x%llx\n",
		MIB_OF(kho_scratch_pages()), (u64)PFN_PHYS((u64)kho_scratch_pfn()),
		MIB_OF(nr_pages), (u64)PFN_PHYS((u64)pfn));
	mutex_unlock(&kho.lock);
	return 0;
}

/**
 * kho_scratch_grow() - make scratch larger, where it is or elsewhere
 * @bytes: how much is wanted
 *
 * Context: may sleep for long: pages are moved out of the way; takes kho.gate and
 * kho.lock; there is scratch.
 * Return: 0, also if somebody else was faster; -EBUSY if a kernel may have been loaded
 * into scratch; -ENOMEM; -ESHUTDOWN; -EPERM; -EINTR.  After an error, scratch is what it
 * was.
 */
int kho_scratch_grow(u64 bytes)
{
	int ret;

	if (mutex_lock_killable(&grow_lock))
		return -EINTR;
	/* Before we look whether a kernel is loaded, so none is loaded after that. */
	if (kho_file_load_stop()) {
		ret = grow(bytes);
		kho_file_load_resume();
	} else {
		ret = kho_refuse(-EBUSY, "scratch can't change: kexec_file_load has loaded a kernel there, or is about to: unload it first (khoctl unload)");
	}
	mutex_unlock(&grow_lock);
	return ret;
}

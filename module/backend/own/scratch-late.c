// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scratch for a kernel in which none could be found when the module was loaded: once
 * the incoming envelopes have been trimmed, and whenever somebody asks for it.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/workqueue.h>

#include "compat/compat.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/preserve.h"
#include "mm/folio.h"
#include "own.h"

/* Announces new scratch, or frees it if it is of no use any more. */
static int announce(unsigned long pfn, unsigned long nr_pages)
{
	int ret;

	kho_stop_changes();
	if (kho.frozen)
		ret = -ESHUTDOWN;
	else if (!kho_outgoing_exists() || kho_scratch_pages())
		ret = -EEXIST;
	/* They are in use by us, so somebody may have preserved some by number. */
	else if (kho_preserved_lies_in(pfn, nr_pages))
		ret = -ENOMEM;
	else
		ret = kho_scratch_set(pfn, nr_pages, true);
	if (!ret) {
		kho_outgoing_new_scratch();
		kho.changes++;
	}
	kho_resume_changes();
	if (ret)
		kho_put_pages(pfn, nr_pages);
	return ret;
}

static void take_late(struct work_struct *work)
{
	unsigned long pfn, nr_pages = kho_scratch_wanted(kho_scratch_mib);

	if (kho_scratch_pages() ||
	    kho_scratch_alloc_largest(&nr_pages, &pfn))
		return;
	if (!announce(pfn, nr_pages))
		pr_info("scratch %lu MiB at 0x%llx: what arrived can be handed on now\n",
			nr_pages >> (20 - PAGE_SHIFT), (u64)PFN_PHYS(pfn));
}

static DECLARE_WORK(late_work, take_late);

/**
 * kho_scratch_later() - look for scratch in the background, if there is none
 *
 * Context: any.
 */
void kho_scratch_later(void)
{
	if (!kho_scratch_pages())
		queue_work(system_unbound_wq, &late_work);
}

/**
 * kho_scratch_flush() - wait for the work item of kho_scratch_later()
 *
 * Context: may sleep; none of our locks held; after the last kho_scratch_later() and
 * after kho_backend_outgoing_exit(), so scratch that is still found is freed.
 */
void kho_scratch_flush(void)
{
	flush_work(&late_work);
}

static int check_size(u64 bytes)
{
	if (bytes > PFN_PHYS((u64)totalram_pages()))
		return kho_refuse(-EINVAL, "kho_scratch_take.bytes is %llu, more than the machine has",
				  bytes);
	return 0;
}

/**
 * kho_backend_ask_scratch() - find scratch if there is none, or more if there is less
 * @bytes: how much is wanted, or 0 for the usual size, or less if that can't be had
 *
 * Context: may sleep for long; takes kho.gate and kho.lock.
 * Return: 0; -EINVAL for more than the machine has; -EBUSY if there is less, and a kernel
 * may have been loaded there; -ENOMEM; -ESHUTDOWN; -EPERM; -EINTR.
 */
int kho_backend_ask_scratch(u64 bytes)
{
	unsigned long pfn, nr_pages;
	u64 size;
	int ret;

	ret = check_size(bytes);
	if (ret)
		return ret;
	mutex_lock(&kho.lock);
	ret = kho_may_change();
	size = PFN_PHYS((u64)kho_scratch_pages());
	mutex_unlock(&kho.lock);
	if (ret)
		return ret;
	if (size)
		return size < bytes ? kho_scratch_grow(bytes) : 0;

	if (bytes)
		nr_pages = kho_scratch_wanted(DIV_ROUND_UP_ULL(bytes, SZ_1M));
	else
		nr_pages = kho_scratch_wanted(kho_scratch_mib);
	ret = bytes ? kho_scratch_alloc(nr_pages, &pfn) :
		      kho_scratch_alloc_largest(&nr_pages, &pfn);
	if (ret == -ENOMEM)
		return kho_refuse(ret, "no %lu MiB of contiguous memory for scratch",
				  nr_pages >> (20 - PAGE_SHIFT));
	if (ret)
		return ret;
	ret = announce(pfn, nr_pages);
	/* If somebody else was faster, check whether their scratch is large enough. */
	return ret == -EEXIST ? kho_backend_ask_scratch(bytes) : ret;
}

/**
 * kho_backend_scratch_size() - get the size of scratch
 * @bytes: set to its size
 * @held: set to how much of that is set aside, in bytes
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_backend_scratch_size(u64 *bytes, u64 *held)
{
	mutex_lock(&kho.lock);
	*bytes = PFN_PHYS((u64)kho_scratch_pages());
	*held = PFN_PHYS(kho_scratch_held());
	mutex_unlock(&kho.lock);
}

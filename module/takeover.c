// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes over what arrived, in this order, with either backend:
 *
 *	read	the backend checks what arrived, and lists it as preserved and unclaimed
 *	objects	claim the pages in their records; if the records are bad, all pages stay
 *		unclaimed
 *	keep	finds out what can be trimmed, and makes the pages this kernel's
 *	commit	nothing can fail any more
 *	finish	frees what only the previous kernel needed, after poisoned pages were
 *		marked as such
 *
 * Before the commit, all of this can be undone, which leaves what arrived as it was.
 *
 * What another module has left in this kernel (leave.c) is taken over by the same steps.
 */
#include <linux/io.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/left.h"
#include "core/metapage.h"
#include "core/ram.h"
#include "incoming/incoming.h"
#include "objects/objects.h"
#include "pages/pages.h"
#include "poison/poison.h"
#include "takeover.h"

#include <kho/abi.h>
#include <kho/objects.h>

/* Reads which kernel the previous one was, if a preserved page says so. */
static void read_metadata(void)
{
	const struct kho_metadata *metadata = NULL;
	u64 addr, size;

	if (!kho_backend_incoming_find(KHO_METADATA_NODE, &addr, &size) &&
	    size == sizeof(*metadata) &&
	    offset_in_page(addr) <= PAGE_SIZE - sizeof(*metadata) &&
	    kho_backend_incoming_has(addr))
		metadata = phys_to_virt(addr);
	kho_incoming_set_previous(metadata);
}

/* Forgets what was claimed, without freeing it. */
static void forget(void)
{
	kho_objects_forget();
	kho_poison_forget();
	kho_metapages_forget();
}

static int read_objects(void)
{
	u64 addr, size;
	int ret;

	if (kho_backend_incoming_find(KHO_OBJS_NODE, &addr, &size))
		return 0;
	ret = kho_records_read(addr, size);
	if (ret != -EINVAL)
		return ret;
	forget();
	return kho_backend_incoming_reset();
}

/*
 * What another module has left in this kernel is taken over completely or not at all: then
 * that module can be loaded again.
 */
static int read_left(void)
{
	const struct kho_left *left = kho_left();
	int ret;

	if (kho_incoming_refused() || kho_incoming()->error[0]) {
		kho_left_refuse(kho_incoming()->error, left->fdt);
		return -EINVAL;
	}
	ret = kho_objects_left() ?: kho_pages_left() ?: kho_ram_left();
	if (ret)
		return ret;
	kho_incoming_restore();
	kho.changes = left->changes;
	kho.released = left->released;
	return 0;
}

/**
 * kho_takeover() - find out what arrived, and prepare to take it over
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, or an errno, after which nothing has changed.  A refused handover is no
 * error: the reason is logged and kept for KHO_QUERY, and nothing is preserved.  But it is
 * one if another module in this kernel has left it.
 */
int kho_takeover(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = kho_backend_incoming_read();
	if (ret)
		goto err_exit;
	if (kho_left() && kho_incoming_refused()) {
		ret = read_left();
		goto err_exit;
	}
	if (!kho_incoming()->fdt)
		return 0;
	read_metadata();
	if (kho_incoming_refused())
		return 0;
	ret = read_objects();
	if (ret)
		goto err_exit;
	kho_poison_arrived();
	ret = kho_left() ? read_left() : 0;
	if (ret)
		goto err_exit;
	ret = kho_backend_incoming_keep();
	if (ret)
		goto err_exit;
	kho_incoming_take();
	return 0;

err_exit:
	kho_takeover_exit();
	return ret;
}

/**
 * kho_takeover_commit() - take over for good what arrived
 *
 * Nothing can fail any more.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_takeover_commit(void)
{
	lockdep_assert_held(&kho.lock);

	kho.committed = true;
	if (!kho_incoming_taken()) {
		kho_trim_refused();
		return;
	}
	kho_backend_incoming_commit();
	kho_poison_commit();
	kho_backend_incoming_finish();
	kho_objects_commit();
	kho_left_done();
	kho_changed();
	kho_trim_start();
}

/**
 * kho_takeover_exit() - release what arrived
 *
 * Before kho_takeover_commit() this undoes the takeover.  After it, nothing is left that
 * arrived, or the module could not be unloaded.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_takeover_exit(void)
{
	lockdep_assert_held(&kho.lock);

	kho_trim_exit();
	if (!kho.committed)
		forget();
	kho_backend_incoming_exit();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking over what arrived, in this order, whoever keeps the pages:
 *
 *	read	the backend checks what came, and lists it as preserved and unclaimed
 *	objects	claim what their records speak of; if these are no good, nothing of it,
 *		and all pages stay unclaimed
 *	keep	what may go is found out, and the pages become this kernel's
 *	commit	nothing can fail any more
 *	finish	what only the previous kernel needed goes, once it is known to be poisoned
 *		if it is
 *
 * Until the commit all of it can be called off, and what arrived is as it was.
 */
#include <linux/io.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/metapage.h"
#include "incoming/incoming.h"
#include "objects/objects.h"
#include "poison/poison.h"
#include "takeover.h"

#include <kho/abi.h>
#include <kho/objects.h>

/* Which kernel the previous one was, if it said so in a page that is preserved. */
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

/* Forgets what was claimed, and leaves it as it is. */
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

/**
 * kho_takeover() - find out what came, and prepare to own it
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, or an errno, and then nothing has changed.  A handover that is refused is
 * no error: the reason is logged and kept for KHO_QUERY, and nothing is preserved.
 */
int kho_takeover(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = kho_backend_incoming_read();
	if (ret)
		goto err_exit;
	if (!kho_incoming()->fdt)
		return 0;
	read_metadata();
	if (kho_incoming_refused())
		return 0;
	ret = read_objects();
	if (ret)
		goto err_exit;
	kho_poison_arrived();
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
 * kho_takeover_commit() - own what came, for good
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
	kho_changed();
	kho_trim_start();
}

/**
 * kho_takeover_exit() - let go of what came
 *
 * Before kho_takeover_commit() that calls the takeover off; after it everything
 * has been given up already, or the module could not be unloaded.
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

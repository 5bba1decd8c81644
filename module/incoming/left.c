// SPDX-License-Identifier: GPL-2.0-only
/*
 * What another module has left in this kernel is read like what a previous kernel has
 * sent.  What users are told of arrivals stays the same: how this kernel was started.
 */
#include <linux/string.h>

#include "compat/compat.h"
#include "base/text.h"
#include "core/core.h"
#include "internal.h"

#include <linux/kho.h>

/**
 * kho_incoming_set_left() - note that another module has left what is read now
 *
 * Context: kho.lock held.
 */
void kho_incoming_set_left(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.left = true;
}

/**
 * kho_incoming_restore() - learn from that module how this kernel was started
 *
 * Context: kho.lock held; nothing was refused.
 */
void kho_incoming_restore(void)
{
	const struct kho_left *left = kho_left();

	lockdep_assert_held(&kho.lock);

	incoming.boot_outcome = left->arrival;
	incoming.boot_kind = left->arrival_kind;
	incoming.generation = left->generation;
	strscpy(incoming.error, (const char *)left->arrival_error, sizeof(incoming.error));
	strscpy(incoming.previous_release, (const char *)left->previous_release,
		sizeof(incoming.previous_release));
	kho_text_clean(incoming.error, sizeof(incoming.error));
	kho_text_clean(incoming.previous_release, sizeof(incoming.previous_release));
	kho_trim_restore(left->release, left->release_pages, left->release_done);
}

/**
 * kho_incoming_leave() - tell the next module how this kernel was started
 * @left: the record
 *
 * Context: kho.lock held; nothing is trimmed any more.
 */
void kho_incoming_leave(struct kho_left *left)
{
	static struct kho_query query;

	kho_incoming_query(&query);
	kho_trim_query(&query);
	left->arrival = query.arrival;
	left->arrival_kind = query.arrival_kind;
	left->generation = query.generation;
	left->release = query.release;
	left->release_pages = query.release_pages;
	left->release_done = query.release_done;
	left->stub_pages = query.stub_pages;
	left->stub_extents = query.stub_extents;
	left->stub_usecs = query.stub_usecs;
	memcpy(left->arrival_error, query.arrival_error, sizeof(left->arrival_error));
	memcpy(left->previous_release, query.previous_release,
	       sizeof(left->previous_release));
}

/**
 * kho_incoming_arrival() - what became of what this kernel was started with?
 *
 * Context: any, once the module is loaded.
 * Return: KHO_ARRIVAL_*.
 */
u32 kho_incoming_arrival(void)
{
	return incoming.left ? incoming.boot_outcome : incoming.outcome;
}

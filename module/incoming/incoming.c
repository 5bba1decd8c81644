// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the previous kernel left, as far as it is known: what came by which way, what
 * it says of itself, and whether it was taken over, or refused and why.
 *
 * The handover is hostile until checked.  The backend reads it, takeover.c says in which
 * order it is taken over, and this folder says what is believed.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "base/text.h"
#include "core/core.h"
#include "internal.h"
#include "mm/reserved.h"

#include <kho/abi.h>
#include <kho/boot_info.h>
#include <kho/fdt.h>
#include <linux/kho.h>

struct kho_incoming incoming;

/* Children of the FDT that are ours to take, and nobody else's to be carried on. */
static bool ours[KHO_FDT_MAX_CHILDREN];

/**
 * kho_incoming() - what is known of the handover that led to this kernel
 *
 * Context: kho.lock held.
 */
const struct kho_incoming *kho_incoming(void)
{
	return &incoming;
}

/**
 * kho_incoming_find_list() - find the setup_data that this kernel was started with
 *
 * Context: may sleep; no locks held.
 */
void kho_incoming_find_list(void)
{
	const char *why = kho_arch_find(&incoming.list);

	incoming.list.cut_off = why;
	if (why)
		pr_warn("what this kernel was started with is unknown: %s\n", why);
}

/**
 * kho_incoming_set_boot() - note what the stub said, or would have said
 * @boot: that
 */
void kho_incoming_set_boot(const struct kho_boot_info *boot)
{
	lockdep_assert_held(&kho.lock);

	incoming.boot = *boot;
}

/**
 * kho_incoming_set_kind() - note what has kept the pages until now
 * @kind: KHO_KIND_*
 */
void kho_incoming_set_kind(u32 kind)
{
	lockdep_assert_held(&kho.lock);

	incoming.kind = kind;
}

/**
 * kho_incoming_refuse() - refuse what arrived; it stays reserved, out of reach
 * @why: what is wrong, for people
 * @where: physical address at which it was found
 * @value: what was found there
 */
void kho_incoming_refuse(const char *why, u64 where, u64 value)
{
	lockdep_assert_held(&kho.lock);

	incoming.outcome = KHO_ARRIVAL_REFUSED;
	snprintf(incoming.error, sizeof(incoming.error),
		 "%s (at 0x%llx, value 0x%llx)", why, where, value);
	pr_err("handover refused: %s\n", incoming.error);
}

/**
 * kho_incoming_refused_at_boot() - the stub has refused it, and has said why
 */
void kho_incoming_refused_at_boot(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.outcome = KHO_ARRIVAL_REFUSED;
	strscpy(incoming.error, incoming.boot.error, sizeof(incoming.error));
	kho_text_clean(incoming.error, sizeof(incoming.error));
}

/**
 * kho_incoming_off() - the command line has turned the intake off
 */
void kho_incoming_off(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.outcome = KHO_ARRIVAL_OFF;
}

/**
 * kho_incoming_take() - what arrived is taken over
 */
void kho_incoming_take(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.outcome = KHO_ARRIVAL_TAKEN;
}

/**
 * kho_incoming_complain() - keep what was wrong with objects, for KHO_QUERY
 * @what: what was refused, for people
 * @why: why
 *
 * The first complaint is kept.
 */
void kho_incoming_complain(const char *what, const char *why)
{
	lockdep_assert_held(&kho.lock);

	if (!incoming.error[0])
		snprintf(incoming.error, sizeof(incoming.error),
			 "objects: %s: %s", what, why);
}

/**
 * kho_incoming_set_previous() - note which kernel the previous one was
 * @metadata: what it says of itself, or NULL
 */
void kho_incoming_set_previous(const struct kho_metadata *metadata)
{
	lockdep_assert_held(&kho.lock);

	incoming.generation = 1;
	if (!metadata || metadata->version != KHO_METADATA_VERSION)
		return;
	memcpy(incoming.previous_release, metadata->previous_release,
	       sizeof(incoming.previous_release) - 1);
	kho_text_clean(incoming.previous_release, sizeof(incoming.previous_release));
	incoming.generation = metadata->kexec_count;
}

/**
 * kho_incoming_taken() - was a handover taken over?
 *
 * Context: any, once the module is loaded.
 */
bool kho_incoming_taken(void)
{
	return incoming.outcome == KHO_ARRIVAL_TAKEN;
}

/**
 * kho_incoming_refused() - was one refused?
 *
 * Context: any, once the module is loaded.
 */
bool kho_incoming_refused(void)
{
	return incoming.outcome == KHO_ARRIVAL_REFUSED;
}

/**
 * kho_incoming_child() - find a child of the root FDT that arrived
 * @name: its name
 *
 * Return: the child, with address and size, or NULL.
 */
const struct kho_fdt_child *kho_incoming_child(const char *name)
{
	unsigned int i;

	for (i = 0; incoming.fdt && i < incoming.fdt->nr; i++)
		if (!strcmp(incoming.fdt->child[i].name, name) &&
		    incoming.fdt->child[i].has == 3)
			return &incoming.fdt->child[i];
	return NULL;
}

/**
 * kho_incoming_ours() - say whether a child that arrived ends in this kernel
 * @name: its name
 * @is_ours: this module has taken it; else it is carried on for somebody else
 */
void kho_incoming_ours(const char *name, bool is_ours)
{
	const struct kho_fdt_child *child = kho_incoming_child(name);

	lockdep_assert_held(&kho.lock);

	if (child)
		ours[child - incoming.fdt->child] = is_ours;
}

/**
 * kho_incoming_is_ours() - does that child end in this kernel?
 * @name: its name
 */
bool kho_incoming_is_ours(const char *name)
{
	const struct kho_fdt_child *child = kho_incoming_child(name);

	return child && ours[child - incoming.fdt->child];
}

/**
 * kho_incoming_page_waits() - is this page as a reserved one is after boot?
 * @pfn: its number
 *
 * If envelopes are why, it has to be in one: much else is reserved, and is
 * somebody's.
 */
bool kho_incoming_page_waits(u64 pfn)
{
	if ((incoming.kind == KHO_KIND_ENVELOPES || incoming.two_trees) &&
	    !kho_list_covers(pfn, 1))
		return false;
	return kho_page_reserved(pfn_to_online_page(pfn));
}

/**
 * kho_incoming_query() - say what arrived
 * @query: whose members about it are set
 */
void kho_incoming_query(struct kho_query *query)
{
	lockdep_assert_held(&kho.lock);

	query->arrival = incoming.outcome;
	query->generation = incoming.generation;
	query->stub_pages = incoming.boot.pages;
	query->stub_extents = incoming.boot.extents;
	query->stub_usecs = incoming.boot.usecs;
	strscpy((char *)query->arrival_error, incoming.error,
		sizeof(query->arrival_error));
	strscpy((char *)query->previous_release, incoming.previous_release,
		sizeof(query->previous_release));
	query->arrival_kind = kho_incoming_taken() ? incoming.kind : KHO_KIND_NONE;
	query->arrived_pages = kho_unclaimed_pages();
}

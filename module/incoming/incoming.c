// SPDX-License-Identifier: GPL-2.0-only
/*
 * State of the incoming handover: how it arrived, what it says about the previous kernel,
 * whether it was taken over or refused, and why.
 *
 * The handover is not trusted until it is checked.  The backend reads it, takeover.c has
 * the order of steps, and this folder decides what to believe.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "base/text.h"
#include "core/core.h"
#include "core/lockdown.h"
#include "core/ram.h"
#include "internal.h"
#include "mm/reserved.h"

#include <kho/abi.h>
#include <kho/boot_info.h>
#include <kho/fdt.h>
#include <linux/kho.h>

struct kho_incoming incoming;

/* Children of the FDT that this module takes; others are passed on to the next kernel. */
static bool ours[KHO_FDT_MAX_CHILDREN];
/* Under lockdown: root must not have been able to write to what arrived. */
static bool strict;

/**
 * kho_incoming() - get the state of the incoming handover
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
	const char *why;

	strict = kho_locked_pages();
	why = kho_arch_find(&incoming.list, strict);
	incoming.list.cut_off = why;
	if (why)
		pr_warn("the setup_data of this kernel is unknown: %s\n", why);
}

/**
 * kho_incoming_set_boot() - note what arrived, as the boot stub reports it
 * @boot: the stub's report, or one that the module made without a stub
 */
void kho_incoming_set_boot(const struct kho_boot_info *boot)
{
	lockdep_assert_held(&kho.lock);

	incoming.boot = *boot;
}

/**
 * kho_incoming_set_kind() - note what kept the pages until the module was loaded
 * @kind: KHO_KIND_*
 */
void kho_incoming_set_kind(u32 kind)
{
	lockdep_assert_held(&kho.lock);

	incoming.kind = kind;
}

/**
 * kho_incoming_refuse() - refuse the handover; its pages stay reserved and inaccessible
 * @why: what is wrong, for the log
 * @where: physical address at which it was found
 * @value: the value that was found
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
 * kho_incoming_refused_at_boot() - note that the boot stub has refused the handover
 */
void kho_incoming_refused_at_boot(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.outcome = KHO_ARRIVAL_REFUSED;
	strscpy(incoming.error, incoming.boot.error, sizeof(incoming.error));
	kho_text_clean(incoming.error, sizeof(incoming.error));
}

/**
 * kho_incoming_off() - note that the command line turned off receiving handovers
 */
void kho_incoming_off(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.outcome = KHO_ARRIVAL_OFF;
}

/**
 * kho_incoming_take() - note that the handover is taken over
 */
void kho_incoming_take(void)
{
	lockdep_assert_held(&kho.lock);

	incoming.outcome = KHO_ARRIVAL_TAKEN;
}

/**
 * kho_incoming_complain() - note what is wrong with objects, for KHO_QUERY
 * @what: what was refused, for users
 * @why: the reason
 *
 * Only the first complaint is kept.
 */
void kho_incoming_complain(const char *what, const char *why)
{
	lockdep_assert_held(&kho.lock);

	if (!incoming.error[0])
		snprintf(incoming.error, sizeof(incoming.error),
			 "objects: %s: %s", what, why);
}

/**
 * kho_incoming_set_previous() - note the release of the previous kernel
 * @metadata: what that kernel says about itself, or NULL
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
 * kho_incoming_refused() - was a handover refused?
 *
 * Context: any, once the module is loaded.
 */
bool kho_incoming_refused(void)
{
	return incoming.outcome == KHO_ARRIVAL_REFUSED;
}

/**
 * kho_incoming_child() - find a child of the incoming root FDT
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
 * kho_incoming_ours() - set whether this module takes a child of the incoming FDT
 * @name: name of the child
 * @is_ours: true if it does; otherwise the child is passed on to the next kernel
 */
void kho_incoming_ours(const char *name, bool is_ours)
{
	const struct kho_fdt_child *child = kho_incoming_child(name);

	lockdep_assert_held(&kho.lock);

	if (child)
		ours[child - incoming.fdt->child] = is_ours;
}

/**
 * kho_incoming_is_ours() - does this module take this child of the incoming FDT?
 * @name: name of the child
 */
bool kho_incoming_is_ours(const char *name)
{
	const struct kho_fdt_child *child = kho_incoming_child(name);

	return child && ours[child - incoming.fdt->child];
}

/**
 * kho_incoming_page_waits() - is this page still as the handover left it, reserved?
 * @pfn: its number
 *
 * What another module has left is allocated instead.  If envelopes kept the pages, the page
 * must lie in one: reserved pages elsewhere are in use.
 *
 * Under lockdown it also has to be RAM.  A hole in RAM, made by memmap= on the command line,
 * has pages that look just as if boot had reserved them, but may be persistent memory, which
 * root writes to.
 */
bool kho_incoming_page_waits(u64 pfn)
{
	if (incoming.left)
		return kho_left_page(pfn);
	if ((incoming.kind == KHO_KIND_ENVELOPES || incoming.two_trees) &&
	    !kho_list_covers(pfn, 1))
		return false;
	if (strict && !kho_ram_has(pfn))
		return false;
	return kho_page_reserved(pfn_to_online_page(pfn));
}

/**
 * kho_incoming_query() - report what arrived
 * @query: its members about the incoming handover are set
 */
void kho_incoming_query(struct kho_query *query)
{
	lockdep_assert_held(&kho.lock);

	query->arrival = kho_incoming_arrival();
	query->generation = incoming.generation;
	query->stub_pages = incoming.boot.pages;
	query->stub_extents = incoming.boot.extents;
	query->stub_usecs = incoming.boot.usecs;
	strscpy((char *)query->arrival_error, incoming.error,
		sizeof(query->arrival_error));
	strscpy((char *)query->previous_release, incoming.previous_release,
		sizeof(query->previous_release));
	if (incoming.left)
		query->arrival_kind = incoming.boot_kind;
	else
		query->arrival_kind = kho_incoming_taken() ? incoming.kind : KHO_KIND_NONE;
	query->arrived_pages = kho_unclaimed_pages();
}

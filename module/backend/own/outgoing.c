// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is ready for the next kernel at any moment: the setup page, the root FDT, and
 * the metadata that names this kernel.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/ctype.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "compat/compat.h"
#include "arch/arch.h"
#include "arch/envelope.h"
#include "base/log.h"
#include "base/text.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/metapage.h"
#include "core/page-alloc.h"
#include "core/preserve.h"
#include "incoming/incoming.h"
#include "own.h"
#include "tree/tree.h"

#include <kho/abi.h>
#include <kho/exact.h>
#include <kho/fdt.h>
#include <kho/objects.h>
#include <linux/kho.h>

/* The content of the root FDT, and KHO_SUBTREE_* for each child. */
static struct kho_fdt *out;
static u32 flags_of[KHO_FDT_MAX_CHILDREN];
/* The page with the FDT, and a buffer in which the next version is written. */
static void *fdt;
static void *fdt_buffer;
/* Names this kernel to the next one. */
static struct kho_metadata *metadata;
/* Leads to the full tree while the FDT leads to the boot tree, else NULL. */
static struct kho_exact *full_tree;
/* The page with the setup_data node and the scratch array. */
static void *setup;
/* An image may contain its address. */
static bool setup_shown;
/* It still announces what another module has left, until that is taken over for good. */
static bool waiting;

/* Writes the FDT to a buffer first, so that the one in place is always complete. */
static int write_fdt(void)
{
	lockdep_assert_held(&kho.lock);

	/* Before kho_backend_outgoing_ready(), there is no page to write to. */
	if (!fdt)
		return 0;
	out->root = full_tree ? kho_boot_tree_root() : kho_preserved_root();
	if (!kho_fdt_write(fdt_buffer, PAGE_SIZE, out) ||
	    (full_tree && !kho_exact_wrap(fdt_buffer, PAGE_SIZE)))
		return -ENOSPC;
	memcpy(fdt, fdt_buffer, PAGE_SIZE);
	return 0;
}

static int add_child(const char *name, u64 addr, u64 size, u32 flags)
{
	struct kho_fdt_child *child;
	unsigned int i;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (!*name || strlen(name) >= KHO_FDT_NAME_SIZE || strchr(name, '/'))
		return kho_refuse(-EINVAL, "subtree name '%s' is empty, too long, or has a slash",
				  kho_shown(name));
	for (i = 0; i < out->nr; i++)
		if (!strcmp(out->child[i].name, name))
			return -EEXIST;
	if (out->nr == KHO_FDT_MAX_CHILDREN)
		return -ENOSPC;

	flags_of[out->nr] = flags;
	child = &out->child[out->nr++];
	strscpy(child->name, name, sizeof(child->name));
	child->addr = addr;
	child->size = size;
	child->has = 3;
	ret = write_fdt();
	if (ret)
		out->nr--;
	return ret;
}

/**
 * kho_backend_add_child() - add a child to the root FDT
 * @name: its name
 * @data: what it leads to, which the caller has preserved
 * @size: bytes
 * @flags: KHO_SUBTREE_OWN if it is this module's own, or 0
 *
 * Context: kho.lock held.
 * Return: 0, -EINVAL for a bad name, -EEXIST for a name in use, -ENOSPC if the FDT
 * is full.
 */
int kho_backend_add_child(const char *name, void *data, u64 size, u32 flags)
{
	return add_child(name, virt_to_phys(data), size, flags);
}

/**
 * kho_backend_drop_child() - remove a child from the root FDT
 * @data: what it leads to
 *
 * Context: kho.lock held.
 * Return: 0 or -ENOENT.
 */
int kho_backend_drop_child(const void *data)
{
	u64 addr = virt_to_phys((void *)data);
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	for (i = 0; i < out->nr; i++) {
		if (out->child[i].addr != addr)
			continue;
		out->nr--;
		memmove(&out->child[i], &out->child[i + 1],
			(out->nr - i) * sizeof(out->child[0]));
		memmove(&flags_of[i], &flags_of[i + 1],
			(out->nr - i) * sizeof(flags_of[0]));
		return write_fdt();
	}
	return -ENOENT;
}

/* Each kernel makes these anew; incoming ones are not handed on. */
static const char *const own_names[] = {
	KHO_OBJS_NODE, KHO_METADATA_NODE, KHO_EXACT_NODE,
};

/* Incoming children that mean nothing to us are carried on to the next kernel. */
static bool is_carried_on(const struct kho_fdt_child *child)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(own_names); i++)
		if (!strcmp(child->name, own_names[i]))
			return false;
	return child->has == 3 && !kho_incoming_is_ours(child->name);
}

static const char *check_names(const struct kho_fdt *in)
{
	unsigned int i, j;
	const char *at;

	for (i = 0; i < in->nr; i++) {
		for (at = in->child[i].name; *at; at++)
			if (*at == '/' || !isascii(*at) || !isgraph(*at))
				return "an FDT node's name has an invalid byte";
		for (j = 0; j < i; j++)
			if (!strcmp(in->child[i].name, in->child[j].name))
				return "two FDT nodes have the same name";
	}
	return NULL;
}

/* Is there room in an FDT for all children that are carried on, and for ours? */
static bool has_room(const struct kho_fdt *in)
{
	struct kho_fdt *all = kzalloc(sizeof(*all), GFP_KERNEL);
	void *room = kzalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int i;
	bool ret = true;

	/* A lack of memory is no fault of the handover. */
	if (!all || !room)
		goto out;
	for (i = 0; i < ARRAY_SIZE(own_names); i++) {
		strscpy(all->child[i].name, own_names[i],
			sizeof(all->child[i].name));
		all->child[i].has = 3;
	}
	all->nr = i;
	for (i = 0; i < in->nr && ret; i++) {
		if (!is_carried_on(&in->child[i]))
			continue;
		ret = all->nr < KHO_FDT_MAX_CHILDREN;
		if (ret)
			all->child[all->nr++] = in->child[i];
	}
	ret = ret && kho_fdt_write(room, PAGE_SIZE, all) &&
	      kho_exact_wrap(room, PAGE_SIZE);
out:
	kfree(room);
	kfree(all);
	return ret;
}

/**
 * kho_outgoing_check() - check whether the incoming children can be handed on
 * @in: the content of the incoming FDT
 *
 * Context: may sleep.
 * Return: NULL, or what is wrong.
 */
const char *kho_outgoing_check(const struct kho_fdt *in)
{
	const char *why = check_names(in);

	if (!why && !has_room(in))
		why = "the FDT has too many nodes to be handed on";
	return why;
}

static int carry_children_on(void)
{
	const struct kho_fdt *in = kho_incoming()->fdt;
	unsigned int i;
	int ret;

	for (i = 0; in && i < in->nr; i++) {
		const struct kho_fdt_child *child = &in->child[i];

		if (!is_carried_on(child))
			continue;
		ret = add_child(child->name, child->addr, child->size,
				KHO_SUBTREE_CARRIED);
		if (ret)
			return ret;
	}
	return 0;
}

static void publish(void)
{
	struct kho_scratch scratch = {
		.addr = PFN_PHYS((u64)kho_scratch_pfn()),
		.size = PFN_PHYS((u64)kho_scratch_pages()),
	};

	kho_arch_publish(setup, virt_to_phys(fdt), &scratch);
}

/* From now on the FDT leads to the boot tree, and a child of it to the full tree. */
static int lead_to_boot_tree(void)
{
	struct kho_exact *exact = kho_metapage_alloc();
	int ret;

	if (!exact)
		return -ENOMEM;
	strscpy((char *)exact->compatible, KHO_EXACT_COMPATIBLE,
		sizeof(exact->compatible));
	exact->page_shift = PAGE_SHIFT;
	exact->root = kho_preserved_root();
	full_tree = exact;
	ret = kho_backend_add_child(KHO_EXACT_NODE, exact, sizeof(*exact),
				    KHO_SUBTREE_OWN);
	if (ret) {
		full_tree = NULL;
		kho_metapage_free(exact);
	}
	return ret;
}

/**
 * kho_backend_outgoing_init() - begin to prepare the outgoing handover
 *
 * Context: may sleep; kho.lock held; the full tree exists, new or taken over.
 * Return: 0 or -ENOMEM; kho_backend_outgoing_exit() cleans up in either case.
 */
int kho_backend_outgoing_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	ret = kho_boot_tree_init() ?: kho_envelopes_init();
	if (ret)
		return ret;
	out = kzalloc(sizeof(*out), GFP_KERNEL);
	if (!out)
		return -ENOMEM;
	/* The kernel that is loaded may know only one of them. */
	if (kho_left())
		kho_abi = kho_left()->abi;
	out->abi = kho_abi;
	return 0;
}

/* Goes on with the setup page of another module, as an image may have its address. */
static void *take_setup_page(const struct kho_left *left)
{
	waiting = true;
	setup_shown = left->flags & KHO_LEFT_SHOWN;
	return phys_to_virt(left->setup);
}

/**
 * kho_backend_outgoing_ready() - announce the handover: setup page, FDT and metadata
 *
 * Context: may sleep; kho.lock held; the objects have added their child.
 * Return: 0, -ENOMEM, or an error of kho_backend_add_child().
 */
int kho_backend_outgoing_ready(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	/* First, as write_fdt() needs it as soon as there is an FDT. */
	fdt_buffer = (void *)get_zeroed_page(GFP_KERNEL);
	if (!fdt_buffer)
		return -ENOMEM;
	/* Not in scratch: the next kernel is copied there before it reads this page. */
	setup = kho_left() ? take_setup_page(kho_left()) : (void *)kho_zeroed_page(GFP_KERNEL);
	fdt = kho_metapage_alloc();
	metadata = kho_metapage_alloc();
	if (!setup || !fdt || !metadata)
		return -ENOMEM;

	kho_own_page(PHYS_PFN(virt_to_phys(setup)));
	metadata->version = KHO_METADATA_VERSION;
	strscpy((char *)metadata->previous_release,
		init_utsname()->release, KHO_METADATA_RELEASE);
	metadata->kexec_count = kho_incoming()->generation + 1;

	ret = kho_backend_boot_add(PHYS_PFN(virt_to_phys(fdt)), 1) ?:
	      kho_backend_boot_add(PHYS_PFN(virt_to_phys(metadata)), 1) ?:
	      kho_backend_add_child(KHO_METADATA_NODE, metadata, sizeof(*metadata),
				    KHO_SUBTREE_OWN);
	if (!ret)
		ret = carry_children_on();
	if (!ret && kho_left() && kho_left()->handoff == KHO_HANDOFF_ENVELOPES)
		ret = lead_to_boot_tree();
	if (ret)
		return ret;

	if (!waiting)
		publish();
	kho_envelopes_update();
	if (!waiting)
		kho_file_load_offer(virt_to_phys(setup));
	return 0;
}

/**
 * kho_outgoing_take_over() - announce this module's handover instead of the previous one's
 *
 * Context: may sleep; kho.lock held, and kho.gate.
 */
void kho_outgoing_take_over(void)
{
	lockdep_assert_held(&kho.lock);

	waiting = false;
	publish();
	kho_file_load_offer(virt_to_phys(setup));
	kho_backend_image_changed();
	kho_backend_set_aside_later();
}

/* Forgets what was announced, and frees what the announcement does not lead to. */
static void forget(void)
{
	full_tree = NULL;
	metadata = NULL;
	fdt = NULL;
	free_page((unsigned long)fdt_buffer);
	fdt_buffer = NULL;
	kfree(out);
	out = NULL;
	kho_envelopes_exit();
}

/**
 * kho_outgoing_leave() - leave the announcement to the next module, and forget it
 * @left: the record
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_outgoing_leave(struct kho_left *left)
{
	left->setup = virt_to_phys(setup);
	left->fdt = virt_to_phys(fdt);
	left->abi = out->abi;
	setup_shown |= kho_file_load_withdraw();
	left->handoff = full_tree ? KHO_HANDOFF_ENVELOPES : KHO_HANDOFF_EXACT;
	left->flags |= setup_shown ? KHO_LEFT_SHOWN : 0;
	setup = NULL;
	/* Tree, metadata and FDT stay, and are freed by the module that takes over. */
	forget();
	kho_boot_tree_leave(left);
}

/**
 * kho_backend_outgoing_withdraw() - withdraw the announcement
 *
 * An image that was loaded with the address of the setup page would still read that
 * page, whatever it contains by then.  So if the address was given out, the page
 * announces nothing from now on and is never freed.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_backend_outgoing_withdraw(void)
{
	lockdep_assert_held(&kho.lock);

	setup_shown |= kho_file_load_withdraw();
	if (setup && !waiting)
		kho_arch_retire(setup);
	if (setup && !waiting && !setup_shown) {
		kho_disown_page(PHYS_PFN(virt_to_phys(setup)));
		free_page((unsigned long)setup);
	}
	waiting = false;
	setup = NULL;
}

/**
 * kho_backend_outgoing_exit() - the opposite of kho_backend_outgoing_init()
 *
 * Context: may sleep; kho.lock held; nothing is announced any more.
 */
void kho_backend_outgoing_exit(void)
{
	lockdep_assert_held(&kho.lock);

	kho_metapage_free(full_tree);
	kho_metapage_free(metadata);
	kho_metapage_free(fdt);
	forget();
	kho_boot_tree_exit();
}

/**
 * kho_backend_set_abi() - set the ABI version for the next kernel
 * @abi: KHO_ABI_V3 or KHO_ABI_V4
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -EINVAL, or -ESHUTDOWN.
 */
int kho_backend_set_abi(unsigned int abi)
{
	int ret = 0;

	if (abi != KHO_ABI_V3 && abi != KHO_ABI_V4)
		return kho_refuse(-EINVAL, "abi=%u is neither 3 nor 4", abi);

	mutex_lock(&kho.lock);
	if (kho.frozen)
		ret = -ESHUTDOWN;
	/* While the module loads, there may be only the parameter to set. */
	if (!ret && out) {
		out->abi = abi;
		ret = write_fdt();
	}
	if (!ret)
		kho_abi = abi;
	mutex_unlock(&kho.lock);
	return ret;
}

/**
 * kho_outgoing_new_scratch() - announce scratch that was found late, or has changed
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_outgoing_new_scratch(void)
{
	lockdep_assert_held_write(&kho.gate);
	lockdep_assert_held(&kho.lock);

	publish();
	kho_envelopes_leave_open(kho_scratch_pfn(), kho_scratch_pages());
	kho_envelopes_update();
}

static void lead_to_full_tree(void)
{
	struct kho_exact *exact = full_tree;

	full_tree = NULL;
	WARN_ON_ONCE(kho_backend_drop_child(exact));
	kho_metapage_free(exact);
}

/**
 * kho_backend_set_mode() - hand over page by page, or by envelopes
 * @how: KHO_HANDOFF_*
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -EINVAL, -ENOMEM, -ENOSPC if the FDT is full, -EEXIST if the name is in
 * use, -ESHUTDOWN, -EPERM.
 */
int kho_backend_set_mode(u32 how)
{
	bool envelopes = how == KHO_HANDOFF_ENVELOPES;
	int ret;

	if (how > KHO_HANDOFF_ENVELOPES)
		return kho_refuse(-EINVAL, "kho_handoff.how is %u, must be 0 or 1",
				  how);

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (ret || !!full_tree == envelopes)
		goto out;
	if (envelopes)
		ret = lead_to_boot_tree();
	else
		lead_to_full_tree();
	if (!ret)
		kho_changed();
out:
	mutex_unlock(&kho.lock);
	return ret;
}

/**
 * kho_backend_list_children() - list the subtrees that the next kernel finds by name
 * @first: index of the first one wanted
 * @room: capacity of @entries
 * @entries: array of struct kho_subtree_entry, filled in
 * @filled: set to the number of entries filled in
 * @total: set to the number of subtrees
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_backend_list_children(u64 first, u32 room, void *entries, u32 *filled,
			       u64 *total)
{
	struct kho_subtree_entry *entry = entries;
	u64 i;

	*filled = 0;
	mutex_lock(&kho.lock);
	for (i = first; i < out->nr && *filled < room; i++, entry++) {
		const struct kho_fdt_child *child = &out->child[i];

		memset(entry, 0, sizeof(*entry));
		strscpy((char *)entry->name, child->name, sizeof(entry->name));
		kho_text_clean(entry->name, sizeof(entry->name));
		entry->addr = child->addr;
		entry->bytes = child->size;
		entry->flags = flags_of[i];
		(*filled)++;
	}
	*total = out->nr;
	mutex_unlock(&kho.lock);
}

/**
 * kho_outgoing_exists() - is there a setup page, so that a handover can be announced?
 *
 * Context: kho.lock held.
 */
bool kho_outgoing_exists(void)
{
	return setup;
}

/**
 * kho_outgoing_announce() - announce envelopes
 * @envelope: by ascending address
 * @nr: how many
 *
 * Context: kho.lock held.
 */
void kho_outgoing_announce(const struct kho_envelope *envelope, unsigned int nr)
{
	if (setup && !waiting)
		kho_arch_announce(setup, envelope, nr);
}

/**
 * kho_backend_holds() - does anything of ours lie in memory that is to be removed?
 * @pfn: number of the first page
 * @end: number of the page after the last one
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 * Return: what it is, for the log; or NULL.
 */
const char *kho_backend_holds(unsigned long pfn, unsigned long end)
{
	if (kho_backend_in_scratch(pfn, end - pfn))
		return "scratch lies there";
	if (setup && PHYS_PFN(virt_to_phys(setup)) - pfn < end - pfn)
		return "data for the next kernel lies there";
	if (kho_boot_tree_lies_in(pfn, end - pfn))
		return "what is preserved lies there";
	return NULL;
}

/**
 * kho_backend_setup_page() - get the page whose address goes into an image, or NULL
 *
 * Context: kho.lock held.
 */
void *kho_backend_setup_page(void)
{
	lockdep_assert_held(&kho.lock);

	if (setup)
		setup_shown = true;
	return setup;
}

/**
 * kho_backend_fdt_page() - get the page with the root FDT, or NULL
 *
 * Context: kho.lock held.
 */
void *kho_backend_fdt_page(void)
{
	lockdep_assert_held(&kho.lock);

	return fdt;
}

/**
 * kho_outgoing_query() - fill in what the next kernel is told
 * @query: its members about the outgoing handover are set
 *
 * Context: kho.lock held.
 */
void kho_outgoing_query(struct kho_query *query)
{
	lockdep_assert_held(&kho.lock);

	query->abi = out->abi;
	query->setup_addr = virt_to_phys(kho_backend_setup_page());
	query->fdt_addr = virt_to_phys(fdt);
	query->fdt_size = PAGE_SIZE;
	query->handoff = full_tree ? KHO_HANDOFF_ENVELOPES : KHO_HANDOFF_EXACT;
}

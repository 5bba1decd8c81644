// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is ready for the next kernel at any moment: the setup page, the root
 * FDT, and which kernel this is.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/ctype.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "internal.h"
#include "core/page-alloc.h"

/* The objects' head is a page of ours, not one that arrived. */
static bool head_is_new;
/* The kernel's own KHO has been told of it. */
static bool head_is_named;

/* Puts the FDT together aside, so that the one in place is always whole. */
static int write_fdt(void)
{
	lockdep_assert_held(&kho.lock);

	/* The kernel's own KHO has an FDT of its own. */
	if (!kho.fdt)
		return 0;
	kho.out->root = virt_to_phys(kho.exact ? kho.lean.root : kho.tree.root);
	if (!kho_fdt_write(kho.fdt_room, PAGE_SIZE, kho.out) ||
	    (kho.exact && !kho_exact_wrap(kho.fdt_room, PAGE_SIZE)))
		return -ENOSPC;
	memcpy(kho.fdt, kho.fdt_room, PAGE_SIZE);
	return 0;
}

/**
 * kho_handoff_set_child() - add a child to the root FDT
 * @name: its name
 * @addr: physical address of its data, which the caller has preserved
 * @size: bytes
 *
 * Context: kho.lock held.
 * Return: 0, -EINVAL for a bad name, -EEXIST for a name that is taken, -ENOSPC
 * if the FDT is full.
 */
int kho_handoff_set_child(const char *name, u64 addr, u64 size)
{
	struct kho_fdt_child *child;
	unsigned int i;
	int ret;

	lockdep_assert_held(&kho.lock);

	if (!*name || strlen(name) >= KHO_FDT_NAME_SIZE || strchr(name, '/'))
		return kho_refuse(-EINVAL, "subtree name '%s' is empty, too long, or has a slash",
				  kho_shown(name));
	for (i = 0; i < kho.out->nr; i++)
		if (!strcmp(kho.out->child[i].name, name))
			return -EEXIST;
	if (kho.out->nr == KHO_FDT_MAX_CHILDREN)
		return -ENOSPC;

	child = &kho.out->child[kho.out->nr++];
	strscpy(child->name, name, sizeof(child->name));
	child->addr = addr;
	child->size = size;
	child->has = 3;
	ret = write_fdt();
	if (ret)
		kho.out->nr--;
	return ret;
}

/**
 * kho_handoff_drop_child() - take a child out of the root FDT
 * @addr: physical address of its data
 *
 * Context: kho.lock held.
 * Return: 0 or -ENOENT.
 */
int kho_handoff_drop_child(u64 addr)
{
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	for (i = 0; i < kho.out->nr; i++) {
		if (kho.out->child[i].addr != addr)
			continue;
		kho.out->nr--;
		memmove(&kho.out->child[i], &kho.out->child[i + 1],
			(kho.out->nr - i) * sizeof(kho.out->child[0]));
		return write_fdt();
	}
	return -ENOENT;
}

/* Each kernel has its own of these, and what arrived by such a name ends here. */
static const char *const own_names[] = {
	KHO_OBJS_NODE, KHO_METADATA_NODE, KHO_EXACT_NODE,
};

/* What arrived and means nothing to us goes on to whom it may. */
static bool goes_on(const struct kho_fdt_child *child)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(own_names); i++)
		if (!strcmp(child->name, own_names[i]))
			return false;
	return child->has == 3 && !kho_poison_took(child->name);
}

static const char *judge_names(const struct kho_fdt *in)
{
	unsigned int i, j;
	const char *at;

	for (i = 0; i < in->nr; i++) {
		for (at = in->child[i].name; *at; at++)
			if (*at == '/' || !isascii(*at) || !isgraph(*at))
				return "an FDT node's name has a byte in it that none has";
		for (j = 0; j < i; j++)
			if (!strcmp(in->child[i].name, in->child[j].name))
				return "two FDT nodes have the same name";
	}
	return NULL;
}

/* Could an FDT be written with all that goes on, and with ours? */
static bool has_room(const struct kho_fdt *in)
{
	struct kho_fdt *all = kzalloc(sizeof(*all), GFP_KERNEL);
	void *room = kzalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int i;
	bool ret = true;

	/* Without memory nothing is wrong with what came. */
	if (!all || !room)
		goto out;
	for (i = 0; i < ARRAY_SIZE(own_names); i++) {
		strscpy(all->child[i].name, own_names[i],
			sizeof(all->child[i].name));
		all->child[i].has = 3;
	}
	all->nr = i;
	for (i = 0; i < in->nr && ret; i++) {
		if (!goes_on(&in->child[i]))
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
 * kho_handoff_judge() - could what came by name be handed on?
 * @in: what the FDT that arrived says
 *
 * Context: may sleep.
 * Return: NULL, or what is wrong with it.
 */
const char *kho_handoff_judge(const struct kho_fdt *in)
{
	const char *why = judge_names(in);

	if (!why && !has_room(in))
		why = "the FDT has so many nodes that it can't be handed on";
	return why;
}

static int carry_children_on(void)
{
	unsigned int i;
	int ret;

	/* There it is the business of those who know what it is. */
	if (kho_native())
		return 0;
	for (i = 0; kho.in && i < kho.in->nr; i++) {
		const struct kho_fdt_child *child = &kho.in->child[i];

		if (!goes_on(child))
			continue;
		ret = kho_handoff_set_child(child->name, child->addr,
					    child->size);
		if (ret)
			return ret;
	}
	return 0;
}

/* The setup page, the FDT, and which kernel this is. */
static int make_pages(void)
{
	int ret;

	kho.fdt_room = (void *)get_zeroed_page(GFP_KERNEL);
	/* The next kernel is put into scratch before it reads this one. */
	kho.setup = (void *)kho_zeroed_page(GFP_KERNEL);
	kho.fdt = kho_blob_alloc();
	kho.metadata = kho_blob_alloc();
	if (!kho.fdt_room || !kho.setup || !kho.fdt || !kho.metadata)
		return -ENOMEM;

	kho.metadata->version = KHO_METADATA_VERSION;
	strscpy((char *)kho.metadata->previous_release,
		init_utsname()->release, KHO_METADATA_RELEASE);
	kho.metadata->kexec_count = kho.generation + 1;

	ret = kho_lean_add(PHYS_PFN(virt_to_phys(kho.fdt)), 1) ?:
	      kho_lean_add(PHYS_PFN(virt_to_phys(kho.metadata)), 1) ?:
	      kho_handoff_set_child(KHO_METADATA_NODE,
				    virt_to_phys(kho.metadata),
				    sizeof(*kho.metadata));
	if (!ret)
		ret = carry_children_on();
	if (ret)
		return ret;

	kho_arch_publish(kho.setup, virt_to_phys(kho.fdt));
	kho_envelopes_update();
	return 0;
}

/**
 * kho_handoff_init() - make everything ready for a jump
 *
 * The tree exists already, new or taken over, and so may the objects' head.
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOMEM; kho_handoff_exit() clears up in either case.
 */
int kho_handoff_init(void)
{
	int ret;

	lockdep_assert_held(&kho.lock);

	kho.out = kzalloc(sizeof(*kho.out), GFP_KERNEL);
	head_is_new = !kho.head;
	if (head_is_new)
		kho.head = kho_blob_alloc();
	if (!kho.out || !kho.head)
		return -ENOMEM;
	strscpy((char *)kho.head->compatible, KHO_OBJS_COMPATIBLE,
		sizeof(kho.head->compatible));
	kho.head->page_shift = PAGE_SHIFT;
	kho.head->record_size = sizeof(struct kho_objs_record);

	kho.out->abi = kho_native() ? kho_native_abi() : kho_abi;
	ret = kho_handoff_set_child(KHO_OBJS_NODE, virt_to_phys(kho.head),
				    sizeof(*kho.head));
	if (ret)
		return ret;
	if (kho_native()) {
		ret = kho_native_add_subtree(KHO_OBJS_NODE, kho.head,
					     sizeof(*kho.head));
		head_is_named = !ret;
		return ret;
	}
	return make_pages();
}

/**
 * kho_handoff_exit() - announce nothing any more
 *
 * An image that was loaded with the address of the setup page would still read
 * it, whatever lies there by then.  So where the address was given out, the
 * page says "nothing" from now on and is never used again.
 *
 * Context: may sleep; kho.lock held.
 */
void kho_handoff_exit(void)
{
	lockdep_assert_held(&kho.lock);

	kho_poison_drop();
	if (kho.setup)
		kho_arch_retire(kho.setup);
	if (kho.setup && !kho.setup_shown)
		free_page((unsigned long)kho.setup);
	kho.setup = NULL;
	if (head_is_named)
		kho_native_remove_subtree(kho.head);
	head_is_named = false;
	/* One that arrived is ours only once the takeover is for good. */
	if (head_is_new || kho.committed)
		kho_blob_free(kho.head);
	kho_blob_free(kho.exact);
	kho_blob_free(kho.metadata);
	kho_blob_free(kho.fdt);
	kho.exact = NULL;
	kho.head = NULL;
	kho.metadata = NULL;
	kho.fdt = NULL;
	free_page((unsigned long)kho.fdt_room);
	kho.fdt_room = NULL;
	kfree(kho.out);
	kho.out = NULL;
}

/**
 * kho_handoff_set_abi() - speak another version to the next kernel
 * @abi: KHO_ABI_V3 or KHO_ABI_V4
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -EINVAL, or -ESHUTDOWN.
 */
int kho_handoff_set_abi(unsigned int abi)
{
	int ret = 0;

	if (abi != KHO_ABI_V3 && abi != KHO_ABI_V4)
		return kho_refuse(-EINVAL, "abi=%u is neither 3 nor 4", abi);

	mutex_lock(&kho.lock);
	if (kho.frozen)
		ret = -ESHUTDOWN;
	else if (kho_native())
		ret = kho_refuse(-EOPNOTSUPP, "abi=%u: the kernel's own KHO speaks what it speaks",
				 abi);
	/* Before the rest is there, the number is all there is. */
	if (!ret && kho.out) {
		kho.out->abi = abi;
		ret = write_fdt();
	}
	if (!ret)
		kho_abi = abi;
	mutex_unlock(&kho.lock);
	return ret;
}

/**
 * kho_handoff_new_scratch() - announce scratch that there is only now
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock.
 */
void kho_handoff_new_scratch(void)
{
	lockdep_assert_held_write(&kho.gate);
	lockdep_assert_held(&kho.lock);

	kho_arch_publish(kho.setup, virt_to_phys(kho.fdt));
	kho_envelopes_leave_open(kho.scratch_pfn, kho.scratch_pages);
	kho_envelopes_update();
}

/* From now on the FDT leads to the lean tree, and a child of it to the other. */
static int begin_envelopes(void)
{
	struct kho_exact *exact = kho_blob_alloc();
	int ret;

	if (!exact)
		return -ENOMEM;
	strscpy((char *)exact->compatible, KHO_EXACT_COMPATIBLE,
		sizeof(exact->compatible));
	exact->page_shift = PAGE_SHIFT;
	exact->root = virt_to_phys(kho.tree.root);
	kho.exact = exact;
	ret = kho_handoff_set_child(KHO_EXACT_NODE, virt_to_phys(exact),
				    sizeof(*exact));
	if (ret) {
		kho.exact = NULL;
		kho_blob_free(exact);
	}
	return ret;
}

static void end_envelopes(void)
{
	struct kho_exact *exact = kho.exact;

	kho.exact = NULL;
	WARN_ON_ONCE(kho_handoff_drop_child(virt_to_phys(exact)));
	kho_blob_free(exact);
}

/**
 * kho_handoff_set_how() - hand over page by page, or by envelopes
 * @how: KHO_HANDOFF_*
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -EINVAL, -EOPNOTSUPP on the kernel's own KHO, -ENOMEM, -ENOSPC if
 * the FDT is full, -EEXIST if the name is taken, -ESHUTDOWN, -EPERM.
 */
int kho_handoff_set_how(u32 how)
{
	bool envelopes = how == KHO_HANDOFF_ENVELOPES;
	int ret;

	if (how > KHO_HANDOFF_ENVELOPES)
		return kho_refuse(-EINVAL, "kho_handoff.how is %u, must be 0 or 1",
				  how);
	if (kho_native())
		return kho_refuse(-EOPNOTSUPP, "the kernel's own KHO hands over as it does");

	mutex_lock(&kho.lock);
	ret = kho_may_change();
	if (ret || !!kho.exact == envelopes)
		goto out;
	if (envelopes)
		ret = begin_envelopes();
	else
		end_envelopes();
	if (!ret)
		kho_changed();
out:
	mutex_unlock(&kho.lock);
	return ret;
}

static u32 subtree_flags(const struct kho_fdt_child *child)
{
	const struct kho_fdt_child *arrived;

	if (!strcmp(child->name, KHO_OBJS_NODE) ||
	    !strcmp(child->name, KHO_METADATA_NODE) ||
	    kho_poison_lists(child->addr) ||
	    (kho.exact && child->addr == virt_to_phys(kho.exact)))
		return KHO_SUBTREE_OWN;
	arrived = kho_arrival_child(child->name);
	return arrived && arrived->addr == child->addr ? KHO_SUBTREE_CARRIED : 0;
}

/**
 * kho_handoff_list() - describe what the next kernel finds by name
 * @first: number of the first one wanted
 * @room: entries that there are
 * @entries: array of struct kho_subtree_entry, filled in
 * @filled: how many were
 * @total: how many there are
 *
 * Context: may sleep; takes kho.lock.
 */
void kho_handoff_list(u64 first, u32 room, void *entries, u32 *filled, u64 *total)
{
	struct kho_subtree_entry *entry = entries;
	u64 i;

	*filled = 0;
	mutex_lock(&kho.lock);
	for (i = first; i < kho.out->nr && *filled < room; i++, entry++) {
		const struct kho_fdt_child *child = &kho.out->child[i];

		memset(entry, 0, sizeof(*entry));
		strscpy((char *)entry->name, child->name, sizeof(entry->name));
		kho_text_clean(entry->name, sizeof(entry->name));
		entry->addr = child->addr;
		entry->bytes = child->size;
		entry->flags = subtree_flags(child);
		(*filled)++;
	}
	*total = kho.out->nr;
	mutex_unlock(&kho.lock);
}

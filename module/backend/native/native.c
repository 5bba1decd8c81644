// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend for in-kernel KHO: the module preserves and restores pages by the kernel's
 * functions, and its own tree only records which pages are its users'.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "base/log.h"
#include "base/text.h"
#include "core/backend.h"
#include "core/core.h"
#include "kernel.h"

#include <kho/abi.h>
#include <kho/fdt.h>
#include <kho/walk.h>
#include <linux/kho.h>

/* It takes pages wherever they lie. */
const u64 kho_backend_lowest_pfn;
const bool kho_backend_spares_last;

/* What the next kernel finds by name: the kernel tells nobody. */
static struct {
	char name[KHO_FDT_NAME_SIZE];
	void *data;
	u64 size;
	u32 flags;
} child[KHO_FDT_MAX_CHILDREN];
static unsigned int nr_children;

/**
 * kho_backend_probe() - check whether this kernel can hand anything on, or got anything
 *
 * Context: may sleep; none of our locks held.
 * Return: 0 or -EOPNOTSUPP.
 */
int kho_backend_probe(void)
{
	if (!kho_native_enabled() && !kho_native_booted()) {
		pr_err("refused: in-kernel KHO is off, so nothing can be preserved: boot with kho=on\n");
		return -EOPNOTSUPP;
	}
	kho_native_find_scratch();
	return 0;
}

/**
 * kho_backend_unprobe() - the opposite of kho_backend_probe(): nothing to do
 */
void kho_backend_unprobe(void)
{
}

/**
 * kho_backend_locked_down() - does lockdown prevent a handover?
 *
 * Return: false: kexec_file_load, which in-kernel KHO uses, may be allowed.
 */
bool kho_backend_locked_down(void)
{
	return false;
}

/**
 * kho_backend_may_preserve() - check whether pages may be preserved now
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int kho_backend_may_preserve(void)
{
	if (kho_native_enabled())
		return 0;
	return kho_refuse(-EOPNOTSUPP, "in-kernel KHO is off: boot with kho=on");
}

/**
 * kho_backend_may_leave() - can another module in this kernel take over?
 *
 * Return: -EOPNOTSUPP: in-kernel KHO does not tell which pages it keeps for whom.
 */
int kho_backend_may_leave(void)
{
	return kho_refuse(-EOPNOTSUPP, "with in-kernel KHO the module can't be replaced while it holds anything");
}

/**
 * kho_backend_leave() - never called: see kho_backend_may_leave()
 * @left: unused
 */
void kho_backend_leave(struct kho_left *left)
{
}

/**
 * kho_backend_follow_image() - only the kernel knows what is loaded
 *
 * Return: -EOPNOTSUPP.
 */
int kho_backend_follow_image(void)
{
	return -EOPNOTSUPP;
}

/**
 * kho_backend_expect_image() - nothing to do: see kho_backend_check_image()
 * @expect: disregarded
 */
void kho_backend_expect_image(bool expect)
{
}

/**
 * kho_backend_image_carried() - is a kernel loaded, as far as the module has to know?
 *
 * Return: false.
 */
bool kho_backend_image_carried(void)
{
	return false;
}

/**
 * kho_backend_sync_image() - nothing to wait for: only the kernel knows what is loaded
 */
void kho_backend_sync_image(void)
{
}

/**
 * kho_backend_check_image() - check whether the module has to know which kernel is loaded
 *
 * Return: -EOPNOTSUPP: in-kernel KHO takes care of that.
 */
int kho_backend_check_image(void)
{
	return kho_refuse(-EOPNOTSUPP, "in-kernel KHO knows by itself what is loaded");
}

/* In-kernel KHO has scratch that was set aside at boot, and sends no envelopes. */

int kho_backend_scratch_init(void)
{
	return 0;
}

void kho_backend_scratch_exit(void)
{
}

int kho_backend_outgoing_ready(void)
{
	return 0;
}

void kho_backend_outgoing_withdraw(void)
{
}

void kho_backend_quiet(void)
{
}

void kho_backend_flush(void)
{
}

bool kho_backend_unfit(u64 pfn, u64 nr_pages)
{
	return false;
}

bool kho_backend_has_to_move(u64 pfn, u64 nr_pages)
{
	return false;
}

bool kho_backend_may_keep(u64 pfn)
{
	return false;
}

void kho_backend_keep(u64 pfn, u64 nr_pages)
{
}

void kho_backend_set_aside(unsigned long pfn, unsigned long end)
{
}

void kho_backend_set_aside_later(void)
{
}

int kho_backend_boot_add(unsigned long pfn, unsigned long nr_pages)
{
	return 0;
}

void kho_backend_boot_del(unsigned long pfn, unsigned long nr_pages)
{
}

void kho_backend_changed(void)
{
}

void kho_backend_settle(void)
{
}

void kho_backend_memory_changed(void)
{
}

void kho_backend_image_changed(void)
{
}

const char *kho_backend_holds(unsigned long pfn, unsigned long end)
{
	return NULL;
}

void kho_backend_let_go(unsigned long pfn, unsigned long nr_pages)
{
}

void *kho_backend_setup_page(void)
{
	return NULL;
}

void *kho_backend_fdt_page(void)
{
	return NULL;
}

u64 kho_backend_walk_boot_tree(const struct kho_walk_ops *ops, void *ctx)
{
	return 0;
}

bool kho_backend_in_scratch(u64 pfn, u64 nr_pages)
{
	return kho_native_in_scratch(pfn, nr_pages);
}

u64 kho_backend_next_scratch(u64 pfn)
{
	return kho_native_next_scratch(pfn);
}

bool kho_backend_scratch_known(void)
{
	return kho_native_knows_scratch();
}

/**
 * kho_backend_outgoing_init() - begin to prepare the outgoing handover
 *
 * Return: 0.
 */
int kho_backend_outgoing_init(void)
{
	nr_children = 0;
	return 0;
}

void kho_backend_outgoing_exit(void)
{
}

/**
 * kho_backend_describe() - describe the backend for the log
 * @text: filled in
 * @size: bytes in @text
 */
void kho_backend_describe(char *text, size_t size)
{
	strscpy(text, "on in-kernel KHO", size);
}

/**
 * kho_backend_preserve() - have the kernel preserve pages
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: 0, or the kernel's error.
 */
int kho_backend_preserve(u64 pfn, u64 nr_pages)
{
	return kho_native_preserve(pfn, nr_pages);
}

/**
 * kho_backend_unpreserve() - the opposite of kho_backend_preserve()
 * @pfn: number of the first page, as it was preserved
 * @nr_pages: how many, as they were preserved
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_backend_unpreserve(u64 pfn, u64 nr_pages)
{
	kho_native_unpreserve(pfn, nr_pages);
}

/**
 * kho_backend_preserve_batch() - have the kernel preserve blocks
 * @pfn: numbers of their first pages
 * @nr: how many
 * @order: log2 of the pages of each
 * @done: after an error, set to how many were preserved: those before @pfn[@done]
 *
 * Context: may sleep; kho.lock or kho.gate held.
 * Return: 0, or the kernel's error for @pfn[@done].
 */
int kho_backend_preserve_batch(const unsigned long *pfn, unsigned long nr,
			       unsigned int order, unsigned long *done)
{
	unsigned long i;
	int ret;

	for (i = 0; i < nr; i++) {
		ret = kho_native_preserve(pfn[i], 1ULL << order);
		if (ret) {
			*done = i;
			return ret;
		}
	}
	return 0;
}

/**
 * kho_backend_unpreserve_batch() - the opposite of kho_backend_preserve_batch()
 * @pfn: numbers of their first pages
 * @nr: how many
 * @order: log2 of the pages of each
 *
 * Context: may sleep; kho.lock or kho.gate held.
 */
void kho_backend_unpreserve_batch(const unsigned long *pfn, unsigned long nr,
				  unsigned int order)
{
	while (nr--)
		kho_native_unpreserve(*pfn++, 1ULL << order);
}

/**
 * kho_backend_add_child() - name data for the next kernel
 * @name: its name
 * @data: the data, which the caller has preserved
 * @size: bytes
 * @flags: KHO_SUBTREE_OWN if it is this module's own, or 0
 *
 * Context: may sleep; kho.lock held.
 * Return: 0, -EEXIST, -ENOSPC, or the kernel's error.
 */
int kho_backend_add_child(const char *name, void *data, u64 size, u32 flags)
{
	unsigned int i;
	int ret;

	lockdep_assert_held(&kho.lock);

	for (i = 0; i < nr_children; i++)
		if (!strcmp(child[i].name, name))
			return -EEXIST;
	if (nr_children == KHO_FDT_MAX_CHILDREN)
		return -ENOSPC;
	ret = kho_native_add_subtree(name, data, size);
	if (ret)
		return ret;
	strscpy(child[i].name, name, sizeof(child[i].name));
	child[i].data = data;
	child[i].size = size;
	child[i].flags = flags;
	nr_children++;
	return 0;
}

/**
 * kho_backend_drop_child() - the opposite of kho_backend_add_child()
 * @data: the data
 *
 * Context: may sleep; kho.lock held.
 * Return: 0 or -ENOENT.
 */
int kho_backend_drop_child(const void *data)
{
	unsigned int i;

	lockdep_assert_held(&kho.lock);

	for (i = 0; i < nr_children; i++) {
		if (child[i].data != data)
			continue;
		kho_native_remove_subtree(child[i].data);
		nr_children--;
		memmove(&child[i], &child[i + 1], (nr_children - i) * sizeof(child[0]));
		return 0;
	}
	return -ENOENT;
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
	for (i = first; i < nr_children && *filled < room; i++, entry++) {
		memset(entry, 0, sizeof(*entry));
		strscpy((char *)entry->name, child[i].name, sizeof(entry->name));
		kho_text_clean(entry->name, sizeof(entry->name));
		entry->addr = virt_to_phys(child[i].data);
		entry->bytes = child[i].size;
		entry->flags = child[i].flags;
		(*filled)++;
	}
	*total = nr_children;
	mutex_unlock(&kho.lock);
}

void kho_backend_list_envelopes(u64 first, u32 room, void *entries, u32 *filled,
				u64 *total)
{
	*filled = 0;
	*total = 0;
}

/**
 * kho_backend_set_abi() - refuse to set the ABI version for the next kernel
 * @abi: 3 or 4
 *
 * Context: may sleep; takes kho.lock.
 * Return: -EOPNOTSUPP, -EINVAL, or -ESHUTDOWN.
 */
int kho_backend_set_abi(unsigned int abi)
{
	int ret;

	if (abi != KHO_ABI_V3 && abi != KHO_ABI_V4)
		return kho_refuse(-EINVAL, "abi=%u is neither 3 nor 4", abi);
	mutex_lock(&kho.lock);
	ret = kho.frozen ? -ESHUTDOWN : -EOPNOTSUPP;
	mutex_unlock(&kho.lock);
	if (ret == -EOPNOTSUPP)
		kho_refuse(ret, "abi=%u: the ABI of in-kernel KHO can't be set", abi);
	return ret;
}

int kho_backend_set_mode(u32 mode)
{
	if (mode > KHO_HANDOFF_ENVELOPES)
		return kho_refuse(-EINVAL, "kho_handoff.how is %u, must be 0 or 1", mode);
	return kho_refuse(-EOPNOTSUPP, "in-kernel KHO always hands over page by page");
}

int kho_backend_ask_scratch(u64 bytes)
{
	return kho_refuse(-EOPNOTSUPP, "in-kernel KHO has its own scratch");
}

void kho_backend_scratch_size(u64 *bytes, u64 *held)
{
	*bytes = 0;
	*held = 0;
}

/**
 * kho_backend_query() - fill in what only this backend knows
 * @query: its members about the backend are set
 *
 * Context: kho.lock held.
 */
void kho_backend_query(struct kho_query *query)
{
	lockdep_assert_held(&kho.lock);

	query->backend = KHO_BACKEND_KERNEL;
	query->abi = kho_native_abi();
	query->handoff = KHO_HANDOFF_EXACT;
}

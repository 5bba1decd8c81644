// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backend for a kernel without KHO: what it can do, and which of the interface's
 * functions have nothing to do here.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/kernel.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "core/lockdown.h"
#include "own.h"
#include "tree/tree.h"

#include <kho/walk.h>
#include <linux/kho.h>

/* Why lockdown prevents a handover, or NULL. */
static const char *lockdown(void)
{
	if (!kho_locked_kexec())
		return NULL;
	if (!kho_file_load_possible())
		return "the kernel is locked down, and kexec_file_load can't be followed here";
	/*
	 * A stock kernel shows what lies around preserved pages, which may be of the kernel, to
	 * root, until the module is loaded.
	 */
	if (kho_locked_secrets())
		return "the kernel is locked down for confidentiality: the next could show memory";
	return NULL;
}

/**
 * kho_backend_locked_down() - does lockdown prevent a handover?
 *
 * Lockdown can begin at any time.  From then on the kernel refuses kexec_load, and a
 * handover needs kexec_file_load: see file-load.c.
 *
 * Context: any.
 */
bool kho_backend_locked_down(void)
{
	return lockdown();
}

/**
 * kho_backend_probe() - check whether this kernel can hand anything on
 *
 * Context: may sleep; none of our locks held.
 * Return: 0, or -EPERM if lockdown prevents it.
 */
int kho_backend_probe(void)
{
	const char *why;

	kho_file_load_init();
	why = lockdown();
	if (!why)
		return 0;
	pr_err("refused: %s\n", why);
	return -EPERM;
}

/**
 * kho_backend_unprobe() - the opposite of kho_backend_probe()
 *
 * Context: may sleep; none of our locks held.
 */
void kho_backend_unprobe(void)
{
	kho_file_load_exit();
}

/**
 * kho_backend_may_preserve() - check whether pages may be preserved now
 *
 * Context: kho.lock or kho.gate held.
 * Return: 0, or -EPERM if lockdown prevents a handover.
 */
int kho_backend_may_preserve(void)
{
	const char *why = lockdown();

	return why ? kho_refuse(-EPERM, "%s: nothing would arrive", why) : 0;
}

/**
 * kho_backend_follow_image() - see from now on what kexec_file_load() loads
 *
 * Context: may sleep; none of our locks held.
 * Return: 0, -EOPNOTSUPP if that is not possible, or another error.
 */
int kho_backend_follow_image(void)
{
	return kho_file_load_follow();
}

/**
 * kho_backend_expect_image() - the caller is about to load a kernel by kexec_file_load()
 * @expect: or nobody is
 *
 * Context: may sleep.
 */
void kho_backend_expect_image(bool expect)
{
	kho_file_load_ask(expect);
}

/**
 * kho_backend_image_carried() - is a kernel loaded that kexec_file_load() has announced to?
 *
 * Context: any; after kho_backend_sync_image().
 */
bool kho_backend_image_carried(void)
{
	return kho_file_load_carries();
}

/**
 * kho_backend_sync_image() - wait until it is known which kernel is loaded
 *
 * Context: may sleep; none of our locks held.
 */
void kho_backend_sync_image(void)
{
	kho_file_load_sync();
}

/**
 * kho_backend_check_image() - check whether the module has to know which kernel is loaded
 *
 * Return: 0: it does.
 */
int kho_backend_check_image(void)
{
	return 0;
}

/* Marking pages in our tree is all that preserving them takes. */

int kho_backend_preserve(u64 pfn, u64 nr_pages)
{
	return 0;
}

void kho_backend_unpreserve(u64 pfn, u64 nr_pages)
{
}

int kho_backend_preserve_batch(const unsigned long *pfn, unsigned long nr,
			       unsigned int order, unsigned long *done)
{
	return 0;
}

void kho_backend_unpreserve_batch(const unsigned long *pfn, unsigned long nr,
				  unsigned int order)
{
}

/* There is no in-kernel KHO that could keep incoming pages. */

bool kho_backend_unretrieved(u64 pfn, unsigned int order)
{
	return false;
}

bool kho_backend_may_retrieve(u64 pfn, unsigned int order)
{
	return false;
}

int kho_backend_retrieve(u64 pfn, unsigned int order)
{
	return -ENOENT;
}

void kho_backend_drop(u64 pfn, unsigned int order)
{
}

u64 kho_backend_unretrieved_pages(void)
{
	return 0;
}

u64 kho_backend_unretrieved_list(u64 *skip, kho_radix_range_callback_t cb, void *data)
{
	return 0;
}

/**
 * kho_backend_quiet() - stop background work that may wait for pages in use
 *
 * Context: may sleep for long; none of our locks held.
 */
void kho_backend_quiet(void)
{
	kho_scratch_quiet();
}

/**
 * kho_backend_flush() - wait for background work to end
 *
 * Context: may sleep; none of our locks held; after kho_backend_outgoing_exit().
 */
void kho_backend_flush(void)
{
	kho_envelopes_flush();
	kho_scratch_flush();
}

/**
 * kho_backend_scratch_exit() - free scratch
 *
 * Context: may sleep for long; kho.lock held; nobody allocates what may be preserved.
 */
void kho_backend_scratch_exit(void)
{
	/* Until the takeover is committed, its pages are another module's. */
	if (kho_left())
		kho_scratch_forget();
	kho_scratch_clear();
}

/**
 * kho_backend_may_leave() - can another module in this kernel take over?
 *
 * Return: 0: it can.
 */
int kho_backend_may_leave(void)
{
	return 0;
}

/**
 * kho_backend_leave() - leave the outgoing handover and scratch to the next module
 * @left: the record
 *
 * The announcement stays as it is, so a kernel that is loaded stays valid.  A jump before
 * the next module is loaded hands over what is preserved now.
 *
 * Context: may sleep; kho.gate held for writing, and kho.lock; nothing will change.
 */
void kho_backend_leave(struct kho_left *left)
{
	lockdep_assert_held(&kho.lock);

	kho_outgoing_leave(left);
	kho_scratch_leave(left);
}

/**
 * kho_backend_describe() - describe the backend for the log
 * @text: filled in
 * @size: bytes in @text
 *
 * Context: kho.lock held.
 */
void kho_backend_describe(char *text, size_t size)
{
	snprintf(text, size, "kho-v%u, scratch %lu MiB at 0x%llx", kho_abi,
		 kho_scratch_pages() >> (20 - PAGE_SHIFT),
		 (u64)PFN_PHYS((u64)kho_scratch_pfn()));
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

	query->features |= KHO_FEATURE_ENVELOPES | KHO_FEATURE_HANDOFF |
			   KHO_FEATURE_SCRATCH | KHO_FEATURE_IMAGE |
			   KHO_FEATURE_GROW | KHO_FEATURE_UPGRADE;
	if (kho_file_load_possible() && !kho_locked_secrets())
		query->features |= KHO_FEATURE_FILE_LOAD;
	query->backend = KHO_BACKEND_MODULE;
	query->scratch_addr = PFN_PHYS((u64)kho_scratch_pfn());
	query->scratch_size = PFN_PHYS((u64)kho_scratch_pages());
	query->lean_keys = kho_boot_tree_keys();
	/* The setup page is metadata too, though it is not marked. */
	query->meta_pages += kho_boot_tree_nodes() + kho_outgoing_exists();
	kho_outgoing_query(query);
	kho_envelopes_query(query);
}

/**
 * kho_backend_walk_boot_tree() - read the boot tree as the next kernel would
 * @ops: called for nodes
 * @ctx: passed to each of @ops
 *
 * Context: that of @ops; kho.lock held.
 * Return: number of nodes.
 */
u64 kho_backend_walk_boot_tree(const struct kho_walk_ops *ops, void *ctx)
{
	kho_boot_tree_walk(ops, ctx);
	return kho_boot_tree_nodes();
}

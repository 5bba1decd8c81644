// SPDX-License-Identifier: GPL-2.0-only
/*
 * In-kernel KHO, as far as modules can use it.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "compat/compat.h"
#include "base/read-file.h"
#include "kernel.h"

/* What the kernel writes into page->private of the first page of a block. */
#define PAGE_MAGIC	0x4b484f50UL		/* "KHOP" */

#define SCRATCH_MAX	16

static struct {
	u64 pfn;
	u64 nr_pages;
} scratch[SCRATCH_MAX];
static unsigned int nr_scratch;

/**
 * kho_native_enabled() - is in-kernel KHO on?
 */
bool kho_native_enabled(void)
{
	return kho_is_enabled();
}

/**
 * kho_native_booted() - did a handover arrive?
 */
bool kho_native_booted(void)
{
	return is_kho_boot();
}

/**
 * kho_native_abi() - get the KHO ABI version of this kernel, from its header
 *
 * Return: the number in "kho-vN".
 */
unsigned int kho_native_abi(void)
{
	return KHO_FDT_COMPATIBLE[sizeof("kho-v") - 1] - '0';
}

/* debugfs can't read into kernel memory, but the seq_file behind it can. */
static ssize_t read_seq(struct file *file, void *to, size_t size, loff_t pos)
{
	struct seq_file *seq = file->private_data;
	struct kvec kvec = { .iov_base = to, .iov_len = size };
	struct iov_iter iter;
	struct kiocb kiocb;

	/* Make sure that it is a seq_file. */
	if (!seq || seq->file != file)
		return -EINVAL;
	init_sync_kiocb(&kiocb, file);
	kiocb.ki_pos = pos;
	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, size);
	return seq_read_iter(&kiocb, &iter);
}

/* Reads lines of hexadecimal numbers. */
static unsigned int read_numbers(const char *path, u64 *number)
{
	char text[SCRATCH_MAX * 20 + 1], *line, *rest = text;
	unsigned int nr = 0;
	ssize_t len;

	len = kho_read_file("debugfs", path, read_seq, text, sizeof(text) - 1, 0);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	while (nr < SCRATCH_MAX && (line = strsep(&rest, "\n")) && *line)
		if (kstrtou64(line, 0, &number[nr++]))
			return 0;
	return nr;
}

/**
 * kho_native_find_scratch() - find out where the kernel's scratch is
 *
 * The kernel shows this only in debugfs.  See also kho_native_knows_scratch().
 *
 * Context: may sleep; no locks held.
 */
void kho_native_find_scratch(void)
{
	u64 addr[SCRATCH_MAX], size[SCRATCH_MAX];
	unsigned int i, nr;

	nr = read_numbers("kho/out/scratch_phys", addr);
	if (nr != read_numbers("kho/out/scratch_len", size))
		nr = 0;
	for (i = 0; i < nr; i++) {
		scratch[i].pfn = PHYS_PFN(addr[i]);
		scratch[i].nr_pages = PHYS_PFN(size[i]);
	}
	nr_scratch = nr;
}

/**
 * kho_native_knows_scratch() - is it known where the kernel's scratch is?
 */
bool kho_native_knows_scratch(void)
{
	return nr_scratch;
}

/**
 * kho_native_in_scratch() - does any of these pages lie in scratch?
 * @pfn: number of the first page
 * @nr_pages: how many
 */
bool kho_native_in_scratch(u64 pfn, u64 nr_pages)
{
	unsigned int i;

	for (i = 0; i < nr_scratch; i++)
		if (pfn < scratch[i].pfn + scratch[i].nr_pages &&
		    pfn + nr_pages > scratch[i].pfn)
			return true;
	return false;
}

/**
 * kho_native_next_scratch() - the first page from a page on that lies in scratch
 * @pfn: number of the page
 *
 * Return: its number, or U64_MAX.
 */
u64 kho_native_next_scratch(u64 pfn)
{
	u64 next = U64_MAX;
	unsigned int i;

	for (i = 0; i < nr_scratch; i++)
		if (pfn < scratch[i].pfn + scratch[i].nr_pages)
			next = min(next, max(pfn, scratch[i].pfn));
	return next;
}

/**
 * kho_native_keeps() - has the kernel kept such a block, for nobody yet?
 * @pfn: number of the first page
 * @order: log2 of how many
 *
 * The kernel warns if it is asked to restore pages that it does not keep.  So this
 * checks in advance what the kernel will check.
 */
bool kho_native_keeps(u64 pfn, unsigned int order)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && page_private(page) == (PAGE_MAGIC << 32 | order);
}

/**
 * kho_native_preserve() - have the kernel preserve pages
 * @pfn: number of the first page
 * @nr_pages: how many
 *
 * Return: 0, or the kernel's error.  While in-kernel KHO is off, it does nothing and
 * returns 0.
 */
int kho_native_preserve(u64 pfn, u64 nr_pages)
{
	if (!kho_is_enabled())
		return 0;
	return kho_preserve_pages(pfn_to_page(pfn), nr_pages);
}

/**
 * kho_native_unpreserve() - the opposite of kho_native_preserve()
 * @pfn: number of the first page, as it was preserved
 * @nr_pages: how many, as they were preserved
 */
void kho_native_unpreserve(u64 pfn, u64 nr_pages)
{
	if (kho_is_enabled())
		kho_unpreserve_pages(pfn_to_page(pfn), nr_pages);
}

/**
 * kho_native_restore() - restore pages that the kernel keeps
 * @pfn: number of the first page
 * @nr_pages: how many, as they were preserved
 *
 * Each page then has one reference, the caller's.
 *
 * Return: 0, or -ENOENT if the kernel does not keep them all; some may be restored.
 */
int kho_native_restore(u64 pfn, u64 nr_pages)
{
	return kho_restore_pages(PFN_PHYS(pfn), nr_pages) ? 0 : -ENOENT;
}

/**
 * kho_native_add_subtree() - name data for the next kernel
 * @name: the name
 * @data: the data, in preserved memory
 * @size: its size in bytes
 *
 * Return: 0, or the kernel's error; 0 while in-kernel KHO is off.
 */
int kho_native_add_subtree(const char *name, void *data, size_t size)
{
	return kho_is_enabled() ? kho_add_subtree(name, data, size) : 0;
}

/**
 * kho_native_remove_subtree() - the opposite of kho_native_add_subtree()
 * @data: the data
 */
void kho_native_remove_subtree(void *data)
{
	if (kho_is_enabled())
		kho_remove_subtree(data);
}

/**
 * kho_native_retrieve() - find incoming data by name
 * @name: the name
 * @addr: set to its physical address
 * @size: set to its size in bytes
 *
 * Return: 0 or -ENOENT.
 */
int kho_native_retrieve(const char *name, u64 *addr, u64 *size)
{
	phys_addr_t phys;
	size_t bytes;
	int ret = kho_retrieve_subtree(name, &phys, &bytes);

	if (!ret) {
		*addr = phys;
		*size = bytes;
	}
	return ret;
}

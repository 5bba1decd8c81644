// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of unclaimed pages.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat/compat.h"
#include "base/log.h"
#include "core/backend.h"
#include "core/core.h"
#include "incoming/incoming.h"
#include "memory/memory.h"
#include "mm/folio.h"
#include "pages.h"

static void page_mem_release(struct kho_mem *mem)
{
	mutex_lock(&kho.lock);
	kho_mem_no_file(mem);
	mutex_unlock(&kho.lock);
	kho_mem_put_pages(mem);
	kfree(mem);
}

static const struct kho_mem_ops page_mem_ops = {
	.release = page_mem_release,
};

/* Gets one more reference to each page, if all are still there. */
static int get_pages(struct kho_mem *mem, unsigned long pfn, unsigned long nr_pages)
{
	unsigned long i;
	int ret;

	for (i = 0; i < nr_pages; i++) {
		if (!folio_try_get(page_folio(pfn_to_page(pfn + i))))
			break;
		cond_resched();
	}
	ret = i < nr_pages ? -ENOENT : kho_mem_add(mem, pfn, nr_pages, 0);
	if (ret)
		kho_put_pages(pfn, i);
	return ret;
}

/*
 * Makes a file of pages that arrived.
 *
 * The file has references of its own, so it outlives KHO_PAGE_DEL.  They are taken
 * without a lock, and are good if the pages are unclaimed before and after that: what
 * was claimed is never unclaimed again.  -ENOENT if the pages were given up meanwhile.
 */
static struct file *make_file(unsigned long pfn, unsigned int order)
{
	unsigned long nr_pages = 1UL << order;
	struct file *file = ERR_PTR(-ENOENT);
	struct kho_mem *mem;
	int ret;

	lockdep_assert_not_held(&kho.lock);

	mem = kzalloc(sizeof(*mem), GFP_KERNEL);
	if (!mem)
		return ERR_PTR(-ENOMEM);
	kho_mem_init(mem, &page_mem_ops);
	mem->size = (u64)nr_pages << PAGE_SHIFT;
	ret = get_pages(mem, pfn, nr_pages);
	if (ret) {
		kfree(mem);
		return ERR_PTR(ret);
	}

	mutex_lock(&kho.lock);
	if (kho_unclaimed_has(pfn, order))
		file = kho_mem_file("kho-page", mem, O_RDWR, false);
	mutex_unlock(&kho.lock);
	if (IS_ERR(file)) {
		kho_mem_put_pages(mem);
		kfree(mem);
	}
	return file;
}

/**
 * kho_page_open() - make a file of pages that arrived, by number
 * @pfn: number of the first page
 * @order: log2 of the number of pages, as they were preserved
 * @file: set to the file
 *
 * Context: may sleep; takes kho.lock.
 * Return: 0, -ENOENT if no such block arrived or it is claimed, -ENOMEM, -ESHUTDOWN, -EPERM
 * under lockdown.
 */
int kho_page_open(u64 pfn, unsigned int order, struct file **file)
{
	int ret = kho_pages_check_lockdown();

	if (ret)
		return ret;
	mutex_lock(&kho.lock);
	if (!kho_unclaimed_has(pfn, order))
		ret = kho_backend_retrieve(pfn, order);
	mutex_unlock(&kho.lock);
	if (!ret) {
		*file = make_file(pfn, order);
		ret = PTR_ERR_OR_ZERO(*file);
	}
	if (ret == -ENOENT)
		ret = kho_refuse(ret, "pfn 0x%llx order %u did not arrive", pfn, order);
	return ret;
}

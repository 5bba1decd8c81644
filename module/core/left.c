// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record by which a module leaves everything to the next one in the same kernel: where
 * it lies, and how it is found.  The format is in include/kho/left.h.
 *
 * In between there is no module, so nothing of one may be in use: neither code nor static
 * data.  The record is a page of its own.  The kernel's table of resources leads to it, by
 * an entry that lies in this page as well, so any module that is loaded finds it, whoever
 * loads it.  It stays until a module has taken over for good what it leads to.
 *
 * Until then the pages that are preserved stay allocated, as they have references.  So
 * nothing can free them, move them, or take their memory offline.
 */
#define pr_fmt(fmt) "kho: " fmt

#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "compat/compat.h"
#include "core.h"
#include "left.h"
#include "mm/iomem.h"
#include "version.h"

static_assert(sizeof(struct kho_left) <= KHO_LEFT_RESOURCE);
static_assert(KHO_LEFT_RESOURCE + sizeof(struct resource) <= KHO_LEFT_TEXT);
static_assert(KHO_LEFT_TEXT + sizeof(KHO_LEFT_NAME) <= PAGE_SIZE);

#define PER_PAGE	(PAGE_SIZE - sizeof(struct kho_left_chain))

/* The page of the record that was found, or of the one that is prepared. */
static struct kho_left *found, *prepared;
/* What the record says, in full length. */
static struct kho_left said;

static struct resource *resource_of(struct kho_left *left)
{
	return (void *)left + KHO_LEFT_RESOURCE;
}

/* Where the records lie, and how many there are. */
struct search {
	u64 addr;
	u64 bytes;
	unsigned int nr;
};

static int note(struct resource *res, void *data)
{
	struct search *search = data;

	search->addr = res->start;
	search->bytes = resource_size(res);
	search->nr++;
	return 0;
}

/**
 * kho_left_page() - may this page be one that a module has left?
 * @pfn: its number
 *
 * Context: any.
 * Return: true if it is allocated, as far as its struct page shows.
 */
bool kho_left_page(u64 pfn)
{
	struct page *page = pfn < PHYS_PFN(kho_end_of_memory()) ?
			    pfn_to_online_page(pfn) : NULL;

	return page && !PageReserved(page) && !PageBuddy(page) && page_count(page) > 0;
}

/**
 * kho_left_refuse() - log why what a module has left can't be taken over
 * @why: the reason
 * @value: what it is about
 */
void kho_left_refuse(const char *why, u64 value)
{
	const char *by = found ? (const char *)said.by : "";

	pr_err("what another kho.ko (%s) has left in this kernel can't be taken over: %s (0x%llx); nothing is lost: load that version again\n",
	       *by ? by : "unknown version", why, value);
}

/* Logs what is wrong with the record itself. */
static int refuse(const char *why, u64 value)
{
	kho_left_refuse(why, value);
	found = NULL;
	return -EINVAL;
}

/**
 * kho_left_find() - find out whether a module has left anything in this kernel
 *
 * Context: may sleep.
 * Return: 0, or -EINVAL if it can't be read, which is logged: then this module must not be
 * loaded, as it would begin anew.
 */
int kho_left_find(void)
{
	struct search search = {};
	struct kho_left *left;
	const char *why;

	found = NULL;
	memset(&said, 0, sizeof(said));
	/* The result is -EINVAL if there is none. */
	walk_iomem_res_desc(KHO_LEFT_DESC, IORESOURCE_MEM, 0, U64_MAX, &search, note);
	if (!search.nr)
		return 0;
	if (search.nr > 1)
		return refuse("there are several records", search.nr);
	if (search.addr & ~PAGE_MASK || search.bytes != PAGE_SIZE ||
	    !kho_left_page(PHYS_PFN(search.addr)))
		return refuse("the record is not a page in use", search.addr);
	left = phys_to_virt(search.addr);
	why = kho_left_check(left, PAGE_SHIFT);
	if (why)
		return refuse(why, search.addr);
	if (resource_of(left)->start != search.addr ||
	    resource_of(left)->desc != KHO_LEFT_DESC)
		return refuse("the record is not the resource's", search.addr);
	memcpy(&said, left, min_t(size_t, left->size, sizeof(said)));
	said.by[sizeof(said.by) - 1] = 0;
	found = left;
	return 0;
}

/**
 * kho_left() - get what a module has left in this kernel
 *
 * Context: once kho_left_find() was called.
 * Return: the record, until kho_left_done(); or NULL if there is none.
 */
const struct kho_left *kho_left(void)
{
	return found ? &said : NULL;
}

/**
 * kho_left_read() - read a chain
 * @chain: physical address of its first page
 * @data: filled in
 * @bytes: how many it must have
 *
 * Context: may sleep.
 * Return: 0, or -EINVAL, which is logged.
 */
int kho_left_read(u64 chain, void *data, size_t bytes)
{
	size_t done, n;

	for (done = 0; done < bytes; done += n) {
		const struct kho_left_chain *page;

		n = min_t(size_t, bytes - done, PER_PAGE);
		if (chain & ~PAGE_MASK || !kho_left_page(PHYS_PFN(chain))) {
			kho_left_refuse("a chain leads to no page in use", chain);
			return -EINVAL;
		}
		page = phys_to_virt(chain);
		if (page->bytes != n) {
			kho_left_refuse("a chain has the wrong length", chain);
			return -EINVAL;
		}
		memcpy(data + done, page->data, n);
		chain = page->next;
	}
	if (!chain)
		return 0;
	kho_left_refuse("a chain is too long", chain);
	return -EINVAL;
}

static void free_chain(u64 chain)
{
	while (chain) {
		struct kho_left_chain *page = phys_to_virt(chain);

		chain = page->next;
		free_page((unsigned long)page);
	}
}

/**
 * kho_left_done() - remove the record, as all that it leads to was taken over
 *
 * Its chains must have been read.
 *
 * Context: may sleep.
 */
void kho_left_done(void)
{
	if (!found)
		return;
	free_chain(said.scratch_held);
	free_chain(said.pinned);
	free_chain(said.image);
	WARN_ON_ONCE(remove_resource(resource_of(found)));
	free_page((unsigned long)found);
	found = NULL;
}

/**
 * kho_left_prepare() - do everything that can fail when a module leaves
 *
 * The record is found from now on, but is none yet.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int kho_left_prepare(void)
{
	struct resource *resource;
	struct kho_left *left;

	if (prepared)
		return 0;
	left = (void *)get_zeroed_page(GFP_KERNEL);
	if (!left)
		return -ENOMEM;
	resource = resource_of(left);
	resource->name = strcpy((char *)left + KHO_LEFT_TEXT, KHO_LEFT_NAME);
	resource->start = virt_to_phys(left);
	resource->end = resource->start + PAGE_SIZE - 1;
	resource->flags = IORESOURCE_MEM | IORESOURCE_BUSY;
	resource->desc = KHO_LEFT_DESC;
	/* It lies within RAM; nothing else begins or ends inside of a page in use. */
	if (insert_resource(&iomem_resource, resource)) {
		free_page((unsigned long)left);
		return -ENOMEM;
	}
	prepared = left;
	return 0;
}

/**
 * kho_left_cancel() - undo kho_left_prepare()
 *
 * Context: may sleep.
 */
void kho_left_cancel(void)
{
	if (!prepared)
		return;
	WARN_ON_ONCE(remove_resource(resource_of(prepared)));
	free_page((unsigned long)prepared);
	prepared = NULL;
}

/**
 * kho_left_begin() - begin to write the record
 *
 * Context: after kho_left_prepare().
 * Return: the record, in which everything else is to be filled in.
 */
struct kho_left *kho_left_begin(void)
{
	strscpy((char *)prepared->by, KHO_VERSION, sizeof(prepared->by));
	prepared->page_shift = PAGE_SHIFT;
	return prepared;
}

/**
 * kho_left_write() - write a chain
 * @data: its content
 * @bytes: how many, at least 1
 *
 * Context: may sleep.  Does not fail: what is written takes little memory, and there is no
 * way back any more.
 * Return: physical address of its first page.
 */
u64 kho_left_write(const void *data, size_t bytes)
{
	u64 first = 0, *link = &first;
	size_t done, n;

	for (done = 0; done < bytes; done += n) {
		struct kho_left_chain *page = (void *)get_zeroed_page(GFP_KERNEL | __GFP_NOFAIL);

		n = min_t(size_t, bytes - done, PER_PAGE);
		page->bytes = n;
		memcpy(page->data, data + done, n);
		*link = virt_to_phys(page);
		link = &page->next;
	}
	return first;
}

/**
 * kho_left_publish() - make the record one that the next module reads
 */
void kho_left_publish(void)
{
	struct kho_left *left = prepared;

	left->version = KHO_LEFT_VERSION;
	left->size = sizeof(*left);
	left->must = KHO_LEFT_MUST;
	left->magic = KHO_LEFT_MAGIC;
	left->sum = kho_left_sum(left, left->size);
	prepared = NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client of the in-kernel API must not do, and what a previous kernel may have
 * written.  Stage 1 tries the first, and leaves valid lists.  Stage 2 corrupts these in
 * one way after the other, and restores the valid ones at the end.  Loading it fails if a
 * check fails.
 */
#define pr_fmt(fmt) "kho_misuse: " fmt

#include <linux/err.h>
#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/kho_radix_tree.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"

#define NAME		"kho_misuse"
#define ORDER		3
#define SHORT_PAGES	KHO_VMALLOC_SIZE	/* exactly one chunk */
#define LONG_PAGES	(2 * KHO_VMALLOC_SIZE + 5)

static unsigned int stage;
module_param(stage, uint, 0444);
MODULE_PARM_DESC(stage, "1: leave memory, 2: find it again");

static unsigned long long scratch;
module_param(scratch, ullong, 0444);
MODULE_PARM_DESC(scratch, "Physical address of the scratch area");

static unsigned long long scratch_bytes;
module_param(scratch_bytes, ullong, 0444);
MODULE_PARM_DESC(scratch_bytes, "How large that is");

/* What the subtree leads to. */
struct leaflet {
	struct kho_vmalloc small;
	struct kho_vmalloc large;
	u64 folio;
	u64 alloc;
};

#define CHECK(condition) do {						\
	if (!(condition)) {						\
		pr_err("line %d: not so: %s\n", __LINE__, #condition);	\
		return -EINVAL;						\
	}								\
} while (0)

/* ---- Before the jump ---- */

/*
 * Pages in scratch can't be preserved.  If the kernel itself lies there, any memory may.
 * So these functions allocate again until it does not, as a client has to do on EBUSY.
 */
#define TRIES	50

static bool in_scratch(struct page *page)
{
	return page_to_phys(page) - scratch < scratch_bytes;
}

static struct folio *alloc_elsewhere(gfp_t gfp, unsigned int order)
{
	struct page *page, *unfit[TRIES];
	unsigned int n = 0;

	for (;;) {
		page = alloc_pages(gfp, order);
		if (!page || n == TRIES || !in_scratch(page))
			break;
		unfit[n++] = page;
	}
	while (n--)
		__free_pages(unfit[n], order);
	return (struct folio *)page;
}

static bool area_in_scratch(char *ptr, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++)
		if (in_scratch(vmalloc_to_page(ptr + i * PAGE_SIZE)))
			return true;
	return false;
}

static void *vmalloc_elsewhere(unsigned long nr_pages)
{
	void *ptr, *unfit[TRIES];
	unsigned int n = 0;

	for (;;) {
		ptr = vmalloc(nr_pages * PAGE_SIZE);
		if (!ptr || n == TRIES || !area_in_scratch(ptr, nr_pages))
			break;
		unfit[n++] = ptr;
	}
	while (n--)
		vfree(unfit[n]);
	return ptr;
}

static int misuse_pages(void)
{
	struct page *page = (struct page *)alloc_elsewhere(GFP_KERNEL, 1);
	int ret;

	CHECK(page);
	/* The second page of an unsplit block has no reference, like a free page. */
	CHECK(kho_preserve_pages(page + 1, 1) == -EADDRNOTAVAIL);
	CHECK(kho_preserve_pages(page, 2) == -EADDRNOTAVAIL);
	CHECK(kho_preserve_pages(page, 0) == -EINVAL);
	/* If the kernel lies in scratch, so does the zero page. */
	ret = kho_preserve_pages(ZERO_PAGE(0), 1);
	CHECK(ret == -EADDRNOTAVAIL || ret == -EBUSY);
	CHECK(kho_preserve_pages(pfn_to_page(PHYS_PFN(scratch)), 1) == -EBUSY);
	CHECK(page_count(page) == 1);

	split_page(page, 1);
	CHECK(!kho_preserve_pages(page, 2));
	CHECK(kho_preserve_pages(page, 2) == -EEXIST);
	CHECK(kho_preserve_pages(page + 1, 1) == -EBUSY);
	kho_unpreserve_pages(page, 1);
	kho_unpreserve_pages(page + 1, 1);
	CHECK(page_count(page) == 2 && page_count(page + 1) == 2);
	kho_unpreserve_pages(page, 2);
	CHECK(page_count(page) == 1 && page_count(page + 1) == 1);
	kho_unpreserve_pages(page, 2);
	CHECK(page_count(page) == 1 && page_count(page + 1) == 1);
	__free_page(page);
	__free_page(page + 1);
	return 0;
}

static int misuse_folio(void)
{
	struct folio *folio = alloc_elsewhere(GFP_KERNEL | __GFP_COMP, ORDER);
	char *mem;

	CHECK(folio);
	CHECK(!kho_preserve_folio(folio));
	CHECK(folio_ref_count(folio) == 1 + BIT(ORDER));
	CHECK(kho_preserve_folio(folio) == -EEXIST);
	CHECK(kho_preserve_pages(folio_page(folio, 1), 1) == -EBUSY);
	CHECK(folio_ref_count(folio) == 1 + BIT(ORDER));
	kho_unpreserve_folio(folio);
	CHECK(folio_ref_count(folio) == 1);
	kho_unpreserve_folio(folio);
	CHECK(folio_ref_count(folio) == 1);
	folio_put(folio);

	CHECK(PTR_ERR(kho_alloc_preserve(0)) == -EINVAL);
	CHECK(PTR_ERR(kho_alloc_preserve(SIZE_MAX / 2)) == -E2BIG);
	mem = kho_alloc_preserve(PAGE_SIZE + 1);
	CHECK(!IS_ERR(mem) && !memchr_inv(mem, 0, 2 * PAGE_SIZE));
	CHECK(page_count(virt_to_page(mem)) == 3);
	get_page(virt_to_page(mem));
	kho_unpreserve_free(mem);
	/* The additional reference keeps the page, so it can be given up twice. */
	CHECK(page_count(virt_to_page(mem)) == 1);
	kho_unpreserve_free(mem);
	CHECK(page_count(virt_to_page(mem)) == 1);
	put_page(virt_to_page(mem));
	kho_unpreserve_free(NULL);
	return 0;
}

static int misuse_vmalloc(unsigned long nr_pages)
{
	char *ptr = vmalloc_elsewhere(nr_pages);
	struct kho_vmalloc vm = {}, bad;
	struct page *first, *last;

	CHECK(ptr);
	first = vmalloc_to_page(ptr);
	last = vmalloc_to_page(ptr + (nr_pages - 1) * PAGE_SIZE);

	CHECK(kho_preserve_vmalloc(ptr + 8, &vm) == -EINVAL);
	CHECK(nr_pages == 1 ||
	      kho_preserve_vmalloc(ptr + PAGE_SIZE, &vm) == -EINVAL);
	CHECK(kho_preserve_vmalloc(ptr + nr_pages * PAGE_SIZE, &vm) == -EINVAL);
	CHECK(kho_preserve_vmalloc(page_address(first), &vm) == -EINVAL);
	CHECK(!vm.first.phys && page_count(first) == 1);

	/* The last page is preserved already: none of the others must stay preserved. */
	CHECK(!kho_preserve_pages(last, 1));
	CHECK(kho_preserve_vmalloc(ptr, &vm) == -EEXIST);
	CHECK(!vm.first.phys && page_count(last) == 2);
	kho_unpreserve_pages(last, 1);
	CHECK(page_count(first) == 1 && page_count(last) == 1);

	CHECK(!kho_preserve_vmalloc(ptr, &vm));
	CHECK(vm.total_pages == nr_pages && vm.flags == 1 && !vm.order);
	CHECK(page_count(first) == 2 && page_count(last) == 2);
	CHECK(kho_preserve_vmalloc(ptr, &bad) == -EEXIST);

	bad = vm;
	bad.total_pages--;
	kho_unpreserve_vmalloc(&bad);
	bad.total_pages += 2;
	kho_unpreserve_vmalloc(&bad);
	bad = vm;
	bad.order = 1;
	kho_unpreserve_vmalloc(&bad);
	bad = vm;
	bad.first.phys = page_to_phys(first);
	kho_unpreserve_vmalloc(&bad);
	CHECK(page_count(first) == 2 && page_count(last) == 2);

	kho_unpreserve_vmalloc(&vm);
	CHECK(page_count(first) == 1 && page_count(last) == 1);
	kho_unpreserve_vmalloc(&vm);
	CHECK(page_count(first) == 1 && page_count(last) == 1);
	vfree(ptr);
	CHECK(kho_preserve_vmalloc(ptr, &vm) == -EINVAL);
	return 0;
}

static int leave_area(unsigned long nr_pages, struct kho_vmalloc *vm)
{
	u64 *ptr = vmalloc_elsewhere(nr_pages);
	unsigned long i;

	CHECK(ptr);
	for (i = 0; i < nr_pages * PAGE_SIZE / sizeof(*ptr); i++)
		ptr[i] = nr_pages + i;
	CHECK(!kho_preserve_vmalloc(ptr, vm));
	/* The pages stay preserved without the mapping. */
	vfree(ptr);
	return 0;
}

static int leave(void)
{
	struct leaflet *leaflet;
	struct folio *folio;
	int ret;

	leaflet = kho_alloc_preserve(sizeof(*leaflet));
	CHECK(!IS_ERR(leaflet));
	ret = leave_area(SHORT_PAGES, &leaflet->small) ?:
	      leave_area(LONG_PAGES, &leaflet->large);
	if (ret)
		return ret;
	folio = alloc_elsewhere(GFP_KERNEL | __GFP_COMP, ORDER);
	CHECK(folio);
	CHECK(!kho_preserve_folio(folio));
	leaflet->folio = virt_to_phys(folio_address(folio));
	folio_put(folio);
	leaflet->alloc = virt_to_phys(kho_alloc_preserve(1));
	CHECK(!kho_add_subtree(NAME, leaflet, sizeof(*leaflet)));
	return 0;
}

/* ---- After the jump ---- */

static int misuse_arrived_folio(u64 phys)
{
	struct page *page = pfn_to_page(PHYS_PFN(phys));
	struct folio *folio;

	CHECK(!kho_restore_folio(phys + 1));
	CHECK(!kho_restore_folio(phys + PAGE_SIZE));
	CHECK(!kho_restore_folio(0));
	CHECK(!kho_restore_folio(~0ULL));
	CHECK(!kho_restore_pages(phys, 1));
	get_page(page + 1);
	CHECK(!kho_restore_folio(phys));
	CHECK(!PageCompound(page));
	put_page(page + 1);
	folio = kho_restore_folio(phys);
	CHECK(folio && folio_order(folio) == ORDER && folio_ref_count(folio) == 1);
	CHECK(!kho_restore_folio(phys));
	CHECK(!kho_restore_pages(phys, BIT(ORDER)));
	/* Like any other memory, it can be handed on to the next kernel. */
	CHECK(!kho_preserve_folio(folio));
	kho_unpreserve_folio(folio);
	CHECK(folio_ref_count(folio) == 1);
	folio_put(folio);
	return 0;
}

static bool refused(struct kho_vmalloc vm)
{
	return !kho_restore_vmalloc(&vm);
}

#define WITH(vm, member, value) ({					\
	struct kho_vmalloc changed = (vm);				\
									\
	changed.member = (value);					\
	changed;							\
})

/* Errors in the struct that the client passes. */
static int misuse_struct(struct kho_vmalloc vm)
{
	unsigned int total = vm.total_pages;

	CHECK(refused(WITH(vm, total_pages, total - 1)));
	CHECK(refused(WITH(vm, total_pages, total + 1)));
	CHECK(refused(WITH(vm, total_pages, 0)));
	CHECK(refused(WITH(vm, total_pages, UINT_MAX)));
	CHECK(refused(WITH(vm, flags, 4)));
	CHECK(refused(WITH(vm, order, 1)));
	CHECK(refused(WITH(vm, order, BITS_PER_LONG)));
	CHECK(refused(WITH(vm, order, USHRT_MAX)));
	CHECK(refused(WITH(vm, first.phys, 0)));
	CHECK(refused(WITH(vm, first.phys, vm.first.phys + 8)));
	CHECK(refused(WITH(vm, first.phys, ~0ULL << PAGE_SHIFT)));
	return 0;
}

/* Changes a word of the list for one attempt. */
static bool refused_with(struct kho_vmalloc vm, u64 *word, u64 value)
{
	u64 good = *word;
	bool ret;

	*word = value;
	ret = refused(vm);
	*word = good;
	return ret;
}

/* Errors in the list that the previous kernel wrote. */
static int misuse_list(struct kho_vmalloc vm)
{
	struct kho_vmalloc_chunk *chunk = KHOSER_LOAD_PTR(vm.first);
	u64 *next = &chunk->hdr.next.phys, *phys = chunk->phys;
	struct page *page = alloc_page(GFP_KERNEL);
	u64 ours;

	CHECK(page);
	ours = page_to_phys(page);
	memset(page_address(page), 0, PAGE_SIZE);

	/* A page or chunk that is in the list twice, in a circle, or not preserved. */
	CHECK(refused_with(vm, next, vm.first.phys));
	CHECK(refused_with(WITH(vm, total_pages, 2 * vm.total_pages), next,
			   vm.first.phys));
	CHECK(refused_with(vm, next, phys[0]));
	CHECK(refused_with(vm, next, ours));
	CHECK(refused_with(vm, next, *next + 8));
	CHECK(refused_with(vm, &phys[1], phys[0]));
	CHECK(refused_with(vm, &phys[1], vm.first.phys));
	CHECK(refused_with(vm, &phys[1], ours));
	CHECK(refused_with(vm, &phys[1], phys[1] | 1));
	CHECK(refused_with(vm, &phys[1], ~0ULL << PAGE_SHIFT));
	CHECK(refused_with(vm, &phys[0], 0));
	CHECK(refused_with(vm, &phys[KHO_VMALLOC_SIZE - 1], 0));
	CHECK(refused(WITH(vm, first.phys, ours)));
	CHECK(page_count(page) == 1);
	__free_page(page);
	return 0;
}

static int take_area(unsigned long nr_pages, struct kho_vmalloc vm)
{
	u64 *ptr = kho_restore_vmalloc(&vm);
	struct page *page;
	unsigned long i;

	CHECK(ptr);
	for (i = 0; i < nr_pages * PAGE_SIZE / sizeof(*ptr); i++)
		CHECK(ptr[i] == nr_pages + i);
	page = vmalloc_to_page(ptr);
	CHECK(page_count(page) == 1);
	CHECK(refused(vm));
	CHECK(!kho_restore_pages(page_to_phys(page), 1));

	/* Like any other memory, it can be handed on to the next kernel. */
	CHECK(!kho_preserve_vmalloc(ptr, &vm) && vm.total_pages == nr_pages);
	kho_unpreserve_vmalloc(&vm);
	CHECK(page_count(page) == 1);
	vfree(ptr);
	return 0;
}

static int find(void)
{
	struct leaflet *leaflet, copy;
	phys_addr_t phys;
	size_t size;
	int ret;

	CHECK(kho_retrieve_subtree(NAME, NULL, &size) == -EINVAL);
	CHECK(!kho_retrieve_subtree(NAME, &phys, &size));
	CHECK(size == sizeof(*leaflet));
	leaflet = phys_to_virt(phys);
	copy = *leaflet;

	ret = misuse_arrived_folio(copy.folio) ?:
	      misuse_struct(copy.small) ?: misuse_struct(copy.large) ?:
	      misuse_list(copy.small) ?: misuse_list(copy.large) ?:
	      take_area(SHORT_PAGES, copy.small) ?:
	      take_area(LONG_PAGES, copy.large);
	if (ret)
		return ret;

	kho_restore_free(phys_to_virt(copy.alloc));
	kho_restore_free(phys_to_virt(copy.alloc));
	kho_restore_free(leaflet);
	CHECK(kho_retrieve_subtree(NAME, &phys, &size) == -ENOENT);
	kho_remove_subtree(leaflet);
	return 0;
}

static int __init misuse_init(void)
{
	int ret;

	if (stage == 1)
		ret = misuse_pages() ?: misuse_folio() ?: misuse_vmalloc(1) ?:
		      misuse_vmalloc(SHORT_PAGES - 1) ?:
		      misuse_vmalloc(SHORT_PAGES) ?:
		      misuse_vmalloc(SHORT_PAGES + 1) ?: leave();
	else
		ret = find();
	if (!ret)
		pr_info("stage %u ok\n", stage);
	return ret;
}

/* kho.ko keeps what stage 1 left. */
static void __exit misuse_exit(void)
{
}

module_init(misuse_init);
module_exit(misuse_exit);

MODULE_DESCRIPTION("What clients of kho must not do");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");

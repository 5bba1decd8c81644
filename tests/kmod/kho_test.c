// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of the in-kernel API: leaves memory for the next kernel in stage 1, finds it
 * again in stage 2, and tries in both what must be refused.  Loading it fails if a check
 * fails.
 */
#define pr_fmt(fmt) "kho_test: " fmt

#include <linux/io.h>
#include <linux/kexec_handover.h>
#include <linux/kho_radix_tree.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#define NAME		"kho_test"
#define MAGIC		0x6b686f2d74657374ULL
#define NR_BLOCKS	8
#define BLOCK_ORDER	3
#define BLOCK_PAGES	BIT(BLOCK_ORDER)

static unsigned int stage;
module_param(stage, uint, 0444);
MODULE_PARM_DESC(stage, "1: leave memory, 2: find it again");

/* The content of the page that the subtree leads to. */
struct leaflet {
	u64 magic;
	u64 nr;
	u64 addr[NR_BLOCKS];
};

#define CHECK(condition) do {						\
	if (!(condition)) {						\
		pr_err("line %d: not so: %s\n", __LINE__, #condition);	\
		return -EINVAL;						\
	}								\
} while (0)

static u64 word_of(u64 addr, unsigned int i)
{
	return addr * 0x9e3779b97f4a7c15ULL + i;
}

static void fill(struct page *page)
{
	u64 *word = page_address(page), addr = page_to_phys(page);
	unsigned int i;

	for (i = 0; i < BLOCK_PAGES * PAGE_SIZE / sizeof(*word); i++)
		word[i] = word_of(addr, i);
}

static bool is_filled(struct page *page)
{
	const u64 *word = page_address(page);
	u64 addr = page_to_phys(page);
	unsigned int i;

	for (i = 0; i < BLOCK_PAGES * PAGE_SIZE / sizeof(*word); i++)
		if (word[i] != word_of(addr, i))
			return false;
	return true;
}

static int walked;

static int count(phys_addr_t phys, unsigned int order)
{
	walked++;
	return 0;
}

static int stop(phys_addr_t phys, unsigned int order)
{
	return 42;
}

static const unsigned long scattered[] = {
	0x7fc0, 0x7fc2, 0x7fff, 0x8000, 0x8001, 0x80c3, 0x8042,
};

#define NR_SCATTERED	ARRAY_SIZE(scattered)

/* Tests a tree that preserves nothing. */
static int test_tree(void)
{
	struct kho_radix_tree *tree = kzalloc(sizeof(*tree), GFP_KERNEL);
	unsigned long done;

	if (!tree)
		return -ENOMEM;
	CHECK(!kho_radix_init_tree(tree));
	CHECK(!kho_radix_add_page(tree, 0x12345, 0));
	CHECK(kho_radix_add_page(tree, 0x12345, 0) == -EEXIST);
	CHECK(kho_radix_add_page(tree, 0x12344, 1) == -EBUSY);
	CHECK(kho_radix_add_page(tree, 0x12345, 1) == -EINVAL);
	CHECK(kho_radix_add_page(tree, 0, 64) == -EINVAL);
	CHECK(kho_radix_add_page(tree, 1UL << (64 - PAGE_SHIFT), 0) == -ERANGE);
	CHECK(!kho_radix_add_range(tree, 0x20001, 0x1ffe));
	CHECK(kho_radix_has_page(tree, 0x21000, 11));
	CHECK(!kho_radix_walk_tree(tree, count));
	CHECK(walked == 1 + 2 * 12);
	CHECK(kho_radix_walk_tree(tree, stop) == 42);
	CHECK(kho_radix_del_range(tree, 0x20001, 0x1fff) == -ENOENT);
	CHECK(!kho_radix_del_range(tree, 0x20001, 0x1ffe));
	CHECK(kho_radix_del_page(tree, 0x12346, 0) == -ENOENT);
	CHECK(!kho_radix_del_page(tree, 0x12345, 0));
	CHECK(tree->nr_nodes == 1 && !kho_radix_nr_pages(tree));

	/* A batch over two leaves, and a run that fails and leaves these marks alone. */
	CHECK(!kho_radix_add_batch(tree, scattered, NR_SCATTERED, 0, &done));
	CHECK(done == NR_SCATTERED &&
	      kho_radix_nr_pages(tree) == NR_SCATTERED);
	CHECK(kho_radix_add_run(tree, 0x7f00, 0, 0x200) == -EEXIST);
	CHECK(kho_radix_nr_pages(tree) == NR_SCATTERED);
	CHECK(!kho_radix_add_run(tree, 0x8100, 0, 0x200));
	CHECK(kho_radix_nr_keys(tree, 0) == NR_SCATTERED + 0x200);
	CHECK(kho_radix_del_run(tree, 0x8100, 0, 0x201) == -ENOENT);
	CHECK(!kho_radix_del_run(tree, 0x8100, 0, 0x200));
	CHECK(!kho_radix_del_batch(tree, scattered, NR_SCATTERED, 0, &done));
	CHECK(tree->nr_nodes == 1 && !kho_radix_nr_pages(tree));
	CHECK(kho_radix_del_batch(tree, scattered, NR_SCATTERED, 0, &done) ==
	      -ENOENT && !done);
	kho_radix_destroy_tree(tree);
	kfree(tree);
	return 0;
}

static int leave(void)
{
	struct leaflet *leaflet = (void *)get_zeroed_page(GFP_KERNEL);
	phys_addr_t phys;
	unsigned int i;

	CHECK(leaflet);
	leaflet->magic = MAGIC;
	leaflet->nr = NR_BLOCKS;
	for (i = 0; i < NR_BLOCKS; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, BLOCK_ORDER);

		CHECK(page);
		split_page(page, BLOCK_ORDER);
		fill(page);
		CHECK(!kho_preserve_pages(page, BLOCK_PAGES));
		CHECK(kho_preserve_pages(page, BLOCK_PAGES) == -EEXIST);
		CHECK(kho_preserve_pages(page, 1) == -EBUSY);
		CHECK(page_count(page) == 2);
		leaflet->addr[i] = page_to_phys(page);
	}
	/* Give the first block up and preserve it again. */
	kho_unpreserve_pages(pfn_to_page(PHYS_PFN(leaflet->addr[0])), BLOCK_PAGES);
	CHECK(page_count(pfn_to_page(PHYS_PFN(leaflet->addr[0]))) == 1);
	CHECK(!kho_preserve_pages(pfn_to_page(PHYS_PFN(leaflet->addr[0])), BLOCK_PAGES));

	CHECK(!kho_preserve_pages(virt_to_page(leaflet), 1));
	CHECK(kho_add_subtree("a/b", leaflet, sizeof(*leaflet)) == -EINVAL);
	CHECK(!kho_add_subtree(NAME, leaflet, sizeof(*leaflet)));
	CHECK(kho_add_subtree(NAME, leaflet, sizeof(*leaflet)) == -EEXIST);
	kho_remove_subtree(leaflet);
	CHECK(!kho_add_subtree(NAME, leaflet, sizeof(*leaflet)));
	CHECK(kho_retrieve_subtree("nothing", &phys, NULL) == -ENOENT);
	return 0;
}

static int find(void)
{
	struct leaflet *leaflet;
	struct page *page;
	phys_addr_t phys;
	unsigned int i;
	size_t size;

	CHECK(!kho_retrieve_subtree(NAME, &phys, &size));
	CHECK(size == sizeof(*leaflet));
	page = kho_restore_pages(phys, 1);
	CHECK(page && page_count(page) == 1 && !PageReserved(page));
	CHECK(!kho_restore_pages(phys, 1));
	leaflet = phys_to_virt(phys);
	CHECK(leaflet->magic == MAGIC && leaflet->nr == NR_BLOCKS);

	for (i = 0; i < NR_BLOCKS; i++) {
		CHECK(!kho_restore_pages(leaflet->addr[i] + 1, BLOCK_PAGES));
		CHECK(!kho_restore_pages(leaflet->addr[i], 1));
		page = kho_restore_pages(leaflet->addr[i], BLOCK_PAGES);
		CHECK(page && is_filled(page));
		free_contig_range(page_to_pfn(page), BLOCK_PAGES);
	}
	kho_remove_subtree(leaflet);
	free_page((unsigned long)leaflet);
	return 0;
}

static int __init kho_test_init(void)
{
	int ret = test_tree() ?: stage == 1 ? leave() : stage == 2 ? find() : 0;

	if (!ret)
		pr_info("stage %u ok\n", stage);
	return ret;
}

/* kho.ko keeps what stage 1 left. */
static void __exit kho_test_exit(void)
{
}

module_init(kho_test_init);
module_exit(kho_test_exit);

MODULE_DESCRIPTION("Test of the in-kernel API of kho");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");

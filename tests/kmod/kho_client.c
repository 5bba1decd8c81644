// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client of the in-kernel API, modelled on mainline's lib/test_kho.c.  It uses only
 * what mainline has, and all of it, and builds unchanged on a kernel with in-kernel KHO
 * and on one with kho.ko.
 *
 * If nothing of it arrived, it fills folios of all orders with random content, and
 * preserves them, a table of them, and a page that leads to the table.  If something did,
 * it restores all of it, compares, and frees it.  If it is unloaded before the jump, it
 * unpreserves what it preserved.
 *
 * Mainline's test has a device tree in that page.  libfdt is not exported to modules (up
 * to 7.3), so this has a struct.
 */
#define pr_fmt(fmt) "kho_client: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/jhash.h>
#include <linux/kexec_handover.h>
#include <linux/kho/abi/kexec_handover.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat/compat.h"

#define CLIENT_NAME	"kho_client"
#define CLIENT_MAGIC	0x6b686f2d636c6e74ULL
#define MAX_ORDER_USED	10		/* of x86's kernels with 4K pages */
#define EXTRA_PAGES	3		/* preserved as pages, in one row */
#define TRIES		10
#define BETWEEN_TRIES	500		/* ms */

static unsigned int pages = 8192;
module_param(pages, uint, 0444);
MODULE_PARM_DESC(pages, "Base pages to preserve in folios");

/* What the subtree leads to. */
struct client_page {
	u64 magic;
	u32 nr_folios;
	u32 sum;
	/* A table of nr_folios words: an address and an order. */
	struct kho_vmalloc table;
	/* EXTRA_PAGES pages, each with its number, and a folio of text. */
	u64 extra;
	u64 text;
};

static struct {
	/* Preserved in this kernel, not by the previous one. */
	bool saved;
	struct client_page *page;
	struct folio **folios;
	u32 nr_folios;
	u64 *table;
	struct page *extra;
	char *text;
} client;

static const char text[] = "What is preserved stays what it was.";

static u32 sum_folio(struct folio *folio, u32 sum)
{
	return jhash(folio_address(folio), folio_size(folio), sum);
}

/* ---- Before the jump ---- */

static void drop_folios(u32 nr_preserved)
{
	u32 i;

	for (i = 0; i < client.nr_folios; i++) {
		if (i < nr_preserved)
			kho_unpreserve_folio(client.folios[i]);
		folio_put(client.folios[i]);
	}
	client.nr_folios = 0;
	kvfree(client.folios);
}

/* Each order at least once, then any. */
static int make_folios(u32 *sum)
{
	u32 room = pages, done = 0;

	client.folios = kvcalloc(room, sizeof(*client.folios), GFP_KERNEL);
	if (!client.folios)
		return -ENOMEM;
	while (done < pages) {
		unsigned int order = client.nr_folios <= MAX_ORDER_USED ?
				     MAX_ORDER_USED - client.nr_folios :
				     get_random_u32() % (MAX_ORDER_USED + 1);
		struct folio *folio;

		while (1U << order > pages - done)
			order--;
		folio = folio_alloc(GFP_KERNEL | __GFP_NORETRY, order);
		if (!folio)
			return -ENOMEM;
		client.folios[client.nr_folios++] = folio;
		get_random_bytes(folio_address(folio), folio_size(folio));
		*sum = sum_folio(folio, *sum);
		done += 1U << order;
	}
	return 0;
}

static int make_extra(void)
{
	unsigned int i;
	int ret;

	client.extra = alloc_pages(GFP_KERNEL, get_order(EXTRA_PAGES * PAGE_SIZE));
	if (!client.extra)
		return -ENOMEM;
	split_page(client.extra, get_order(EXTRA_PAGES * PAGE_SIZE));
	for (i = EXTRA_PAGES; i < roundup_pow_of_two(EXTRA_PAGES); i++)
		__free_page(client.extra + i);
	for (i = 0; i < EXTRA_PAGES; i++)
		memset(page_address(client.extra + i), 'a' + i, PAGE_SIZE);
	ret = kho_preserve_pages(client.extra, EXTRA_PAGES);
	if (!ret)
		return 0;
	for (i = 0; i < EXTRA_PAGES; i++)
		__free_page(client.extra + i);
	return ret;
}

static void drop_extra(void)
{
	unsigned int i;

	kho_unpreserve_pages(client.extra, EXTRA_PAGES);
	for (i = 0; i < EXTRA_PAGES; i++)
		__free_page(client.extra + i);
}

static int save(void)
{
	struct client_page *page;
	struct folio *folio;
	u32 sum = 0, i = 0;
	int ret;

	ret = make_folios(&sum);
	if (ret)
		goto err_folios;
	client.table = vmalloc_array(client.nr_folios, sizeof(*client.table));
	if (!client.table) {
		ret = -ENOMEM;
		goto err_folios;
	}
	for (i = 0; i < client.nr_folios; i++) {
		folio = client.folios[i];
		client.table[i] = virt_to_phys(folio_address(folio)) |
				  folio_order(folio);
		ret = kho_preserve_folio(folio);
		if (ret)
			goto err_table;
	}

	folio = folio_alloc(GFP_KERNEL | __GFP_ZERO, 0);
	if (!folio) {
		ret = -ENOMEM;
		goto err_table;
	}
	page = folio_address(folio);
	page->magic = CLIENT_MAGIC;
	page->nr_folios = client.nr_folios;
	page->sum = sum;
	ret = kho_preserve_folio(folio);
	if (ret)
		goto err_page;
	ret = kho_preserve_vmalloc(client.table, &page->table);
	if (ret)
		goto err_unpreserve;
	ret = make_extra();
	if (ret)
		goto err_vmalloc;
	page->extra = page_to_phys(client.extra);

	client.text = kho_alloc_preserve(5 * PAGE_SIZE);
	if (IS_ERR(client.text)) {
		ret = PTR_ERR(client.text);
		goto err_extra;
	}
	strscpy(client.text, text, sizeof(text));
	page->text = virt_to_phys(client.text);

	ret = kho_add_subtree(CLIENT_NAME, page, sizeof(*page));
	if (ret)
		goto err_text;
	client.page = page;
	client.saved = true;
	pr_info("saved %u folios, sum %08x\n", client.nr_folios, sum);
	return 0;

err_text:
	kho_unpreserve_free(client.text);
err_extra:
	drop_extra();
err_vmalloc:
	kho_unpreserve_vmalloc(&page->table);
err_unpreserve:
	kho_unpreserve_folio(folio);
err_page:
	folio_put(folio);
err_table:
	vfree(client.table);
err_folios:
	drop_folios(i);
	return ret;
}

static void unsave(void)
{
	struct folio *folio = virt_to_folio(client.page);

	kho_remove_subtree(client.page);
	kho_unpreserve_free(client.text);
	drop_extra();
	kho_unpreserve_vmalloc(&client.page->table);
	kho_unpreserve_folio(folio);
	folio_put(folio);
	vfree(client.table);
	drop_folios(client.nr_folios);
}

/* ---- After the jump ---- */

#define CHECK(condition) do {						\
	if (!(condition)) {						\
		pr_err("line %d: not so: %s\n", __LINE__, #condition);	\
		return -EINVAL;						\
	}								\
} while (0)

static int restore_folios(const u64 *table, u32 nr, u32 wanted)
{
	u32 i, sum = 0;

	for (i = 0; i < nr; i++) {
		struct folio *folio = kho_restore_folio(table[i] & PAGE_MASK);

		CHECK(folio);
		CHECK(folio_order(folio) == (table[i] & ~PAGE_MASK));
		CHECK(folio_ref_count(folio) == 1 && !folio_mapped(folio));
		CHECK(!folio_test_reserved(folio));
		sum = sum_folio(folio, sum);
		folio_put(folio);
	}
	CHECK(sum == wanted);
	return 0;
}

static int restore_extra(u64 phys)
{
	struct page *page = kho_restore_pages(phys, EXTRA_PAGES);
	unsigned int i;

	CHECK(page);
	for (i = 0; i < EXTRA_PAGES; i++) {
		CHECK(page_count(page + i) == 1 && !PageCompound(page + i));
		CHECK(!memchr_inv(page_address(page + i), 'a' + i, PAGE_SIZE));
		__free_page(page + i);
	}
	return 0;
}

static int restore(phys_addr_t phys, size_t size)
{
	struct client_page *page;
	struct folio *folio;
	u64 *table;
	int ret;

	CHECK(is_kho_boot());
	CHECK(size == sizeof(*page) && !offset_in_page(phys));
	folio = kho_restore_folio(phys);
	CHECK(folio && folio_order(folio) == 0);
	page = folio_address(folio);
	CHECK(page->magic == CLIENT_MAGIC && page->nr_folios);
	CHECK(page->table.total_pages * (PAGE_SIZE / sizeof(*table)) >=
	      page->nr_folios);

	table = kho_restore_vmalloc(&page->table);
	CHECK(table && is_vmalloc_addr(table));
	ret = restore_folios(table, page->nr_folios, page->sum);
	if (ret)
		return ret;
	vfree(table);
	ret = restore_extra(page->extra);
	if (ret)
		return ret;
	CHECK(!strcmp(phys_to_virt(page->text), text));
	kho_restore_free(phys_to_virt(page->text));

	pr_info("restored %u folios, sum %08x\n", page->nr_folios, page->sum);
	/* Otherwise it would be handed on, with nothing behind it. */
	kho_remove_subtree(page);
	folio_put(folio);
	return 0;
}

static int __init client_init(void)
{
	phys_addr_t phys;
	size_t size;
	int ret, try;

	if (!kho_is_enabled()) {
		pr_err("nothing can be preserved\n");
		return -EOPNOTSUPP;
	}
	ret = kho_retrieve_subtree(CLIENT_NAME, &phys, &size);
	if (!ret)
		return restore(phys, size);
	if (ret != -ENOENT) {
		pr_err("looking for what arrived: error %d\n", ret);
		return ret;
	}
	/*
	 * With kho.ko a page may lie in scratch, if the kernel itself lies there.  Once
	 * it is free again, the module sets it aside.
	 */
	ret = save();
	for (try = 1; ret == -EBUSY && try < TRIES; try++) {
		msleep(BETWEEN_TRIES);
		ret = save();
	}
	return ret;
}

static void __exit client_exit(void)
{
	if (client.saved)
		unsave();
}

module_init(client_init);
module_exit(client_exit);

MODULE_DESCRIPTION("A client of mainline's in-kernel KHO API");
MODULE_AUTHOR("The kho project");
MODULE_LICENSE("GPL");

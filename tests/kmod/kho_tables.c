// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows what firmware has left in memory, for the tests: where it is, a checksum of it,
 * and how many of its pages are not reserved, or that they are not RAM.  Then it refuses
 * to stay loaded.
 *
 * It uses the module's own code, so the tests also compare its output with what the
 * kernel has found.
 */
#include "module/arch/x86/firmware.c"
#include "module/base/read-file.c"

#include <linux/gfp.h>

/* The module has this function in another file. */
u64 kho_end_of_memory(void)
{
	return U64_MAX;
}

static u64 number_of(u64 addr, u64 bytes)
{
	const u8 *at = memremap(addr, bytes, MEMREMAP_WB);
	u64 i, number = 0xcbf29ce484222325ULL;

	if (!at)
		return 0;
	/* FNV-1a */
	for (i = 0; i < bytes; i++)
		number = (number ^ at[i]) * 0x100000001b3ULL;
	memunmap((void *)at);
	return number;
}

static int show(u64 addr, u64 bytes, void *data)
{
	unsigned long pfn, open = 0;

	if (!page_is_ram(PHYS_PFN(addr))) {
		/* Memory after this page may be anything. */
		pr_info("table 0x%llx %llu bytes number %016llx no RAM\n", addr, bytes,
			number_of(addr, min_t(u64, bytes, PAGE_SIZE - offset_in_page(addr))));
		return 0;
	}
	for (pfn = PHYS_PFN(addr); pfn < PFN_UP(addr + bytes); pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		open += page && !PageReserved(page);
	}
	pr_info("table 0x%llx %llu bytes number %016llx open %lu\n", addr, bytes,
		number_of(addr, bytes), open);
	return 0;
}

#ifdef CONFIG_EFI
/* Tests the parsers on a page as firmware might fill it in, reserved and not reserved. */

static u8 *page;

static void __init judge(const char *what, u64 got, u64 want)
{
	if (got == want)
		pr_info("parser %s: ok\n", what);
	else
		pr_info("parser %s: %llu, not %llu\n", what, got, want);
}

static void __init put(unsigned int at, u64 value, unsigned int bytes)
{
	memcpy(page + at, &value, bytes);
}

static void __init read_sizes(u64 addr)
{
	memset(page, 0, PAGE_SIZE);
	put(4, 3, 4);
	put(8, 48, 4);
	judge("attributes", attributes_bytes(addr), 16 + 3 * 48);
	put(4, U32_MAX, 4);
	put(8, U32_MAX, 4);
	judge("attributes, too many", attributes_bytes(addr),
	      16 + (u64)U32_MAX * U32_MAX);

	memset(page, 0, PAGE_SIZE);
	put(0, 2, 4);
	put(4, 5, 4);
	judge("esrt", esrt_bytes(addr), 16 + 2 * 40);
	judge("seed", seed_bytes(addr), 4 + 2);
	judge("tpm", tpm_bytes(addr), 9 + 2);

	memset(page, 0, PAGE_SIZE);
	page[0] = 'A';
	put(256, 10, 8);
	page[264 + 10] = 'B';
	put(264 + 10 + 256, 20, 8);
	judge("mokvar", mokvar_bytes(addr), 3 * 264 + 10 + 20);
	put(256, U64_MAX, 8);
	judge("mokvar, too long", mokvar_bytes(addr), LONGEST);
	/* The table does not end within the reserved page. */
	put(256, PAGE_SIZE - 264 - 100, 8);
	page[PAGE_SIZE - 100] = 'B';
	judge("mokvar, no end", mokvar_bytes(addr), UNKNOWN);
}

static u64 told;

static int __init count(u64 addr, u64 bytes, void *data)
{
	told += bytes;
	return 0;
}

static u64 __init told_of(u64 addr)
{
	struct teller teller = { .fn = count };

	told = 0;
	tell_reserved(&teller, addr);
	return told;
}

static void __init read_list(u64 addr)
{
	memset(page, 0, PAGE_SIZE);
	put(0, 4, 4);		/* room for four */
	put(4, 2, 4);		/* two */
	put(16, SZ_1G, 8);
	put(24, 100, 8);
	put(32, SZ_2G, 8);
	put(40, 200, 8);
	judge("list", told_of(addr), 16 + 4 * 16 + 100 + 200);
	put(4, U32_MAX, 4);
	judge("list, more than it has room for", told_of(addr), 16 + 4 * 16 + 100 + 200);
	put(4, 1, 4);
	put(8, addr, 8);
	judge("list, a ring", told_of(addr) / MOST_ENTRIES < SZ_4K, true);
	put(24, U64_MAX, 8);
	put(8, 0, 8);
	judge("list, too long", told_of(addr), 16 + 4 * 16 + LONGEST);
}

static int __init test_parsers(void)
{
	u64 addr;

	page = (u8 *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	addr = virt_to_phys(page);
	put(0, 2, 4);
	judge("of nobody's, esrt", esrt_bytes(addr), UNKNOWN);
	judge("of nobody's, list", told_of(addr), 0);
	SetPageReserved(virt_to_page(page));
	read_sizes(addr);
	read_list(addr);
	ClearPageReserved(virt_to_page(page));
	free_page((unsigned long)page);
	return 0;
}
#else
static int __init test_parsers(void)
{
	return 0;
}
#endif

static int __init kho_tables_init(void)
{
	struct teller teller = { .fn = show };
	int ret = test_parsers();

	if (ret)
		return ret;
	tell_efi(&teller);
	tell_acpi(&teller);
	return -ECANCELED;
}
module_init(kho_tables_init);

MODULE_DESCRIPTION("Shows what firmware has left in RAM, for tests");
MODULE_LICENSE("GPL");

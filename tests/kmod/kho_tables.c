// SPDX-License-Identifier: GPL-2.0-only
/*
 * What firmware has left in RAM, for the tests: where it is, what it has in it as a
 * number, and how many of its pages are not reserved.  Then it refuses to stay loaded.
 *
 * What it looks at is what the module looks at; so the tests compare it with what the
 * kernel has found, too.
 */
#include "module/firmware.c"
#include "module/read-file.c"

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

	if (!page_is_ram(PHYS_PFN(addr)))
		return 0;
	for (pfn = PHYS_PFN(addr); pfn < PFN_UP(addr + bytes); pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		open += page && !PageReserved(page);
	}
	pr_info("table 0x%llx %llu bytes number %016llx open %lu\n", addr, bytes,
		number_of(addr, bytes), open);
	return 0;
}

static int __init kho_tables_init(void)
{
	struct teller teller = { .fn = show };

	tell_efi(&teller);
	tell_acpi(&teller);
	return -ECANCELED;
}
module_init(kho_tables_init);

MODULE_DESCRIPTION("Shows what firmware has left in RAM, for tests");
MODULE_LICENSE("GPL");

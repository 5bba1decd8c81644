/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The decompressor's part of the boot stub, included by its kaslr.c.  With a
 * handover, the kernel may be placed only in scratch, where the previous kernel
 * preserved nothing.  If the handover makes no sense, this offers no place: the
 * kernel stays where kexec put it, and refuses the handover later.
 */
#ifdef CONFIG_KHO_BOOTSTUB

#include <kho/abi.h>

/*
 * The zero page.  The name of kaslr.c's own pointer to it was changed in 6.7 and in
 * some stable kernels; this is what mem_avoid_init() makes of it in all.
 */
static struct boot_params *kho_zero_page(void)
{
	return (void *)(unsigned long)mem_avoid[MEM_AVOID_BOOTPARAMS].start;
}

/* Is this RAM, according to the boot loader's e820 table? */
static bool kho_is_ram(u64 start, u64 size)
{
	struct boot_params *zero = kho_zero_page();
	int i;

	for (i = 0; i < zero->e820_entries; i++) {
		struct boot_e820_entry *entry = &zero->e820_table[i];

		if (entry->type == E820_TYPE_RAM && start >= entry->addr &&
		    start - entry->addr <= entry->size &&
		    size <= entry->size - (start - entry->addr))
			return true;
	}
	return false;
}

/* Returns true if there is a handover, even if no place was found. */
static bool kho_boot_slots(unsigned long minimum, unsigned long image_size)
{
	struct kho_scratch *scratch;
	struct setup_data *node;
	struct kho_data *data;
	char arg[8];
	u64 i, nr;

	/* mem_avoid_overlap() trusts this list as well. */
	node = (void *)(unsigned long)kho_zero_page()->hdr.setup_data;
	while (node && node->type != SETUP_KEXEC_KHO)
		node = (void *)(unsigned long)node->next;
	if (!node)
		return false;

	if (cmdline_find_option("kho", arg, sizeof(arg)) == 3 &&
	    !strncmp(arg, "off", 3))
		return false;

	data = (void *)node->data;
	if (node->len == sizeof(*data) && !data->fdt_addr)
		return false;
	if (node->len != sizeof(*data) ||
	    !data->scratch_size || data->scratch_size > PAGE_SIZE ||
	    data->scratch_size % sizeof(*scratch) ||
	    !kho_is_ram(data->scratch_addr, data->scratch_size))
		return true;
	scratch = (void *)(unsigned long)data->scratch_addr;
	nr = data->scratch_size / sizeof(*scratch);

	/* Mainline kernels put the array itself into scratch. */
	mem_avoid[MEM_AVOID_KHO].start = data->scratch_addr;
	mem_avoid[MEM_AVOID_KHO].size = data->scratch_size;

	for (i = 0; i < nr; i++) {
		struct mem_vector region = {
			.start = scratch[i].addr,
			.size = scratch[i].size,
		};

		if (kho_is_ram(region.start, region.size) &&
		    process_mem_region(&region, minimum, image_size))
			break;
	}
	return true;
}

#else

static inline bool kho_boot_slots(unsigned long minimum, unsigned long image_size)
{
	return false;
}

#endif

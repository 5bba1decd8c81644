// SPDX-License-Identifier: GPL-2.0
/*
 * The boot stub on x86: the hand-off is a node in the boot protocol's setup_data
 * list.  The kernel reserves the nodes of that list itself.
 */
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <asm/early_ioremap.h>
#include <asm/setup.h>
#include <asm/tsc.h>

#include <kho/kho_boot.h>

static_assert(KHO_SETUP_HANDOVER == SETUP_KEXEC_KHO);

void __init kho_boot_setup_data(u64 phys, u32 len)
{
	const size_t header = sizeof(struct kho_setup_node);
	struct kho_data *data = early_memremap(phys + header, sizeof(*data));

	if (!data)
		return;
	/* The caller's @len includes the header. */
	kho_boot_found(phys, len - header, data);
	early_memunmap(data, sizeof(*data));
}

bool __init kho_boot_envelope(void *node)
{
	return kho_setup_seal(node);
}

/* x86 reserves the first MiB for itself. */
u64 __init kho_arch_lowest(void)
{
	return SZ_1M;
}

const char * __init kho_arch_holder(u64 addr)
{
	u64 start = boot_params.hdr.ramdisk_image |
		    (u64)boot_params.ext_ramdisk_image << 32;
	u64 size = boot_params.hdr.ramdisk_size |
		   (u64)boot_params.ext_ramdisk_size << 32;

	if (start && addr >= start && addr - start < PAGE_ALIGN(size))
		return "lies on the new kernel's initrd";
	return NULL;
}

/* Pages that the graphics of some processors write to: see trim_snb_memory(). */
static const u64 kho_snb_pages[] __initconst = {
	0x20050000, 0x20110000, 0x20130000, 0x20138000, 0x40004000,
};

void __init kho_arch_reserved(void)
{
	unsigned int i;

	/* These are so few that it is not worth checking for such a processor. */
	for (i = 0; i < ARRAY_SIZE(kho_snb_pages); i++)
		kho_release_not(kho_snb_pages[i], PAGE_SIZE);
}

u64 __init kho_arch_clock(void)
{
	return rdtsc_ordered();
}

/* tsc_early_init() has run, but may have found no way to measure the rate. */
s64 __init kho_arch_usecs(u64 ticks)
{
	if (!tsc_khz)
		return -1;
	return mul_u64_u32_div(ticks, 1000, tsc_khz);
}

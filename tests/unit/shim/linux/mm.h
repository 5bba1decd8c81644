/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MM_H
#define SHIM_LINUX_MM_H

#include <linux/gfp.h>
#include <linux/types.h>

/* PAGE_SHIFT comes from the compiler's command line. */
#define PAGE_SIZE	(1UL << PAGE_SHIFT)

#define PHYS_PFN(phys)	((unsigned long)((phys) >> PAGE_SHIFT))

static inline phys_addr_t virt_to_phys(const volatile void *virt)
{
	return pages_phys((const void *)virt);
}

static inline void *phys_to_virt(phys_addr_t phys)
{
	return pages_virt(phys);
}

#endif

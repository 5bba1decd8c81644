// SPDX-License-Identifier: GPL-2.0-only
/*
 * Damages what the next kernel will read, for the tests: it changes eight bytes of memory
 * at a physical address, which may be misaligned, and then refuses to stay loaded.  Some
 * versions of insmod then try again, so doing it twice must have the same effect.
 */
#define pr_fmt(fmt) "kho_poke: " fmt

#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

static unsigned long long addr;
module_param(addr, ullong, 0);
MODULE_PARM_DESC(addr, "Physical address");

static unsigned long long value;
module_param(value, ullong, 0);
MODULE_PARM_DESC(value, "What to write there");

static char *op = "set";
module_param(op, charp, 0);
MODULE_PARM_DESC(op, "or: set bits; set: replace all (default set)");

static int __init kho_poke_init(void)
{
	unsigned long first = PHYS_PFN(addr), last = PHYS_PFN(addr + 7);
	u64 old, new;
	void *p;

	if (!pfn_to_online_page(first) || !pfn_to_online_page(last)) {
		pr_err("addr=0x%llx is no memory\n", addr);
		return -ENXIO;
	}
	p = phys_to_virt(addr);
	memcpy(&old, p, sizeof(old));
	if (!strcmp(op, "set")) {
		new = value;
	} else if (!strcmp(op, "or")) {
		new = old | value;
	} else {
		pr_err("op=%s is neither set nor or\n", op);
		return -EINVAL;
	}
	memcpy(p, &new, sizeof(new));
	pr_info("0x%llx: 0x%llx is now 0x%llx\n", addr, old, new);

	/* Done: do not stay loaded. */
	return -ECANCELED;
}
module_init(kho_poke_init);

MODULE_DESCRIPTION("Changes memory at a physical address, for tests");
MODULE_LICENSE("GPL");

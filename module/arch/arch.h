/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What only an architecture knows: how a kernel is told of a handover, how one that came
 * is found, and where the kernel and firmware lie.
 *
 * arch/x86/ is the only one so far.  Another one is another folder, which Kbuild chooses;
 * nothing else asks which it is.
 */
#ifndef KHO_ARCH_H
#define KHO_ARCH_H

#include <linux/types.h>

#include "arch/envelope.h"
#include "mm/iomem.h"

struct kho_boot_info;

/**
 * struct kho_boot_list - the setup_data list that this kernel was started with
 */
struct kho_boot_list {
	/** @announcements: nodes of type SETUP_KEXEC_KHO; one is right. */
	unsigned int announcements;
	/** @node: physical address of the last of them. */
	u64 node;
	/** @len: of its data, as it says. */
	u32 len;
	/** @taken: it has been taken over already. */
	bool taken;
	/** @cut_off: only its beginning could be read. */
	bool cut_off;
	/** @data: what it says, if its length is right. */
	struct kho_data data;
	/** @nr: envelopes; more than there is room for is an error. */
	unsigned int nr;
	/** @envelope: as they come. */
	struct kho_envelope envelope[KHO_ENVELOPES_MAX];
	/** @first_node: lowest address of a node of an envelope. */
	u64 first_node;
	/** @last_node: highest address of one. */
	u64 last_node;
};

/* What this kernel was started with */
const char *kho_arch_find(struct kho_boot_list *list);
bool kho_arch_by_kexec(void);
void kho_arch_taken(const struct kho_boot_list *list);
int kho_arch_each_setup(kho_range_fn_t fn, kho_range_fn_t others, void *data);
struct kho_boot_info *kho_arch_boot_info_get(void);
void kho_arch_boot_info_put(void);

/* What the next kernel is told, in a page of its own */
void kho_arch_publish(void *page, u64 fdt_addr, const struct kho_scratch *scratch);
void kho_arch_announce(void *page, const struct kho_envelope *envelope,
		       unsigned int nr);
void kho_arch_retire(void *page);

/* What lies where */
bool kho_arch_holds_kernel(u64 addr);
int kho_arch_each_reserved(kho_range_fn_t fn, void *data);
int kho_arch_each_doubtful(kho_range_fn_t fn, void *data);

#endif /* KHO_ARCH_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Architecture-specific code: announcing a handover to the next kernel, finding an
 * incoming one, and finding out where kernel and firmware lie.
 *
 * x86 is the only architecture so far.  Each has its own folder.  Only Kbuild knows which
 * one is built, apart from compat/.
 *
 * The list of setup_data is x86's way to announce a handover.  struct kho_boot_list below,
 * incoming/setup-list.c and announcement.c, and include/kho/abi.h speak of it; another
 * architecture has to fill the same struct in, or make it more general.
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
	/**
	 * @announcements: number of nodes of type SETUP_KEXEC_KHO or KHO_SETUP_TAKEN;
	 * more than one is an error.
	 */
	unsigned int announcements;
	/** @node: physical address of the last of these nodes. */
	u64 node;
	/** @len: length of its data, according to the node. */
	u32 len;
	/** @taken: this handover has already been taken over. */
	bool taken;
	/** @cut_off: only the beginning of the list could be read, or be trusted. */
	bool cut_off;
	/** @data: data of @node, if its length is right. */
	struct kho_data data;
	/** @nr: number of envelopes; more than KHO_ENVELOPES_MAX is an error. */
	unsigned int nr;
	/** @envelope: the envelopes in the order of the list. */
	struct kho_envelope envelope[KHO_ENVELOPES_MAX];
	/** @first_node: lowest address of an envelope's node. */
	u64 first_node;
	/** @last_node: highest address of an envelope's node. */
	u64 last_node;
};

/* What this kernel was started with */
const char *kho_arch_find(struct kho_boot_list *list, bool strict);
bool kho_arch_by_kexec(void);
void kho_arch_taken(const struct kho_boot_list *list);
int kho_arch_each_setup(kho_range_fn_t fn, kho_range_fn_t others, void *data);
struct kho_boot_info *kho_arch_boot_info_get(void);
void kho_arch_boot_info_put(void);

/* The announcement for the next kernel, in a page of its own */
void kho_arch_publish(void *page, u64 fdt_addr, const struct kho_scratch *scratch);
void kho_arch_announce(void *page, const struct kho_envelope *envelope,
		       unsigned int nr);
void kho_arch_retire(void *page);

/* The announcement to a kernel that kexec_file_load() is loading */
struct kimage;
bool kho_arch_image_has(const struct kimage *image, u64 addr, u64 end);
const char *kho_arch_image_announce(struct kimage *image, u64 addr);

/* Memory that kernel and firmware use */
bool kho_arch_holds_kernel(u64 addr);
int kho_arch_each_reserved(kho_range_fn_t fn, void *data);
int kho_arch_each_doubtful(kho_range_fn_t fn, void *data);

#endif /* KHO_ARCH_H */

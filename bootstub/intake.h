/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kho_boot.c has read of the handover, and how it checks and refuses: for
 * kho_keep.c, and for nobody else.
 */
#ifndef KHO_INTAKE_H
#define KHO_INTAKE_H

#include <linux/mm.h>

#include <kho/kho_boot.h>
#include <kho/fdt.h>

/* What the architecture found. */
extern struct kho_in {
	struct kho_data data;
	u64 where;
	u32 len;
	unsigned int nr;
	bool off;
} kho_in;

extern struct kho_fdt kho_fdt;
extern struct kho_scratch kho_scratch[PAGE_SIZE / sizeof(struct kho_scratch)];
extern unsigned int kho_scratch_nr;
/* The pages that the scratch array is in. */
extern u64 kho_array, kho_array_size;

/* Addresses of which all that has to be true is known to be. */
struct kho_span {
	u64 start;
	u64 end;
};

/* @what is the subject of the sentence, or NULL if @why is a whole one. */
int kho_refuse(const char *what, const char *why, u64 where, u64 value);
bool kho_overlap(u64 a, u64 a_size, u64 b, u64 b_size);
int kho_check_place(const char *what, u64 addr, u64 size, struct kho_span *span);
int kho_check_marked(u64 addr, u64 size, struct kho_span *span);

/* kho_keep.c; fills in what was kept.  An error has been logged. */
int kho_keep(struct kho_boot_info *info);

#endif /* KHO_INTAKE_H */

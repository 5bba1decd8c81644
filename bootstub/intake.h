/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kho_boot.c has read of the handover, and its helpers to check and refuse it.
 * Only kho_keep.c uses this.
 */
#ifndef KHO_INTAKE_H
#define KHO_INTAKE_H

#include <linux/mm.h>

#include <kho/kho_boot.h>
#include <kho/fdt.h>

/* The hand-off that the architecture found. */
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
/* The pages that contain the scratch array. */
extern u64 kho_array, kho_array_size;

/* A range: of addresses that are known to pass kho_check_place(), or of PFNs. */
struct kho_span {
	u64 start;
	u64 end;
};

/* @what is the subject of the error message, or NULL if @why is a full sentence. */
int kho_refuse(const char *what, const char *why, u64 where, u64 value);
bool kho_overlap(u64 a, u64 a_size, u64 b, u64 b_size);
int kho_check_place(const char *what, u64 addr, u64 size, struct kho_span *span);
int kho_check_marked(u64 addr, u64 size, struct kho_span *span);

/* In kho_keep.c.  Fills in what was kept.  Logs any error itself. */
int kho_keep(struct kho_boot_info *info);

#endif /* KHO_INTAKE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a handover to a kernel image can work: "check --target" and "load"
 * ask the same code.
 */
#ifndef KHOCTL_PLAN_H
#define KHOCTL_PLAN_H

#include <linux/kho.h>

#include "base/defs.h"
#include "base/findings.h"
#include "base/json.h"
#include "target/image.h"
#include "target/target.h"

/**
 * struct boot_need - the RAM that a kernel takes to boot, in bytes
 *
 * The sum of these is an estimate, on the safe side.
 */
struct boot_need {
	/** @image: init_size and alignment of the image. */
	__u64 image;
	/** @initrd: the file. */
	__u64 initrd;
	/** @unpacked: what is in the initrd: INITRD_FACTOR times the file. */
	__u64 unpacked;
	/** @structs: struct pages: RAM / 64. */
	__u64 structs;
	/** @tables: page tables with pages of 2 MiB: RAM / 2^18. */
	__u64 tables;
	/** @base: all else until there is a shell. */
	__u64 base;
};

#define INITRD_FACTOR	4
#define STRUCTS_SHIFT	6
#define TABLES_SHIFT	18
#define BOOT_BASE	(96 * MIB)

/* How what is preserved gets there */
enum arrives {
	ARRIVES_UNKNOWN,
	ARRIVES_NOT,
	ARRIVES_EXACT,		/* page by page */
	ARRIVES_ENVELOPES,	/* in envelopes; page by page once the module is loaded */
};

/* What --handoff says */
enum handoff {
	HANDOFF_AUTO,
	HANDOFF_EXACT,
	HANDOFF_ENVELOPES,
};

/*
 * From so many keys on a mainline kernel is told of envelopes instead.  It needs
 * some 10 ns times the square of their number, under emulation: 0.2 s here.
 */
#define KEYS_MANY	4096

/**
 * struct plan - a kernel, the module's state, and what follows
 */
struct plan {
	/* What is judged */
	const struct kho_query *query;
	const struct image_file *file;
	const struct target *target;
	const char *initrd;
	__u64 initrd_size;
	unsigned int abi;		/* of --abi, or 0 */
	enum handoff want;		/* of --handoff */

	/* What comes out */
	__u32 abis;			/* like target.abis, with --abi */
	__u32 handoff;			/* KHO_HANDOFF_*: what suits it */
	enum arrives arrives;
	struct boot_need need;
	__u64 needed;			/* the sum of need */
	__u64 left;			/* RAM for the boot, or 0: not known */
	__u64 scratch_needed;
	struct findings findings;
};

void plan_make(struct plan *p);
void plan_free(struct plan *p);
void plan_json(const struct plan *p, struct json_object *root);

/* The value of --abi.  Return: DONE or USAGE */
int parse_abi(const char *arg, unsigned int *abi);
/* The value of --handoff.  Return: DONE or USAGE */
int parse_handoff(const char *arg, enum handoff *want);
/* "exact" or "envelopes" */
const char *handoff_str(__u32 handoff);

#endif /* KHOCTL_PLAN_H */

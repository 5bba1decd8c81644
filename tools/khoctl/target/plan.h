/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Judging whether a handover to a kernel image can work, for "check --target" and "load".
 */
#ifndef KHOCTL_PLAN_H
#define KHOCTL_PLAN_H

#include <linux/kho.h>

#include "base/defs.h"
#include "base/findings.h"
#include "base/json.h"
#include "target/cmdline.h"
#include "target/image.h"
#include "target/initrd.h"
#include "target/target.h"

/**
 * struct boot_need - the RAM that a kernel needs to boot, in bytes
 *
 * The sum is a conservative estimate.
 */
struct boot_need {
	/** @image: init_size and alignment of the image. */
	__u64 image;
	/** @initrd: the file. */
	__u64 initrd;
	/** @unpacked: contents of the initrd; if unknown, INITRD_FACTOR times the file. */
	__u64 unpacked;
	/** @structs: struct pages: RAM / 64. */
	__u64 structs;
	/** @tables: page tables with pages of 2 MiB: RAM / 2^18. */
	__u64 tables;
	/** @base: everything else, up to a shell. */
	__u64 base;
	/** @takes: what the command line takes. */
	__u64 takes;
};

#define STRUCTS_SHIFT	6
#define TABLES_SHIFT	18
#define BOOT_BASE	(96 * MIB)

/* How preserved memory arrives */
enum arrives {
	ARRIVES_UNKNOWN,
	ARRIVES_NOT,
	ARRIVES_EXACT,		/* page by page */
	ARRIVES_ENVELOPES,	/* in envelopes; page by page once the module is loaded */
};

/* The value of --handoff */
enum handoff {
	HANDOFF_AUTO,
	HANDOFF_EXACT,
	HANDOFF_ENVELOPES,
};

/*
 * With this many keys, a mainline kernel gets envelopes instead.  The time that it needs
 * for keys grows with the square of their number: about 0.2 s for these, under emulation.
 */
#define KEYS_MANY	4096

/**
 * struct plan - the prospects of a handover to a kernel
 */
struct plan {
	/* Input */
	const struct kho_query *query;
	const struct image_file *file;
	const struct target *target;
	const char *initrd;
	__u64 initrd_size;
	unsigned int abi;		/* value of --abi, or 0 */
	enum handoff want;		/* value of --handoff */
	struct cmdline cmdline;		/* its input: --append and --reuse-cmdline */

	/* Output */
	__u32 abis;			/* target.abis, as --abi restricts it */
	__u32 handoff;			/* the KHO_HANDOFF_* that suits it */
	enum arrives arrives;
	struct boot_need need;
	__u64 needed;			/* the sum of need */
	__u64 left;			/* RAM left for booting, or 0: unknown */
	__u64 ballooned;		/* what the host takes of it by a balloon */
	__u64 loading;			/* RAM that loading needs now */
	struct initrd look;
	__u64 scratch_needed;
	struct findings findings;
};

/* @dev: the device */
void plan_make(struct plan *p, int dev);
void plan_free(struct plan *p);
void plan_json(const struct plan *p, struct json_object *root);

/* Parses the value of --abi.  Return: DONE or USAGE */
int parse_abi(const char *arg, unsigned int *abi);
/* Parses the value of --handoff.  Return: DONE or USAGE */
int parse_handoff(const char *arg, enum handoff *want);
/* "exact", "envelopes" or "unknown" */
const char *handoff_str(__u32 handoff);

#endif /* KHOCTL_PLAN_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a kernel image will make of a handover.
 */
#ifndef KHOCTL_TARGET_H
#define KHOCTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "target/image.h"

enum target_kind {
	TARGET_UNKNOWN,
	TARGET_STOCK,		/* knows nothing of handovers */
	TARGET_STUB,		/* has the boot stub */
	TARGET_MAINLINE,	/* has Kexec Handover of its own */
};

#define TARGET_MAX_EVIDENCE 4

/**
 * struct target - the result
 */
struct target {
	/** @kind: what it is. */
	enum target_kind kind;
	/** @release: the kernel's, printable, or "". */
	char release[96];
	/** @major: of the release, or 0 if it can't be read. */
	unsigned int major;
	unsigned int minor;
	/** @abis: bit N is set if it speaks kho-vN. */
	__u32 abis;
	/** @on: mainline's KHO is on without kho=on. */
	bool on;
	/** @damage: why this kernel could not even start, or NULL. */
	char *damage;
	/** @advice: what would tell more, or NULL. */
	char *advice;
	/** @evidence: what was found, the best first. */
	char *evidence[TARGET_MAX_EVIDENCE];
	size_t nr_evidence;
};

/* Looks at an image that image_read() has read.  Prints nothing. */
void target_look(struct target *t, const struct image_file *file);
void target_free(struct target *t);

/* "stub", "mainline", "stock" or "unknown" */
const char *target_kind_str(enum target_kind kind);
/* "kho-v3 and kho-v4", "none"; in a static buffer */
const char *target_abis_str(__u32 abis);
/* True if the release is known and before @major.@minor */
bool target_before(const struct target *t, unsigned int major,
		   unsigned int minor);

#endif /* KHOCTL_TARGET_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding out what a kernel image will do with a handover.
 */
#ifndef KHOCTL_TARGET_H
#define KHOCTL_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#include "target/image.h"

enum target_kind {
	TARGET_UNKNOWN,
	TARGET_STOCK,		/* no KHO */
	TARGET_STUB,		/* the boot stub */
	TARGET_MAINLINE,	/* in-kernel KHO */
};

#define TARGET_MAX_EVIDENCE 4

/**
 * struct target - what is known about a kernel image
 */
struct target {
	/** @kind: its kind. */
	enum target_kind kind;
	/** @release: release of the kernel, printable, or "". */
	char release[96];
	/** @major: first number of the release, or 0 if it cannot be parsed. */
	unsigned int major;
	unsigned int minor;
	/** @abis: bit N is set if the kernel speaks kho-vN. */
	__u32 abis;
	/** @on: in-kernel KHO is on by default. */
	bool on;
	/** @builtin: the command line that it was built with, or NULL. */
	char *builtin;
	/** @builtin_only: it takes no other. */
	bool builtin_only;
	/** @damage: why the kernel could not even start, or NULL. */
	char *damage;
	/** @not_now: why it could not be examined, through no fault of its own, or NULL. */
	char *not_now;
	/** @advice: what to do to find out more, or NULL. */
	char *advice;
	/** @evidence: the evidence, the best first. */
	char *evidence[TARGET_MAX_EVIDENCE];
	size_t nr_evidence;
};

/* Examines an image from image_read().  Prints nothing. */
void target_look(struct target *t, const struct image_file *file);
void target_free(struct target *t);

/* "stub", "mainline", "stock" or "unknown" */
const char *target_kind_str(enum target_kind kind);
/* "kho-v3 and kho-v4" or "none", in a static buffer */
const char *target_abis_str(__u32 abis);
/*
 * True if it has in-kernel KHO of another format than ours, kho-v1: it refuses the handover
 * before it has done anything with it, and then does what a stock kernel does
 */
bool target_disregards(const struct target *t);
/* True if the release is known to be before @major.@minor */
bool target_before(const struct target *t, unsigned int major,
		   unsigned int minor);

#endif /* KHOCTL_TARGET_H */

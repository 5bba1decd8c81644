/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of "khoctl load".
 */
#ifndef KHOCTL_LOAD_H
#define KHOCTL_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/kho.h>

#include "target/image.h"
#include "target/kexec.h"
#include "target/plan.h"
#include "target/target.h"

/**
 * struct load - the kernel to be loaded
 */
struct load {
	const char *kernel;
	const char *initrd;
	const char *kexec;
	unsigned int abi;
	enum handoff handoff;
	bool dry_run;
	bool force;
	bool no_checks;

	int dev;
	struct kho_query query;
	bool own_kho;			/* in-kernel KHO does the work */
	bool by_file;			/* by kexec_file_load(), of the image as it is */
	struct image_file file;
	struct target target;
	struct plan plan;
	__u64 initrd_size;
	/* kexec reads them itself, after khoctl; the first only if @by_file. */
	struct watched watched_kernel;
	struct watched watched_initrd;
	char *program;
	char *args[13];			/* NULL-terminated; [0] is program */
	struct kexec_segment *segs;
	size_t nr_segs;
	int was_loaded;
	bool fell_back;			/* from envelopes to an exact handover */
};

/* The functions print errors and return DONE or FAILED. */

/* Builds the command line of kexec. */
int load_build_args(struct load *l);
/* Runs kexec and verifies the result; unloads an image that is not safe. */
int load_run(struct load *l);
/* Prints what was done, or what would be done. */
void load_report(const struct load *l);

#endif /* KHOCTL_LOAD_H */

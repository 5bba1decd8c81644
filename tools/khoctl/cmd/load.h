/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts of "khoctl load".
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
 * struct load - a kernel that is to be loaded
 */
struct load {
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *kexec;
	unsigned int abi;
	enum handoff handoff;
	bool reuse_cmdline;
	bool dry_run;
	bool force;
	bool no_checks;

	int dev;
	struct kho_query query;
	bool own_kho;			/* the kernel's own KHO does it */
	struct image_file file;
	struct target target;
	struct plan plan;
	__u64 initrd_size;
	__u64 limit;			/* of its memory, or 0 */
	int fd;				/* the copy of the image, or -1 */
	char *program;
	char *args[13];			/* NULL-terminated; [0] is program */
	struct kexec_segment *segs;
	size_t nr_segs;
	int was_loaded;
	bool fell_back;			/* from envelopes to each page */
};

/* These print what goes wrong; they return DONE or FAILED. */

/* What the next kernel's command line says of KHO, and how long it is */
int load_check_cmdline(const struct load *l);
/* What lies behind the end of its memory is lost to the next kernel. */
int load_check_limit(struct load *l);
/* The command line of kexec */
int load_build_args(struct load *l);
/* Runs kexec and judges what it did; what is not safe is unloaded again. */
int load_run(struct load *l);
/* What was done, or what would be done */
void load_report(const struct load *l);

#endif /* KHOCTL_LOAD_H */

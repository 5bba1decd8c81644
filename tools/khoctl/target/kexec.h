/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kexec program and its output.
 */
#ifndef KHOCTL_KEXEC_H
#define KHOCTL_KEXEC_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/**
 * struct kexec_segment - a part of the next kernel, and its place in memory
 */
struct kexec_segment {
	__u64 mem;
	__u64 memsz;
	__u64 buf;		/* in kexec's own memory; 0 if it does not say so */
	__u64 bufsz;
	unsigned int has;	/* 1: mem, 2: memsz */
};

/* Path of kexec: @path, or the result of program_find(); the caller frees it. */
char *kexec_find(const char *path);
/*
 * Parses the list of segments in the output of kexec -d.  Return: NULL, or why the list is
 * not complete
 */
const char *kexec_segments(const char *output, struct kexec_segment **segs,
			   size_t *nr);
/*
 * Unloads the next kernel.  @file: by kexec -s, which lockdown allows; else by kexec -c.
 * Prints errors.  Return: DONE or FAILED
 */
int kexec_unload(const char *program, bool file);

#endif /* KHOCTL_KEXEC_H */

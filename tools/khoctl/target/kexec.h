/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Running the stock kexec program and judging what it did.
 */
#ifndef KHOCTL_KEXEC_H
#define KHOCTL_KEXEC_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/**
 * struct kexec_segment - where kexec puts a part of the next kernel
 */
struct kexec_segment {
	__u64 mem;
	__u64 memsz;
	unsigned int has;	/* 1: mem, 2: memsz */
};

/* Path of kexec: @path, or what program_find() says; the caller frees it. */
char *kexec_find(const char *path);
/*
 * Takes the list of segments out of what kexec -d prints.  Return: NULL, or
 * why that is no complete list.
 */
const char *kexec_segments(const char *output, struct kexec_segment **segs,
			   size_t *nr);
/*
 * kexec -c -u, or with @file -s -u, which lockdown allows as well; prints what
 * goes wrong.  Return: DONE or FAILED
 */
int kexec_unload(const char *program, bool file);

#endif /* KHOCTL_KEXEC_H */

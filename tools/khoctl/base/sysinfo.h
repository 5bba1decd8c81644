/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Information about the running system, from /proc, /sys, /boot and /lib/modules.
 * Tests set KHO_SYSROOT, which is put before these paths.
 */
#ifndef KHOCTL_SYSINFO_H
#define KHOCTL_SYSINFO_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* @path below KHO_SYSROOT; the caller frees it. */
char *sys_path(const char *path);
bool sys_exists(const char *path);
/*
 * Reads the start of a file, without a trailing newline.  Return: the length, or a
 * negative errno
 */
int sys_read(const char *path, char *buf, size_t size);
/* Release of the running kernel */
const char *sys_release(void);
/* "none", "integrity", "confidentiality", or NULL if unknown */
const char *sys_lockdown(void);
/* The lockdown level if it prevents a handover, else NULL */
const char *sys_locked_down(void);
/* What to do about it */
#define LOCKDOWN_FIX	"turn Secure Boot off, or boot without lockdown="
/* 1: an image is loaded, 0: none is, negative errno: the kernel has no kexec */
int sys_kexec_loaded(void);
/*
 * Returns NULL, or why the kernel would refuse kexec_load().  @file: ask about
 * kexec_file_load() instead, which lockdown allows for signed kernels
 */
const char *sys_kexec_refusal(bool file);
/* True if the kernel has in-kernel KHO, and if it has but KHO is off */
bool sys_own_kho(void);
bool sys_kho_off(void);
/* The address where RAM ends, or 0 if unknown */
__u64 sys_memory_end(void);
/* The N of the "kho-vN" that in-kernel KHO speaks, or 0 if debugfs does not show it */
unsigned int sys_kernel_abi(void);
/* Number of NUMA nodes; 1 if unknown */
unsigned int sys_nodes(void);
/* True if the file @path contains @word, such as a flag in /proc/cpuinfo */
bool sys_has_word(const char *path, const char *word);

#endif /* KHOCTL_SYSINFO_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running system says about itself in /proc, /sys, /boot and
 * /lib/modules.  KHO_SYSROOT is put before these paths, for tests.
 */
#ifndef KHOCTL_SYSINFO_H
#define KHOCTL_SYSINFO_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* @path below KHO_SYSROOT; the caller frees it */
char *sys_path(const char *path);
bool sys_exists(const char *path);
/* The file's start without the last newline: bytes, or negative errno */
int sys_read(const char *path, char *buf, size_t size);
/* Release of this kernel */
const char *sys_release(void);
/* "none", "integrity" or "confidentiality", or NULL if that can't be told */
const char *sys_lockdown(void);
/* The same, if it forbids what a handover needs, or NULL */
const char *sys_locked_down(void);
/* The one thing that can be done about it */
#define LOCKDOWN_FIX	"turn Secure Boot off, or boot without lockdown="
/* 1: an image is loaded, 0: none; negative errno: no such kernel */
int sys_kexec_loaded(void);
/*
 * NULL, or why kexec_load() would be refused; @file: or kexec_file_load(), which
 * lockdown allows for kernels with a signature
 */
const char *sys_kexec_refusal(bool file);
/* True if the kernel has Kexec Handover of its own, and if that is off */
bool sys_own_kho(void);
bool sys_kho_off(void);
/* What "kho=" says in a command line: 1 on, 0 off, -1 nothing */
int cmdline_kho(const char *cmdline);
/* The address at which RAM ends, or 0 if that can't be told */
__u64 sys_memory_end(void);
/*
 * What the KHO of this kernel speaks, if it has its own and debugfs shows it:
 * the number in "kho-vN", or 0
 */
unsigned int sys_kernel_abi(void);
/* True if @word is a word of @path, such as a flag in /proc/cpuinfo */
bool sys_has_word(const char *path, const char *word);

#endif /* KHOCTL_SYSINFO_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guard of khoctl load: even if khoctl is killed, no kernel stays loaded unchecked.
 */
#ifndef KHOCTL_GUARD_H
#define KHOCTL_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct guard - a process that unloads the kernel if khoctl is killed
 */
struct guard {
	pid_t pid;	/* the process, or 0 */
	int fd;		/* khoctl's and kexec's end of the pipe */
};

/*
 * Waits until no other khoctl load is running, and keeps others waiting.  Return: a
 * descriptor to be closed at the end, or -1 if there is no lock
 */
int load_lock(void);
/*
 * Call this before @program loads a kernel.  Until guard_end(), the guard unloads it if
 * khoctl dies.  @file: it is loaded by kexec_file_load().  Return: DONE or FAILED
 */
int guard_start(struct guard *guard, const char *program, bool file);
/* Call this once the kernel has been checked or unloaded. */
void guard_end(struct guard *guard);

#endif /* KHOCTL_GUARD_H */

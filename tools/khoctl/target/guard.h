/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is true of khoctl load even if it is killed.
 */
#ifndef KHOCTL_GUARD_H
#define KHOCTL_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct guard - sees to it that nothing stays loaded that nobody has checked
 */
struct guard {
	pid_t pid;	/* of a process, or 0 */
	int fd;		/* held by khoctl and by kexec; the process sees it go */
};

/*
 * One khoctl load at a time: waits for another.  Return: a descriptor to be closed
 * at the end, or -1 if there is no such lock
 */
int load_lock(void);
/*
 * Before something is loaded by @program, or with @file by kexec_file_load():
 * from here on until guard_end() it is unloaded if khoctl dies.  Return: DONE or
 * FAILED
 */
int guard_start(struct guard *guard, const char *program, bool file);
/* What is loaded now has been checked, or was unloaded. */
void guard_end(struct guard *guard);

#endif /* KHOCTL_GUARD_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding and running other programs.
 */
#ifndef KHOCTL_PROGRAM_H
#define KHOCTL_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Called in a child, before execve(): has the kernel kill it when khoctl, @parent, dies.
 * Return: false if khoctl is dead already
 */
bool die_with(pid_t parent);
/* Finds a program in PATH or the sbin directories; the caller frees the path. */
char *program_find(const char *name);
/*
 * Runs @argv without a shell.  @output: set to what it writes to stdout and stderr,
 * NUL-terminated; the caller frees it.  Return: the wait status, or a negative errno
 */
int program_run(const char * const *argv, char **output);
/* "exit status 1", "killed by signal 9" */
const char *program_status_str(int status);
/* The last line of the output that is of use in a message, or "" */
const char *program_last_line(const char *output);
/* Quotes @argv for a shell; the caller frees the text. */
char *program_quote(const char * const *argv);

#endif /* KHOCTL_PROGRAM_H */

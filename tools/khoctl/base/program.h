/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Other programs: finding them, running them, and what they say.
 */
#ifndef KHOCTL_PROGRAM_H
#define KHOCTL_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * In a child, before it becomes another program: to be killed when khoctl dies,
 * however that happens.  @parent is khoctl.  Return: false if it is dead already
 */
bool die_with(pid_t parent);
/* Path of a program in PATH or the sbin directories, or NULL; the caller frees it. */
char *program_find(const char *name);
/*
 * Runs @argv without a shell.  @output gets what it writes to stdout and
 * stderr, NUL-terminated; the caller frees it.  Return: its wait status, or
 * a negative errno.
 */
int program_run(const char * const *argv, char **output);
/* "exit status 1", "killed by signal 9" */
const char *program_status_str(int status);
/* The program's last words, for a message; "" if it said nothing */
const char *program_last_line(const char *output);
/* @argv as a shell would take it; the caller frees it */
char *program_quote(const char * const *argv);

#endif /* KHOCTL_PROGRAM_H */

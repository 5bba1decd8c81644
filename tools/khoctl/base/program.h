/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Finding and running other programs.
 */
#ifndef KHOCTL_PROGRAM_H
#define KHOCTL_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

/* The exit status of a program that can't be run; also that of the dynamic linker */
#define PROGRAM_NOT_RUN	127

/*
 * Called once at the start: programs do not inherit files that khoctl has not opened, and
 * no file of khoctl becomes its standard input, output or error.
 */
void program_own_files(void);
/*
 * What programs get for their environment.  Once it was called, it allocates nothing, so it
 * may be called in a child that is short of memory.
 */
char **program_env(void);
/*
 * Called in a child: runs @argv with these three files.  Of the environment it gets PATH
 * alone, so that XZ_OPT, GZIP, LD_PRELOAD and the like do not matter.  The kernel kills it
 * when khoctl, @parent, dies.
 */
void program_exec(const char * const *argv, pid_t parent, int in, int out, int err)
	__attribute__((noreturn));
/* Finds a program in PATH or the sbin directories; the caller frees the path. */
char *program_find(const char *name);
/*
 * Runs @argv without a shell.  @output: set to what it writes to stdout and stderr,
 * NUL-terminated; the caller frees it.  Return: the wait status, or a negative errno
 */
int program_run(const char * const *argv, char **output);
/* "exit status 1", "killed by signal 9" */
const char *program_status_str(int status);
/* True if it could not even start; its last line says why */
bool program_not_run(int status);
/*
 * True if it failed, with @words as its last line, because of what it lacked here and now:
 * memory, or what a limit would not give it.  This says nothing about its input.
 */
bool program_lacks_memory(int status, const char *words);
/* The last line of the output that is of use in a message, or "" */
const char *program_last_line(const char *output);
/* Quotes @argv for a shell; the caller frees the text. */
char *program_quote(const char * const *argv);

#endif /* KHOCTL_PROGRAM_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages on stderr, which begin with "khoctl CMD: ".
 */
#ifndef KHOCTL_MESSAGE_H
#define KHOCTL_MESSAGE_H

#include <stdbool.h>

#include "base/defs.h"

/* A message that was printed, without "khoctl CMD: " */
struct message {
	char *text;
	int err;			/* an errno, or 0 */
	bool warning;
	struct message *next;
};

/* Sets the CMD of all later messages; @name must stay valid. */
void set_command_name(const char *name);
void cmd_warn(const char *fmt, ...) PRINTF(1, 2);
/* Return: FAILED */
int cmd_err(const char *fmt, ...) PRINTF(1, 2);
/* Like cmd_err(), followed by the text of errno value @err or -@err */
int cmd_errno_err(int err, const char *fmt, ...) PRINTF(2, 3);
/* Return: USAGE */
int usage_error(const char *fmt, ...) PRINTF(1, 2);
/* The first of the messages printed so far, at most some; NULL: none */
const struct message *first_message(void);
/* The first that is no warning, or NULL */
const struct message *first_error(void);
/*
 * Flushes stdout, which may fail (full disk, closed pipe).  Return: @status, or FAILED
 * instead of DONE
 */
int finish_output(int status);

#endif /* KHOCTL_MESSAGE_H */

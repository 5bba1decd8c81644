/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages on stderr, which begin with "khoctl CMD: ".
 */
#ifndef KHOCTL_MESSAGE_H
#define KHOCTL_MESSAGE_H

#include "base/defs.h"

/* The CMD in messages from now on; @name has to stay. */
void set_command_name(const char *name);
void cmd_warn(const char *fmt, ...) PRINTF(1, 2);
/* Return: FAILED */
int cmd_err(const char *fmt, ...) PRINTF(1, 2);
/* The same, with the text of @err, which may be negative, at the end */
int cmd_errno_err(int err, const char *fmt, ...) PRINTF(2, 3);
/* Return: USAGE */
int usage_error(const char *fmt, ...) PRINTF(1, 2);
/*
 * Writes stdout to its end, which may be a full disk or a closed pipe.  Return:
 * @status, or FAILED in place of DONE
 */
int finish_output(int status);

#endif /* KHOCTL_MESSAGE_H */

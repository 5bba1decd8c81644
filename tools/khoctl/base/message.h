/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages on stderr, which begin with "khoctl CMD: ".
 */
#ifndef KHOCTL_MESSAGE_H
#define KHOCTL_MESSAGE_H

#include "base/defs.h"

/* Sets the CMD of all later messages; @name must stay valid. */
void set_command_name(const char *name);
void cmd_warn(const char *fmt, ...) PRINTF(1, 2);
/* Return: FAILED */
int cmd_err(const char *fmt, ...) PRINTF(1, 2);
/* Like cmd_err(), followed by the text of errno value @err or -@err */
int cmd_errno_err(int err, const char *fmt, ...) PRINTF(2, 3);
/* Return: USAGE */
int usage_error(const char *fmt, ...) PRINTF(1, 2);
/*
 * Flushes stdout, which may fail (full disk, closed pipe).  Return: @status, or FAILED
 * instead of DONE
 */
int finish_output(int status);

#endif /* KHOCTL_MESSAGE_H */

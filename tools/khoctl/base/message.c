// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/defs.h"
#include "base/message.h"

static const char *command_name;

void set_command_name(const char *name)
{
	command_name = name;
}

static void PRINTF(2, 0) vcomplain(int err, const char *fmt, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "khoctl%s%s: ", command_name ? " " : "",
		command_name ? command_name : "");
	vfprintf(stderr, fmt, args);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
}

void cmd_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, fmt, args);
	va_end(args);
}

int cmd_err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, fmt, args);
	va_end(args);
	return FAILED;
}

int cmd_errno_err(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(err < 0 ? -err : err, fmt, args);
	va_end(args);
	return FAILED;
}

int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, fmt, args);
	va_end(args);
	fprintf(stderr, "Try 'khoctl %s%s--help'.\n",
		command_name ? command_name : "", command_name ? " " : "");
	return USAGE;
}

int finish_output(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		cmd_errno_err(errno, "cannot write the output");
		if (status == DONE)
			status = FAILED;
	}
	return status;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/message.h"

/* How many messages are kept: rm may print one for each of its arguments. */
#define KEEP	100

static const char *command_name;
static struct message *messages, **last_message = &messages;
static unsigned int kept;

void set_command_name(const char *name)
{
	command_name = name;
}

/* Without memory, the message was at least printed. */
static void keep(char *text, int err, bool warning)
{
	struct message *m = kept < KEEP ? calloc(1, sizeof(*m)) : NULL;

	if (!m) {
		free(text);
		return;
	}
	m->text = text;
	m->err = err;
	m->warning = warning;
	*last_message = m;
	last_message = &m->next;
	kept++;
}

static void PRINTF(3, 0) vcomplain(int err, bool warning, const char *fmt,
				   va_list args)
{
	char *text, *full;

	fflush(stdout);
	fprintf(stderr, "khoctl%s%s: ", command_name ? " " : "",
		command_name ? command_name : "");
	if (vasprintf(&text, fmt, args) < 0) {
		fputs("out of memory\n", stderr);
		return;
	}
	if (err && asprintf(&full, "%s: %s", text, strerror(err)) >= 0) {
		free(text);
		text = full;
	}
	fprintf(stderr, "%s\n", text);
	keep(text, err, warning);
}

const struct message *first_message(void)
{
	return messages;
}

const struct message *first_error(void)
{
	const struct message *m = messages;

	while (m && m->warning)
		m = m->next;
	return m;
}

void cmd_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, true, fmt, args);
	va_end(args);
}

int cmd_err(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, false, fmt, args);
	va_end(args);
	return FAILED;
}

int cmd_errno_err(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(err < 0 ? -err : err, false, fmt, args);
	va_end(args);
	return FAILED;
}

int usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vcomplain(0, false, fmt, args);
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

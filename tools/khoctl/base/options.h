/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line: options that every command has.
 */
#ifndef KHOCTL_OPTIONS_H
#define KHOCTL_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cmd.h"

#define DEVICE_OPTION \
	{ "device", required_argument, NULL, 'D' }
#define HELP_OPTION \
	{ "help", no_argument, NULL, 'h' }
#define JSON_OPTION \
	{ "json", no_argument, NULL, 'J' }
#define END_OF_OPTIONS \
	{ NULL, 0, NULL, 0 }

/* What next_option() returns for a mistake, which it has reported */
#define BAD_OPTION '?'

/* The options from now on are those of @cmd, which messages name. */
void options_begin(const struct cmd *cmd);
/* Next option's val, or -1 at the end.  Those above are taken care of. */
int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs);
/* For --device before the command; exits if @path is empty. */
void set_device_path(const char *path);
/* The path that --device, KHO_DEVICE or the default give. */
const char *device_path(void);
/* True after --json. */
bool want_json(void);
/* What --help says of a command */
void show_help(const struct cmd *cmd);

#endif /* KHOCTL_OPTIONS_H */

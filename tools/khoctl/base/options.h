/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Command-line options, in particular those that every command has.
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
#define COLOR_OPTION \
	{ "color", required_argument, NULL, 'K' }
#define END_OF_OPTIONS \
	{ NULL, 0, NULL, 0 }

/* next_option() returns this after it has reported a mistake. */
#define BAD_OPTION '?'

/* Starts parsing the options of @cmd, which becomes the CMD of messages. */
void options_begin(const struct cmd *cmd);
/*
 * Returns the val of the next option, -1 at the end, or BAD_OPTION.  Handles the options
 * above itself.
 */
int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs);
/* Handles --device; exits if @path is empty. */
void set_device_path(const char *path);
/* The device: --device, KHO_DEVICE, or the default */
const char *device_path(void);
/*
 * Tells of --json among @argv, which was not parsed yet: a mistake in what comes before it
 * is reported as JSON, too.
 */
void expect_json(char **argv);
/* For --json, also before the command */
void set_json(void);
/* True if --json was given */
bool want_json(void);
/* Handles --color, also before the command.  Return: DONE or USAGE */
int set_color(const char *when);
/*
 * To be called once the command has ended, with its exit status: with --json, prints the
 * document of a command that has nothing more to say, or an error instead of a document.
 * Return: @status
 */
int finish_json(int status);
/* Prints the help of @cmd. */
void show_help(const struct cmd *cmd);

#endif /* KHOCTL_OPTIONS_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * Command-line options.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libkho.h>

#include "base/cmd.h"
#include "base/color.h"
#include "base/defs.h"
#include "base/json.h"
#include "base/message.h"
#include "base/options.h"

static const struct cmd *current;
static const char *device;
static bool json;
/* --json is among the arguments that were not parsed yet */
static bool json_ahead;

void show_help(const struct cmd *cmd)
{
	printf("usage: khoctl %s%s%s\n\n%s.\n\n", cmd->name,
	       *cmd->args ? " " : "", cmd->args, cmd->summary);
	if (cmd->instead)
		printf("This spelling is deprecated: use 'khoctl %s'.\n\n",
		       cmd->instead);
	if (cmd->help)
		fputs(cmd->help, stdout);
	puts("  --device PATH     the device (default: $KHO_DEVICE or /dev/kho)");
	puts("  -h, --help        this text");
}

void options_begin(const struct cmd *cmd)
{
	current = cmd;
	set_command_name(cmd->name);
	json_schema(cmd->instead ? cmd->instead : cmd->name,
		    cmd->json_version ? cmd->json_version : 1);
	optind = 0;		/* makes glibc start over */
}

void set_device_path(const char *path)
{
	if (!*path)
		exit(finish_json(usage_error("--device needs a path")));
	device = path;
}

const char *device_path(void)
{
	const char *env;

	if (device)
		return device;
	env = getenv("KHO_DEVICE");
	return env && *env ? env : KHO_DEV_PATH;
}

void set_json(void)
{
	json = true;
}

void expect_json(char **argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++)
		json_ahead |= !strcmp(*argv, "--json");
}

bool want_json(void)
{
	return json;
}

int set_color(const char *when)
{
	return color_set(when) ?
	       usage_error("--color: '%s': auto, always or never", when) : DONE;
}

int finish_json(int status)
{
	if (status == DONE && json)
		json_finish(true, status);
	else if (status != DONE && (json || json_ahead))
		json_finish(false, status);
	return status;
}

static const char *long_name(const struct option *longs, int val)
{
	for (; longs->name; longs++)
		if (longs->val == val)
			return longs->name;
	return NULL;
}

int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs)
{
	static unsigned char seen[256];
	char all[32];
	int c;

	/* All commands have -h. */
	snprintf(all, sizeof(all), "%sh", shorts);

	for (;;) {
		opterr = 0;
		c = getopt_long(argc, argv, all, longs, NULL);
		if (c == -1)
			return -1;
		if (c == ':') {
			usage_error("option '%s' needs a value", argv[optind - 1]);
			return BAD_OPTION;
		}
		if (c == '?') {
			/* optopt: a short option, or a long one that takes no value */
			if (optopt && !long_name(longs, optopt))
				usage_error("unknown option '-%c'", optopt);
			else if (optopt)
				usage_error("option '--%s' takes no value",
					    long_name(longs, optopt));
			else
				usage_error("unknown option '%s'",
					    argv[optind - 1]);
			return BAD_OPTION;
		}
		if (c == 'h') {
			show_help(current);
			exit(finish_output(DONE));
		}
		if (seen[c & 255]++) {
			usage_error("option '--%s' is given twice",
				    long_name(longs, c));
			return BAD_OPTION;
		}
		if (c == 'D')
			set_device_path(optarg);
		else if (c == 'J')
			set_json();
		else if (c == 'K' && set_color(optarg))
			return BAD_OPTION;
		else if (c == 'K')
			continue;
		else
			return c;
	}
}

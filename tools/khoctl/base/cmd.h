/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A subcommand of khoctl.
 */
#ifndef KHOCTL_CMD_H
#define KHOCTL_CMD_H

/**
 * struct cmd - a subcommand
 */
struct cmd {
	/** @name: the word on the command line. */
	const char *name;
	/** @run: runs it; optind and optarg are free for it to use. */
	int (*run)(int argc, char **argv);
	/** @args: what follows the name in the usage line. */
	const char *args;
	/** @summary: one line. */
	const char *summary;
	/** @help: what --help says about the options, or NULL. */
	const char *help;
	/** @json_version: the version of its --json, if it is not 1. */
	unsigned int json_version;
	/** @instead: the new name, if this one is deprecated; else NULL. */
	const char *instead;
};

#endif /* KHOCTL_CMD_H */

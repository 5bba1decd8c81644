// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl - preserve memory across kexec.
 */
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "cmd/commands.h"
#include "version.h"

static const struct cmd commands[] = {
	{ "check", cmd_check, "[--target KERNEL]",
	  "say what is missing for a handover, and how to fix it",
	  "  --kexec PATH      the kexec program (default: from PATH)\n"
	  "  --target KERNEL   say what this kernel will be as the next one instead\n"
	  "  --initrd FILE     its initial RAM disk\n"
	  "  --abi N           it speaks kho-vN, 3 or 4, if that can't be found out\n"
	  "  --handoff HOW     exact, envelopes, or what suits it (default: auto)\n"
	  "  --json            for programs\n" },
	{ "status", cmd_status, "",
	  "show what is preserved and what arrived",
	  "  --json            for programs\n" },
	{ "put", cmd_put, "[OPTION]... NAME [FILE|-]",
	  "store a file or stdin as an object",
	  "  --huge            in huge pages only; the size has to be a multiple of these\n"
	  "  --node N          on NUMA node N and no other\n"
	  "  --sum             take a checksum at the jump, for verify\n"
	  "  --seal            let nobody write to it; takes a checksum\n"
	  "  --data FILE       its user data, or - for stdin\n"
	  "  --owner UID[:GID] give it to this user and group; names will do\n"
	  "  --mode OCTAL      who may read and write it (default: 0600)\n" },
	{ "get", cmd_get, "NAME [FILE|-]",
	  "read an object to a file or stdout", NULL },
	{ "ls", cmd_ls, "",
	  "list objects",
	  "  -l, --long        all columns\n"
	  "  --pages           list single pages (see add) as well\n"
	  "  --subtrees        list what the next kernel finds by name as well\n"
	  "  --json            for programs\n" },
	{ "rm", cmd_rm, "NAME...",
	  "release objects", NULL },
	{ "setdata", cmd_setdata, "NAME [FILE|-]",
	  "set the user data of an object, 64 KiB at most", NULL },
	{ "getdata", cmd_getdata, "NAME [FILE|-]",
	  "read the user data of an object", NULL },
	{ "resize", cmd_resize, "NAME SIZE",
	  "give an object another size, such as 64M", NULL },
	{ "own", cmd_own, "NAME",
	  "change owner or mode of an object",
	  "  --owner UID[:GID] user and group; names will do\n"
	  "  --mode OCTAL      who may read and write it\n" },
	{ "freeze", cmd_freeze, "NAME",
	  "let nobody write to an object any more",
	  "  --sum             take a checksum as well, for verify\n" },
	{ "verify", cmd_verify, "[NAME]...",
	  "compare objects with their checksums",
	  "  --json            for programs\n" },
	{ "prune", cmd_prune, "--idle N",
	  "release objects that nobody has opened for N handovers",
	  "  --idle N          at least that many\n"
	  "  --dry-run         only say which these are\n"
	  "  --json            for programs\n" },
	{ "add", cmd_add, "PFN[:ORDER]... | --file LIST",
	  "preserve pages by number: all or none",
	  "  --file LIST       read them from a file, or - for stdin\n" },
	{ "del", cmd_del, "PFN[:ORDER]... | --file LIST",
	  "give up pages by number: all or none",
	  "  --file LIST       read them from a file, or - for stdin\n" },
	{ "getpage", cmd_getpage, "PFN[:ORDER] [FILE|-]",
	  "read pages that arrived by number", NULL },
	{ "dump", cmd_dump, "[FILE]",
	  "decode what the next kernel will read, or FILE",
	  "  --keys            list every run of keys, and long lists to their end\n"
	  "  --fdt             show the FDT alone\n"
	  "  --save FILE       write what was read to FILE\n"
	  "  --json            for programs\n" },
	{ "map", cmd_map, "",
	  "draw the physical memory and what is preserved in it",
	  "  --width N         columns of the text (default: 80)\n"
	  "  --svg FILE        write a picture to FILE instead\n"
	  "  --json            for programs\n" },
	{ "load", cmd_load, "KERNEL [OPTION]...",
	  "load the next kernel by kexec, with the handover",
	  "  --initrd FILE     its initial RAM disk\n"
	  "  --append STRING   its command line\n"
	  "  --reuse-cmdline   the command line of this kernel, then STRING\n"
	  "  --abi N           it speaks kho-vN, 3 or 4, if that can't be found out\n"
	  "  --handoff HOW     exact, envelopes, or what suits it (default: auto)\n"
	  "  --force           though it may have too little RAM to boot\n"
	  "  --no-checks       jump sooner, without a checksum of what is loaded\n"
	  "  --kexec PATH      the kexec program (default: from PATH)\n"
	  "  --dry-run         check, print the command and load nothing\n"
	  "  --json            for programs\n" },
	{ "scratch", cmd_scratch, "[SIZE]",
	  "find a place for the next kernel, if there is none",
	  "  --json            for programs\n" },
	{ "unload", cmd_unload, "",
	  "unload the next kernel",
	  "  --kexec PATH      the kexec program (default: from PATH)\n" },
	{ "seal", cmd_seal, "",
	  "let only root read what arrived in envelopes", NULL },
};

static void list_commands(FILE *f)
{
	size_t i;

	fputs("usage: khoctl [--device PATH] COMMAND [OPTION]... [ARGUMENT]...\n\n",
	      f);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\n'khoctl COMMAND --help' tells more; see khoctl(8) for all of it.\n",
	      f);
}

static const struct cmd *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		END_OF_OPTIONS
	};
	const struct cmd *cmd;
	int c;

	/* What follows the command is the command's: stop there. */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'D':
			set_device_path(optarg);
			break;
		case 'h':
			list_commands(stdout);
			return finish_output(DONE);
		case 'V':
			puts("khoctl " KHO_VERSION);
			return finish_output(DONE);
		case ':':
			return usage_error("option '%s' needs a value",
					   argv[optind - 1]);
		default:
			return usage_error("unknown option '%s'",
					   argv[optind - 1]);
		}
	}
	if (optind == argc) {
		list_commands(stderr);
		return USAGE;
	}

	cmd = find_command(argv[optind]);
	if (!strcmp(argv[optind], "help")) {
		if (optind + 1 == argc) {
			list_commands(stdout);
			return finish_output(DONE);
		}
		cmd = find_command(argv[optind + 1]);
		if (cmd && optind + 2 == argc) {
			show_help(cmd);
			return finish_output(DONE);
		}
		return usage_error("help: no such command: %s",
				   argv[argc - 1]);
	}
	if (!cmd)
		return usage_error("no such command: %s", argv[optind]);

	argc -= optind;
	argv += optind;
	options_begin(cmd);
	return finish_output(cmd->run(argc, argv));
}

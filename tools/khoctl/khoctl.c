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
#include "base/program.h"
#include "cmd/commands.h"
#include "version.h"

static const struct cmd commands[] = {
	{
		.name = "check",
		.run = cmd_check,
		.args = "[--target KERNEL]",
		.summary = "say what is missing for a handover, and how to fix it",
		.help =
			"  --kexec PATH      the kexec program (default: from PATH)\n"
			"  --target KERNEL   say instead whether a handover to this kernel can work\n"
			"  --initrd FILE     its initial RAM disk\n"
			"  --abi N           the kernel speaks kho-vN, 3 or 4; only if that is unknown\n"
			"  --handoff HOW     exact, envelopes, or what suits it (default: auto)\n"
			"  --color WHEN      colours: auto, always or never (default: auto)\n"
			"  --json            print JSON\n",
	},
	{
		.name = "status",
		.run = cmd_status,
		.args = "",
		.summary = "show what is preserved and what arrived",
		.help =
			"  -q, --quiet       print nothing: the exit status says it\n"
			"  --metrics         print it for Prometheus\n"
			"  --color WHEN      colours: auto, always or never (default: auto)\n"
			"  --json            print JSON\n",
	},
	{
		.name = "settle",
		.run = cmd_settle,
		.args = "",
		.summary = "put right what the kernel sized by little memory at boot",
		.help =
			"  --dry-run         only list it\n"
			"  --json            print JSON\n",
	},
	{
		.name = "put",
		.run = cmd_put,
		.args = "[OPTION]... NAME [FILE|-]",
		.summary = "store a file or stdin as an object",
		.help =
			"  --huge            in huge pages only; the size has to be a multiple of theirs\n"
			"  --node N          on NUMA node N and no other\n"
			"  --sum             take a checksum at the jump, for verify\n"
			"  --seal            seal it, with a checksum: nobody may write to it any more\n"
			"  --data FILE       its user data, or - for stdin\n"
			"  --owner UID[:GID] give it to this user and group; names will do\n"
			"  --mode OCTAL      who may read and write it (default: 0600)\n"
			"  --json            print JSON\n",
	},
	{
		.name = "get",
		.run = cmd_get,
		.args = "NAME [FILE|-]",
		.summary = "read an object to a file or stdout",
		.help =
			"  --json            print JSON\n",
	},
	{
		.name = "ls",
		.run = cmd_ls,
		.args = "",
		.summary = "list objects",
		.help =
			"  -l, --long        all columns\n"
			"  --pages           list single pages (see add) as well\n"
			"  --subtrees        list what the next kernel finds by name as well\n"
			"  --json            print JSON\n",
	},
	{
		.name = "rm",
		.run = cmd_rm,
		.args = "NAME...",
		.summary = "release objects",
		.help =
			"  --dry-run         only say what would be removed\n"
			"  --json            print JSON\n",
	},
	{
		.name = "setdata",
		.run = cmd_setdata,
		.args = "NAME [FILE|-]",
		.summary = "set the user data of an object, 64 KiB at most",
		.help =
			"  --json            print JSON\n",
	},
	{
		.name = "getdata",
		.run = cmd_getdata,
		.args = "NAME [FILE|-]",
		.summary = "read the user data of an object",
		.help =
			"  --json            print JSON\n",
	},
	{
		.name = "resize",
		.run = cmd_resize,
		.args = "NAME SIZE",
		.summary = "change the size of an object, for example to 64M",
		.help =
			"  --json            print JSON\n",
	},
	{
		.name = "own",
		.run = cmd_own,
		.args = "NAME",
		.summary = "change owner or mode of an object",
		.help =
			"  --owner UID[:GID] user and group; names will do\n"
			"  --mode OCTAL      who may read and write it\n"
			"  --json            print JSON\n",
	},
	{
		.name = "seal",
		.run = cmd_seal,
		.args = "NAME",
		.summary = "seal an object: nobody may write to it any more",
		.help =
			"  --sum             take a checksum as well, for verify\n"
			"  --json            print JSON\n",
	},
	{
		.name = "verify",
		.run = cmd_verify,
		.args = "[NAME]...",
		.summary = "compare objects with their checksums",
		.help =
			"  --color WHEN      colours: auto, always or never (default: auto)\n"
			"  --json            print JSON\n",
	},
	{
		.name = "prune",
		.run = cmd_prune,
		.args = "--idle N",
		.summary = "release objects that nobody opened for N handovers",
		.help =
			"  --idle N          at least that many\n"
			"  --dry-run         only list them\n"
			"  --json            print JSON\n",
	},
	{
		.name = "add",
		.run = cmd_add,
		.args = "PFN[:ORDER]... | --file LIST",
		.summary = "preserve pages by number: all or none",
		.help =
			"  --file LIST       read them from a file, or - for stdin\n"
			"  --json            print JSON\n",
	},
	{
		.name = "del",
		.run = cmd_del,
		.args = "PFN[:ORDER]... | --file LIST",
		.summary = "stop preserving pages by number: all or none",
		.help =
			"  --file LIST       read them from a file, or - for stdin\n"
			"  --json            print JSON\n",
	},
	{
		.name = "getpage",
		.run = cmd_getpage,
		.args = "PFN[:ORDER] [FILE|-]",
		.summary = "read pages that arrived by number",
		.help =
			"  --json            print JSON\n",
	},
	{
		.name = "dump",
		.run = cmd_dump,
		.args = "[FILE]",
		.summary = "decode what the next kernel will read, or FILE",
		.help =
			"  --extents         list all extents as well, and the whole FDT\n"
			"  --keys            list every run of keys, and long lists to their end\n"
			"  --fdt             show the FDT alone\n"
			"  --save FILE       write what was read to FILE\n"
			"  --color WHEN      colours: auto, always or never (default: auto)\n"
			"  --json            print JSON\n",
	},
	{
		.name = "map",
		.run = cmd_map,
		.args = "",
		.summary = "draw physical memory and what is preserved in it",
		.help =
			"  --width N         width of the text in columns (default: 80)\n"
			"  --svg FILE        write a picture to FILE instead\n"
			"  --json            print JSON\n",
	},
	{
		.name = "load",
		.run = cmd_load,
		.args = "KERNEL [OPTION]...",
		.summary = "load the next kernel by kexec, with the handover",
		.help =
			"  --initrd FILE     its initial RAM disk\n"
			"  --append STRING   its command line\n"
			"  --reuse-cmdline   the command line of this kernel, then STRING\n"
			"  --abi N           the kernel speaks kho-vN, 3 or 4; only if that is unknown\n"
			"  --handoff HOW     exact, envelopes, or what suits it (default: auto)\n"
			"  --force           even if it may have too little RAM to boot\n"
			"  --no-checks       jump sooner, without verifying a checksum of the image\n"
			"  --kexec PATH      the kexec program (default: from PATH)\n"
			"  --dry-run         check, print the command and load nothing\n"
			"  --json            print JSON\n",
	},
	{
		.name = "scratch",
		.run = cmd_scratch,
		.args = "[SIZE]",
		.summary = "allocate scratch, where the next kernel is loaded",
		.help =
			"  --json            print JSON\n",
	},
	{
		.name = "unload",
		.run = cmd_unload,
		.args = "",
		.summary = "unload the next kernel",
		.help =
			"  --kexec PATH      the kexec program (default: from PATH)\n"
			"  --json            print JSON\n",
	},
	{
		.name = "upgrade",
		.run = cmd_upgrade,
		.args = "",
		.summary = "replace the module, with everything that is preserved",
		.help =
			"  --to FILE         by this kho.ko (default: the installed one)\n"
			"  --old FILE        the running kho.ko, to go back to (default: found)\n"
			"  --wait SECONDS    ask agents to make way, and wait (default: 30)\n"
			"  --no-rollback     even if there is no way back to the running one\n"
			"  --force           even by the same version\n"
			"  --save            only keep a copy of the running kho.ko, to go back to\n"
			"  --dry-run         check everything, and change nothing\n"
			"  --json            print JSON\n",
	},
	{
		.name = "restrict",
		.run = cmd_restrict,
		.args = "",
		.summary = "let only root read what arrived in envelopes",
		.help =
			"  --json            print JSON\n",
	},
	{
		.name = "freeze",
		.run = cmd_freeze,
		.args = "NAME",
		.summary = "seal an object: nobody may write to it any more",
		.help =
			"  --sum             take a checksum as well, for verify\n"
			"  --json            print JSON\n",
		.instead = "seal",
	},
};

static void list_commands(FILE *f)
{
	size_t i;

	fputs("usage: khoctl [--device PATH] [--json] [--color WHEN] COMMAND [OPTION]... [ARGUMENT]...\n\n",
	      f);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!commands[i].instead)
			fprintf(f, "  %-8s %s\n", commands[i].name,
				commands[i].summary);
	fputs("\n'khoctl COMMAND --help' tells more; see khoctl(8) for all of it.\n",
	      f);
}

static int end(int status)
{
	return finish_output(finish_json(status));
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
		JSON_OPTION,
		COLOR_OPTION,
		{ "version", no_argument, NULL, 'V' },
		END_OF_OPTIONS
	};
	const struct cmd *cmd;
	int c;

	program_own_files();
	/* Stop at the command, which parses the rest itself. */
	opterr = 0;
	expect_json(argv);
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
		case 'J':
			set_json();
			break;
		case 'K':
			if (set_color(optarg))
				return end(USAGE);
			break;
		case ':':
			return end(usage_error("option '%s' needs a value",
					       argv[optind - 1]));
		default:
			return end(usage_error("unknown option '%s'",
					       argv[optind - 1]));
		}
	}
	if (optind == argc) {
		list_commands(stderr);
		return end(USAGE);
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
		return end(usage_error("help: no such command: %s",
				       argv[argc - 1]));
	}
	if (!cmd)
		return end(usage_error("no such command: %s", argv[optind]));

	argc -= optind;
	argv += optind;
	options_begin(cmd);
	return end(cmd->run(argc, argv));
}

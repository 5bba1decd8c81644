// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl - preserve memory across kexec.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "khoctl.h"
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

static const struct cmd *current;
static const char *device;
static bool json;

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

static void cmd_usage(const struct cmd *cmd)
{
	printf("usage: khoctl %s%s%s\n\n%s.\n\n", cmd->name,
	       *cmd->args ? " " : "", cmd->args, cmd->summary);
	if (cmd->help)
		fputs(cmd->help, stdout);
	puts("  --device PATH     the device (default: $KHO_DEVICE or /dev/kho)");
	puts("  --help            this text");
}

static const struct cmd *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* stdout may be a full disk or a closed pipe: only now it is known. */
static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		cmd_errno_err(errno, "cannot write the output");
		if (status == DONE)
			status = FAILED;
	}
	return status;
}

static void set_device(const char *path)
{
	if (!*path) {
		usage_error("--device needs a path");
		exit(USAGE);
	}
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

bool want_json(void)
{
	return json;
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
	int c;

	for (;;) {
		opterr = 0;
		c = getopt_long(argc, argv, shorts, longs, NULL);
		if (c == -1)
			return -1;
		if (c == ':') {
			usage_error("option '%s' needs a value", argv[optind - 1]);
			return BAD_OPTION;
		}
		if (c == '?') {
			/* optopt: a short one, or a long one with a value too many */
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
			cmd_usage(current);
			exit(finish(DONE));
		}
		if (seen[c & 255]++) {
			usage_error("option '--%s' is given twice",
				    long_name(longs, c));
			return BAD_OPTION;
		}
		if (c == 'D')
			set_device(optarg);
		else if (c == 'J')
			json = true;
		else
			return c;
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		END_OF_OPTIONS
	};
	int c;

	/* What follows the command is the command's: stop there. */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'D':
			set_device(optarg);
			break;
		case 'h':
			list_commands(stdout);
			return finish(DONE);
		case 'V':
			puts("khoctl " KHO_VERSION);
			return finish(DONE);
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

	current = find_command(argv[optind]);
	if (!strcmp(argv[optind], "help")) {
		if (optind + 1 == argc) {
			list_commands(stdout);
			return finish(DONE);
		}
		current = find_command(argv[optind + 1]);
		if (current && optind + 2 == argc) {
			cmd_usage(current);
			return finish(DONE);
		}
		return usage_error("help: no such command: %s",
				   argv[argc - 1]);
	}
	if (!current)
		return usage_error("no such command: %s", argv[optind]);

	set_command_name(current->name);
	argc -= optind;
	argv += optind;
	optind = 0;		/* glibc: start anew */
	return finish(current->run(argc, argv));
}

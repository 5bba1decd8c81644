// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl add PFN[:ORDER]..., khoctl del PFN[:ORDER]...
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkho.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "device/device.h"
#include "device/pages.h"

struct page_args {
	struct kho_page_entry *entries;
	size_t nr;
	size_t room;
};

typedef int batch_fn(int dev, const struct kho_page_entry *entries,
		     uint32_t count, uint32_t *failed);

static void add_arg(struct page_args *args, const struct kho_page_entry *entry)
{
	args->entries = grow(args->entries, args->nr, &args->room,
			     sizeof(*args->entries));
	args->entries[args->nr++] = *entry;
}

/* Reads a list with one page per line; '#' starts a comment. */
static int read_list(struct page_args *args, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	const char *name = is_stdin ? "stdin" : path;
	unsigned long number = 0;
	struct kho_page_entry entry;
	char *line = NULL, *word, *rest;
	size_t room = 0;
	int ret = DONE;

	if (!f)
		return cmd_errno_err(errno, "%s", path);
	while (getline(&line, &room, f) >= 0) {
		const char *why;

		number++;
		line[strcspn(line, "#")] = '\0';
		word = strtok_r(line, " \t\r\n", &rest);
		if (!word)
			continue;
		why = strtok_r(NULL, " \t\r\n", &rest) ?
			"more than one word in a line" :
			parse_page(word, &entry);
		if (!why && args->nr == KHO_BATCH_MAX)
			why = "more than 1048576 blocks, the most of one call";
		if (why) {
			char *shown = printable(word, strlen(word));

			ret = cmd_err("%s, line %lu: '%s': %s", name, number,
				      shown, why);
			free(shown);
			goto out;
		}
		add_arg(args, &entry);
	}
	if (ferror(f))
		ret = cmd_errno_err(errno, "%s", name);
out:
	free(line);
	if (!is_stdin)
		fclose(f);
	return ret;
}

static int batch_main(int argc, char **argv, batch_fn *batch)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "file", required_argument, NULL, 'f' },
		END_OF_OPTIONS
	};
	struct page_args args = { 0 };
	struct kho_page_entry entry;
	const char *list = NULL;
	struct kho_query query;
	int c, dev, ret;
	__u32 failed;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		if (c == BAD_OPTION)
			return USAGE;
		list = optarg;
	}
	if (list && optind < argc)
		return usage_error("either --file or page numbers, not both");
	if (!list && optind == argc)
		return usage_error("which pages? PFN[:ORDER]... or --file");

	for (; optind < argc; optind++) {
		const char *why = parse_page(argv[optind], &entry);

		if (why) {
			free(args.entries);
			return usage_error("'%s': %s", argv[optind], why);
		}
		add_arg(&args, &entry);
	}
	ret = list ? read_list(&args, list) : DONE;
	if (ret)
		goto out;
	if (!args.nr) {
		ret = cmd_err("%s: no pages in it", list);
		goto out;
	}

	ret = FAILED;
	dev = open_device_query(&query, KHO_FEATURE_PAGES);
	if (dev < 0)
		goto out;
	ret = batch(dev, args.entries, args.nr, &failed);
	if (is_about_page(ret) && failed < args.nr) {
		const struct kho_page_entry *e = &args.entries[failed];

		ret = cmd_err("pfn 0x%llx order %u: %s%s",
			      e->pfn, e->order,
			      page_error(ret, e),
			      args.nr > 1 ? "; nothing has changed" : "");
	} else if (ret) {
		ret = cmd_err("%s: %s; nothing has changed", device_path(),
			      device_error(ret));
	}
	close(dev);
out:
	free(args.entries);
	return ret;
}

int cmd_add(int argc, char **argv)
{
	return batch_main(argc, argv, kho_batch_add);
}

int cmd_del(int argc, char **argv)
{
	return batch_main(argc, argv, kho_batch_del);
}

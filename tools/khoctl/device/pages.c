// SPDX-License-Identifier: GPL-2.0
/*
 * Pages by number: PFN[:ORDER].
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "khoctl.h"

/* More than this no page size allows; the module knows the exact limit. */
#define MAX_ORDER	51

const char *parse_page(const char *arg, struct kho_page_entry *entry)
{
	const char *colon = strchr(arg, ':');
	__u64 pfn, order = 0;
	char buf[32];
	size_t len = colon ? (size_t)(colon - arg) : strlen(arg);
	int ret;

	if (len >= sizeof(buf))
		return "is no page number (decimal, or hex after 0x)";
	memcpy(buf, arg, len);
	buf[len] = '\0';
	ret = parse_u64(buf, &pfn);
	if (ret == -ERANGE || (!ret && pfn >> 52))
		return "the page number has more bits than an address";
	if (ret)
		return "is no page number (decimal, or hex after 0x)";
	if (colon) {
		ret = parse_u64(colon + 1, &order);
		if (ret && ret != -ERANGE)
			return "the order after ':' is no number";
		if (ret || order > MAX_ORDER)
			return "the order after ':' is above 51";
	}
	*entry = (struct kho_page_entry){ .pfn = pfn, .order = order };
	return NULL;
}

const char *page_error(int err, const struct kho_page_entry *entry)
{
	static char buf[128];

	switch (err) {
	case -EINVAL:
		if (entry->pfn & ((1ULL << entry->order) - 1)) {
			snprintf(buf, sizeof(buf),
				 "the page number is not a multiple of %llu, the pages of its order",
				 1ULL << entry->order);
			return buf;
		}
		return "there is no such order";
	case -ENXIO:
		return "no such page: a hole, offline, or no RAM";
	case -EADDRNOTAVAIL:
		return "free, reserved, poisoned, RAM's last, below 2 MiB, or newer than the image";
	case -EBUSY:
		return "the page is in scratch, overlaps a preserved page, or belongs to an object";
	case -EEXIST:
		return "the page is preserved already";
	case -ENOENT:
		return "no such page is preserved with this order";
	case -ERANGE:
		return "the page number has more bits than an address";
	default:
		return device_error(err);
	}
}

/* False for errors of the call as a whole, which blame no element. */
static bool is_about_page(int err)
{
	switch (err) {
	case -EINVAL:
	case -ENXIO:
	case -EADDRNOTAVAIL:
	case -EBUSY:
	case -EEXIST:
	case -ENOENT:
	case -ERANGE:
	case -EREMOTE:
		return true;
	default:
		return false;
	}
}

static void add_arg(struct page_args *args, const struct kho_page_entry *entry)
{
	args->entries = grow(args->entries, args->nr, &args->room,
			     sizeof(*args->entries));
	args->entries[args->nr++] = *entry;
}

/* One per line; '#' starts a comment. */
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

int batch_main(int argc, char **argv, batch_fn *batch)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
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

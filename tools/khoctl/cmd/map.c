// SPDX-License-Identifier: GPL-2.0
/*
 * khoctl map
 */
#include <stddef.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/options.h"
#include "base/parse.h"
#include "cmd/commands.h"
#include "memmap/map.h"

#define DEFAULT_WIDTH	80
#define MIN_WIDTH	40
#define MAX_WIDTH	1000

int cmd_map(int argc, char **argv)
{
	static const struct option longs[] = {
		DEVICE_OPTION,
		HELP_OPTION,
		JSON_OPTION,
		{ "svg", required_argument, NULL, 's' },
		{ "width", required_argument, NULL, 'w' },
		END_OF_OPTIONS
	};
	__u64 width = 0;
	const char *svg = NULL;
	struct map m;
	int c, ret;

	while ((c = next_option(argc, argv, ":", longs)) != -1) {
		switch (c) {
		case 's':
			svg = optarg;
			break;
		case 'w':
			if (parse_u64(optarg, &width) || width < MIN_WIDTH ||
			    width > MAX_WIDTH)
				return usage_error("--width: '%s': a number from %d to %d",
						   optarg, MIN_WIDTH, MAX_WIDTH);
			break;
		default:
			return USAGE;
		}
	}
	if (optind < argc)
		return usage_error("too many arguments: '%s'", argv[optind]);
	if ((svg && want_json()) || (width && (svg || want_json())))
		return usage_error("only one of --svg, --json and --width");

	ret = map_read(&m);
	if (!ret && svg)
		ret = map_svg(&m, svg);
	else if (!ret && want_json())
		ret = map_json(&m);
	else if (!ret)
		ret = map_text(&m, width ? width : DEFAULT_WIDTH);
	map_free(&m);
	return ret;
}

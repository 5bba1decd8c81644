// SPDX-License-Identifier: GPL-2.0
/*
 * Colour for what needs attention, on a terminal.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/color.h"

static enum { AUTO, ALWAYS, NEVER } when_colored;

int color_set(const char *when)
{
	if (!strcmp(when, "auto"))
		when_colored = AUTO;
	else if (!strcmp(when, "always"))
		when_colored = ALWAYS;
	else if (!strcmp(when, "never"))
		when_colored = NEVER;
	else
		return -1;
	return 0;
}

static bool colored(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when_colored != AUTO)
		return when_colored == ALWAYS;
	/* An empty NO_COLOR means nothing, see no-color.org. */
	return !(no && *no) && term && *term && strcmp(term, "dumb") &&
	       isatty(STDOUT_FILENO);
}

const char *color_on(enum color color)
{
	static const char * const codes[] = {
		[COLOR_NONE] = "",
		[COLOR_WARN] = "\033[33m",
		[COLOR_BAD] = "\033[1;31m",
	};

	return colored() ? codes[color] : "";
}

const char *color_off(enum color color)
{
	return color != COLOR_NONE && colored() ? "\033[0m" : "";
}

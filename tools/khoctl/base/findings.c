// SPDX-License-Identifier: GPL-2.0
/*
 * Findings: the results of checks.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/color.h"
#include "base/findings.h"
#include "base/json.h"

struct finding *found(struct findings *f, const char *name,
		      enum verdict verdict, const char *fix,
		      const char *fmt, ...)
{
	struct finding *new;
	va_list args;

	f->list = grow(f->list, f->nr, &f->room, sizeof(*f->list));
	new = &f->list[f->nr++];
	new->name = name;
	new->verdict = verdict;
	new->can_force = false;
	new->fix = fix ? xstrdup(fix) : NULL;
	va_start(args, fmt);
	new->text = xvasprintf(fmt, args);
	va_end(args);
	f->failed |= verdict == FAIL;
	return new;
}

void findings_print(const struct findings *f)
{
	static const char * const words[] = { "ok", "warn", "FAIL" };
	static const enum color colors[] = { COLOR_NONE, COLOR_WARN, COLOR_BAD };
	size_t i;

	for (i = 0; i < f->nr; i++) {
		const struct finding *one = &f->list[i];
		enum color color = colors[one->verdict];

		printf("%s%-4s%s  %-12s %s\n", color_on(color),
		       words[one->verdict], color_off(color), one->name,
		       one->text);
		if (one->fix)
			printf("                   -> %s\n", one->fix);
	}
}

void findings_json(const struct findings *f, struct json_object *root)
{
	static const char * const words[] = { "ok", "warn", "fail" };
	struct json_object *list = json_list(root, "checks");
	size_t i;

	for (i = 0; i < f->nr; i++) {
		const struct finding *one = &f->list[i];
		struct json_object *obj = json_new();

		json_add_str(obj, "name", one->name);
		json_add_str(obj, "result", words[one->verdict]);
		json_add_str(obj, "text", one->text);
		if (one->fix)
			json_add_str(obj, "fix", one->fix);
		json_object_array_add(list, obj);
	}
}

void findings_free(struct findings *f)
{
	size_t i;

	for (i = 0; i < f->nr; i++) {
		free(f->list[i].text);
		free(f->list[i].fix);
	}
	free(f->list);
	f->list = NULL;
	f->nr = 0;
	f->room = 0;
}

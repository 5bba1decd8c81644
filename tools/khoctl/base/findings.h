/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Findings: the results of checks, one line each, with a fix.
 */
#ifndef KHOCTL_FINDINGS_H
#define KHOCTL_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/defs.h"
#include "base/json.h"

enum verdict { OK, WARN, FAIL };

struct finding {
	const char *name;
	enum verdict verdict;
	bool can_force;			/* load --force ignores it */
	char *text;
	char *fix;			/* what to do about it, or NULL */
};

struct findings {
	struct finding *list;
	size_t nr;
	size_t room;
	bool failed;
};

/*
 * Adds a finding.  @fix: what to do about it, or NULL.  Return: the new finding, valid
 * until the next one is added
 */
struct finding *found(struct findings *f, const char *name,
		      enum verdict verdict, const char *fix,
		      const char *fmt, ...) PRINTF(5, 6);
void findings_print(const struct findings *f);
void findings_json(const struct findings *f, struct json_object *root);
void findings_free(struct findings *f);

#endif /* KHOCTL_FINDINGS_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The kexec program and its output.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/parse.h"
#include "base/program.h"
#include "base/sysinfo.h"
#include "target/kexec.h"

/* KEXEC_SEGMENT_MAX in the kernel */
#define SEGMENTS_MAX	16

char *kexec_find(const char *path)
{
	if (path)
		return access(path, X_OK) ? NULL : xstrdup(path);
	return program_find("kexec");
}

/* Parses a line "@name = VALUE".  Return: false if it is not such a line */
static bool value_after(const char *line, size_t len, const char *name,
			__u64 *value)
{
	size_t n = strlen(name);
	char buf[40];

	if (len < n || strncmp(line, name, n))
		return false;
	while (n < len && line[n] == ' ')
		n++;
	if (n == len || line[n++] != '=')
		return false;
	while (n < len && line[n] == ' ')
		n++;
	while (len > n && (line[len - 1] == ' ' || line[len - 1] == '\r'))
		len--;
	if (len - n >= sizeof(buf))
		return false;
	memcpy(buf, line + n, len - n);
	buf[len - n] = '\0';
	/* what printf("%p") makes of NULL */
	if (!strcmp(buf, "(nil)")) {
		*value = 0;
		return true;
	}
	return !parse_u64(buf, value);
}

const char *kexec_segments(const char *output, struct kexec_segment **segs,
			   size_t *nr)
{
	static char why[128];
	struct kexec_segment *s = NULL;
	const char *p = output;
	__u64 count = 0, value, i;

	while (*p) {
		size_t len = strcspn(p, "\n");
		char name[40];

		if (value_after(p, len, "nr_segments", &value)) {
			/* kexec prints a second list when loading fails. */
			if (s || !value || value > SEGMENTS_MAX) {
				snprintf(why, sizeof(why),
					 "nr_segments is %llu or comes twice in the output of kexec -d",
					 value);
				free(s);
				return why;
			}
			count = value;
			s = xcalloc(count, sizeof(*s));
		}
		for (i = 0; i < count; i++) {
			snprintf(name, sizeof(name), "segment[%llu].mem ",
				 i);
			if (value_after(p, len, name, &value)) {
				s[i].mem = value;
				s[i].has |= 1;
			}
			snprintf(name, sizeof(name), "segment[%llu].memsz",
				 i);
			if (value_after(p, len, name, &value)) {
				s[i].memsz = value;
				s[i].has |= 2;
			}
			snprintf(name, sizeof(name), "segment[%llu].buf ", i);
			if (value_after(p, len, name, &value))
				s[i].buf = value;
			snprintf(name, sizeof(name), "segment[%llu].bufsz", i);
			if (value_after(p, len, name, &value))
				s[i].bufsz = value;
		}
		p += len + (p[len] == '\n');
	}
	if (!s)
		return "the output of kexec -d has no list of segments";
	for (i = 0; i < count; i++) {
		if (s[i].has != 3) {
			snprintf(why, sizeof(why),
				 "the output of kexec -d lacks address or size of segment %llu",
				 i);
			free(s);
			return why;
		}
	}
	*segs = s;
	*nr = count;
	return NULL;
}

int kexec_unload(const char *program, bool file)
{
	const char *how = file ? "-s" : "-c";
	const char * const argv[] = { program, how, "-u", NULL };
	int status, ret = DONE;
	char *output;

	status = program_run(argv, &output);
	if (status < 0)
		ret = cmd_errno_err(status, "cannot run %s", program);
	else if (status)
		ret = cmd_err("%s %s -u: %s: %s", program, how,
			      program_status_str(status), program_last_line(output));
	else if (sys_kexec_loaded() > 0)
		ret = cmd_err("%s %s -u: a kernel is still loaded", program, how);
	free(output);
	return ret;
}

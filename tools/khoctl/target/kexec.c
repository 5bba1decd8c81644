// SPDX-License-Identifier: GPL-2.0
/*
 * Running the stock kexec program and judging what it did.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/message.h"
#include "base/parse.h"
#include "base/sysinfo.h"
#include "target/guard.h"
#include "target/kexec.h"

/* kexec -d prints some hundred lines; this is for what is not kexec. */
#define OUTPUT_MAX	(16 * MIB)
/* KEXEC_SEGMENT_MAX of the kernel */
#define SEGMENTS_MAX	16

char *program_find(const char *name)
{
	static const char sbin[] = "/usr/local/sbin:/usr/sbin:/sbin";
	const char *env = getenv("PATH");
	char *dirs, *dir, *rest, *full;

	/* Without a login shell, sbin is often not in PATH. */
	dirs = xasprintf("%s:%s", env ? env : "", sbin);
	for (dir = strtok_r(dirs, ":", &rest); dir;
	     dir = strtok_r(NULL, ":", &rest)) {
		full = xasprintf("%s/%s", dir, name);
		if (!access(full, X_OK)) {
			free(dirs);
			return full;
		}
		free(full);
	}
	free(dirs);
	return NULL;
}

char *kexec_find(const char *path)
{
	if (path)
		return access(path, X_OK) ? NULL : xstrdup(path);
	return program_find("kexec");
}

/* What was written to @fd, a memfd, goes to the end of the string @text. */
static char *append_output(char *text, int fd)
{
	size_t len = strlen(text), at = len, end;
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		size = 0;
	if ((__u64)size > OUTPUT_MAX)
		size = OUTPUT_MAX;
	text = xrealloc(text, len + size + 1, 1);
	end = len + size;
	while (at < end) {
		ssize_t n = pread(fd, text + at, end - at, at - len);

		if (n <= 0)
			break;
		at += n;
	}
	text[at] = '\0';
	/* Text has no NULs; one of them would hide what follows. */
	for (; len < at; len++)
		if (!text[len])
			text[len] = '?';
	return text;
}

int kexec_run(const char * const *argv, char **output)
{
	int out, err_out, status, ret;
	pid_t pid, self = getpid();

	*output = xstrdup("");
	/* One each: in a common one they might cut each other's lines. */
	out = memfd_create("khoctl-stdout", MFD_CLOEXEC);
	err_out = memfd_create("khoctl-stderr", MFD_CLOEXEC);
	if (out < 0 || err_out < 0) {
		ret = -errno;
		goto out_close;
	}
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		ret = -errno;
		goto out_close;
	}
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);

		if (!die_with(self))
			_exit(127);

		/* Its messages are parsed: they have to be the C locale's. */
		setenv("LC_ALL", "C", 1);
		if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		    dup2(out, STDOUT_FILENO) < 0 ||
		    dup2(err_out, STDERR_FILENO) < 0)
			_exit(127);
		execv(argv[0], (char * const *)argv);
		dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0],
			strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			ret = -errno;
			goto out_close;
		}
	}
	*output = append_output(*output, out);
	*output = append_output(*output, err_out);
	ret = status;
out_close:
	if (out >= 0)
		close(out);
	if (err_out >= 0)
		close(err_out);
	return ret;
}

const char *kexec_status_str(int status)
{
	static char buf[48];

	if (WIFEXITED(status))
		snprintf(buf, sizeof(buf), "exit status %d",
			 WEXITSTATUS(status));
	else
		snprintf(buf, sizeof(buf), "killed by signal %d",
			 WTERMSIG(status));
	return buf;
}

const char *kexec_last_line(const char *output)
{
	static char buf[256];
	const char *p = output, *best = "";
	size_t best_len = 0, n = 0, i;

	/* kexec repeats the segments after the reason for a failure. */
	while (*p) {
		size_t len = strcspn(p, "\n");

		if (len && strncmp(p, "segment[", 8) &&
		    strncmp(p, "nr_segments", 11) && strncmp(p, "entry ", 6)) {
			best = p;
			best_len = len;
		}
		p += len + (p[len] == '\n');
	}
	for (i = 0; i < best_len && n + 1 < sizeof(buf); i++)
		buf[n++] = best[i] >= ' ' && best[i] < 0x7f ? best[i] : '?';
	buf[n] = '\0';
	return buf;
}

/* The value after "@name = ", all of the line, or false. */
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
	/* printf("%p") of NULL */
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
			/* A second list is that of a load which failed. */
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

	status = kexec_run(argv, &output);
	if (status < 0)
		ret = cmd_errno_err(status, "cannot run %s", program);
	else if (status)
		ret = cmd_err("%s %s -u: %s: %s", program, how,
			      kexec_status_str(status), kexec_last_line(output));
	else if (sys_kexec_loaded() > 0)
		ret = cmd_err("%s %s -u: a kernel is still loaded", program, how);
	free(output);
	return ret;
}

static void quote_word(FILE *f, const char *word)
{
	const char *p = word;

	while (isalnum((unsigned char)*p) || (*p && strchr("_-+=:,./@%", *p)))
		p++;
	if (*word && !*p) {
		fputs(word, f);
		return;
	}
	fputc('\'', f);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", f);
		else
			fputc(*word, f);
	}
	fputc('\'', f);
}

char *kexec_quote(const char * const *argv)
{
	char *text = NULL;
	size_t size, i;
	FILE *f = check_alloc(open_memstream(&text, &size));

	for (i = 0; argv[i]; i++) {
		if (i)
			fputc(' ', f);
		quote_word(f, argv[i]);
	}
	fclose(f);
	return text;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Finding and running other programs.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/types.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/program.h"

/* kexec -d prints about a hundred lines; other programs may print without end. */
#define OUTPUT_MAX	(16 * MIB)

/* Where to look if there is no PATH */
static const char default_path[] =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static bool die_with(pid_t parent)
{
	return !prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent;
}

void program_own_files(void)
{
	int fd;

	/*
	 * Whoever started khoctl may have left files open, and may have closed the
	 * first three.  What is opened in their place is opened the wrong way round, so
	 * that using it is an error all the same.
	 */
	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(FAILED);
	/* An older kernel does not know this, and children keep these files. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

char **program_env(void)
{
	static char *env[3];
	const char *path = getenv("PATH");

	if (env[0])
		return env;
	env[0] = xasprintf("PATH=%s", path ? path : default_path);
	/* khoctl parses the messages, so they must not be translated. */
	env[1] = xstrdup("LC_ALL=C");
	return env;
}

void program_exec(const char * const *argv, pid_t parent, int in, int out, int err)
{
	char **env = program_env();

	if (die_with(parent) && dup2(in, STDIN_FILENO) >= 0 &&
	    dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0) {
		signal(SIGPIPE, SIG_DFL);
		signal(SIGXFSZ, SIG_DFL);
		execve(argv[0], (char * const *)argv, env);
	}
	dprintf(err, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(PROGRAM_NOT_RUN);
}

char *program_find(const char *name)
{
	static const char sbin[] = "/usr/local/sbin:/usr/sbin:/sbin";
	const char *env = getenv("PATH");
	char *dirs, *dir, *rest, *full;

	/* Outside a login shell, PATH often lacks the sbin directories. */
	dirs = xasprintf("%s:%s", env ? env : default_path, sbin);
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

/* Appends the contents of the memfd @fd to the string @text. */
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
	/* A NUL would hide the rest of the text. */
	for (; len < at; len++)
		if (!text[len])
			text[len] = '?';
	return text;
}

int program_run(const char * const *argv, char **output)
{
	int out, err_out, status, ret;
	pid_t pid, self = getpid();

	*output = xstrdup("");
	/* Separate files, so that the streams do not cut each other's lines. */
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
	if (!pid)
		program_exec(argv, self, open("/dev/null", O_RDONLY | O_CLOEXEC), out,
			     err_out);
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

const char *program_status_str(int status)
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

bool program_not_run(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == PROGRAM_NOT_RUN;
}

bool program_lacks_memory(int status, const char *words)
{
	static const char * const texts[] = {
		/* of xz, zstd, lz4, gzip, bzip2 and lzop, and of the C library */
		"allocate", "allocation", "not enough memory", "out of memory", "memory exhausted",
		"memory usage limit", "too much memory", "failed to map segment",
		"resource temporarily unavailable", "too many open files",
	};
	size_t i;

	/* The kernel kills a program when memory is short, or at a limit. */
	if (WIFSIGNALED(status))
		return true;
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcasestr(words, texts[i]))
			return true;
	return false;
}

const char *program_last_line(const char *output)
{
	static char buf[256];
	const char *p = output, *best = "";
	size_t best_len = 0, n = 0, i;

	/* After the reason for a failure, kexec lists the segments again. */
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

char *program_quote(const char * const *argv)
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

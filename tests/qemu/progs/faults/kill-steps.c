// SPDX-License-Identifier: GPL-2.0
/*
 * kill-steps N [DELAY] COMMAND...: kills COMMAND as it begins its Nth system call, or
 * DELAY milliseconds after that.  Its children are left alone.
 *
 * Each N in turn tests every step, as nobody sees what COMMAND does between two calls.
 * Calls of poll(), read() and sendfile() do not count: how many it takes to talk to another
 * program differs from run to run, and nobody sees what they do.
 *
 * If N is 0, it is never killed, and each call is printed: "N NUMBER NAME", with a name
 * for those that tests ask for.
 *
 * The exit status is 0 if it was killed, and 3 if it came to its end before.
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guest.h"

static const struct {
	long number;
	const char *name;
} names[] = {
	{ SYS_ioctl, "ioctl" },
	{ SYS_flock, "flock" },
	{ SYS_clone, "fork" },
	{ SYS_wait4, "wait" },
	{ SYS_execve, "exec" },
	{ SYS_memfd_create, "memfd" },
	{ SYS_exit_group, "exit" },
};

static const char *name_of(long number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].number == number)
			return names[i].name;
	return "-";
}

static void start(char **argv)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		die("PTRACE_TRACEME: %s", strerror(errno));
	raise(SIGSTOP);
	execvp(argv[0], argv);
	die("%s: %s", argv[0], strerror(errno));
}

/* Lets the process run to its next system call; false if it has ended. */
static bool next_stop(pid_t pid, int *status)
{
	int sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, sig))
			die("PTRACE_SYSCALL: %s", strerror(errno));
		if (waitpid(pid, status, 0) != pid)
			die("waitpid: %s", strerror(errno));
		if (!WIFSTOPPED(*status))
			return false;
		if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
			return true;
		/* The SIGTRAP of execve() is for us. */
		sig = WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status);
	}
}

int main(int argc, char **argv)
{
	long step, delay = 0, n = 0;
	struct __ptrace_syscall_info info;
	int status, at = 2;
	char *end;
	pid_t pid;

	if (argc < 3)
		die("usage: kill-steps N [DELAY] COMMAND...");
	step = atol(argv[1]);
	delay = strtol(argv[2], &end, 10);
	if (!*end)
		at++;
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid)
		start(argv + at);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		die("%s does not start", argv[at]);
	if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD))
		die("PTRACE_SETOPTIONS: %s", strerror(errno));

	while (next_stop(pid, &status)) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
			die("PTRACE_GET_SYSCALL_INFO: %s", strerror(errno));
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == SYS_poll || info.entry.nr == SYS_read ||
		    info.entry.nr == SYS_sendfile)
			continue;
		n++;
		if (!step)
			printf("%ld %ld %s\n", n, (long)info.entry.nr,
			       name_of(info.entry.nr));
		if (n != step)
			continue;
		if (delay) {
			/* By then it is in that call, or beyond it. */
			ptrace(PTRACE_DETACH, pid, 0, 0);
			usleep(delay * 1000);
		}
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return 0;
	}
	return 3;
}

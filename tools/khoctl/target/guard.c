// SPDX-License-Identifier: GPL-2.0
/*
 * The guard of khoctl load: even if khoctl is killed, no kernel stays loaded unchecked.
 *
 * The guard is a process that waits for a pipe to be closed.  kexec inherits the other end
 * of the pipe, so that it is closed only when nothing can be loaded any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/message.h"
#include "base/sysinfo.h"
#include "device/loaded.h"
#include "device/record.h"
#include "target/guard.h"
#include "target/kexec.h"

/*
 * Only root can take this lock, so nobody else can keep root waiting.  Both khoctl and its
 * guard hold it: the guard of a khoctl that was killed must not unload what the next
 * khoctl loads.
 */
int load_lock(void)
{
	char *path = sys_path(LOAD_LOCK_FILE);
	int fd;

	/* Everybody who can load a kernel can create it.  Others fail later anyway. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	if (errno == EWOULDBLOCK)
		cmd_warn("waiting for another khoctl load");
	while (flock(fd, LOCK_EX) && errno == EINTR)
		;
	return fd;
}

static void __attribute__((noreturn)) watch(int fd, const char *program, bool file)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	ssize_t n;
	size_t i;
	char byte;

	/* Do not receive signals for khoctl's process group. */
	setsid();
	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		signal(sigs[i], SIG_IGN);
	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1 || sys_kexec_loaded() != 1)
		_exit(0);
	if (kexec_unload(program, file)) {
		cmd_warn("DO NOT run kexec -e: khoctl was killed, and what is loaded is not safe for the handover");
	} else {
		cmd_warn("khoctl was killed: the kernel has been unloaded again");
		image_forget();
	}
	_exit(1);
}

int guard_start(struct guard *guard, const char *program, bool file)
{
	int ends[2], err;

	/* Not close-on-exec: kexec has to inherit our end. */
	if (pipe2(ends, 0))
		return cmd_errno_err(errno, "cannot start a guard for %s", program);
	fflush(NULL);
	guard->pid = fork();
	if (guard->pid < 0) {
		err = errno;
		close(ends[0]);
		close(ends[1]);
		return cmd_errno_err(err, "cannot start a guard for %s", program);
	}
	if (!guard->pid) {
		close(ends[1]);
		fcntl(ends[0], F_SETFD, FD_CLOEXEC);
		watch(ends[0], program, file);
	}
	close(ends[0]);
	guard->fd = ends[1];
	return DONE;
}

void guard_end(struct guard *guard)
{
	/* If the guard is dead, SIGPIPE must not kill khoctl. */
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	ssize_t n;

	sigaction(SIGPIPE, &ignore, &before);
	do {
		n = write(guard->fd, "", 1);
	} while (n < 0 && errno == EINTR);
	sigaction(SIGPIPE, &before, NULL);
	close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

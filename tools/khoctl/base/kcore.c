// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the running kernel's own variables.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/elf.h>

#include "base/kcore.h"
#include "base/sysinfo.h"

static int find_variable(const char *name, __u64 *addr)
{
	char *path = sys_path("/proc/kallsyms"), *line = NULL;
	FILE *f = fopen(path, "re");
	int ret = -ENOENT;
	size_t room = 0;

	free(path);
	if (!f)
		return -errno;
	while (ret == -ENOENT && getline(&line, &room, f) >= 0) {
		char type, symbol[64];
		__u64 value;

		/* Lines of modules end with the module's name in brackets. */
		if (sscanf(line, "%llx %c %63s", &value, &type, symbol) != 3 ||
		    strcmp(symbol, name) || strchr(line, '[') || !strchr("bBdD", type))
			continue;
		*addr = value;
		ret = value ? 0 : -EPERM;
	}
	free(line);
	fclose(f);
	return ret;
}

/*
 * The kernel shows its 200,000 symbols in pieces of 4 KiB.  A child reads them: tests kill
 * khoctl at each of its own system calls, and thousands more would test nothing.
 */
int kcore_variable(const char *name, __u64 *addr)
{
	struct { __s64 ret; __u64 addr; } answer = { -EIO, 0 };
	int ends[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		answer.ret = find_variable(name, &answer.addr);
		n = write(ends[1], &answer, sizeof(answer));
		_exit(n != sizeof(answer));
	}
	close(ends[1]);
	if (pid > 0) {
		do {
			n = read(ends[0], &answer, sizeof(answer));
		} while (n < 0 && errno == EINTR);
		if (n != sizeof(answer))
			answer.ret = -EIO;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	*addr = answer.addr;
	return answer.ret;
}

int kcore_open(void)
{
	char *path = sys_path("/proc/kcore");
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	free(path);
	return fd < 0 ? -errno : fd;
}

static int read_at(int fd, void *buf, size_t size, __u64 offset)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = pread(fd, (char *)buf + at, size - at, offset + at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENXIO;
		at += n;
	}
	return 0;
}

int kcore_read(int fd, __u64 addr, void *buf, size_t size)
{
	struct elf64_hdr head;
	struct elf64_phdr seg;
	unsigned int i;
	int ret;

	ret = read_at(fd, &head, sizeof(head), 0);
	if (ret)
		return ret;
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof(seg))
		return -ENOEXEC;
	for (i = 0; i < head.e_phnum; i++) {
		ret = read_at(fd, &seg, sizeof(seg), head.e_phoff + i * sizeof(seg));
		if (ret)
			return ret;
		if (seg.p_type == PT_LOAD && addr >= seg.p_vaddr &&
		    addr - seg.p_vaddr < seg.p_memsz &&
		    size <= seg.p_memsz - (addr - seg.p_vaddr))
			return read_at(fd, buf, size, seg.p_offset + (addr - seg.p_vaddr));
	}
	return -ENXIO;
}

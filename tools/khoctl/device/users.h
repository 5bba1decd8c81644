/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who uses the device and objects.
 */
#ifndef KHOCTL_USERS_H
#define KHOCTL_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct user {
	pid_t pid;
	char comm[64];
	/** @what: the first file of ours that it has, "/dev/kho" or "kho:NAME". */
	char *what;
	/** @mapped: it has that mapped; otherwise open. */
	bool mapped;
};

/* Finds them in /proc, except for khoctl itself.  Return: how many */
size_t users_find(struct user **users);
void users_free(struct user *users, size_t nr);
/* Prints "agent (pid 123) has /dev/kho open" for each of them, after @indent. */
void users_print(const struct user *users, size_t nr, const char *indent);

#endif /* KHOCTL_USERS_H */

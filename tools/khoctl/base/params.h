/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel's command line, taken apart as the kernel does it.
 */
#ifndef KHOCTL_PARAMS_H
#define KHOCTL_PARAMS_H

#include <stdbool.h>

#include <linux/types.h>

/**
 * struct param - one word of a command line
 */
struct param {
	/** @name: what comes before the first '=', or the whole word. */
	char *name;
	/** @value: what comes after it, without quotes, or NULL. */
	char *value;
};

/*
 * Takes the next word off @*line, which it changes, as next_arg() of the kernel does.
 * Return: false at the end, which the word "--" is too: what follows is for process 1
 */
bool param_next(char **line, struct param *p);
/* True if @p has this name; '-' and '_' are the same. */
bool param_is(const struct param *p, const char *name);
/* The kernel's simple_strtoull(): nothing is skipped, and what overflows wraps. */
__u64 param_number(const char *s, const char **end);
/* The kernel's memparse(): a number with one of the units K, M, G, T, P and E */
__u64 param_size(const char *s, const char **end);
/* The kernel's sscanf("%lu%n"): decimal, after white space.  Return: false if there is none */
bool param_decimal(const char *s, const char **end, __u64 *n);
/* The kernel's kstrtobool().  Return: 1, 0, or -1 if it is neither */
int param_bool(const char *s);

#endif /* KHOCTL_PARAMS_H */

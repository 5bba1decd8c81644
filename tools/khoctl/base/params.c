// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel's command line, taken apart as the kernel does it: parse_args() and next_arg(),
 * memparse() and the like.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/params.h"

/* The kernel's isspace() knows Latin-1's no-break space, and no locale. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (unsigned char)c == 0xa0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool param_next(char **line, struct param *p)
{
	bool in_quote = false, quoted = false;
	size_t i, equals = 0;
	char *args = *line;

	while (is_space(*args))
		args++;
	*line = args;
	if (!*args)
		return false;
	if (*args == '"') {
		args++;
		in_quote = true;
		quoted = true;
	}
	for (i = 0; args[i] && (in_quote || !is_space(args[i])); i++) {
		/* A word that begins with '=' has no value. */
		if (!equals && args[i] == '=')
			equals = i;
		if (args[i] == '"')
			in_quote = !in_quote;
	}
	*line = args + i + (args[i] ? 1 : 0);
	args[i] = '\0';
	p->name = args;
	p->value = NULL;
	if (equals) {
		args[equals] = '\0';
		p->value = args + equals + 1;
		if (*p->value == '"') {
			p->value++;
			if (args[i - 1] == '"')
				args[i - 1] = '\0';
		}
	}
	if (quoted && i && args[i - 1] == '"')
		args[i - 1] = '\0';
	return p->value || strcmp(p->name, "--");
}

static char underscore(char c)
{
	return c == '-' ? '_' : c;
}

bool param_is(const struct param *p, const char *name)
{
	size_t i;

	for (i = 0; underscore(p->name[i]) == underscore(name[i]); i++)
		if (!name[i])
			return true;
	return false;
}

__u64 param_number(const char *s, const char **end)
{
	unsigned int base = 10, digit;
	__u64 n = 0;

	if (*s == '0') {
		base = 8;
		if ((s[1] | 0x20) == 'x' && isxdigit((unsigned char)s[2])) {
			base = 16;
			s += 2;
		}
	}
	for (;; s++) {
		char c = *s | 0x20;

		if (is_digit(*s))
			digit = *s - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else
			break;
		if (digit >= base)
			break;
		n = n * base + digit;
	}
	if (end)
		*end = s;
	return n;
}

__u64 param_size(const char *s, const char **end)
{
	static const char units[] = "kmgtpe";
	const char *rest, *unit;
	__u64 n = param_number(s, &rest);

	unit = *rest ? strchr(units, *rest | 0x20) : NULL;
	if (unit && isalpha((unsigned char)*rest)) {
		n <<= 10 * (unit - units + 1);
		rest++;
	}
	if (end)
		*end = rest;
	return n;
}

bool param_decimal(const char *s, const char **end, __u64 *n)
{
	*n = 0;
	while (is_space(*s))
		s++;
	if (!is_digit(*s))
		return false;
	/* What overflows is as good as the largest number. */
	for (; is_digit(*s); s++)
		*n = *n > (UINT64_MAX - 9) / 10 ? UINT64_MAX : *n * 10 + *s - '0';
	*end = s;
	return true;
}

int param_bool(const char *s)
{
	if (!s || !*s)
		return -1;
	if (strchr("yYtT1", *s))
		return 1;
	if (strchr("nNfF0", *s))
		return 0;
	if (*s == 'o' || *s == 'O') {
		if (s[1] == 'n' || s[1] == 'N')
			return 1;
		if (s[1] == 'f' || s[1] == 'F')
			return 0;
	}
	return -1;
}

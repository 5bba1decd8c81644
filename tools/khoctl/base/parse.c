// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing numbers and names.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kho.h>

#include "base/parse.h"

int parse_u64(const char *s, __u64 *value)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *digits = hex ? s + 2 : s;
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	/* strtoull() would also accept signs, spaces and octal numbers. */
	if (!n || digits[n])
		return -EINVAL;
	errno = 0;
	*value = strtoull(digits, NULL, hex ? 16 : 10);
	return errno ? -errno : 0;
}

int parse_size(const char *s, __u64 *bytes)
{
	static const char units[] = "KMGT";
	size_t n = strspn(s, "0123456789");
	int ret = parse_u64(s, bytes);
	char digits[24];
	const char *unit;

	if (ret != -EINVAL || !s[n])
		return ret;
	unit = strchr(units, s[n]);
	if (!unit || (s[n + 1] && strcmp(s + n + 1, "iB")))
		return -EINVAL;
	if (n >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, s, n);
	digits[n] = '\0';
	ret = parse_u64(digits, bytes);
	if (ret)
		return ret;
	return __builtin_mul_overflow(*bytes, 1ULL << 10 * (unit - units + 1),
				      bytes) ? -ERANGE : 0;
}

const char *bad_name(const char *name)
{
	const unsigned char *p;

	if (!*name)
		return "the name is empty";
	if (strlen(name) >= KHO_NAME_SIZE)
		return "the name has more than 63 bytes";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "the name is \".\" or \"..\"";
	for (p = (const unsigned char *)name; *p; p++) {
		if (*p == '/')
			return "the name has a '/' in it";
		if (*p < 0x20 || *p == 0x7f)
			return "the name has a control character in it";
	}
	return NULL;
}

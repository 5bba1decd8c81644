// SPDX-License-Identifier: GPL-2.0
/*
 * Formatting for people.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/defs.h"
#include "base/text.h"

/* Several buffers, so that one printf() can use several results */
static char *turn_buffer(void)
{
	static char bufs[16][48];
	static unsigned int turn;

	return bufs[turn++ % ARRAY_SIZE(bufs)];
}

const char *size_str(__u64 bytes)
{
	static const char * const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	char *buf = turn_buffer();
	unsigned int unit = 0;
	__u64 whole = bytes, tenths = 0;

	while (whole >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		/* Cut tenths rather than round them: 1023.99 KiB is not 1024 KiB. */
		tenths = whole % 1024 * 10 / 1024;
		whole /= 1024;
		unit++;
	}
	if (tenths)
		snprintf(buf, 48, "%llu.%llu %s", whole, tenths,
			 units[unit]);
	else
		snprintf(buf, 48, "%llu %s", whole, units[unit]);
	return buf;
}

const char *count_str(__u64 n, const char *thing)
{
	char *buf = turn_buffer();

	snprintf(buf, 48, "%llu %s%s", n, thing, n == 1 ? "" : "s");
	return buf;
}

const char *time_str(__u64 seconds)
{
	char *buf = turn_buffer();
	time_t t = seconds;
	struct tm tm;

	if (seconds > INT64_MAX || !localtime_r(&t, &tm) ||
	    !strftime(buf, 48, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, 48, "@%llu", seconds);
	return buf;
}

/* Length of the UTF-8 character at @s, or 0 if a terminal cannot show it */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	__u32 code;
	size_t n, i;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		code = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		code = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		code = s[0] & 0x07;
	} else {
		return 0;
	}
	if (n > len)
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < 0xa0 || (n == 3 && code < 0x800) ||
	    (n == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code <= 0xdfff) ||
	    (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069))
		return 0;
	return n;
}

char *printable(const void *name, size_t len)
{
	const unsigned char *s = name;
	char *out, *p;
	size_t i, n;

	len = strnlen(name, len);
	out = xmalloc(4 * len + 1);
	p = out;
	for (i = 0; i < len; i += n) {
		n = utf8_len(s + i, len - i);
		if (n) {
			memcpy(p, s + i, n);
			p += n;
		} else {
			p += sprintf(p, "\\x%02x", s[i]);
			n = 1;
		}
	}
	*p = '\0';
	return out;
}
